//! `cargo xtask model --mutations`: the model fails once a rule of the protocol is broken.

use super::table::{MUTATIONS, TARGET};
use crate::mutate::{Mutation, Workspace};
use anyhow::{Context, bail, ensure};
use std::process::ExitCode;

/// Those that have no place in the code.
pub(crate) fn misplaced() -> anyhow::Result<Vec<String>> {
    crate::mutate::misplaced(MUTATIONS)
}

/// Makes each change of the table in a copy of the workspace, and runs the tests that must fail.
pub(super) fn run(chosen: Option<&str>) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::new("model")?;
    let is_chosen = |mutation: &&Mutation| {
        chosen.is_none_or(|chosen| {
            mutation.name.contains(chosen) || mutation.options.contains(chosen)
        })
    };
    let mutations: Vec<_> = MUTATIONS.iter().filter(is_chosen).collect();
    ensure!(!mutations.is_empty(), "no mutation has such a name or test");
    let mut missed = 0;
    for mutation in &mutations {
        workspace.apply(mutation)?;
        build(&workspace, mutation)?;
        let mut survived = Vec::new();
        for test in mutation.options.split_whitespace() {
            if passes(&workspace, test)? {
                survived.push(test);
            }
        }
        if survived.is_empty() {
            println!("caught: {}", mutation.name);
        } else {
            missed += 1;
            println!("MISSED: {}, by {}", mutation.name, survived.join(", "));
        }
    }
    println!(
        "{} mutations caught, {missed} missed",
        mutations.len() - missed
    );
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A change that does not build shows nothing.
fn build(workspace: &Workspace, mutation: &Mutation) -> anyhow::Result<()> {
    let mut command = workspace.cargo(&format!("test --quiet --no-run {TARGET}"));
    let built = command.output().context("cannot start cargo")?;
    if !built.status.success() {
        let told = String::from_utf8_lossy(&built.stderr);
        bail!("{}: it does not build:\n{told}", mutation.name);
    }
    Ok(())
}

/// Whether a test of the model passes.
fn passes(workspace: &Workspace, test: &str) -> anyhow::Result<bool> {
    let mut command = workspace.cargo(&format!("test --quiet {TARGET} -- --exact {test}"));
    let ran = command.output().context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&ran.stdout);
    ensure!(told.contains("running 1 test"), "there is no test {test}");
    Ok(ran.status.success())
}

#[cfg(test)]
mod tests {
    use super::MUTATIONS;
    use strandline_core::fs::{OsFs, read_file};

    /// The names of the tests of the model that are not left to the night.
    fn tests() -> Vec<String> {
        let root = crate::run::root().unwrap();
        let file = root.join("crates/replicate/tests/model/main.rs");
        let text = String::from_utf8(read_file(&OsFs, &file, 1 << 20).unwrap()).unwrap();
        let name = |line: &str| Some(line.strip_prefix("fn ")?.split_once("()")?.0.to_owned());
        let pieces = text.split("#[test]\n").skip(1);
        pieces
            .filter_map(|piece| name(piece.lines().next()?))
            .collect()
    }

    #[test]
    fn every_test_of_the_model_has_a_mutation_and_no_other_is_named() {
        let tests = tests();
        let named =
            |mutation: &'static crate::mutate::Mutation| mutation.options.split_whitespace();
        let named: Vec<&str> = MUTATIONS.iter().flat_map(named).collect();
        for test in &tests {
            assert!(named.contains(&test.as_str()), "no mutation is for {test}");
        }
        for name in named {
            assert!(tests.iter().any(|test| test == name), "there is no {name}");
        }
    }
}
