//! Every example of the workspace, run: they are programs to copy from, and end by themselves.
//!
//! They are those that the tests were built with: by themselves they would be built anew, with other features of what
//! they use. It knows `run`.

use crate::run::{cargo, root};
use anyhow::{Context, ensure};
use cargo_metadata::{Message, TargetKind};
use std::process::{Command, Stdio};

/// Those that are no examples of how the store is used, but measure something.
const MEASURING: &[&str] = &["waiting"];

/// Builds and runs them; fails with the first that does.
pub(crate) fn run() -> anyhow::Result<()> {
    let examples = built()?;
    ensure!(!examples.is_empty(), "there is no example");
    for (name, program) in examples {
        println!("-- {name}");
        let status = Command::new(&program).current_dir(root()?).status();
        let status = status.with_context(|| format!("cannot start {program}"))?;
        ensure!(status.success(), "the example {name} failed: {status}");
    }
    Ok(())
}

/// Names and programs, by name.
fn built() -> anyhow::Result<Vec<(String, String)>> {
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
        let is_run = artifact.target.kind.contains(&TargetKind::Example)
            && !artifact.profile.test
            && !MEASURING.contains(&name.as_str());
        if let Some(program) = artifact.executable.filter(|_| is_run) {
            examples.push((name, program.into_string()));
        }
    }
    examples.sort();
    Ok(examples)
}
