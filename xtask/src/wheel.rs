//! `cargo xtask python`: the package of `python/` is built as a wheel, installed into an environment of its own, and
//! tested there: its tests, the examples of its documentation, and its types.
//!
//! What cannot be checked on this machine is said, and is no failure. It knows `run` and `python`.

use crate::python::environment;
use crate::run::{passed_over, root};
use anyhow::{Context, ensure};
use std::process::{Command, ExitCode};
use strandline_core::fs::{Fs, OsFs};

/// What builds and tests the package, at versions that are known to do it.
const PINNED: [&str; 5] = [
    "maturin==1.16.0",
    "mypy==2.4.1",
    "pandas==3.1.1",
    "pyarrow==26.0.1",
    "pytest==9.2.0",
];
/// Where everything is put, from the root of the repository on.
const PLACE: &str = "target/python";
/// What is checked.
const WHAT: &str = "the package for Python";
/// The package.
const PACKAGE: &str = "python";

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let python = match environment(PLACE, 11, &PINNED)? {
        Ok(python) => python,
        Err(lacking) => {
            passed_over(WHAT, lacking);
            return Ok(ExitCode::SUCCESS);
        }
    };
    let package = root()?.join(PACKAGE);
    let fetched = Command::new("cargo")
        .args(["fetch", "--locked", "--quiet"])
        .current_dir(&package)
        .status();
    if !fetched.is_ok_and(|status| status.success()) {
        passed_over(
            WHAT,
            "its dependencies in Rust are not here, and cannot be fetched without a network",
        );
        return Ok(ExitCode::SUCCESS);
    }
    must(
        Command::new("cargo")
            .args(["clippy", "--locked", "--quiet", "--", "-D", "warnings"])
            .env("PYO3_PYTHON", &python)
            .current_dir(&package),
        "the lints of the package find something",
    )?;
    let wheels = root()?.join(PLACE).join("wheels");
    let _ = std::fs::remove_dir_all(&wheels);
    let module = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.arg("-m").args(arguments);
        command
    };
    must(
        module(&["maturin", "build", "--locked", "--out"])
            .arg(&wheels)
            .arg("--interpreter")
            .arg(&python)
            .current_dir(&package),
        "the wheel cannot be built",
    )?;
    let wheel = OsFs.list(&wheels)?.into_iter();
    let wheel = wheel.map(|entry| wheels.join(entry.name)).next();
    let wheel = wheel.context("maturin has built no wheel")?;
    must(
        module(&[
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--force-reinstall",
        ])
        .arg(&wheel),
        "the wheel cannot be installed",
    )?;
    // Not by `-m`, which would find the sources before what is installed.
    let mut tests = Command::new(python.with_file_name("pytest"));
    tests.args(["--quiet", "--doctest-modules", "--doctest-glob=README.md"]);
    tests.args(["-p", "no:cacheprovider", "-c", "python/pyproject.toml"]);
    tests.args(["--pyargs", "strandline", "python/tests", "python/README.md"]);
    must(
        tests.current_dir(root()?),
        "tests of the package in Python fail",
    )?;
    must(
        module(&["mypy", "--no-incremental"]).current_dir(&package),
        "the types of the package are wrong",
    )?;
    Ok(ExitCode::SUCCESS)
}

fn must(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start: {what}"))?;
    ensure!(status.success(), "{what}");
    Ok(())
}
