//! `KeyRecord`: what is known of a key beside its secret.

use crate::subject::{Per, Subject};
use strandline::SealKeyId;

/// What is known of a key beside its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRecord {
    /// Its id.
    pub id: SealKeyId,
    /// Which part of a coordinate it is of.
    pub per: Per,
    /// The name of the entity or scope.
    pub name: Box<str>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it was forgotten, if it was.
    pub forgotten_ms: Option<u64>,
}

impl KeyRecord {
    /// The record of a key that is made now.
    pub(crate) fn new(id: SealKeyId, subject: Subject<'_>, created_ms: u64) -> Self {
        Self {
            id,
            per: subject.per(),
            name: subject.name().into(),
            created_ms,
            forgotten_ms: None,
        }
    }

    /// Whom it is about.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        Subject::new(self.per, &self.name)
    }
}
