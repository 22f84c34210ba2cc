//! `cargo xtask fuzz`: the targets of `crash`, driven by libFuzzer, on a stable tool chain.
//!
//! It knows no target but by its name. It knows `run`.

use crate::run::root;
use anyhow::{Context, ensure};
use std::path::Path;
use std::process::{Command, ExitCode};
use strandline_core::fs::{Fs, OsFs};

/// Counts edges and compares operands, which is how libFuzzer finds its way; `cargo fuzz` gives the same.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
     -Cdebug-assertions -Ccodegen-units=1 --cfg fuzzing";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The target; without it, all, one after the other.
    target: Option<String>,
    /// How long each is driven.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Makes the corpus smaller instead, as far as it reaches the same.
    #[arg(long)]
    minimize: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let fuzz = root()?.join("fuzz");
    let triple = host()?;
    let built = Command::new(cargo())
        .args(["build", "--release", "--target", &triple])
        .env("RUSTFLAGS", FLAGS)
        .current_dir(&fuzz)
        .status()
        .context("cannot start cargo")?;
    ensure!(built.success(), "the fuzzer does not build");
    let program = fuzz
        .join("target")
        .join(triple)
        .join("release/strandline-fuzz");
    let mut code = ExitCode::SUCCESS;
    for target in targets(&fuzz, args.target.as_deref())? {
        println!("== {target}");
        let ran = if args.minimize {
            minimize(&fuzz, &program, &target)?
        } else {
            drive(&fuzz, &program, &target, args.seconds)?
        };
        if !ran {
            println!("== {target} found something; it is in fuzz/artifacts/{target}");
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The triple of this machine: with one named, build scripts are built without [`FLAGS`].
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("cannot start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc names no host")
}

/// The targets that have a corpus, or the one that is asked for.
fn targets(fuzz: &Path, only: Option<&str>) -> anyhow::Result<Vec<String>> {
    let entries = OsFs
        .list(&fuzz.join("corpus"))
        .context("list the corpora")?;
    let names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
    match only {
        None => Ok(names),
        Some(only) if names.iter().any(|name| name == only) => Ok(vec![only.to_owned()]),
        Some(only) => anyhow::bail!("no target {only}; there are {}", names.join(", ")),
    }
}

/// Drives a target; false if it found something. New inputs stay in `fuzz/target`, out of git.
fn drive(fuzz: &Path, program: &Path, target: &str, seconds: u64) -> anyhow::Result<bool> {
    let found = fuzz.join("target/found").join(target);
    let artifacts = fuzz.join("artifacts").join(target);
    OsFs.create_dir_all(&found)?;
    OsFs.create_dir_all(&artifacts)?;
    let status = Command::new(program)
        .arg(&found)
        .arg(fuzz.join("corpus").join(target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-rss_limit_mb=512", "-malloc_limit_mb=64", "-timeout=10"])
        .args(["-print_final_stats=1", "-verbosity=1", "-reload=0"])
        .env("STRANDLINE_FUZZ_TARGET", target)
        .status()
        .context("cannot start the fuzzer")?;
    Ok(status.success())
}

/// Makes the corpus of a target the fewest and smallest inputs that reach what all known ones do.
fn minimize(fuzz: &Path, program: &Path, target: &str) -> anyhow::Result<bool> {
    let corpus = fuzz.join("corpus").join(target);
    let smaller = fuzz.join("target/smaller").join(target);
    OsFs.create_dir_all(&smaller)?;
    let status = Command::new(program)
        .arg("-merge=1")
        .args([&smaller, &corpus, &fuzz.join("target/found").join(target)])
        .env("STRANDLINE_FUZZ_TARGET", target)
        .status()
        .context("cannot start the fuzzer")?;
    ensure!(status.success(), "the corpus cannot be made smaller");
    for entry in OsFs.list(&corpus)? {
        OsFs.remove_file(&corpus.join(entry.name))?;
    }
    for entry in OsFs.list(&smaller)? {
        std::fs::copy(smaller.join(&entry.name), corpus.join(&entry.name))?;
        OsFs.remove_file(&smaller.join(entry.name))?;
    }
    Ok(true)
}
