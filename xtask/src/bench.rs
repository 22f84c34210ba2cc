//! `cargo xtask bench`: the work that the store is measured by.
//!
//! It measures nothing: the program of `benches` does, or that of `benches/peers`. It knows `run`.

use crate::run::{Passed, program, root};
use std::process::ExitCode;

/// Measures this store, or with `--peers` others too.
pub(crate) fn run(args: &Passed) -> anyhow::Result<ExitCode> {
    let mut arguments = args.arguments.clone();
    let all = arguments.len();
    arguments.retain(|argument| argument != "--peers");
    if arguments.len() == all {
        return program("strandline-benches", &root()?, &arguments);
    }
    program(
        "strandline-peers",
        &root()?.join("benches/peers"),
        &arguments,
    )
}
