//! `Held`: a state and where it ends.

use crate::Loaded;
use std::sync::Arc;
use strandline::Hash;

/// A state, and where in the stream it ends.
#[derive(Debug)]
pub(super) struct Held<A> {
    pub(super) state: Arc<A>,
    /// Its newest event; none if there is none.
    pub(super) head: Option<Head>,
}

/// The newest event of a state. Its hash is that of the whole stream up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) clock: u32,
    pub(super) hash: Hash,
}

impl<A> Held<A> {
    pub(super) fn version(&self) -> Option<u32> {
        self.head.map(|head| head.clock)
    }

    pub(super) fn into_loaded(self) -> Loaded<A> {
        Loaded {
            version: self.version(),
            state: self.state,
        }
    }
}
