//! `Scenario`: work that is measured together; `Phase`: a part with a process of its own; `Job`: what
//! that process is told.

use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::workload::{Growing, Shape, Workload};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

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
    pub(super) const fn new(run: fn(&Job, &EngineEntry) -> anyhow::Result<Vec<Measured>>) -> Self {
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
    /// Which events it is done with.
    pub(crate) shape: Shape,
    /// Most events that it makes sense with, for work that is slow.
    pub(crate) events_max: u64,
    pub(crate) phases: &'static [Phase],
}

/// What a process of a phase is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) scenario: String,
    pub(crate) phase: usize,
    pub(crate) system: String,
    pub(crate) events: u64,
    /// Which ones.
    pub(crate) shape: Shape,
    /// About how many segments they fill, where work is counted in those.
    pub(crate) segments: Option<u64>,
    pub(crate) dir: PathBuf,
    /// Prefixes of the work that is wanted; all if there are none.
    pub(crate) wanted: Vec<String>,
}

impl Job {
    /// The events of the scenario.
    pub(super) fn workload(&self) -> Workload {
        match self.shape {
            Shape::Wide => Workload::wide(self.events),
            _ => Workload::regular(self.events),
        }
    }

    /// The events of a scenario that shows growth.
    pub(super) fn growing(&self) -> Growing {
        Growing::new(self.shape, self.events)
    }

    /// Whether `work` is wanted.
    pub(super) fn wants(&self, work: &str) -> bool {
        is_wanted(&self.wanted, work)
    }

    pub(super) fn measured(&self, work: &str, value: f64, unit: Unit) -> Measured {
        Measured {
            work: work.to_owned(),
            events: self.events,
            segments: self.segments,
            value,
            unit,
        }
    }

    /// `count` in `elapsed`, as a rate.
    pub(super) fn rate(&self, work: &str, count: u64, elapsed: Duration, unit: Unit) -> Measured {
        self.measured(work, count as f64 / elapsed.as_secs_f64(), unit)
    }
}

/// Whether `work` begins with one of the prefixes, or there are none.
pub(crate) fn is_wanted(wanted: &[String], work: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|name| work.starts_with(name.as_str()))
}
