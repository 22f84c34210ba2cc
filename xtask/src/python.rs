//! A Python, and environments with packages of others for it. It knows `run`, and nothing of what is done with them.

use crate::run::root;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use strandline_core::fs::{Fs, OsFs};

/// Why there is no environment.
pub(crate) enum Lacking {
    /// No Python of version 3 that is as recent, by its minor number.
    Python(u32),
    Packages,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python(minor) => write!(
                f,
                "there is no Python 3.{minor} or later, which STRANDLINE_PYTHON can name"
            ),
            Self::Packages => {
                f.write_str("what does it cannot be installed: no network, or no `venv` in Python")
            }
        }
    }
}

/// The Python, 3.`minor` or later, of an environment that has these packages: in `place`, from the root of the repository
/// on. One that is there and has them is taken as it is, without a network.
pub(crate) fn environment(
    place: &str,
    minor: u32,
    packages: &[&str],
) -> anyhow::Result<Result<PathBuf, Lacking>> {
    let place = root()?.join(place);
    let venv = place.join("venv");
    let python = venv.join("bin/python");
    let has = has_packages(packages);
    if succeeds(&python, &["-c", &has]) {
        return Ok(Ok(python));
    }
    let recent = format!("import sys; sys.exit(sys.version_info < (3, {minor}))");
    let mut found = pythons().into_iter();
    let Some(found) = found.find(|one| succeeds(one, &["-c", &recent])) else {
        return Ok(Err(Lacking::Python(minor)));
    };
    OsFs.create_dir_all(&place)?;
    let mut install = vec!["-m", "pip", "install", "--quiet"];
    install.extend(packages);
    let is_made = succeeds(&found, &["-m", "venv", "--clear", &venv.to_string_lossy()])
        && succeeds(&python, &install)
        && succeeds(&python, &["-c", &has]);
    Ok(is_made.then_some(python).ok_or(Lacking::Packages))
}

/// What fails in a Python that has not each package, at its version if that is pinned.
fn has_packages(packages: &[&str]) -> String {
    let mut text = "from importlib.metadata import version\n".to_owned();
    for package in packages {
        text.push_str(&match package.split_once("==") {
            Some((name, version)) => format!("assert version('{name}') == '{version}'\n"),
            None => {
                let name = package.split(['<', '>', '~', '!']).next();
                format!("version('{}')\n", name.unwrap_or(package))
            }
        });
    }
    text
}

fn succeeds(program: &Path, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// Where a recent Python may be.
fn pythons() -> Vec<PathBuf> {
    let named = std::env::var_os("STRANDLINE_PYTHON").map(PathBuf::from);
    let on_path = ["python3", "python3.14", "python3.13", "python3.12"].map(PathBuf::from);
    // pyenv keeps several, and gives the one that somebody chose its name.
    let versions = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv/versions"));
    let kept = versions.into_iter().flat_map(|versions| {
        let entries = OsFs.list(&versions).unwrap_or_default();
        let python = move |name: String| versions.join(name).join("bin/python");
        entries
            .into_iter()
            .map(move |entry| python(entry.name.clone()))
    });
    named.into_iter().chain(on_path).chain(kept).collect()
}
