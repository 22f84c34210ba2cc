//! `KindConflict`: why a kind was not given a name.

use std::fmt;
use strandline_core::EventKind;

/// A kind and a name that do not belong together in the store:
/// [`Error::kind_conflict`](crate::Error::kind_conflict).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindConflict {
    /// The kind that was given.
    pub kind: EventKind,
    /// The name that it was given.
    pub name: String,
    /// The name that the kind has, if it is another.
    pub kind_is: Option<String>,
    /// The kind that has the name, if it is another.
    pub name_is_of: Option<EventKind>,
}

impl fmt::Display for KindConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, .. } = self;
        write!(f, "kind {kind} cannot be named {name:?}")?;
        if let Some(own) = &self.kind_is {
            write!(f, ", as it is named {own:?}")?;
        }
        if let Some(other) = self.name_is_of {
            let and = if self.kind_is.is_some() { " and" } else { "," };
            write!(f, "{and} {name:?} is the name of kind {other}")?;
        }
        Ok(())
    }
}
