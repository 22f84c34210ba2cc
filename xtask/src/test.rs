//! `cargo xtask test`: every test, doc tests included.

use crate::run::run as cargo;
use std::process::ExitCode;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    cargo("test --workspace --quiet", &[])?;
    println!("all tests passed");
    Ok(ExitCode::SUCCESS)
}
