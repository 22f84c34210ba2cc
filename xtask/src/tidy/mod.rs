//! `cargo xtask tidy`: what the compiler does not check.
//!
//! It knows nothing of single rules: each is a function to findings, from the text of a file, from
//! the packages of the workspace, or from the files of a package. Of other rooms it knows `run`,
//! and of those that change the code by a table, what of their table has no place in it.

mod dependencies;
mod documents;
mod packages;
mod rooms;
mod text;

use crate::run::root;
use crate::{crash, faults, loom, model, proof};
use anyhow::Context;
use std::path::Path;
use std::process::{Command, ExitCode};

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let findings = check()?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: nothing found");
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} findings", findings.len());
    Ok(ExitCode::FAILURE)
}

/// Everything that is wrong with this repository.
fn check() -> anyhow::Result<Vec<String>> {
    let root = root()?;
    let packages = packages::of_workspace(&root)?;
    let mut findings = dependencies::against_directions(&packages);
    let check_rooms = |package: &rooms::Package| {
        rooms::check(package, &|path| {
            std::fs::read_to_string(root.join(path)).ok()
        })
    };
    let pictures = std::fs::read_to_string(root.join(documents::PICTURES))?;
    for package in &packages {
        let package = packages::with_rooms(&root, package)?;
        findings.extend(check_rooms(&package));
        findings.extend(documents::shows_the_rooms(&pictures, &package));
    }
    for package in &packages::beside(&root)? {
        findings.extend(check_rooms(&packages::with_rooms(&root, package)?));
    }
    for misplaced in [
        crash::misplaced,
        faults::misplaced,
        loom::misplaced,
        model::misplaced,
        proof::misplaced,
    ] {
        findings.extend(misplaced()?);
    }
    let files = tracked_files(&root)?;
    for path in &files {
        let Ok(text) = std::fs::read_to_string(root.join(path)) else {
            continue;
        };
        if path.ends_with(".rs") {
            findings.extend(text::of_rust(path, &text));
        } else {
            findings.extend(text::of_any(path, &text));
        }
        if path.ends_with(".md") {
            findings.extend(documents::names_what_is_there(path, &text, &files));
        }
    }
    Ok(findings)
}

/// Files that git knows or would add.
fn tracked_files(root: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("tidy asks git which files there are")?;
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(list
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        assert_eq!(check().unwrap(), Vec::<String>::new());
    }
}
