//! `cargo xtask serve`: clients that are not ours against `strandline serve`.
//!
//! They are installed from the package index into an environment of their own, and what cannot be is said and is no
//! failure. It knows `examples`, which has the program, `python` and `run`.

use crate::examples;
use crate::python::environment;
use crate::run::{passed_over, root};
use anyhow::{Context, ensure};
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
    let python = match environment(PLACE, 11, &PACKAGES)? {
        Ok(python) => python,
        Err(lacking) => {
            passed_over("clients of others", lacking);
            return Ok(ExitCode::SUCCESS);
        }
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
