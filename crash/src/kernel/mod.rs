//! Stores on the running kernel: power cuts of a mounted file system, a disk that fails to write, one
//! that fills, killed processes, and failing system calls.
//!
//! What needs root or a tool that is missing is passed over, and said.
//!
//! It knows what a reader holds and what an opening owes, and verdicts; no simulated disk, no driver.

mod calls;
mod content;
mod failing;
mod full;
mod holder;
mod judge;
mod kill;
mod outcome;
mod plan;
mod power;
mod process;
mod sandbox;
mod shutdown;
mod story;
mod threads;

pub use outcome::{Failure, Outcome};
pub use plan::{OnProgress, Part, Plan};

use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;
use story::Life;

/// Runs this program again where it can mount file systems of its own.
///
/// # Errors
///
/// If it cannot be started.
pub fn enter() -> anyhow::Result<ExitCode> {
    let status = sandbox::enter()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether any part of the plan needs file systems of its own and can have them.
#[must_use]
pub fn wants_mounts(plan: &Plan) -> bool {
    let needs = !matches!(plan.part, Some(Part::Kill | Part::Calls));
    needs && !sandbox::is_inside() && sandbox::missing().is_none()
}

/// Tries the parts of the plan that can be tried here.
///
/// # Errors
///
/// If something beside the store fails: a tool, a mount.
pub fn run(plan: &Plan, progress: OnProgress<'_>) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    if let Some(program) = &plan.program {
        match Part::Failing.missing() {
            None => failing::run_program(plan, program)?,
            Some(why) => outcome.notes.push(format!("skipped {program}: {why}")),
        }
        return Ok(outcome);
    }
    for part in Part::ALL {
        if plan.part.is_some_and(|only| only != part) {
            continue;
        }
        if let Some(why) = part.missing() {
            let note = format!("skipped {}: {why}", part.counts());
            outcome.notes.push(note);
            continue;
        }
        let tried = match part {
            Part::Power => power::run(plan, &mut outcome, progress),
            Part::Failing => failing::run(plan, &mut outcome, progress),
            Part::Full => full::run(plan, &mut outcome, progress),
            Part::Kill => kill::run(plan, &mut outcome, progress),
            Part::Calls => calls::run(plan, &mut outcome, progress),
        };
        tried.with_context(|| format!("try {}", part.counts()))?;
    }
    Ok(outcome)
}

/// What a process that this program starts is told to do.
#[derive(Debug, clap::Args)]
pub struct JobArgs {
    /// What to do.
    #[arg(long, hide = true)]
    job: Option<String>,
    /// The store.
    #[arg(long, hide = true, default_value = ".")]
    dir: PathBuf,
    /// Number of the process.
    #[arg(long, hide = true, default_value_t = 0)]
    life: u32,
    /// Most calls.
    #[arg(long, hide = true, default_value_t = u64::MAX)]
    calls: u64,
    /// Whether it says that what is only written is synced.
    #[arg(long, hide = true)]
    lies: bool,
}

impl JobArgs {
    /// Does the job, if there is one.
    ///
    /// # Errors
    ///
    /// If nobody listens any more.
    pub fn run(&self, seed: u64) -> anyhow::Result<bool> {
        let life = Life {
            seed,
            life: self.life,
            calls_max: self.calls,
            lies: self.lies,
        };
        match self.job.as_deref() {
            None => return Ok(false),
            Some("threads") => threads::live(&self.dir, life)?,
            Some("holder") => holder::live(&self.dir, life)?,
            Some(_) => story::live(&self.dir, life)?,
        }
        Ok(true)
    }
}
