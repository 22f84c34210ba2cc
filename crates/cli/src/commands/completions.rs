//! `completions`: what a shell needs to complete commands and options.

use crate::outcome::Outcome;
use crate::output::Standard;
use clap_complete::{Shell, generate};
use std::io::Write as _;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints it for `program`, whose arguments it is made of.
pub(crate) fn run(args: &Args, mut program: clap::Command) -> anyhow::Result<Outcome> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    generate(args.shell, &mut program, name, &mut script);
    let mut out = Standard::new();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Outcome::Fine)
}
