//! `Poison`: why writing stopped, or a wait ended, and what that means for whoever asks to write or waits.

use crate::{Error, ErrorKind};
use std::sync::Arc;
use strandline_core::EventId;

/// Why writing stopped for good, or what was waited for does not come.
#[derive(Debug, Clone)]
pub(crate) struct Poison {
    pub(crate) reason: Arc<str>,
    pub(crate) cause: Cause,
}

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Something has failed.
    Failure,
    /// The store is not held by this process any more.
    LockLost,
    /// Somebody else has taken over what the store was replicated to.
    Fenced,
    /// Nothing has stopped, but there is no replication that would bring what was waited for.
    NotReplicated,
}

impl Poison {
    fn of(cause: Cause, reason: &str) -> Self {
        let reason = reason.into();
        Self { reason, cause }
    }

    pub(crate) fn new(reason: &str) -> Self {
        Self::of(Cause::Failure, reason)
    }

    pub(crate) fn lock_lost(reason: &str) -> Self {
        Self::of(Cause::LockLost, reason)
    }

    pub(crate) fn fenced(reason: &str) -> Self {
        Self::of(Cause::Fenced, reason)
    }

    pub(super) fn not_replicated(reason: &str) -> Self {
        Self::of(Cause::NotReplicated, reason)
    }

    /// The error of an append that was written, and waited for in vain.
    pub(crate) fn unknown_of(self, ids: impl IntoIterator<Item = EventId>) -> Error {
        let advice = match self.cause {
            Cause::NotReplicated => {
                "the events are on this disk; look for their ids before they are appended again"
            }
            Cause::Fenced => "look for the event ids where the store was taken over",
            Cause::Failure | Cause::LockLost => "reopen the store and look for the event ids",
        };
        Error::new(ErrorKind::Unknown, format!("{}; {advice}", self.reason)).with_ids(ids)
    }
}

impl From<Poison> for Error {
    fn from(poison: Poison) -> Self {
        let reason = poison.reason;
        match poison.cause {
            Cause::LockLost => Self::new(ErrorKind::LockLost, &*reason),
            Cause::NotReplicated => Self::new(ErrorKind::NotReplicated, &*reason),
            Cause::Fenced => Self::new(
                ErrorKind::Fenced,
                format!("writing has stopped, as another has taken over: {reason}"),
            ),
            Cause::Failure => Self::new(
                ErrorKind::Poisoned,
                format!("writing has stopped: {reason}; reopen the store"),
            ),
        }
    }
}

/// The error of a sync that failed while somebody waited for it.
pub(crate) fn fate_unknown(poison: Poison) -> Error {
    if poison.cause == Cause::NotReplicated {
        return poison.into();
    }
    let message = "what was written may or may not be durable, reopen to see";
    Error::new(ErrorKind::Unknown, format!("{}; {message}", poison.reason))
}
