//! `Scenario`: work that is measured together, in processes of its own.

mod append;
mod files;
mod mixed;
mod open;
mod own;
mod read;
mod write;

use crate::engine::{Ability, EngineEntry};
use crate::row::{Measured, Unit};
use crate::workload::Workload;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Which systems a scenario is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Every store and the limits.
    AllAndLimits,
    /// Every store.
    Stores,
    /// Strandline alone.
    Own,
}

/// How the process of a phase ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    Normally,
    /// It kills itself.
    Killed,
}

/// A part of a scenario that has a process of its own. All phases share a directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phase {
    pub(crate) run: fn(&Job, &EngineEntry) -> anyhow::Result<Vec<Measured>>,
    pub(crate) ends: Ends,
}

impl Phase {
    const fn new(run: fn(&Job, &EngineEntry) -> anyhow::Result<Vec<Measured>>) -> Self {
        Self {
            run,
            ends: Ends::Normally,
        }
    }
}

/// Work that is measured together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// The names of what it measures, by which it is chosen.
    pub(crate) works: &'static [&'static str],
    pub(crate) systems: For,
    /// What a system must be able to do to take part.
    pub(crate) needs: &'static [Ability],
    pub(crate) wide: bool,
    /// Most events that it makes sense with, for work that is slow.
    pub(crate) events_max: u64,
    pub(crate) phases: &'static [Phase],
}

/// Every scenario, in the order of the table.
pub(crate) const ALL: &[Scenario] = &[
    append::SINGLE,
    append::BATCH100,
    append::PRODUCERS8,
    append::SYNCED1,
    append::SYNCED8,
    append::SYNCED64,
    write::SUBMIT64,
    write::EXPECTED,
    write::CONDITION,
    own::ROTATING,
    open::CLEAN,
    open::KILLED,
    open::WITHOUT,
    read::READ,
    own::BACK,
    own::PAGES,
    mixed::MIXED,
    own::LONG_STREAM,
    append::WIDE_SINGLE,
    append::WIDE_BATCH100,
    open::WIDE_CLEAN,
    read::WIDE,
];

/// What a process of a phase is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) scenario: String,
    pub(crate) phase: usize,
    pub(crate) system: String,
    pub(crate) events: u64,
    pub(crate) dir: PathBuf,
    /// Prefixes of the work that is wanted; all if there are none.
    pub(crate) wanted: Vec<String>,
}

impl Job {
    pub(crate) fn scenario(&self) -> anyhow::Result<&'static Scenario> {
        let mut all = ALL.iter();
        all.find(|scenario| scenario.name == self.scenario)
            .with_context(|| format!("there is no scenario {}", self.scenario))
    }

    /// The events of the scenario.
    fn workload(&self) -> anyhow::Result<Workload> {
        Ok(if self.scenario()?.wide {
            Workload::wide(self.events)
        } else {
            Workload::regular(self.events)
        })
    }

    /// Whether `work` is wanted.
    fn wants(&self, work: &str) -> bool {
        is_wanted(&self.wanted, work)
    }

    fn measured(&self, work: &str, value: f64, unit: Unit) -> Measured {
        Measured {
            work: work.to_owned(),
            events: self.events,
            value,
            unit,
        }
    }

    /// `count` in `elapsed`, as a rate.
    fn rate(&self, work: &str, count: u64, elapsed: Duration, unit: Unit) -> Measured {
        self.measured(work, count as f64 / elapsed.as_secs_f64(), unit)
    }
}

/// Whether `work` begins with one of the prefixes, or there are none.
pub(crate) fn is_wanted(wanted: &[String], work: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|name| work.starts_with(name.as_str()))
}

/// The time now: benchmarks measure it, so the clock seam of the store is not for them.
#[expect(
    clippy::disallowed_methods,
    reason = "measures, and is no part of a store"
)]
fn now() -> Instant {
    Instant::now()
}

/// What `work` returns, and how long it took.
fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let started = now();
    let outcome = work()?;
    Ok((outcome, started.elapsed()))
}

/// Reads enough of a payload that it must have come to the processor.
fn touch(payload: &[u8]) {
    let line = payload.iter().step_by(64);
    std::hint::black_box(line.fold(0_u8, |sum, byte| sum ^ byte));
}

/// An error of a store, as one of ours.
fn failed(failure: crate::engine::Failure) -> anyhow::Error {
    anyhow::Error::from_boxed(failure)
}
