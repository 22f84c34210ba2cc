//! The processes that do the work: this program again, told by its environment what to do.
//!
//! A store leaves traces in the process that it ran in: memory that was grown, files in the cache
//! of an allocator, threads. So every phase has a process of its own.
//!
//! It knows scenarios, engines and results; what work there is to do, and what comes of it, is told to it.

use crate::engine::EngineEntry;
use crate::results::Measured;
use crate::scenario::{self, Ends, Job};
use anyhow::Context;
use std::process::{Command, ExitStatus, Stdio};

/// The variable that makes a process do a job.
const VARIABLE: &str = "STRANDLINE_BENCH_JOB";
/// What stands before the line of figures: a store may print lines of its own.
const MARK: &str = "strandline-bench-figures ";

/// The job of this process, if it is one that does work.
pub(crate) fn job() -> anyhow::Result<Option<Job>> {
    let Ok(text) = std::env::var(VARIABLE) else {
        return Ok(None);
    };
    let job = serde_json::from_str(&text);
    job.with_context(|| format!("{VARIABLE} holds no job"))
        .map(Some)
}

/// Does the job and prints its figures.
pub(crate) fn work(job: &Job, engines: &[EngineEntry]) -> anyhow::Result<()> {
    let scenario = scenario::named(&job.scenario)?;
    let phase = scenario.phases.get(job.phase);
    let phase = phase.with_context(|| format!("{} has no phase {}", job.scenario, job.phase))?;
    let entry = engines.iter().find(|entry| entry.name == job.system);
    let entry = entry.with_context(|| format!("there is no system {}", job.system))?;
    let figures = (phase.run)(job, entry)?;
    // JSON has no number for what was divided by nothing.
    let (figures, without): (Vec<_>, Vec<_>) = figures
        .into_iter()
        .partition(|figure| figure.value.is_finite());
    for figure in without {
        eprintln!("{}: too few events for a figure", figure.work);
    }
    println!("{MARK}{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// The command that does a job: this program with its own arguments.
pub(crate) fn command(job: &Job) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("find this program")?);
    command
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, serde_json::to_string(job)?);
    Ok(command)
}

/// Runs a job in a process of its own and gives its figures.
pub(crate) fn run(job: &Job, ends: Ends) -> anyhow::Result<Vec<Measured>> {
    let output = command(job)?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .context("start a process for the work")?;
    if ends == Ends::Killed {
        let text = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            was_killed(output.status),
            "the process was to kill itself and ended otherwise: {}",
            text.trim()
        );
        return Ok(Vec::new());
    }
    anyhow::ensure!(
        output.status.success(),
        "{} on {} failed: {}",
        job.scenario,
        job.system,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix(MARK));
    let line = line.with_context(|| format!("{} printed no figures", job.scenario))?;
    Ok(serde_json::from_str(line)?)
}

fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const SIGKILL: i32 = 9;
    status.signal() == Some(SIGKILL)
}
