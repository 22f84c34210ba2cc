//! `Progress`: the consumers that run in this process; `Board`: one of them.

use crate::{Counters, Error, ErrorKind, LastError, Parked};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::{Condvar, Mutex};
use strandline_core::{Clock, Sequence, SystemClock};

/// The consumers that run in this process.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    boards: Mutex<BTreeMap<String, Arc<Board>>>,
}

/// How a partition runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It waits until it may: somebody else may be at work.
    Beginning,
    /// Events are applied as they come.
    Working,
    /// It is being built anew: what it shows is of before.
    Rebuilding,
    /// It has stopped with this error.
    Faulted(String),
}

/// What a partition that runs has done, and what of it no file may have yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// By their keys.
    pub(crate) parked: BTreeMap<String, Parked>,
    pub(crate) counters: Counters,
    pub(crate) last_error: Option<LastError>,
    /// When it was entered here last, in milliseconds since 1970.
    pub(crate) at_ms: u64,
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
    /// None of what enters it only in what it saves.
    done: Option<Done>,
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
        self.add(name, partition, applied, Phase::Working)
    }

    /// Enters a partition that is to run, as soon as whoever works on it does so no more. One that runs here already
    /// stays as it is.
    pub(crate) fn begin(&self, name: &str, partition: u32) -> Slot {
        self.add(name, partition, Sequence::ZERO, Phase::Beginning)
    }

    fn add(&self, name: &str, partition: u32, applied: Sequence, phase: Phase) -> Slot {
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
                phase,
                done: None,
            };
            let is_new = state.phase != Phase::Beginning || !slots.running.contains_key(&partition);
            if is_new {
                slots.running.insert(partition, state);
            }
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

    /// What a partition has done, if it runs in this process and enters that. O(what is parked).
    pub(crate) fn done(&self, partition: u32) -> Option<Done> {
        let slots = self.slots.lock();
        slots.running.get(&partition)?.done.clone()
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
        let clock = SystemClock::default();
        let mut slots = self.slots.lock();
        loop {
            let Some(state) = slots.running.get(&partition) else {
                return Ok(Waited::Elsewhere);
            };
            if state.applied > sequence && state.phase != Phase::Beginning {
                return Ok(Waited::Applied);
            }
            match &state.phase {
                Phase::Working => {}
                Phase::Beginning => return Ok(Waited::Elsewhere),
                Phase::Rebuilding => return Err(rebuilding()),
                Phase::Faulted(error) => return Err(faulted(error)),
            }
            let left = timeout.saturating_sub(clock.elapsed());
            if left.is_zero() || self.moved.wait_for(&mut slots, left).timed_out() {
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

    /// As [`applied`](Self::applied), and what was done by then.
    pub(crate) fn did(
        &self,
        next: Sequence,
        (counters, last_error): (&Counters, Option<&LastError>),
        at_ms: u64,
    ) {
        self.board.change(self, |state| {
            state.applied = next;
            let done = state.done.get_or_insert_default();
            (done.counters, done.at_ms) = (*counters, at_ms);
            if done.last_error.as_ref() != last_error {
                done.last_error = last_error.cloned();
            }
        });
    }

    /// How keys are parked now, each that is given; not at all where none is.
    pub(crate) fn parked(&self, parked: Vec<(String, Option<Parked>)>) {
        self.board.change(self, |state| {
            let all = &mut state.done.get_or_insert_default().parked;
            for (key, parked) in parked {
                match parked {
                    Some(parked) => drop(all.insert(key, parked)),
                    None => drop(all.remove(&key)),
                }
            }
        });
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
