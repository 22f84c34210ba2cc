//! Where the events of an aggregate are: the entity and the scope that its type and id become.

use super::error::unknown;
use cqrs_es::persist::PersistenceError;
use strandline::Coordinate;

/// Ends the type in the name of an entity.
const END: char = ':';

/// The entity whose stream has the events of an aggregate: its type, a colon, and its id. In the type a colon is
/// written as `%3A` and a percent sign as `%25`, so two aggregates never have one entity, whatever they are
/// called.
///
/// Their scope is the type as it is. Entity and scope have at most 255 bytes each, and no control characters.
///
/// ```
/// use strandline_cqrs_es::entity_of;
///
/// assert_eq!(entity_of("account", "ACCT-7"), "account:ACCT-7");
/// assert_ne!(entity_of("a:b", "c"), entity_of("a", "b:c"));
/// ```
#[must_use]
pub fn entity_of(aggregate_type: &str, aggregate_id: &str) -> String {
    let mut entity = String::with_capacity(aggregate_type.len() + 1 + aggregate_id.len());
    for character in aggregate_type.chars() {
        match character {
            '%' => entity.push_str("%25"),
            END => entity.push_str("%3A"),
            other => entity.push(other),
        }
    }
    entity.push(END);
    entity.push_str(aggregate_id);
    entity
}

/// Entity and scope of an aggregate.
///
/// # Errors
///
/// `UnknownError` if a name is too long, or has a control character.
pub(crate) fn coordinate(
    aggregate_type: &str,
    aggregate_id: &str,
) -> Result<Coordinate, PersistenceError> {
    let entity = entity_of(aggregate_type, aggregate_id);
    Coordinate::new(entity, aggregate_type).map_err(unknown)
}

/// The id of an aggregate of this type, if the entity is one's.
pub(super) fn id_of<'a>(entity: &'a str, aggregate_type: &str) -> Option<&'a str> {
    entity.strip_prefix(&entity_of(aggregate_type, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_two_aggregates_have_one_entity(
            one in ("[a%:5]{0,4}", "[a%:5]{0,4}"),
            other in ("[a%:5]{0,4}", "[a%:5]{0,4}"),
        ) {
            let entity = entity_of(&one.0, &one.1);
            prop_assert_eq!(id_of(&entity, &one.0), Some(&*one.1));
            prop_assert_eq!(entity == entity_of(&other.0, &other.1), one == other);
            if one.0 != other.0 {
                prop_assert_eq!(id_of(&entity, &other.0), None);
            }
        }
    }

    #[test]
    fn a_name_that_a_store_does_not_take_is_refused() {
        assert!(coordinate("account", "").is_ok());
        for (aggregate_type, id) in [
            ("", "7".to_owned()),
            ("account", "a\n".to_owned()),
            ("account", "x".repeat(248)),
        ] {
            let refused = coordinate(aggregate_type, &id);
            assert!(matches!(refused, Err(PersistenceError::UnknownError(_))));
        }
    }
}
