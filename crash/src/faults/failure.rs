//! `Failure`: a violation, and how to see it again.

use crate::disk::Path;
use crate::verdict::Violation;

/// A violation, and how to see it again.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The workload.
    pub workload: &'static str,
    /// The seed.
    pub seed: u64,
    /// The power cuts; empty if the workload itself went wrong.
    pub at: Path,
    /// The operation that failed, as `--fault` takes it, if one did.
    pub fault: Option<String>,
    /// What was done then, and what the cuts took.
    pub context: String,
    /// What is wrong.
    pub violation: Violation,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            workload,
            seed,
            at,
            fault,
            context,
            violation,
        } = self;
        writeln!(f, "{workload}, seed {seed}, at {at}: {violation}")?;
        write!(f, "{context}")?;
        write!(
            f,
            "  again: cargo xtask crash --seed {seed} --workload {workload}"
        )?;
        if let Some(fault) = fault {
            write!(f, " --fault '{fault}'")?;
        }
        if at.0.is_empty() {
            return Ok(());
        }
        write!(f, " --at {at}")
    }
}
