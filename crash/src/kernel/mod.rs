//! Stores on the running kernel: power cuts of a mounted file system, a disk that fails to write, one
//! that fills, killed processes, and failing system calls.
//!
//! What needs root or a tool that is missing is passed over, and said.

mod calls;
mod content;
mod failing;
mod full;
mod holder;
mod judge;
mod kill;
mod power;
mod process;
mod sandbox;
mod shutdown;
mod story;
mod threads;

use crate::{Totals, Violation};
use anyhow::Context;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use story::Life;

/// A part of what is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Power cuts of a mounted ext4.
    Power,
    /// A disk that fails to write.
    Failing,
    /// A disk that is full.
    Full,
    /// Processes that are killed.
    Kill,
    /// System calls that fail.
    Calls,
}

impl Part {
    const ALL: [Self; 5] = [
        Self::Power,
        Self::Failing,
        Self::Full,
        Self::Kill,
        Self::Calls,
    ];

    /// What is counted in it.
    #[must_use]
    pub const fn counts(self) -> &'static str {
        match self {
            Self::Power => "power cuts",
            Self::Failing => "failing disks",
            Self::Full => "full disks",
            Self::Kill => "killed processes",
            Self::Calls => "failing system calls",
        }
    }

    /// Why it cannot be tried here, if it cannot.
    #[must_use]
    pub fn missing(self) -> Option<String> {
        match self {
            Self::Kill => None,
            Self::Calls if sandbox::is_there("strace") => None,
            Self::Calls => Some("strace is not installed".to_owned()),
            Self::Power | Self::Failing | Self::Full => sandbox::missing(),
        }
    }
}

/// How much is tried, and where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where chance comes from.
    pub seed: u64,
    /// Power cuts; of the other parts as many as take about as long.
    pub count: u64,
    /// The only part that is tried, if not all are.
    pub part: Option<Part>,
    /// An empty folder for stores and mounts.
    pub folder: PathBuf,
    /// Another program that is run on a disk that fails to write, and nothing else is.
    pub program: Option<String>,
    /// Whether processes say that what is only written is synced, which must be noticed.
    pub lies: bool,
}

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
    fn fail(&mut self, plan: &Plan, part: Part, context: String, violation: Violation) {
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
    fn is_hopeless(&self) -> bool {
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

/// How far a part is: what is done, and of how many.
pub type OnProgress<'a> = &'a dyn Fn(Part, u64, u64);

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

/// Removes a folder and what is in it.
fn remove(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
