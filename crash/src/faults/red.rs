//! Whether the harness notices a store that breaks a rule. Rules that the code itself must break are
//! in `xtask`, which changes its text.

use super::explore::{Plan, explore};
use super::sweep::sweep;
use crate::disk::Defect;
use crate::workload::Workload;

/// Tries every defect; gives name and the first violation that it caused, if any.
#[must_use]
pub fn red(seed: u64) -> Vec<(&'static str, Option<String>)> {
    let workloads: Vec<&'static Workload> = Workload::all().collect();
    let found = Defect::ALL.iter().map(|(name, defect)| {
        let plan = Plan {
            seed,
            variants: 6,
            nested_every: 8,
            third_every: 0,
            long_every: 1,
            images_max: 20_000,
            defect: Some(*defect),
            threads: 2,
        };
        let (_, mut failures) = explore(&workloads, plan, &|_| {});
        if failures.is_empty() {
            failures = sweep(&workloads, seed, 3, Some(*defect), &|_| {}).1;
        }
        (*name, failures.first().map(|f| f.violation.message.clone()))
    });
    found.collect()
}
