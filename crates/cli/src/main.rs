//! `strandline`: the commands of a store, as a program of its own.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

use clap::Parser;
use std::process::ExitCode;

/// Look into Strandline event stores, check them, and move them.
///
/// Exit codes: 0 fine, 1 a problem was found, 2 wrong usage.
#[derive(Parser)]
#[command(
    name = "strandline",
    version,
    max_term_width = 100,
    after_help = "Begin with: \
    strandline inspect DIR\n`strandline help query` explains a command, and shows examples of it."
)]
struct Cli {
    #[command(subcommand)]
    command: strandline_cli::Command,
}

fn main() -> ExitCode {
    match strandline_cli::parsed(Cli::try_parse()) {
        Ok(arguments) => strandline_cli::run(&arguments.command),
        Err(code) => code,
    }
}
