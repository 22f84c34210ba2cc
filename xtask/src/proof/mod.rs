//! `cargo xtask proof`: files of `crates/proof` are read by a program of others in another language, and theirs
//! by it; and it builds where there is no operating system.
//!
//! What cannot be checked on this machine is said, and is no failure. It knows `run`, `python`, and how a copy of the workspace is
//! changed: `--mutations` has tests of proofs, heads and sealing fail.

mod keys_table;
mod mutations;
mod seal_table;
mod tree_table;

pub(crate) use mutations::misplaced;

use crate::python::environment;
use crate::run::{cargo, passed_over, root, run as cargo_run};
use anyhow::{Context, ensure};
use std::path::Path;
use std::process::{Command, ExitCode};
use strandline_core::fs::{Fs, OsFs};

/// The program of others, at the version that is known to judge rightly.
const PINNED: &str = "aics-tlog==0.2.1";
/// What it is told to do.
const SCRIPT: &str = "xtask/src/proof/aics.py";
/// Where everything is put, from the root of the repository on.
const PLACE: &str = "target/proof";
const WASM: &str = "wasm32-unknown-unknown";

#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Break the code, one rule at a time, in a copy, and see that the test that is for it fails.
    #[arg(long)]
    mutations: bool,
    /// Only the mutations whose name or test contains this.
    #[arg(requires = "mutations")]
    chosen: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.mutations {
        return mutations::run(args.chosen.as_deref());
    }
    wasm()?;
    others()?;
    Ok(ExitCode::SUCCESS)
}

/// The tree alone and all that checks a proof build for a browser.
fn wasm() -> anyhow::Result<()> {
    let is_there = || {
        let libraries = Command::new("rustc")
            .args(["--print", "target-libdir", "--target", WASM])
            .output();
        let libraries =
            libraries.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        libraries.is_ok_and(|path| Path::new(path.trim()).is_dir())
    };
    if !is_there() {
        // Without a network, or without rustup, it stays away.
        let _ = Command::new("rustup")
            .args(["target", "add", WASM])
            .status();
    }
    if !is_there() {
        passed_over(
            WASM,
            "the target is not installed: `rustup target add wasm32-unknown-unknown`",
        );
        return Ok(());
    }
    for features in ["", "--features note"] {
        cargo_run(
            &format!(
                "build -p strandline-proof --no-default-features {features} --target {WASM} \
                 --target-dir target/wasm"
            ),
            &[],
        )?;
    }
    Ok(())
}

/// What we write they check, and what they write we check; what was changed both refuse.
fn others() -> anyhow::Result<()> {
    let python = match environment(PLACE, 12, &[PINNED])? {
        Ok(python) => python,
        Err(lacking) => {
            passed_over("files read by aics-tlog", lacking);
            return Ok(());
        }
    };
    let place = root()?.join(PLACE);
    let [ours, theirs] = ["ours", "theirs"].map(|name| place.join(name));
    for dir in [&ours, &theirs] {
        let _ = std::fs::remove_dir_all(dir);
        OsFs.create_dir_all(dir)?;
    }
    let example = |work: &str, name: &str| {
        let arguments = "run --quiet -p strandline-proof --example log_files --";
        cargo(&format!("{arguments} {work} {PLACE}/{name}"), &[])
    };
    let script = |work: &str, dir: &Path| {
        let mut command = Command::new(&python);
        command.arg(SCRIPT).arg(work).arg(dir).current_dir(root()?);
        eprintln!(
            "$ {PLACE}/venv/bin/python {SCRIPT} {work} {}",
            dir.display()
        );
        anyhow::Ok(command)
    };
    let must = |mut command: Command, passes: bool, what: &str| {
        let output = command
            .output()
            .with_context(|| format!("cannot start: {what}"))?;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success() == passes, "{what}:\n{errors}");
        Ok(())
    };
    must(
        example("write", "ours")?,
        true,
        "the example does not write its files",
    )?;
    must(
        example("check", "ours")?,
        true,
        "the example refuses its own files",
    )?;
    must(script("read", &ours)?, true, "aics-tlog refuses our files")?;
    must(
        script("write", &theirs)?,
        true,
        "aics-tlog does not write its files",
    )?;
    must(
        example("check", "theirs")?,
        true,
        "we refuse the files of aics-tlog",
    )?;
    for (dir, name) in [(&ours, "ours"), (&theirs, "theirs")] {
        damage(&dir.join("tile/0/001"))?;
        let what = format!("a changed tile of {name} is not noticed");
        must(example("check", name)?, false, &what)?;
    }
    must(
        script("read", &ours)?,
        false,
        "aics-tlog does not notice a changed tile",
    )
}

/// Changes one byte.
#[expect(
    clippy::disallowed_methods,
    reason = "files of a check, and of no store"
)]
fn damage(path: &Path) -> anyhow::Result<()> {
    let mut bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    if let Some(byte) = bytes.get_mut(100) {
        *byte ^= 1;
    }
    std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
}
