//! `Over`: why a wait ends though what it is for has not come.

use crate::{Error, ErrorKind};
use std::sync::Arc;

/// Why nobody is to wait any longer. Many are told the same.
#[derive(Debug, Clone)]
pub(crate) struct Over {
    kind: ErrorKind,
    message: Arc<str>,
}

impl Over {
    /// The store is closed.
    pub(crate) fn closed() -> Self {
        Self {
            kind: ErrorKind::Closed,
            message: "the store was closed, and nothing more comes through it".into(),
        }
    }

    /// Whether it is that.
    pub(super) fn is_closed(&self) -> bool {
        self.kind == ErrorKind::Closed
    }

    /// There is no replication, and there has been none.
    pub(super) fn not_replicated() -> Self {
        Self {
            kind: ErrorKind::NotReplicated,
            message: "there is no replication of this store (Store::replication)".into(),
        }
    }

    /// Whether what is waited for may come yet.
    pub(super) fn may_pass(&self) -> bool {
        self.kind == ErrorKind::NotReplicated
    }

    /// What was to look for events has panicked.
    pub(crate) fn panicked() -> Self {
        Self {
            kind: ErrorKind::Io,
            message: "the thread that looks for events panicked".into(),
        }
    }

    /// This is a fork of the process that is told.
    pub(super) fn fork() -> Self {
        Self {
            kind: ErrorKind::LockLost,
            message: "this process is a fork of the one that opened the store, which alone is told"
                .into(),
        }
    }
}

impl From<&Error> for Over {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string().into(),
        }
    }
}

impl From<Over> for Error {
    fn from(over: Over) -> Self {
        Self::new(over.kind, &*over.message)
    }
}
