//! `cargo xtask`: maintenance of stores and of this repository.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod crash;
mod examples;
mod faults;
mod fuzz;
mod inspector;
mod loom;
mod model;
mod mutate;
mod parquet;
mod proof;
mod python;
mod run;
mod serve;
mod test;
mod tidy;
mod wheel;

use clap::{CommandFactory, Parser, Subcommand};
use run::{Passed, program, root};
use std::ffi::OsString;
use std::process::ExitCode;

/// Maintenance of Strandline stores and of this repository.
///
/// Exit codes: 0 fine, 1 a problem was found, 2 wrong usage.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    max_term_width = 100,
    after_help = "Every other command is one on a store, of the program `strandline`, which is built first:\n  \
    cargo xtask inspect DIR\n  \
    cargo xtask store         lists them; `cargo xtask help query` explains one"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Repository(Repository),
    /// What `strandline`, the program of `crates/cli`, does.
    #[command(external_subcommand)]
    Store(Vec<OsString>),
}

/// What is done with this repository.
#[derive(Subcommand)]
enum Repository {
    /// Read the history of a git repository into a store, show it, and check it.
    ///
    /// Example: cargo xtask demo --repo ../some-clone
    Demo(Passed),
    /// Measure the store: rates, latencies, sizes, beside what the machine allows; with --peers other stores too.
    ///
    /// Example: cargo xtask bench append read/scan --events 100000
    Bench(Passed),
    /// Run every test of the workspace, doc tests included.
    ///
    /// Example: cargo xtask test
    Test,
    /// Check what the compiler does not: directions of dependencies and rooms, file sizes, seams.
    ///
    /// Example: cargo xtask tidy
    Tidy,
    /// Run the loom models on the shipped types, at preemption bound 3; or see that they fail where
    /// they should.
    ///
    /// Example: cargo xtask loom --mutations
    Loom(loom::Args),
    /// Check the protocol of replication in every order of what can happen; or see that it fails where it
    /// should.
    ///
    /// Example: cargo xtask model --mutations
    Model(model::Args),
    /// Run stories of replicated logs by seeds: requests that go wrong, writers, takers and replicas that are killed,
    /// held and raced; or see that a story fails where it should.
    ///
    /// Example: cargo xtask faults --count 10000
    Faults(faults::Args),
    /// Cut the power, fail the disk and damage the files of stores, and judge what is left.
    ///
    /// Without options a sample, as in CI. `--full`, `--damage`, `--kernel`, `--red`, `--json`, and
    /// `--help` for all of them. `--projection --count 10000` kills processes that project, and takes no other
    /// option. docs/reliability.md says what is promised.
    ///
    /// Example: cargo xtask crash --full --json
    Crash(crash::Args),
    /// Drive decoders, directories and the store with a fuzzer.
    ///
    /// Each target for as many seconds; the targets are the folders of fuzz/corpus. What is found is
    /// in fuzz/artifacts; once mended it goes to fuzz/regressions, which plain tests replay.
    ///
    /// Example: cargo xtask fuzz directory --seconds 600
    Fuzz(fuzz::Args),
    /// Have proofs read by a program of others, and theirs by us; build for a browser. Or see that tests of proofs,
    /// heads and sealing fail where they should.
    ///
    /// Needs Python 3.12 or later, which STRANDLINE_PYTHON can name, and a network the first time; what cannot
    /// be checked is said.
    ///
    /// Example: cargo xtask proof --mutations
    Proof(proof::Args),
    /// Have DuckDB and pandas read files of Parquet that are exported, and import what they write of them.
    ///
    /// Needs Python 3.10 or later, which STRANDLINE_PYTHON can name, and a network the first time; what cannot be
    /// checked is said.
    ///
    /// Example: cargo xtask parquet
    Parquet,
    /// Build the package for Python as a wheel, install it into an environment, and run its tests, the examples of its
    /// documentation, and a check of its types.
    ///
    /// Needs Python 3.11 or later, which STRANDLINE_PYTHON can name, and a network the first time; what cannot be
    /// checked is said.
    ///
    /// Example: cargo xtask python
    Python,
    /// List the commands on a store.
    Store,
    /// Open every view of the inspector in a browser, click through it, and compare its numbers with the store's.
    ///
    /// Needs Node.js, and Chromium, which STRANDLINE_CHROMIUM can name and Debian's packages are asked for; and a
    /// network the first time. What cannot be checked is said. Screenshots are kept in target/inspector/screenshots.
    ///
    /// Example: cargo xtask inspector
    Inspector,
    /// Have clients that are not ours append to and read from `strandline serve`, kill it among 64 of them, and see that
    /// nothing acknowledged is lost.
    ///
    /// Needs Python 3.11 or later, which STRANDLINE_PYTHON can name, and a network the first time; what cannot be checked
    /// is said.
    ///
    /// Example: cargo xtask serve --load-seconds 60
    Serve(serve::Args),
    /// Run everything that must pass before a change lands.
    ///
    /// Example: cargo xtask ci
    Ci,
}

/// The program that has the commands on a store.
const STORE: &str = "strandline-cli";

/// Whether help is asked for on a command that is not of this program.
fn is_help_of_store(arguments: &[OsString]) -> bool {
    let [help, command, ..] = arguments else {
        return false;
    };
    let name = command.to_str().unwrap_or_default();
    help == "help" && name != "help" && Cli::command().find_subcommand(name).is_none()
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Store(arguments) => program(STORE, &root()?, &arguments),
        Command::Repository(command) => match command {
            Repository::Demo(args) => program("strandline-demo", &root()?, &args.arguments),
            Repository::Bench(args) => bench::run(&args),
            Repository::Test => test::run(),
            Repository::Tidy => tidy::run(),
            Repository::Loom(args) => loom::run(&args),
            Repository::Model(args) => model::run(&args),
            Repository::Faults(args) => faults::run(&args),
            Repository::Crash(args) => crash::run(&args),
            Repository::Fuzz(args) => fuzz::run(&args),
            Repository::Proof(args) => proof::run(&args),
            Repository::Parquet => parquet::run(),
            Repository::Python => wheel::run(),
            Repository::Store => program(STORE, &root()?, &["help".into()]),
            Repository::Inspector => inspector::run(),
            Repository::Serve(args) => serve::run(&args),
            Repository::Ci => ci::run(),
        },
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let outcome = match is_help_of_store(&arguments) {
        true => run(Command::Store(arguments)),
        false => run(Cli::parse().command),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
