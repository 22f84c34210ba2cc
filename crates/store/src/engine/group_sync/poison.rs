//! `Poison`: why writing stopped, and what that means for whoever asks to write or waits.

use crate::{Error, ErrorKind};
use std::sync::Arc;

/// Why writing stopped for good.
#[derive(Debug, Clone)]
pub(crate) struct Poison {
    pub(crate) reason: Arc<str>,
    /// Whether it stopped because the store is not held by this process any more.
    pub(crate) is_lock_lost: bool,
}

impl Poison {
    pub(crate) fn new(reason: &str) -> Self {
        Self {
            reason: reason.into(),
            is_lock_lost: false,
        }
    }

    pub(crate) fn lock_lost(reason: &str) -> Self {
        Self {
            is_lock_lost: true,
            ..Self::new(reason)
        }
    }
}

impl From<Poison> for Error {
    fn from(poison: Poison) -> Self {
        let reason = poison.reason;
        match poison.is_lock_lost {
            true => Self::new(ErrorKind::LockLost, &*reason),
            false => Self::new(
                ErrorKind::Poisoned,
                format!("writing has stopped: {reason}; reopen the store"),
            ),
        }
    }
}

/// The error of a sync that failed while somebody waited for it.
#[expect(clippy::needless_pass_by_value, reason = "it is what a wait ends with")]
pub(crate) fn fate_unknown(poison: Poison) -> Error {
    let message = "what was written may or may not be durable, reopen to see";
    Error::new(ErrorKind::Unknown, format!("{}; {message}", poison.reason))
}
