//! The work of `cargo xtask bench`, on other stores too: `cargo xtask bench --peers`. And that of shipping to a bucket,
//! beside Litestream.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use strandline_benches::program::{self, Options};
use strandline_peers::replicate;

#[derive(Parser)]
#[command(
    name = "cargo xtask bench --peers",
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Ship a store to a bucket beside SQLite and Litestream, and measure both.
    Replicate(replicate::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => program::run(&cli.options, strandline_peers::ENTRIES)
            .map_err(|error| format!("{error:#}")),
        Some(Command::Replicate(options)) => replicate::run(&options)
            .map(|()| ExitCode::SUCCESS)
            .map_err(|error| error.to_string()),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
