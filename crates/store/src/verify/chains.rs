//! The chains of entities, as far as the log was read. Checks none.

use std::collections::HashMap;
use strandline_core::Hash;

/// Where a chain stands.
pub(super) struct Chain {
    pub(super) hash: Hash,
    pub(super) clock: u32,
    /// Whether one of its events is there.
    pub(super) has_event: bool,
}

/// The place of an entity's chain among all.
pub(super) fn chain_of(
    by_entity: &mut HashMap<Box<str>, usize>,
    chains: &mut Vec<Option<Chain>>,
    entity: &str,
) -> usize {
    if let Some(known) = by_entity.get(entity) {
        return *known;
    }
    by_entity.insert(entity.into(), chains.len());
    chains.push(None);
    chains.len() - 1
}
