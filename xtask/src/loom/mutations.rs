//! `cargo xtask loom --mutations`: each model fails once what it watches over is broken.

use super::FLAGS;
use super::table::MUTATIONS;
use crate::mutate::{Mutation, Workspace};
use anyhow::{Context, bail, ensure};
use std::process::{Command, ExitCode};

/// Makes each change of the table in a copy of the workspace, and runs the models that must fail.
pub(super) fn run(chosen: Option<&str>) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::new("loom")?;
    let chosen = |mutation: &&Mutation| {
        chosen.is_none_or(|chosen| {
            mutation.name.contains(chosen) || mutation.options.contains(chosen)
        })
    };
    let mutations: Vec<_> = MUTATIONS.iter().filter(chosen).collect();
    ensure!(
        !mutations.is_empty(),
        "no mutation has such a name or model"
    );
    let mut caught = 0;
    let mut missed = 0;
    for mutation in mutations {
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
    println!("{caught} mutations caught, {missed} missed");
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where the models of a mutation are.
fn target_of(mutation: &Mutation) -> &'static str {
    if mutation.options.starts_with("writer::") {
        "-p strandline --lib"
    } else {
        "-p strandline-index --test loom"
    }
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
        .env("RUST_BACKTRACE", "0")
        .env("LOOM_MAX_PREEMPTIONS", "3");
    command
}
