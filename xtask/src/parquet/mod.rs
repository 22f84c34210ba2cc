//! `cargo xtask parquet`: files of Parquet that `crates/transfer` writes are read by DuckDB and pandas, and what these
//! write of them is imported.
//!
//! What cannot be checked on this machine is said, and is no failure. It knows `run` and `python`.

use crate::python::environment;
use crate::run::{cargo, passed_over, root};
use anyhow::{Context, ensure};
use std::process::{Command, ExitCode};
use strandline_core::fs::{Fs, OsFs};

/// The programs of others, at versions that are known to read what they should.
const PINNED: [&str; 3] = ["duckdb==2.0.1", "pandas==3.1.1", "pyarrow==26.0.1"];
/// What they are told to do.
const SCRIPT: &str = "xtask/src/parquet/others.py";
/// Where everything is put, from the root of the repository on.
const PLACE: &str = "target/parquet";

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let python = match environment(PLACE, 10, &PINNED)? {
        Ok(python) => python,
        Err(lacking) => {
            passed_over("Parquet read by DuckDB and pandas", lacking);
            return Ok(ExitCode::SUCCESS);
        }
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
