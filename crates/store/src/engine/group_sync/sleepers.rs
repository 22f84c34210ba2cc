//! The threads that wait: for a sync, or for what a sync alone does not bring.

use super::levels::{Levels, Reach};
use crate::engine::parker::Parker;
use std::sync::Arc;
use strandline_core::Sequence;
#[cfg(not(strandline_loom))]
use strandline_core::sync::thread;

/// How often a thread lets others run before it sleeps: to be woken costs more than a short wait.
/// More than a few are wasted while the disk works.
#[cfg(not(strandline_loom))]
const YIELDS_BEFORE_SLEEP: usize = 8;

/// A thread that waits until everything below `end` is as far as that.
#[derive(Debug)]
pub(super) struct Sleeper {
    reach: Reach,
    end: Sequence,
    pub(super) parker: Arc<Parker>,
}

/// The threads that wait.
#[derive(Debug, Default)]
pub(super) struct Sleepers {
    /// Those that sleep until a sync covers them or it is their turn to lead.
    for_sync: Vec<Sleeper>,
    /// Those that a sync has covered, and that wait for a replication.
    for_replication: Vec<Sleeper>,
}

/// How a thread sleeps while it waits.
#[derive(Default)]
pub(super) struct Sleep {
    parker: Option<Arc<Parker>>,
    /// One that is entered among the sleeping though the thread is awake.
    abandoned: Option<Arc<Parker>>,
}

impl Sleepers {
    /// How many wait for a sync.
    pub(super) const fn for_sync(&self) -> usize {
        self.for_sync.len()
    }

    /// Whether any that a sync has covered waits for a replication. O(those).
    pub(super) fn await_replication(&self) -> bool {
        let is_one = |sleeper: &Sleeper| sleeper.reach == Reach::Replicated;
        self.for_replication.iter().any(is_one)
    }

    /// Takes out those whose wait is over; whom a sync has covered and who waits for more stays.
    pub(super) fn take(&mut self, levels: &Levels) -> Vec<Sleeper> {
        let is_over = |sleeper: &Sleeper| sleeper.end <= levels.settled(sleeper.reach);
        let synced = levels.of(Reach::Synced);
        let covered = self
            .for_sync
            .extract_if(.., |sleeper| sleeper.end <= synced);
        let mut taken = Vec::new();
        for sleeper in covered {
            match is_over(&sleeper) {
                true => taken.push(sleeper),
                false => self.for_replication.push(sleeper),
            }
        }
        taken.extend(
            self.for_replication
                .extract_if(.., |sleeper| is_over(sleeper)),
        );
        taken
    }

    /// Takes out everyone.
    pub(super) fn take_all(&mut self) -> Vec<Sleeper> {
        let mut taken = std::mem::take(&mut self.for_sync);
        taken.append(&mut self.for_replication);
        taken
    }

    /// Takes out one that may lead a sync.
    pub(super) fn take_next(&mut self) -> Option<Sleeper> {
        (!self.for_sync.is_empty()).then(|| self.for_sync.remove(0))
    }

    fn remove(&mut self, parker: &Arc<Parker>) {
        let is_other = |sleeper: &Sleeper| !Arc::ptr_eq(&sleeper.parker, parker);
        self.for_sync.retain(is_other);
        self.for_replication.retain(is_other);
    }
}

impl Sleep {
    /// Takes this thread, which is awake, out of those that sleep. Whoever wakes a thread has taken it out.
    pub(super) fn leave(&mut self, sleepers: &mut Sleepers) {
        if let Some(parker) = self.abandoned.take() {
            sleepers.remove(&parker);
        }
    }

    /// Enters this thread among those that sleep until a sync has covered them, or longer.
    pub(super) fn enter(
        &mut self,
        sleepers: &mut Sleepers,
        (reach, end): (Reach, Sequence),
        is_synced: bool,
    ) -> Arc<Parker> {
        let parker = self.parker.take().unwrap_or_default();
        let sleeper = Sleeper {
            reach,
            end,
            parker: parker.clone(),
        };
        match is_synced {
            true => sleepers.for_replication.push(sleeper),
            false => sleepers.for_sync.push(sleeper),
        }
        parker
    }

    /// Sleeps until a wake, or not at all if it is over after a few yields.
    pub(super) fn rest(&mut self, parker: Arc<Parker>, is_over: impl Fn() -> bool) {
        if ends_soon(is_over) {
            // A wake of it may be under way, so it is not used again.
            self.abandoned = Some(parker);
        } else {
            parker.park();
            self.parker = Some(parker);
        }
    }
}

/// Whether it is over after a few yields.
#[cfg(not(strandline_loom))]
fn ends_soon(is_over: impl Fn() -> bool) -> bool {
    (0..YIELDS_BEFORE_SLEEP).any(|_| {
        let is_over = is_over();
        if !is_over {
            thread::yield_now();
        }
        is_over
    })
}

/// loom forgets the unpark of a thread that yields, so in models every wait sleeps.
#[cfg(strandline_loom)]
fn ends_soon(_: impl Fn() -> bool) -> bool {
    false
}
