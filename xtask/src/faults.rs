//! `cargo xtask faults`: stories of replicated logs by seeds, on the code as it is shipped; and code that breaks a rule,
//! which a story must notice.
//!
//! It knows how cargo is run and how a copy of the workspace is changed, and no other command.

use crate::mutate::{Mutation, Workspace};
use crate::run::run as cargo;
use anyhow::{Context, bail, ensure};
use std::process::ExitCode;

/// Package and test target of the stories.
const TARGET: &str = "-p strandline-replicate --test faults";
const COUNT: &str = "STRANDLINE_FAULTS";
const COUNT_DEFAULT: &str = "10000";
const SEED: &str = "STRANDLINE_FAULTS_SEED";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many faults are met before it ends: 10,000, if there is no seed.
    #[arg(long)]
    count: Option<u64>,
    /// Only the story of this seed; with `--count`, those from it on.
    #[arg(long)]
    seed: Option<u64>,
    /// Break the code, one rule at a time, in a copy, and see that a story fails.
    #[arg(long, conflicts_with_all = ["seed", "count"])]
    mutations: bool,
    /// Only the mutations whose name contains this.
    #[arg(requires = "mutations")]
    chosen: Option<String>,
}

/// Faults that a broken copy meets at most.
const FAULTS_OF_MUTANT: &str = "4000";

/// What is broken is outside of the machines of `protocol`, which the model watches over.
const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "a PUT without a clear answer is taken for done",
        file: "crates/replicate/src/ship/ask.rs",
        find: "        PutAnswer::Unclear(error) => (Answer::Unclear, Some(error)),",
        replace: "        PutAnswer::Unclear(_) => (Answer::Created, None),",
        options: "",
    },
    Mutation {
        name: "appends are told of chunks that are not checked",
        file: "crates/replicate/src/ship/run.rs",
        find: "            .is_some_and(|chunk| chunk.number < chunks)",
        replace: "            .is_some_and(|chunk| chunk.number < chunks.max(confirmed))",
        options: "",
    },
    Mutation {
        name: "a takeover leaves the last chunk",
        file: "crates/replicate/src/follow/along.rs",
        find: "    for number in taken.state..taken.below {",
        replace: "    for number in taken.state..taken.below.saturating_sub(1) {",
        options: "",
    },
    Mutation {
        name: "the term of another is taken for an own one",
        file: "crates/replicate/src/ship/take.rs",
        find: "    match owners.has(record.owner) {",
        replace: "    match owners.has(record.owner) || !taker.takes_over {",
        options: "",
    },
    Mutation {
        name: "a takeover leaves what the log says is gone",
        file: "crates/replicate/src/replicator.rs",
        find: "    if let Some(from) = owners.redo_from() {",
        replace: "    if let Some(from) = owners.redo_from().filter(|_| false) {",
        options: "",
    },
];

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.mutations {
        return mutations(args.chosen.as_deref());
    }
    let (count, seed) = (args.count, args.seed.map(|seed| seed.to_string()));
    let count = count.map_or_else(|| COUNT_DEFAULT.to_owned(), |count| count.to_string());
    let variables: Vec<_> = match (&seed, args.count) {
        (Some(seed), None) => vec![(SEED, seed.as_str())],
        (Some(seed), Some(_)) => vec![(SEED, seed.as_str()), (COUNT, count.as_str())],
        (None, _) => vec![(COUNT, count.as_str())],
    };
    let tests = format!("test --release {TARGET} -- --nocapture");
    Ok(match cargo(&tests, &variables) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// Makes each change of the table in a copy of the workspace, and runs stories until one fails.
fn mutations(chosen: Option<&str>) -> anyhow::Result<ExitCode> {
    // That of the model, so that less is built.
    let workspace = Workspace::new("model")?;
    let is_chosen =
        |mutation: &&Mutation| chosen.is_none_or(|chosen| mutation.name.contains(chosen));
    let mutations: Vec<_> = MUTATIONS.iter().filter(is_chosen).collect();
    ensure!(!mutations.is_empty(), "no mutation has such a name");
    let mut missed = 0;
    for mutation in &mutations {
        workspace.apply(mutation)?;
        match story_of(&workspace, mutation)? {
            Some(line) => println!("caught: {}: {line}", mutation.name),
            None => {
                missed += 1;
                println!("MISSED: {}", mutation.name);
            }
        }
    }
    println!(
        "{} mutations caught, {missed} missed",
        mutations.len() - missed
    );
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Which story notices a change; a change that does not build shows nothing.
fn story_of(workspace: &Workspace, mutation: &Mutation) -> anyhow::Result<Option<String>> {
    let built = workspace
        .cargo(&format!("test --quiet --no-run {TARGET}"))
        .output()
        .context("cannot start cargo")?;
    if !built.status.success() {
        let told = String::from_utf8_lossy(&built.stderr);
        bail!("{}: it does not build:\n{told}", mutation.name);
    }
    let ran = workspace
        .cargo(&format!("test --quiet {TARGET} -- --nocapture"))
        .env(COUNT, FAULTS_OF_MUTANT)
        .output()
        .context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    let story = told
        .lines()
        .find(|line| line.starts_with("the story of seed "));
    let story = story.filter(|_| !ran.status.success());
    Ok(story.map(str::to_owned))
}

/// Mutations that have no place in the code.
pub(crate) fn misplaced() -> anyhow::Result<Vec<String>> {
    crate::mutate::misplaced(MUTATIONS)
}
