//! Running commands of the tool chain: shown before they run, named when they fail.
//!
//! It knows no command of this program.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of this repository.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}

/// A cargo command in the root of the repository, with variables of the environment.
pub(crate) fn cargo(arguments: &str, variables: &[(&str, &str)]) -> anyhow::Result<Command> {
    let mut shown = String::new();
    for (name, value) in variables {
        shown.push_str(&format!("{name}={value:?} "));
    }
    eprintln!("$ {shown}cargo {arguments}");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments.split_whitespace())
        .envs(variables.iter().copied())
        .current_dir(root()?);
    Ok(command)
}

/// Runs a cargo command; fails if it does.
pub(crate) fn run(arguments: &str, variables: &[(&str, &str)]) -> anyhow::Result<()> {
    let status = cargo(arguments, variables)?
        .status()
        .with_context(|| format!("cannot start cargo {arguments}"))?;
    if !status.success() {
        bail!("`cargo {arguments}` failed; the command above repeats it");
    }
    Ok(())
}
