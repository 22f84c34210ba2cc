//! placeholder
use crate::{Totals, explore::Failure};
use std::path::Path;
use std::process::ExitCode;
/// x
pub fn child(_: &Path, _: u64) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
/// x
pub fn run(_: u64, _: u64) -> anyhow::Result<(Totals, Vec<Failure>)> {
    Ok(Default::default())
}
