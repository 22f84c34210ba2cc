//! `Held`: a state and where it ends.

use crate::Loaded;
use std::sync::Arc;
use strandline::{Hash, SealKeyId};

/// A state, and where in the stream of its entity it ends.
#[derive(Debug)]
pub(crate) struct Held<A> {
    pub(crate) state: Arc<A>,
    /// Its newest event; none if there is none.
    pub(crate) head: Option<Head>,
    /// How many events the saved state has that it goes on from, or that was saved of it.
    pub(crate) saved: u64,
    /// The key that the newest of its sealed events has, as far as they were read: with it the state is to go.
    pub(crate) key: Option<SealKeyId>,
}

/// The newest event of a state. Its hash is that of the whole stream up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) clock: u32,
    pub(crate) hash: Hash,
}

impl<A> Held<A> {
    pub(crate) fn version(&self) -> Option<u32> {
        self.head.map(|head| head.clock)
    }

    /// How many events it has, those that are gone included.
    pub(crate) fn events(&self) -> u64 {
        self.version().map_or(0, |clock| u64::from(clock) + 1)
    }

    pub(crate) fn into_loaded(self) -> Loaded<A> {
        Loaded {
            version: self.version(),
            state: self.state,
        }
    }
}

impl<A> Clone for Held<A> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            head: self.head,
            saved: self.saved,
            key: self.key,
        }
    }
}
