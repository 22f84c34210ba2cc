//! The work of `cargo xtask bench`, on other stores too: `cargo xtask bench --peers`.

use clap::Parser;
use std::process::ExitCode;
use strandline_benches::program::{self, Options};

#[derive(Parser)]
#[command(name = "cargo xtask bench --peers", max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    program::run(&Cli::parse().options, strandline_peers::ENTRIES).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
