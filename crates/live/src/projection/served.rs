//! `Served`: the state of a partition in memory, which its worker changes and others read.

use crate::{Error, ErrorKind};
use std::sync::Arc;
use strandline_core::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A state that one worker changes and any number of readers look at.
#[derive(Debug)]
pub(super) struct Served<S>(Arc<RwLock<Shown<S>>>);

/// What is there to be read.
#[derive(Debug, Default)]
pub(super) struct Shown<S> {
    pub(super) state: S,
    pub(super) mode: Mode,
}

/// Whether the state may be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// It has every event up to a place.
    #[default]
    Served,
    /// It is being made anew, and an earlier one is served elsewhere.
    Rebuilding,
    /// The worker has stopped, for this reason; an event may be in the state in part.
    Faulted(String),
}

impl<S> Clone for Served<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> Served<S> {
    pub(super) fn new(state: S, mode: Mode) -> Self {
        Self(Arc::new(RwLock::new(Shown { state, mode })))
    }

    /// The state, for the worker; nobody reads meanwhile.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Shown<S>> {
        self.0.write()
    }

    /// The state as it is, whether it may be read or not.
    pub(super) fn peek(&self) -> RwLockReadGuard<'_, Shown<S>> {
        self.0.read()
    }

    /// What a reader makes of the state. The worker waits meanwhile, as it is said where the reader is given.
    ///
    /// # Errors
    ///
    /// `Rebuilding`, `Faulted`.
    pub(super) fn read<T>(&self, read: impl FnOnce(&S) -> T) -> Result<T, Error> {
        let shown = self.0.read();
        match &shown.mode {
            Mode::Served => Ok(read(&shown.state)),
            Mode::Rebuilding => Err(rebuilding()),
            Mode::Faulted(error) => {
                let message = format!("the projection has stopped: {error}");
                Err(Error::new(ErrorKind::Faulted, message))
            }
        }
    }
}

pub(super) fn rebuilding() -> Error {
    let message = "the projection is being made anew, and has not caught up yet";
    Error::new(ErrorKind::Rebuilding, message)
}
