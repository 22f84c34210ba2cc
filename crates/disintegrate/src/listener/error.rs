//! `ListenerError`: why a listener ended.

use crate::{Error, Position};

/// Why a listener ended, and where it will go on.
#[derive(Debug, thiserror::Error)]
#[error("listener {listener_id:?} ended after event {last_processed}: {kind}")]
pub struct ListenerError {
    /// The [`id`](disintegrate::EventListener::id) of the listener.
    pub listener_id: &'static str,
    /// The last event that it has handled in this run; 0 if none.
    pub last_processed: Position,
    /// What happened.
    #[source]
    pub kind: ListenerErrorKind,
}

/// What ended a listener.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerErrorKind {
    /// Its handler failed, and was not to be tried again.
    #[error("its handler failed at event {position} after {attempts} tries: {message}")]
    Handler {
        /// Of the event.
        position: Position,
        /// How often it was tried.
        attempts: usize,
        /// What the handler said.
        message: String,
    },
    /// The store, an event that cannot be decoded, or the position.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Why a listener handles no more.
#[derive(Debug)]
pub(super) enum Ended {
    /// It is to stop, and nothing failed.
    Stopped,
    /// Somebody else took the position over.
    TakenOver,
    /// For good.
    Failed(ListenerErrorKind),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error {
            Error::Live(error) if error.kind() == strandline_live::ErrorKind::Fenced => {
                Self::TakenOver
            }
            error => Self::Failed(ListenerErrorKind::Store(error)),
        }
    }
}

impl From<strandline::Error> for Ended {
    fn from(error: strandline::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<strandline_live::Error> for Ended {
    fn from(error: strandline_live::Error) -> Self {
        Error::from(error).into()
    }
}
