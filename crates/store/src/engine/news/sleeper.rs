//! `Sleeper`: a thread that waits, and that wakes others once it is awake.
//!
//! To wake a thread is a call to the system. Whoever publishes makes one, however many wait; they do the
//! rest among themselves.

use crate::engine::parker::Parker;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::Mutex;

/// A thread that waits. Whoever takes it out from among those who wait has it woken.
#[derive(Debug, Default)]
pub(super) struct Sleeper {
    parker: Parker,
    /// Whom it wakes, as it was told before it was woken.
    others: Mutex<Vec<Arc<Sleeper>>>,
}

impl Sleeper {
    /// Sleeps until it is woken, or for that time. Whether it was woken: then it wakes others.
    pub(super) fn sleep(&self, time: Duration) -> bool {
        let is_woken = self.parker.park_for(time);
        if is_woken {
            self.wake_others();
        }
        is_woken
    }

    /// Returns once it is woken, which is certain, and has woken others.
    pub(super) fn finish(&self) {
        self.parker.park();
        self.wake_others();
    }

    fn wake_others(&self) {
        let mut others = std::mem::take(&mut *self.others.lock());
        // Each wakes half of those who are left, so that many are awake after a few rounds.
        while let Some(next) = others.pop() {
            next.wake(others.split_off(others.len() / 2));
        }
    }

    fn wake(&self, others: Vec<Arc<Self>>) {
        if !others.is_empty() {
            *self.others.lock() = others;
        }
        self.parker.unpark();
    }

    /// Wakes all: one here, and through it the others.
    pub(super) fn wake_all(mut sleepers: Vec<Arc<Self>>) {
        if let Some(first) = sleepers.pop() {
            first.wake(sleepers);
        }
    }
}
