//! `cargo xtask`: maintenance of stores and of this repository.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod demo;
mod loom;
mod run;
mod test;
mod tidy;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Maintenance of Strandline stores and of this repository.
///
/// Exit codes: 0 fine, 1 a problem was found, 2 wrong usage.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read the history of a git repository into a store, show it, and check it.
    ///
    /// Example: cargo xtask demo --repo ../some-clone
    Demo(demo::Args),
    /// Measure the store: rates, latencies, sizes, beside what the machine allows.
    ///
    /// Example: cargo xtask bench append read/scan --events 100000
    ///
    /// Work is named as in docs/performance.md: append/single, read/scan, query/kind, open/clean,
    /// with wide/ before it for many short streams; the beginning of a name chooses all that begin
    /// so. events/s and rows/s are rates, of which more is better; us, ms, B/event and instructions
    /// are times, sizes and counts, of which less is; a ratio is of one figure to another. A figure
    /// is the median of the runs, with the least and the greatest in brackets.
    Bench(bench::Args),
    /// Run every test of the workspace, doc tests included.
    ///
    /// Example: cargo xtask test
    Test,
    /// Check what the compiler does not: directions of dependencies, file sizes, seams.
    ///
    /// Example: cargo xtask tidy
    Tidy,
    /// Run the loom models on the shipped types, at preemption bound 3.
    ///
    /// Example: cargo xtask loom
    Loom,
    /// Run everything that must pass before a change lands.
    ///
    /// Example: cargo xtask ci
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(args) => demo::run(args),
        Command::Bench(args) => bench::run(&args),
        Command::Test => test::run(),
        Command::Tidy => tidy::run(),
        Command::Loom => loom::run(),
        Command::Ci => ci::run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
