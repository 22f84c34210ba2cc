//! `Closed`: why a store does not open, and what to do about it.

use serde::Serialize;
use strandline::{Error, ErrorKind};

/// Why a store does not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Closed {
    /// What was found.
    pub(crate) reason: String,
    /// What to do next.
    pub(crate) next: &'static str,
}

impl From<&Error> for Closed {
    fn from(error: &Error) -> Self {
        Self {
            reason: error.to_string(),
            next: match error.kind() {
                ErrorKind::NotFound => {
                    "check the path: a store is a directory with a MANIFEST in it"
                }
                ErrorKind::Corrupt => {
                    "verify it here or with `strandline verify`, which says what is damaged and how much is good; \
                     restore a backup, or save what is left into a new store with `strandline salvage`"
                }
                ErrorKind::LogBehindCheckpoint => {
                    "what was durable is missing, verification says which events: restore the files or a backup, or \
                     save what is left into a new store with `strandline salvage`; delete nothing"
                }
                ErrorKind::UnsupportedVersion => "use the version of strandline that wrote it",
                _ => "mend what the message says; this page looks again by itself",
            },
        }
    }
}
