//! `cargo xtask proof --mutations`: a test of proofs, of heads or of sealing fails once the rule is broken that it is for.
//!
//! It knows how a copy of the workspace is changed.

use super::keys_table::KEYS;
use super::seal_table::SEAL;
use super::tree_table::TREE;
use crate::mutate::{Mutation, Workspace};
use anyhow::{Context, bail, ensure};
use std::process::ExitCode;

fn all() -> impl Iterator<Item = &'static Mutation> {
    TREE.iter().chain(KEYS).chain(SEAL)
}

/// Those that have no place in the code.
pub(crate) fn misplaced() -> anyhow::Result<Vec<String>> {
    crate::mutate::misplaced(all())
}

/// The target of a mutation, and the test that must fail.
fn parts(mutation: &Mutation) -> anyhow::Result<(&'static str, &'static str)> {
    let parts = mutation.options.split_once(" -- ");
    parts.with_context(|| format!("{}: it names no test", mutation.name))
}

/// Makes each change of the tables in a copy of the workspace, and runs the test that must fail.
pub(super) fn run(chosen: Option<&str>) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::new("proof")?;
    let is_chosen = |mutation: &&Mutation| {
        chosen.is_none_or(|chosen| {
            mutation.name.contains(chosen) || mutation.options.contains(chosen)
        })
    };
    let (mut caught, mut missed) = (0, 0);
    for mutation in all().filter(is_chosen) {
        workspace.apply(mutation)?;
        match passes(&workspace, mutation)? {
            false => {
                caught += 1;
                println!("caught: {}", mutation.name);
            }
            true => {
                missed += 1;
                println!("MISSED: {}, by {}", mutation.name, mutation.options);
            }
        }
    }
    ensure!(caught + missed > 0, "no mutation has such a name or test");
    println!("{caught} mutations caught, {missed} missed");
    Ok(match missed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Whether the test of a mutation passes; a change that does not build shows nothing.
fn passes(workspace: &Workspace, mutation: &Mutation) -> anyhow::Result<bool> {
    let (target, test) = parts(mutation)?;
    let mut command = workspace.cargo(&format!("test --quiet --no-run {target}"));
    let built = command.output().context("cannot start cargo")?;
    if !built.status.success() {
        let told = String::from_utf8_lossy(&built.stderr);
        bail!("{}: it does not build:\n{told}", mutation.name);
    }
    let mut command = workspace.cargo(&format!("test --quiet {target} -- --exact {test}"));
    let ran = command.output().context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&ran.stdout);
    ensure!(told.contains("running 1 test"), "there is no test {test}");
    Ok(ran.status.success())
}

#[cfg(test)]
mod tests {
    use super::{all, parts};
    use std::collections::HashSet;

    #[test]
    fn each_mutation_has_a_name_of_its_own_and_a_test() {
        let mut names = HashSet::new();
        for mutation in all() {
            assert!(
                names.insert(mutation.name),
                "{} is there twice",
                mutation.name
            );
            let (target, test) = parts(mutation).unwrap();
            assert!(target.starts_with("-p strandline"), "{target}");
            assert!(!test.contains(' '), "{test}");
        }
    }
}
