//! Every example of the workspace, run: they are programs to copy from, and end by themselves.
//!
//! They are those that the tests were built with: by themselves they would be built anew, with other features of what
//! they use. It knows `run`.

use crate::run::{cargo, root};
use anyhow::{Context, ensure};
use cargo_metadata::{Message, TargetKind};
use std::process::{Command, Stdio};

/// Those that do not end by themselves, or measure something.
const NOT_RUN: &[&str] = &["sample_store", "waiting"];

/// Builds and runs them; fails with the first that does.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut examples = built(&TargetKind::Example)?;
    examples.retain(|(name, _)| !NOT_RUN.contains(&name.as_str()));
    ensure!(!examples.is_empty(), "there is no example");
    for (name, program) in examples {
        println!("-- {name}");
        let status = Command::new(&program).current_dir(root()?).status();
        let status = status.with_context(|| format!("cannot start {program}"))?;
        ensure!(status.success(), "the example {name} failed: {status}");
    }
    Ok(())
}

/// The program of one of them.
pub(crate) fn program(name: &str) -> anyhow::Result<String> {
    find(&TargetKind::Example, name)
}

/// The program `strandline`, as the tests use it.
pub(crate) fn strandline() -> anyhow::Result<String> {
    find(&TargetKind::Bin, "strandline")
}

fn find(kind: &TargetKind, name: &str) -> anyhow::Result<String> {
    let mut programs = built(kind)?.into_iter();
    let found = programs.find(|(program, _)| program == name);
    Ok(found
        .with_context(|| format!("there is no program {name}"))?
        .1)
}

/// Names and programs, by name.
fn built(kind: &TargetKind) -> anyhow::Result<Vec<(String, String)>> {
    let build = "test --workspace --no-run --message-format=json-render-diagnostics";
    let output = cargo(build, &[])?
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "the examples cannot be built");
    let mut examples = Vec::new();
    for message in Message::parse_stream(&*output.stdout) {
        let Message::CompilerArtifact(artifact) = message? else {
            continue;
        };
        let name = artifact.target.name;
        let is_it = artifact.target.kind.contains(kind);
        let is_program = is_it && !artifact.profile.test;
        if let Some(program) = artifact.executable.filter(|_| is_program) {
            examples.push((name, program.into_string()));
        }
    }
    examples.sort();
    Ok(examples)
}
