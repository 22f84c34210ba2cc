//! `Progress`: the consumers that run in this process; `Board`: one of them.

use crate::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Sequence;
use strandline_core::sync::{Condvar, Mutex};

/// The consumers that run in this process.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    boards: Mutex<BTreeMap<String, Arc<Board>>>,
}

/// How a partition runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Events are applied as they come.
    Working,
    /// It is being built anew: what it shows is of before.
    Rebuilding,
    /// It has stopped with this error.
    Faulted(String),
}

/// How far a consumer of this process is.
#[derive(Debug, Default)]
pub(crate) struct Board {
    slots: Mutex<Slots>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Slots {
    /// By the partition.
    running: BTreeMap<u32, State>,
    /// How many were entered.
    entered: u64,
}

#[derive(Debug, Clone)]
struct State {
    /// Which slot it is of: another may have been entered for the same partition since.
    slot: u64,
    applied: Sequence,
    phase: Phase,
}

/// The place of a running partition on its board. Dropped, it runs no more.
#[derive(Debug)]
pub(crate) struct Slot {
    board: Arc<Board>,
    partition: u32,
    number: u64,
}

/// What came of a wait for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waited {
    /// It has applied everything through the event that was waited for.
    Applied,
    /// Not after the time.
    TimedOut,
    /// It does not run in this process, or no more.
    Elsewhere,
}

impl Progress {
    /// Enters a partition that runs from now on, and has applied everything before `applied`. One that was entered
    /// before for the same partition shows nothing more.
    pub(crate) fn enter(&self, name: &str, partition: u32, applied: Sequence) -> Slot {
        let board = {
            let mut boards = self.boards.lock();
            boards.entry(name.to_owned()).or_default().clone()
        };
        let number = {
            let mut slots = board.slots.lock();
            slots.entered += 1;
            let slot = slots.entered;
            let state = State {
                slot,
                applied,
                phase: Phase::Working,
            };
            slots.running.insert(partition, state);
            slot
        };
        board.moved.notify_all();
        Slot {
            board,
            partition,
            number,
        }
    }

    /// The consumer with this name, if it has run in this process.
    pub(crate) fn board(&self, name: &str) -> Option<Arc<Board>> {
        self.boards.lock().get(name).cloned()
    }
}

impl Board {
    /// How far a partition is and how it runs, if it does so in this process.
    pub(crate) fn of(&self, partition: u32) -> Option<(Sequence, Phase)> {
        let slots = self.slots.lock();
        let state = slots.running.get(&partition)?;
        Some((state.applied, state.phase.clone()))
    }

    /// Waits until a partition has applied the event with this sequence and all before it.
    ///
    /// # Errors
    ///
    /// `Faulted` and `Rebuilding`, at once, if it has not and is that.
    pub(crate) fn wait_past(
        &self,
        partition: u32,
        sequence: Sequence,
        timeout: Duration,
    ) -> Result<Waited, Error> {
        let mut slots = self.slots.lock();
        loop {
            let Some(state) = slots.running.get(&partition) else {
                return Ok(Waited::Elsewhere);
            };
            if state.applied > sequence {
                return Ok(Waited::Applied);
            }
            match &state.phase {
                Phase::Working => {}
                Phase::Rebuilding => return Err(rebuilding()),
                Phase::Faulted(error) => return Err(faulted(error)),
            }
            if timeout.is_zero() || self.moved.wait_for(&mut slots, timeout).timed_out() {
                let applied = slots.running.get(&partition).map(|state| state.applied);
                return Ok(match applied {
                    Some(applied) if applied > sequence => Waited::Applied,
                    Some(_) => Waited::TimedOut,
                    None => Waited::Elsewhere,
                });
            }
        }
    }

    fn change(&self, slot: &Slot, change: impl FnOnce(&mut State)) {
        let mut slots = self.slots.lock();
        let state = slots.running.get_mut(&slot.partition);
        if let Some(state) = state.filter(|state| state.slot == slot.number) {
            change(state);
        }
        drop(slots);
        self.moved.notify_all();
    }
}

impl Slot {
    /// Everything before `next` is applied: handled, or parked.
    pub(crate) fn applied(&self, next: Sequence) {
        self.board.change(self, |state| state.applied = next);
    }

    /// It runs in another way from now on.
    pub(crate) fn phase(&self, phase: Phase) {
        self.board.change(self, |state| state.phase = phase);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut slots = self.board.slots.lock();
        let state = slots.running.get(&self.partition);
        if state.is_some_and(|state| state.slot == self.number) {
            slots.running.remove(&self.partition);
        }
        drop(slots);
        self.board.moved.notify_all();
    }
}

fn rebuilding() -> Error {
    Error::new(
        ErrorKind::Rebuilding,
        "the consumer is being built anew, and what it shows is of before",
    )
}

fn faulted(error: &str) -> Error {
    let message = format!("the consumer has stopped with an error: {error}");
    Error::new(ErrorKind::Faulted, message)
}
