//! `Room`: how many batches of a subscriber may wait, and telling the hub when there is room again.

use super::bell::Bell;
use std::sync::{Arc, OnceLock};
use strandline_core::sync::atomic::{AtomicU32, Ordering};

/// Room for the batches of one subscriber. The hub alone takes places; whoever has a batch leaves them.
///
/// One word, so that who takes the last place and who leaves one agree on which came first. It orders nothing
/// else: what is done about it is ordered by the bell, and batches by their channel.
#[derive(Debug)]
pub(super) struct Room {
    /// [`ONE`] for each place that is taken, and [`WANTED`].
    state: AtomicU32,
    capacity: u32,
    bell: Arc<Bell>,
}

/// The hub found no place, and is to be told.
const WANTED: u32 = 1;
const ONE: u32 = 2;

impl Room {
    pub(super) fn new(capacity: u32, bell: Arc<Bell>) -> Self {
        Self {
            state: AtomicU32::default(),
            capacity,
            bell,
        }
    }

    /// A place. None if all are taken: then the bell rings once half of them are free.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        self.change(|state| match state / ONE < self.capacity {
            true => Some((state & !WANTED) + ONE),
            false => None,
        })
        .then(|| Place {
            room: self.clone(),
            left: OnceLock::new(),
        })
    }

    /// Whether half of the places are free, where there were none. If not, the bell rings once they are.
    pub(super) fn is_open(&self) -> bool {
        self.change(|state| self.has_half(state).then_some(state & !WANTED))
    }

    /// Makes a change, or notes that the hub is to be told.
    fn change(&self, change: impl Fn(u32) -> Option<u32>) -> bool {
        let mut is_made = false;
        let _ = self
            .state
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
                let changed = change(state);
                is_made = changed.is_some();
                Some(changed.unwrap_or(state | WANTED))
            });
        is_made
    }

    /// Not as soon as there is one: the hub would come for each batch.
    const fn has_half(&self, state: u32) -> bool {
        state / ONE <= self.capacity / 2
    }

    fn leave(&self) {
        let before = self.state.fetch_sub(ONE, Ordering::Relaxed);
        if before & WANTED != 0 && self.has_half(before - ONE) {
            self.bell.ring();
        }
    }
}

/// A place of a batch that waits. Left once, when the batch is looked at or dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    /// Of the standard library: the batch comes to another thread by a channel that a model knows nothing of.
    left: OnceLock<()>,
}

impl Place {
    pub(super) fn leave(&self) {
        if self.left.get().is_none() && self.left.set(()).is_ok() {
            self.room.leave();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}
