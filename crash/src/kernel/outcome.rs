//! `Outcome`: what was tried, and what was wrong.

use super::plan::{Part, Plan};
use crate::verdict::{Totals, Violation};
use std::fmt;

/// Something that must not be, and where it was seen.
#[derive(Debug)]
pub struct Failure {
    part: Part,
    seed: u64,
    context: String,
    violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part,
            seed,
            context,
            violation,
        } = self;
        let part = part.counts();
        writeln!(f, "{part}, seed {seed}: {violation}")?;
        write!(f, "  {context}")
    }
}

/// What was tried, and what was wrong.
#[derive(Debug, Default, serde::Serialize)]
pub struct Outcome {
    /// Counts.
    pub totals: Totals,
    /// What was wrong.
    #[serde(skip)]
    pub failures: Vec<Failure>,
    /// What was seen beside, a line each.
    pub notes: Vec<String>,
}

impl Outcome {
    pub(super) fn fail(&mut self, plan: &Plan, part: Part, context: String, violation: Violation) {
        self.totals.lost += violation.lost;
        self.totals.violations += 1;
        self.failures.push(Failure {
            part,
            seed: plan.seed,
            context,
            violation,
        });
    }

    /// Whether so much is wrong that going on tells nothing new.
    pub(super) fn is_hopeless(&self) -> bool {
        self.failures.len() >= 5
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = &self.totals;
        let counts = [
            (totals.power_cuts, Part::Power),
            (totals.failed_disks, Part::Failing),
            (totals.full_disks, Part::Full),
            (totals.kills, Part::Kill),
            (totals.failed_calls, Part::Calls),
        ];
        for (count, part) in counts.iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "{count} {}", part.counts())?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        let (lost, violations) = (totals.lost, totals.violations);
        writeln!(
            f,
            "{lost} acknowledged events lost, {violations} violations"
        )
    }
}
