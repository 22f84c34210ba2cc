//! `strandline`: the commands of a store, as a program of its own.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

use clap::Parser as _;
use std::process::ExitCode;
use strandline_cli::{Program, parsed};

fn main() -> ExitCode {
    match parsed(Program::try_parse()) {
        Ok(program) => program.run(),
        Err(code) => code,
    }
}
