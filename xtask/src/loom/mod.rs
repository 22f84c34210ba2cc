//! `cargo xtask loom`: the models of the concurrent parts, on the shipped types.
//!
//! It knows how cargo is run and how a copy of the workspace is changed, and no other command.

mod models;
mod mutations;
mod pushing;
mod replicas;
mod table;
mod waiting;

pub(crate) use models::{FLAGS, models};
pub(crate) use mutations::misplaced;

use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Break the code, one rule at a time, in a copy, and see that the models fail.
    #[arg(long)]
    mutations: bool,
    /// Only the mutations whose name or model contains this.
    #[arg(requires = "mutations")]
    chosen: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.mutations {
        mutations::run(args.chosen.as_deref())
    } else {
        models()
    }
}
