//! `cargo xtask parquet`: files of Parquet that `crates/transfer` writes are read by DuckDB and pandas, and what these
//! write of them is imported.
//!
//! What cannot be checked on this machine is said, and is no failure. It knows `run` and `python`.

use crate::python::pythons;
use crate::run::{cargo, root};
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use strandline_core::fs::{Fs, OsFs};

/// The programs of others, at versions that are known to read what they should.
const PINNED: [&str; 3] = ["duckdb==2.0.1", "pandas==3.1.1", "pyarrow==26.0.1"];
/// What they are told to do.
const SCRIPT: &str = "xtask/src/parquet/others.py";
/// Where everything is put, from the root of the repository on.
const PLACE: &str = "target/parquet";

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let Some(python) = environment()? else {
        println!(
            "== NOT CHECKED: Parquet read by DuckDB and pandas: there is no Python 3.10 or later, which \
             STRANDLINE_PYTHON can name, or they cannot be installed without a network"
        );
        return Ok(ExitCode::SUCCESS);
    };
    let files = root()?.join(PLACE).join("files");
    let _ = std::fs::remove_dir_all(&files);
    OsFs.create_dir_all(&files)?;
    let example = |work: &str| {
        let arguments =
            "run --quiet -p strandline-transfer --features parquet --example parquet_files --";
        cargo(&format!("{arguments} {work} {PLACE}/files"), &[])
    };
    must(example("write")?, "the example does not write its files")?;
    let mut others = Command::new(&python);
    others.arg(SCRIPT).arg(&files).current_dir(root()?);
    must(others, "DuckDB and pandas do not find what was written")?;
    must(
        example("check")?,
        "what DuckDB and pandas have written is not what it was",
    )?;
    Ok(ExitCode::SUCCESS)
}

fn must(mut command: Command, what: &str) -> anyhow::Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot start: {what}"))?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{what}:\n{errors}");
    Ok(())
}

/// The Python of an environment that has the programs of others; none where it cannot be made.
fn environment() -> anyhow::Result<Option<PathBuf>> {
    let venv = root()?.join(PLACE).join("venv");
    let python = venv.join("bin/python");
    let succeeds = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    let mut versions = "from importlib.metadata import version\n".to_owned();
    for pinned in PINNED {
        let (name, version) = pinned.split_once("==").context("a version is pinned")?;
        versions.push_str(&format!("assert version('{name}') == '{version}'\n"));
    }
    if succeeds(&python, &["-c", &versions]) {
        return Ok(Some(python));
    }
    let recent = "import sys; sys.exit(sys.version_info < (3, 10))";
    let mut found = pythons().into_iter();
    let Some(found) = found.find(|one| succeeds(one, &["-c", recent])) else {
        return Ok(None);
    };
    OsFs.create_dir_all(&root()?.join(PLACE))?;
    let mut install = vec!["-m", "pip", "install", "--quiet"];
    install.extend(PINNED);
    let is_made = succeeds(&found, &["-m", "venv", "--clear", &venv.to_string_lossy()])
        && succeeds(&python, &install)
        && succeeds(&python, &["-c", &versions]);
    Ok(is_made.then_some(python))
}
