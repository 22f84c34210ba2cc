//! `cargo xtask serve`: clients that are not ours against `strandline serve`.
//!
//! They are installed from the package index into an environment of their own, and what cannot be is said and is no
//! failure. It knows `examples`, which has the program, and `run`.

use crate::examples;
use crate::run::root;
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use strandline_core::fs::{Fs, OsFs};

/// The client, the library over it, and what the library's own tests import.
const PACKAGES: [&str; 6] = [
    "umadb==0.7.8",
    "eventsourcing==10.0.0a7",
    "eventsourcing-umadb==0.4.4",
    "msgspec==0.23.0",
    "pydantic==2.14.4",
    "pycryptodome>=3.20",
];
/// What the clients do.
const SCRIPT: &str = "xtask/src/serve/clients.py";
/// Where everything is put, from the root of the repository on.
const PLACE: &str = "target/serve";
/// What TLS is tried with.
const CERTIFICATE: &str = "crates/serve/src/tests/certificate.pem";
const KEY: &str = "crates/serve/src/tests/key.pem";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long 64 clients append, while the server is killed among them.
    #[arg(long, default_value_t = 6)]
    load_seconds: u32,
}

impl Default for Args {
    fn default() -> Self {
        Self { load_seconds: 6 }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(python) = environment()? else {
        return Ok(ExitCode::SUCCESS);
    };
    let program = examples::strandline()?;
    let stores = root()?.join(PLACE).join("stores");
    let _ = std::fs::remove_dir_all(&stores);
    OsFs.create_dir_all(&stores)?;
    let status = Command::new(&python)
        .args([SCRIPT, &program, CERTIFICATE, KEY])
        .arg(args.load_seconds.to_string())
        .env("TMPDIR", &stores)
        .current_dir(root()?)
        .status()
        .context("start Python")?;
    ensure!(
        status.success(),
        "a client was not served as it should be; {PLACE}/stores has what the stores were"
    );
    let _ = std::fs::remove_dir_all(&stores);
    Ok(ExitCode::SUCCESS)
}

/// The Python of an environment that has the packages; none, said aloud, where it cannot be made.
fn environment() -> anyhow::Result<Option<PathBuf>> {
    let place = root()?.join(PLACE);
    let python = place.join("venv/bin/python");
    let succeeds = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    let named = std::env::var_os("STRANDLINE_PYTHON").map(PathBuf::from);
    let found = named.unwrap_or_else(|| "python3".into());
    let recent = "import sys; sys.exit(sys.version_info < (3, 11))";
    if !succeeds(&found, &["-c", recent]) {
        return Ok(passed_over(
            "no Python 3.11 or later; STRANDLINE_PYTHON can name one",
        ));
    }
    OsFs.create_dir_all(&place)?;
    let venv = place.join("venv");
    let venv = venv.to_string_lossy();
    let install: Vec<_> = ["-m", "pip", "install", "--quiet"]
        .into_iter()
        .chain(PACKAGES)
        .collect();
    // What is installed already is looked for without a network.
    let is_made = (succeeds(&python, &["-V"])
        || succeeds(&found, &["-m", "venv", "--clear", &venv]))
        && succeeds(&python, &install);
    match is_made {
        true => Ok(Some(python)),
        false => Ok(passed_over(
            "they cannot be installed: no network, or no `venv` in Python",
        )),
    }
}

/// Says that nothing was checked, and why.
fn passed_over(why: &str) -> Option<PathBuf> {
    println!("== NOT CHECKED: clients of others: {why}");
    None
}
