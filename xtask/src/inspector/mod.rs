//! `cargo xtask inspector`: every view of the inspector in a browser, over a store with something of everything.
//!
//! What cannot be checked on this machine is said, and is no failure. It knows `examples` and `run`.

use crate::examples;
use crate::run::{self, root};
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use strandline_core::fs::{Fs, OsFs};

/// What drives the browser, and what looks at accessibility, at the versions that are known to work.
const PACKAGES: [&str; 2] = ["playwright-core@1.65.1", "axe-core@4.14.1"];
/// The store that is looked at, and its server.
const EXAMPLE: &str = "sample_store";
/// How many events and entities are in it beside those of orders: more than a view looks at in a request. A million of them
/// behave alike, and take longer to make than everything else here.
const EVENTS: &str = "120000";
const ENTITIES: &str = "60000";
const SCRIPT: &str = "xtask/src/inspector/browser.mjs";
/// Where everything is put, from the root of the repository on.
const PLACE: &str = "target/inspector";
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let place = root()?.join(PLACE);
    OsFs.create_dir_all(&place)?;
    let Some(browser) = browser() else {
        return Ok(passed_over(
            "no Chromium is installed, and none can be; STRANDLINE_CHROMIUM can name one",
        ));
    };
    if !packages(&place) {
        return Ok(passed_over(
            "no Node.js, or its packages cannot be installed",
        ));
    }
    let shots = place.join("screenshots");
    OsFs.create_dir_all(&shots)?;
    let server = examples::program(EXAMPLE)?;
    let status = Command::new("node")
        .arg(root()?.join(SCRIPT))
        .args([&place, &browser, &shots])
        .arg(server)
        .args([EVENTS, ENTITIES])
        .current_dir(root()?)
        .status()
        .context("start Node.js")?;
    ensure!(
        status.success(),
        "a view is not as it should be; {PLACE}/screenshots has what it looks like"
    );
    println!("screenshots are in {PLACE}/screenshots");
    Ok(ExitCode::SUCCESS)
}

/// Says that nothing was checked, and why.
fn passed_over(why: &str) -> ExitCode {
    run::passed_over("views in a browser", why);
    ExitCode::SUCCESS
}

fn succeeds(program: &str, arguments: &[&str], dir: &Path) -> bool {
    let mut command = Command::new(program);
    let command = command
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null());
    command.output().is_ok_and(|output| output.status.success())
}

/// The browser, which is installed where the system is Debian's and this is root.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("STRANDLINE_CHROMIUM").map(PathBuf::from);
    let found = || {
        let path = std::env::var_os("PATH")?;
        let dirs: Vec<_> = std::env::split_paths(&path).collect();
        let places = dirs
            .iter()
            .flat_map(|dir| BROWSERS.map(|name| dir.join(name)));
        places.into_iter().find(|place| place.is_file())
    };
    named.or_else(found).or_else(|| {
        let here = Path::new(".");
        let is_installed = succeeds("apt-get", &["update", "-qq"], here)
            && succeeds(
                "apt-get",
                &[
                    "install",
                    "-y",
                    "-qq",
                    "--no-install-recommends",
                    "chromium",
                ],
                here,
            );
        is_installed.then(found).flatten()
    })
}

/// Whether the packages of the script are there, or could be installed.
fn packages(place: &Path) -> bool {
    if !succeeds("node", &["--version"], place) {
        return false;
    }
    if !place.join("package.json").is_file()
        && write(&place.join("package.json"), "{\"private\": true}\n").is_err()
    {
        return false;
    }
    let installs = ["install", "--no-audit", "--no-fund", "--silent"];
    let arguments: Vec<_> = installs.into_iter().chain(PACKAGES).collect();
    let is_there = |package: &str| {
        let (name, version) = package.split_once('@').unwrap_or((package, ""));
        let manifest =
            std::fs::read_to_string(place.join("node_modules").join(name).join("package.json"));
        manifest.is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    };
    PACKAGES.into_iter().all(is_there) || succeeds("npm", &arguments, place)
}

#[expect(
    clippy::disallowed_methods,
    reason = "files of a check, and of no store"
)]
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}
