//! The work of `cargo xtask bench`, on this store alone.

#![forbid(unsafe_code)]

use clap::Parser;
use std::process::ExitCode;
use strandline_benches::program::{self, Options};

/// Measure the store: rates, latencies, sizes, beside what the machine allows.
///
/// Work is named as in docs/performance.md: append/single, read/scan, query/kind, open/clean,
/// with wide/ before it for many short streams; the beginning of a name chooses all that begin
/// so. events/s and rows/s are rates, of which more is better; us, ms, B/event and instructions
/// are times, sizes and counts, of which less is; a ratio is of one figure to another. A figure
/// is the median of the runs, with the least and the greatest in brackets.
///
/// With --peers other stores are measured too, each with the durability that is compared; they are built first.
///
/// Example: cargo xtask bench append read/scan --events 100000
#[derive(Parser)]
#[command(
    name = "cargo xtask bench",
    bin_name = "cargo xtask bench",
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    program::run(&Cli::parse().options, &[]).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
