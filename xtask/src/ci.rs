//! `cargo xtask ci`: everything that must pass before a change lands.
//!
//! It holds the order; what is checked is in the commands, which it stands above.

use crate::run::run as cargo;
use crate::{crash, examples, inspector, loom, parquet, proof, serve, tidy, wheel};
use std::process::ExitCode;
use std::time::Instant;

type Step = (&'static str, fn() -> anyhow::Result<()>);

const STEPS: &[Step] = &[
    ("format", || cargo("fmt --all --check", &[])),
    ("tidy", || done(tidy::run()?)),
    ("lints", || {
        cargo(
            "clippy --workspace --all-targets --all-features -- -D warnings",
            &[],
        )
    }),
    ("lints under loom", || {
        cargo(
            "clippy --target-dir target/loom -p strandline-core -p strandline-index -p strandline \
             --all-targets -- -D warnings",
            &[("RUSTFLAGS", loom::FLAGS)],
        )
    }),
    ("tests", || cargo("xtask test", &[])),
    ("documentation", || {
        cargo(
            "doc --workspace --no-deps",
            &[("RUSTDOCFLAGS", "-D warnings")],
        )
    }),
    ("examples", examples::run),
    // Where there is no recent Python or no network, it says what it passes over.
    ("proofs, read by others", || {
        done(proof::run(&proof::Args::default())?)
    }),
    // Where there is no Python or no network, it says what it passes over.
    ("Parquet, read by others", || done(parquet::run()?)),
    // Where there is no Python or no network, it says what it passes over.
    ("the package for Python", || done(wheel::run()?)),
    // Where there is no Chromium, no Node.js or no network, it says what it passes over.
    ("views, in a browser", || done(inspector::run()?)),
    // Where there is no recent Python or no network, it says what it passes over.
    ("clients of others, served", || {
        done(serve::run(&serve::Args::default())?)
    }),
    ("power cuts", || {
        cargo("run --release --quiet -p strandline-crash", &[])
    }),
    // Where it is not root, it says what it passes over.
    ("this kernel", || {
        cargo(
            "run --release --quiet -p strandline-crash -- --kernel --count 100",
            &[],
        )
    }),
    ("broken stores", || done(crash::red_some()?)),
    ("loom models", || done(loom::models()?)),
];

fn done(code: ExitCode) -> anyhow::Result<()> {
    anyhow::ensure!(code == ExitCode::SUCCESS, "it found a problem");
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures commands, not the store"
)]
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    for (name, step) in STEPS {
        println!("== {name}");
        let started = Instant::now();
        if let Err(error) = step() {
            println!("== {name} failed: {error:#}");
            return Ok(ExitCode::FAILURE);
        }
        println!("== {name}: {:.0} s", started.elapsed().as_secs_f64());
    }
    println!("== all {} steps passed", STEPS.len());
    Ok(ExitCode::SUCCESS)
}
