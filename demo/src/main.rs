//! `cargo xtask demo`: the history of a git repository, read into a store, shown and checked.
//!
//! One event for each file change (entity: the path, scope: its top-level folder), one batch for
//! each commit. History is followed along first parents, so every change applies to the tree
//! before it, and the lines added minus deleted of a file add up to the lines it has now.
//!
//! It knows the store through its public interface.

#![forbid(unsafe_code)]

mod blobs;
mod check;
mod git;
mod history;
mod ingest;
mod names;
mod plot;
mod progress;
mod report;
#[cfg(test)]
mod tests;

use anyhow::Context;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use strandline::Store;

/// Read the history of a git repository into a store, show it, and check it.
///
/// Exit codes: 0 fine, 1 it failed or a file differs, 2 wrong usage.
#[derive(Parser)]
#[command(
    name = "cargo xtask demo",
    bin_name = "cargo xtask demo",
    max_term_width = 100
)]
struct Args {
    /// The repository: any full clone, bare or not.
    #[arg(long, default_value = ".", value_name = "PATH")]
    repo: PathBuf,
    /// Where to keep the store; it must be empty. Default: a temporary directory.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print the figures as one JSON object, and nothing else.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    demonstrate(Args::parse()).unwrap_or_else(|error| {
        strandline_cli::note(format_args!("error: {error:#}"));
        match error.is::<git::WrongUsage>() {
            true => ExitCode::from(2),
            false => ExitCode::FAILURE,
        }
    })
}

fn demonstrate(args: Args) -> anyhow::Result<ExitCode> {
    let repository = git::Repository::open(&args.repo)?;
    let kept = args.dir.is_some();
    // Held to the end: the directory goes with it.
    let temporary;
    let dir = match args.dir {
        Some(dir) => dir,
        None => {
            temporary = tempfile::tempdir().context("cannot make a temporary directory")?;
            temporary.path().join("history.strand")
        }
    };
    let (store, ingested) = ingest::ingest(&repository, &dir)?;
    store.close()?;

    let timer = progress::Timer::start();
    let store = Store::open(&dir)?;
    let first_scope = store.snapshot().scopes("").next();
    let open_seconds = timer.seconds();
    anyhow::ensure!(
        ingested.events == 0 || first_scope.is_some(),
        "the reopened store is empty"
    );

    let timer = progress::Timer::start();
    let verified = store.verify()?;
    let verify_seconds = timer.seconds();
    let folded = check::fold(&store.snapshot())?;
    let checked = check::against_tree(&repository, &folded)?;
    let bytes_on_disk = store.stats()?.bytes_on_disk;
    let outcome = report::Outcome {
        ingested,
        open_seconds,
        verified,
        verify_seconds,
        checked,
        bytes_on_disk,
        commits_reachable: repository.commits_reachable,
        kept,
    };
    if args.json {
        strandline_cli::print(&format!("{}\n", outcome.json()))?;
    } else {
        report::print(&repository, &store, &folded, &outcome)?;
    }
    Ok(if outcome.is_right() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
