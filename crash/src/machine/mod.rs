//! A store against a model of it: a list of events and how many of them are durable.
//!
//! A [`Machine`] does what [`Call`]s say, each four bytes, so that whoever makes bytes by chance can
//! drive it. After each call the store must answer as the model does. An operation of the store is one
//! line of `OPERATIONS` and a function.
//!
//! It knows verdicts; the model is all it knows of what a store should hold.

mod appends;
mod ends;
mod merged;
mod model;
mod reads;
mod state;
mod upkeep;

pub use state::Machine;

use crate::verdict::{Totals, Violation, quietly};
use state::{Done, NOW_MS};
use std::fmt;
use strandline_core::fs::Draws;

/// What is done, and with what: the first byte chooses the operation, the others what it takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Call(pub [u8; 4]);

/// An operation: its name, how often it is chosen, and what it does.
struct Operation {
    name: &'static str,
    weight: u8,
    run: fn(&mut Machine, [u8; 3]) -> Done,
}

const fn operation(
    name: &'static str,
    weight: u8,
    run: fn(&mut Machine, [u8; 3]) -> Done,
) -> Operation {
    Operation { name, weight, run }
}

/// Every operation. The weights are 256 together at most; the first one takes the rest.
const OPERATIONS: &[Operation] = &[
    operation("append", 60, Machine::append),
    operation("batch", 20, Machine::batch),
    operation("submit", 12, Machine::submit),
    operation("repeat", 10, Machine::repeat),
    operation("taken id", 5, Machine::taken_id),
    operation("wrong version", 5, Machine::wrong_version),
    operation("condition", 10, Machine::condition),
    operation("sync", 6, Machine::sync),
    operation("checkpoint", 5, Machine::checkpoint),
    operation("query", 22, Machine::query),
    operation("disk full", 4, Machine::disk_full),
    operation("damage merged files", 4, Machine::damage_merged),
    operation("keep snapshot", 10, Machine::keep_snapshot),
    operation("look at snapshots", 6, Machine::look_at_snapshots),
    operation("open a reader", 6, Machine::open_reader),
    operation("refresh the reader", 8, Machine::refresh_reader),
    operation("verify", 3, Machine::verify),
    operation("rebuild", 3, Machine::rebuild),
    operation("back up", 3, Machine::back_up),
    operation("export and import", 4, Machine::export_and_import),
    operation("second writer", 3, Machine::second_writer),
    operation("close", 6, Machine::close),
    operation("drop", 4, Machine::leave),
    operation("kill", 8, Machine::kill),
    operation("power cut", 12, Machine::power_cut),
    operation("compact", 6, Machine::compact),
    operation("redact", 5, Machine::redact),
    operation("restore", 3, Machine::restore),
    operation("failed sync", 3, Machine::failed_sync),
];

impl Call {
    fn operation(self) -> &'static Operation {
        let mut left = self.0[0];
        for operation in OPERATIONS {
            match left.checked_sub(operation.weight) {
                Some(rest) => left = rest,
                None => return operation,
            }
        }
        &OPERATIONS[0]
    }

    /// A call of the operation with a name, if there is one.
    #[must_use]
    pub fn named(name: &str, [a, b, c]: [u8; 3]) -> Option<Self> {
        let mut calls = (0..=u8::MAX).map(|what| Self([what, a, b, c]));
        calls.find(|call| call.operation().name == name)
    }

    /// The calls that some bytes stand for.
    pub fn all(bytes: &[u8]) -> impl Iterator<Item = Self> {
        bytes.as_chunks().0.iter().copied().map(Self)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [what, a, b, c] = self.0;
        write!(
            f,
            "Call([{what}, {a}, {b}, {c}]) /* {} */",
            self.operation().name
        )
    }
}

/// Makes `calls` of a new store, and judges it after each, and after a power cut at the end.
///
/// # Errors
///
/// At the first answer that is not the model's.
pub fn run(calls: impl IntoIterator<Item = Call>) -> Result<(), Violation> {
    run_with(None, calls)
}

/// As [`run`], with so many events in a segment; few of them have blocks of the index merged all the time.
///
/// # Errors
///
/// As [`run`].
pub fn run_with(
    segment_events: Option<u32>,
    calls: impl IntoIterator<Item = Call>,
) -> Result<(), Violation> {
    let mut machine = Machine::new(segment_events)?;
    let last = Call([255, 0, 0, 0]);
    for (number, call) in calls.into_iter().enumerate() {
        machine.call(call).map_err(|violation| Violation {
            message: format!("call {number}, {call:?}: {violation}"),
            lost: violation.lost,
        })?;
    }
    machine.look_at_snapshots([0; 3])?;
    machine.verify([0; 3])?;
    machine.power_cut([last.0[0]; 3])?;
    machine.verify([0; 3])
}

/// How many events a segment has with a seed: few with every second one.
const fn segment_events_of(seed: u64) -> Option<u32> {
    match seed % 8 {
        1 => Some(1),
        3 => Some(2),
        5 => Some(3),
        7 => Some(6),
        _ => None,
    }
}

/// Calls that follow from a seed.
#[must_use]
pub fn calls_of(seed: u64) -> Vec<Call> {
    let mut draws = Draws::of(seed, &[21]);
    let most = match segment_events_of(seed) {
        Some(_) => 400,
        None => 200,
    };
    let count = 1 + draws.below(most);
    let call = |draws: &mut Draws| {
        let [a, b, c, d, ..] = draws.number().to_le_bytes();
        Call([a, b, c, d])
    };
    (0..count).map(|_| call(&mut draws)).collect()
}

/// Leaves calls out as long as something stays wrong.
#[must_use]
pub fn shrunk(segment_events: Option<u32>, mut calls: Vec<Call>) -> Vec<Call> {
    let mut length = calls.len() / 2;
    while length > 0 {
        let mut from = 0;
        while from < calls.len() {
            let mut fewer = calls.clone();
            fewer.drain(from..calls.len().min(from + length));
            if run_quietly(segment_events, fewer.iter().copied()).is_err() {
                calls = fewer;
            } else {
                from += length;
            }
        }
        length /= 2;
    }
    calls
}

/// As [`run_with`]; a panic is a violation.
///
/// # Errors
///
/// As [`run`].
pub fn run_quietly(
    segment_events: Option<u32>,
    calls: impl IntoIterator<Item = Call>,
) -> Result<(), Violation> {
    quietly(|| run_with(segment_events, calls))
}

/// Runs machines of `count` seeds from `seed` on; gives the totals, and for each seed that went wrong
/// what did, with the fewest calls that were found.
#[must_use]
pub fn sweep(seed: u64, count: u64, progress: &dyn Fn(u64)) -> (Totals, Vec<String>) {
    let mut totals = Totals::default();
    let mut failures = Vec::new();
    for seed in seed..seed.saturating_add(count) {
        let (events, calls) = (segment_events_of(seed), calls_of(seed));
        totals.machines += 1;
        totals.calls += calls.len() as u64;
        if let Err(first) = run_quietly(events, calls.iter().copied()) {
            totals.violations += 1;
            totals.lost += first.lost;
            let calls = shrunk(events, calls);
            let violation = run_quietly(events, calls.iter().copied())
                .err()
                .unwrap_or(first);
            failures.push(format!("machine, seed {seed}: {violation}\n  {calls:#?}"));
            if failures.len() >= 5 {
                break;
            }
        }
        progress(1);
    }
    (totals, failures)
}

impl Machine {
    fn call(&mut self, call: Call) -> Done {
        let [_, with @ ..] = call.0;
        // It goes back and forth, which times of events must not.
        self.clock.set(NOW_MS + u64::from(with[0]));
        (call.operation().run)(self, with)?;
        self.has_as_many()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_can_be_chosen() {
        let total: u32 = OPERATIONS.iter().map(|o| u32::from(o.weight)).sum();
        assert!(total <= 256, "{total}");
        for operation in OPERATIONS {
            let chosen = |what| Call([what, 0, 0, 0]).operation().name == operation.name;
            assert!((0..=255).any(chosen), "{}", operation.name);
        }
    }
}
