//! Running commands of the tool chain: shown before they run, named when they fail.
//!
//! It knows no command of this program.

use anyhow::{Context, bail};
use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What is passed on to another program as it is, `--help` included.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Passed {
    /// What the program takes; `--help` shows it.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

/// The root of this repository.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}

/// Says that something was not checked on this machine, and why.
pub(crate) fn passed_over(what: &str, why: impl Display) {
    println!("== NOT CHECKED: {what}: {why}");
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

/// Runs a program of a workspace in the folder of the caller, and gives its exit code. It is built first, optimised;
/// cargo tells of that only where it takes long, which is the first time.
pub(crate) fn program(
    package: &str,
    workspace: &Path,
    arguments: &[OsString],
) -> anyhow::Result<ExitCode> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--release", "--package", package]);
    command
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"));
    if was_built(package, workspace)? {
        command.arg("--quiet");
    }
    let status = command.arg("--").args(arguments).status();
    let status = status.with_context(|| format!("cannot start cargo for {package}"))?;
    Ok(match status.code() {
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        None => bail!("{package} ended: {status}"),
    })
}

/// Whether there is a program of that package already, of this version or an earlier one.
fn was_built(package: &str, workspace: &Path) -> anyhow::Result<bool> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(workspace.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("ask cargo for the workspace")?;
    let built = metadata.target_directory.join("release");
    let mut packages = metadata.packages.iter();
    let found = packages.find(|candidate| *candidate.name == package);
    let found = found.with_context(|| format!("there is no package {package}"))?;
    let mut programs = found.targets.iter().filter(|target| target.is_bin());
    Ok(programs.any(|target| built.join(&target.name).exists()))
}
