//! Domain identifiers as tags.

use disintegrate::{DomainIdSet, Event, Identifier, IdentifierValue};

/// A domain identifier as a tag: `account_id:42`.
pub(crate) fn tag(ident: &Identifier, value: &IdentifierValue) -> String {
    format!("{ident}:{value}")
}

/// The tags of some domain identifiers, in the order of their names.
pub(crate) fn tags(ids: &DomainIdSet) -> impl Iterator<Item = String> + '_ {
    ids.iter().map(|(ident, value)| tag(ident, value))
}

/// The entity of an event that nobody chose one for: its first identifier as it was declared, or its name.
pub(crate) fn entity<E: Event>(event: &E) -> String {
    let ids = event.domain_ids();
    let declared = E::SCHEMA.event_info(event.name());
    let declared = declared.and_then(|info| info.domain_ids.first());
    let first = declared.and_then(|ident| Some((*ident, ids.get(*ident)?)));
    match first.or_else(|| ids.iter().next()) {
        Some((ident, value)) => tag(ident, value),
        None => event.name().to_owned(),
    }
}
