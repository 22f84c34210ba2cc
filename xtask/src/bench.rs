//! `cargo xtask bench`: the work that the store is measured by.
//!
//! It measures nothing: the crate `benches` does, in a program of its own. It knows `run`.

use crate::run::root;
use anyhow::Context;
use std::process::{Command, ExitCode};
use strandline_benches::program::{self, Options};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    options: Options,
    /// Measure other stores too, each with the durability that is compared. Builds them first.
    #[arg(long)]
    peers: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.peers {
        return with_peers();
    }
    program::run(&args.options, &[])
}

/// Runs the program that knows other stores, with the same options.
fn with_peers() -> anyhow::Result<ExitCode> {
    let manifest = root()?.join("benches/peers/Cargo.toml");
    let options = std::env::args_os().skip(2).filter(|arg| arg != "--peers");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .arg("--")
        .args(options)
        .status()
        .with_context(|| format!("run cargo for {}", manifest.display()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
