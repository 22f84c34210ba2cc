//! `cargo xtask python`: the package of `python/` is built as a wheel, installed into an environment of its own, and
//! tested there: its tests, the examples of its documentation, and its types.
//!
//! What cannot be checked on this machine is said, and is no failure. It knows `run` and `python`.

use crate::python::pythons;
use crate::run::root;
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
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
/// The package.
const PACKAGE: &str = "python";

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let Some(python) = environment()? else {
        passed_over(
            "there is no Python 3.11 or later, which STRANDLINE_PYTHON can name, or what builds and tests it \
             cannot be installed without a network",
        );
        return Ok(ExitCode::SUCCESS);
    };
    let package = root()?.join(PACKAGE);
    let fetched = Command::new("cargo")
        .args(["fetch", "--locked", "--quiet"])
        .current_dir(&package)
        .status();
    if !fetched.is_ok_and(|status| status.success()) {
        passed_over(
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

/// Says that nothing was checked, and why.
fn passed_over(why: &str) {
    println!("== NOT CHECKED: the package for Python: {why}");
}

fn must(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start: {what}"))?;
    ensure!(status.success(), "{what}");
    Ok(())
}

/// The Python of an environment that has what is pinned; none where it cannot be made.
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
    let recent = "import sys; sys.exit(sys.version_info < (3, 11))";
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
