//! `cargo xtask`: maintenance of stores and of this repository.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod crash;
mod demo;
mod faults;
mod fuzz;
mod loom;
mod model;
mod mutate;
mod proof;
mod run;
mod test;
mod tidy;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// The help, with the commands in two groups that [`groups`] puts in place.
const HELP: &str =
    "{about-with-newline}\n{usage-heading} {usage}\n{before-help}\nOptions:\n{options}";

/// Maintenance of Strandline stores and of this repository.
///
/// Exit codes: 0 fine, 1 a problem was found, 2 wrong usage.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What `strandline`, the program of `crates/cli`, does too.
    #[command(flatten)]
    Store(Box<strandline_cli::Command>),
    #[command(flatten)]
    Repository(Repository),
}

/// What is done with this repository.
#[derive(Subcommand)]
enum Repository {
    /// Read the history of a git repository into a store, show it, and check it.
    ///
    /// Example: cargo xtask demo --repo ../some-clone
    Demo(demo::Args),
    /// Measure the store: rates, latencies, sizes, beside what the machine allows.
    ///
    /// Example: cargo xtask bench append read/scan --events 100000
    ///
    /// Work is named as in docs/performance.md: append/single, read/scan, query/kind, open/clean,
    /// with wide/ before it for many short streams; the beginning of a name chooses all that begin
    /// so. events/s and rows/s are rates, of which more is better; us, ms, B/event and instructions
    /// are times, sizes and counts, of which less is; a ratio is of one figure to another. A figure
    /// is the median of the runs, with the least and the greatest in brackets.
    Bench(bench::Args),
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
    /// Run everything that must pass before a change lands.
    ///
    /// Example: cargo xtask ci
    Ci,
}

/// The names and purposes of the commands, those of stores before those of the repository.
fn groups() -> String {
    let store = strandline_cli::Command::augment_subcommands(clap::Command::new("store"));
    let repository = Repository::augment_subcommands(clap::Command::new("repository"));
    let mut text = String::new();
    for (title, group) in [("a store", store), ("this repository", repository)] {
        text += &format!("\nCommands on {title}:\n");
        for command in group.get_subcommands() {
            let about = command.get_about().map(ToString::to_string);
            let about = about.unwrap_or_default();
            text += &format!("  {:<12}{}\n", command.get_name(), about);
        }
    }
    text
}

fn main() -> ExitCode {
    let command = Cli::command().help_template(HELP).before_help(groups());
    let arguments = command
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let outcome = match strandline_cli::parsed(arguments).map(|cli| cli.command) {
        Err(code) => return code,
        Ok(Command::Store(command)) => return strandline_cli::run(&command),
        Ok(Command::Repository(command)) => match command {
            Repository::Demo(args) => demo::run(args),
            Repository::Bench(args) => bench::run(&args),
            Repository::Test => test::run(),
            Repository::Tidy => tidy::run(),
            Repository::Loom(args) => loom::run(&args),
            Repository::Model(args) => model::run(&args),
            Repository::Faults(args) => faults::run(&args),
            Repository::Crash(args) => crash::run(&args),
            Repository::Fuzz(args) => fuzz::run(&args),
            Repository::Proof(args) => proof::run(&args),
            Repository::Ci => ci::run(),
        },
    };
    outcome.unwrap_or_else(|error| {
        strandline_cli::note(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
