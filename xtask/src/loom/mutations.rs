//! `cargo xtask loom --mutations`: each model fails once what it watches over is broken.

use super::models::{FLAGS, MODELS};
use super::pushing::PUSHING;
use super::replicas::REPLICATING;
use super::table::MUTATIONS;
use super::waiting::WAITING;
use crate::mutate::{Mutation, Workspace};
use anyhow::{Context, bail, ensure};
use std::process::{Command, ExitCode};

/// All changes.
fn all() -> impl Iterator<Item = &'static Mutation> {
    let told = WAITING.iter().chain(PUSHING).chain(REPLICATING);
    MUTATIONS.iter().chain(told)
}

/// Those that have no place in the code.
pub(crate) fn misplaced() -> anyhow::Result<Vec<String>> {
    crate::mutate::misplaced(all())
}

/// Makes each change of the tables in a copy of the workspace, and runs the models that must fail.
pub(super) fn run(chosen: Option<&str>) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::new("loom")?;
    let chosen = |mutation: &&Mutation| {
        chosen.is_none_or(|chosen| {
            mutation.name.contains(chosen) || mutation.options.contains(chosen)
        })
    };
    let mutations: Vec<_> = all().filter(chosen).collect();
    ensure!(
        !mutations.is_empty(),
        "no mutation has such a name or model"
    );
    let (mut caught, mut missed) = (0, 0);
    for mutation in &mutations {
        workspace.apply(mutation)?;
        let target = target_of(mutation);
        build(&workspace, target, mutation)?;
        let mut survived = Vec::new();
        for model in mutation.options.split_whitespace() {
            if passes(&workspace, target, model)? {
                survived.push(model);
            }
        }
        if survived.is_empty() {
            caught += 1;
            println!("caught: {}", mutation.name);
        } else {
            missed += 1;
            println!("MISSED: {}, by {}", mutation.name, survived.join(", "));
        }
    }
    if mutations.len() == all().count() {
        every_model_has_a_mutation(&workspace)?;
    }
    println!("{caught} mutations caught, {missed} missed");
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where the models of a mutation are.
fn target_of(mutation: &Mutation) -> &'static str {
    if mutation.file.starts_with("crates/store/") {
        "-p strandline --lib"
    } else {
        "-p strandline-index --test loom"
    }
}

/// A model that nothing was seen to fail may watch over nothing.
fn every_model_has_a_mutation(workspace: &Workspace) -> anyhow::Result<()> {
    for target in MODELS {
        let arguments = format!("test --quiet {target} -- --list");
        let listed = cargo(workspace, &arguments).output();
        let listed = listed.context("cannot start cargo")?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for model in listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
        {
            let mut named = all().flat_map(|mutation| mutation.options.split_whitespace());
            ensure!(
                named.any(|name| name == model),
                "no mutation is for {model}"
            );
        }
    }
    Ok(())
}

/// A change that does not build shows nothing.
fn build(workspace: &Workspace, target: &str, mutation: &Mutation) -> anyhow::Result<()> {
    let arguments = format!("test --quiet --no-run {target}");
    let built = cargo(workspace, &arguments).output();
    let built = built.context("cannot start cargo")?;
    if !built.status.success() {
        let told = String::from_utf8_lossy(&built.stderr);
        bail!("{}: it does not build:\n{told}", mutation.name);
    }
    Ok(())
}

/// Whether a model passes.
fn passes(workspace: &Workspace, target: &str, model: &str) -> anyhow::Result<bool> {
    let arguments = format!("test --quiet {target} -- --exact {model}");
    let ran = cargo(workspace, &arguments).output();
    let ran = ran.context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&ran.stdout);
    if ran.status.success() {
        ensure!(told.contains("ok. 1 passed"), "there is no model {model}");
        return Ok(true);
    }
    // A model may also end the process, where a panic meets a panic.
    ensure!(
        told.contains("running 1 test"),
        "{model} did not run:\n{told}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(false)
}

fn cargo(workspace: &Workspace, arguments: &str) -> Command {
    let mut command = workspace.cargo(arguments);
    command
        .env("RUSTFLAGS", format!("{FLAGS} -Awarnings"))
        .env("CARGO_INCREMENTAL", "0")
        .env("RUST_BACKTRACE", "0")
        .env("LOOM_MAX_PREEMPTIONS", "3");
    command
}

#[cfg(test)]
mod tests {
    use strandline_core::fs::{OsFs, read_file};

    /// A model is asked for by its whole name, which says where it is.
    #[test]
    fn every_model_is_in_the_file_that_its_name_says() {
        let root = crate::run::root().unwrap();
        for mutation in super::all() {
            let folder = match super::target_of(mutation).contains("--lib") {
                true => "crates/store/src",
                false => "crates/index/tests/loom",
            };
            for model in mutation.options.split_whitespace() {
                let (modules, name) = model.rsplit_once("::").unwrap();
                let file = root.join(folder).join(modules.replace("::", "/") + ".rs");
                let text = read_file(&OsFs, &file, 1 << 20).unwrap_or_default();
                let text = String::from_utf8(text).unwrap();
                assert!(text.contains(&format!("fn {name}()")), "{model}");
            }
        }
    }
}
