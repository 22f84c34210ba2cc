//! `Loss`: something that could not be saved.

use crate::{EventId, Sequence};

/// Something that could not be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// File.
    pub file: String,
    /// Offset in it, in bytes, where one can be named.
    pub offset: Option<u64>,
    /// How many bytes, where that is known.
    pub bytes: Option<u64>,
    /// The event, or the first of several, where it is known.
    pub sequence: Option<Sequence>,
    /// How many events, as far as the file tells; 0 where it does not.
    pub events: u64,
    /// Id of the event, where it is known.
    pub id: Option<EventId>,
    /// What is wrong.
    pub reason: String,
    /// Whether nothing is wrong but that the event's payload was redacted.
    pub is_redacted: bool,
}

impl Loss {
    /// Something of a file, of which no event is known.
    pub(super) fn of(file: &str, offset: Option<u64>, bytes: Option<u64>, reason: String) -> Self {
        Self {
            file: file.to_owned(),
            offset,
            bytes,
            sequence: None,
            events: 0,
            id: None,
            reason,
            is_redacted: false,
        }
    }
}
