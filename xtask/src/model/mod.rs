//! `cargo xtask model`: the protocol of replication, model-checked on the shipped machines.
//!
//! It knows how cargo is run and how a copy of the workspace is changed, and no other command.

mod mutations;
mod table;

pub(crate) use mutations::misplaced;

use crate::run::run as cargo;
use std::process::ExitCode;
use table::TARGET;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// With wider bounds too, which take minutes and gigabytes of memory.
    #[arg(long, conflicts_with = "mutations")]
    deep: bool,
    /// Break the machines, one rule at a time, in a copy, and see that the model fails.
    #[arg(long)]
    mutations: bool,
    /// Only the mutations whose name or test contains this.
    #[arg(requires = "mutations")]
    chosen: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.mutations {
        return mutations::run(args.chosen.as_deref());
    }
    let which = if args.deep { "--include-ignored" } else { "" };
    let arguments = format!("test --release {TARGET} -- --nocapture --test-threads=1 {which}");
    cargo(&arguments, &[])?;
    Ok(ExitCode::SUCCESS)
}
