//! `Coordinate`: where an event belongs, as an entity and a scope.
//!
//! Holds nothing of how names are stored or interned.

use super::name::{NameError, check_name};
use std::fmt;
use std::sync::Arc;

/// Where an event belongs: the *entity* owns the stream and its hash chain, the *scope* groups.
///
/// Both are stored as they are, in the log, in indexes and in every copy, and outlive a redaction, an encryption of
/// payloads and a compaction's record of it: take a number or a hash with a secret, and no name, mail address or
/// account of a person. An entity may be written under several scopes. Cloning is one reference count: both names share
/// one allocation.
///
/// ```
/// # use strandline_core::Coordinate;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// assert_eq!(order.entity(), "order:1042");
/// assert_eq!(order.scope(), "eu/payments");
/// assert!(Coordinate::new("", "eu/payments").is_err());
/// # Ok::<(), strandline_core::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Coordinate {
    // Entity and scope, one after the other. `entity_bytes` comes second in the derived order and
    // equality, which is still a total order, and tells apart equal texts split elsewhere.
    names: Arc<str>,
    entity_bytes: u8,
}

impl Coordinate {
    /// Makes a coordinate from its two names.
    ///
    /// # Errors
    ///
    /// [`NameError`] if either name is empty, longer than 255 bytes, or has a control character.
    pub fn new(entity: impl AsRef<str>, scope: impl AsRef<str>) -> Result<Self, NameError> {
        let (entity, scope) = (entity.as_ref(), scope.as_ref());
        check_name("entity", entity)?;
        check_name("scope", scope)?;
        let entity_bytes = u8::try_from(entity.len()).map_err(|_| NameError::TooLong {
            part: "entity",
            bytes: entity.len(),
        })?;
        let mut names = String::with_capacity(entity.len() + scope.len());
        names.push_str(entity);
        names.push_str(scope);
        Ok(Self {
            names: names.into(),
            entity_bytes,
        })
    }

    /// The entity: the stream that the event is part of.
    #[must_use]
    pub fn entity(&self) -> &str {
        self.names.split_at(usize::from(self.entity_bytes)).0
    }

    /// The scope: the group that the event is filed under.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.names.split_at(usize::from(self.entity_bytes)).1
    }
}

impl fmt::Debug for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinate")
            .field("entity", &self.entity())
            .field("scope", &self.scope())
            .finish()
    }
}

impl fmt::Display for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.entity(), self.scope())
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::Coordinate;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename = "Coordinate", deny_unknown_fields)]
    struct Names<S> {
        entity: S,
        scope: S,
    }

    impl Serialize for Coordinate {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            Names {
                entity: self.entity(),
                scope: self.scope(),
            }
            .serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Coordinate {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let names = Names::<String>::deserialize(deserializer)?;
            Self::new(names.entity, names.scope).map_err(serde::de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::NAME_BYTES_MAX;
    use super::*;

    #[test]
    fn names_are_kept_apart() {
        let left = Coordinate::new("ab", "c").unwrap();
        let right = Coordinate::new("a", "bc").unwrap();
        assert_ne!(left, right);
        assert_eq!((left.entity(), left.scope()), ("ab", "c"));
        assert_eq!((right.entity(), right.scope()), ("a", "bc"));
    }

    #[test]
    fn refuses_names_that_break_a_rule() {
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert_eq!(
            Coordinate::new("", "s"),
            Err(NameError::Empty { part: "entity" })
        );
        assert_eq!(
            Coordinate::new("e", &long),
            Err(NameError::TooLong {
                part: "scope",
                bytes: 256
            })
        );
        assert_eq!(
            Coordinate::new("e\u{7f}", "s"),
            Err(NameError::ControlCharacter {
                part: "entity",
                offset: 1,
                character: '\u{7f}'
            })
        );
        assert!(Coordinate::new("é".repeat(127), "s").is_ok());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_checks_names() {
        let order = Coordinate::new("order:1", "eu").unwrap();
        let json = serde_json::to_string(&order).unwrap();
        assert_eq!(json, r#"{"entity":"order:1","scope":"eu"}"#);
        assert_eq!(serde_json::from_str::<Coordinate>(&json).unwrap(), order);
        assert!(serde_json::from_str::<Coordinate>(r#"{"entity":"","scope":"eu"}"#).is_err());
    }
}
