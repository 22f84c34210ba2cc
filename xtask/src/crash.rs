//! `cargo xtask crash`: power cuts, failing disks and damage, by the program in `crash`; and stores
//! that break a rule, which that program must notice.
//!
//! It knows how cargo is run and how a copy of the workspace is changed, and no other command.

use crate::mutate::{Mutation, Workspace};
use crate::run::{root, run as cargo};
use anyhow::{Context, bail};
use std::process::{Command, ExitCode, Output};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// What the program takes; `--help` shows it.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let has = |name: &str| args.options.iter().any(|option| option == name);
    match (has("--kernel"), has("--red")) {
        (true, true) => return red_on_kernel(),
        (false, true) => return red(),
        _ => {}
    }
    if has("--projection") {
        return killed_projections(args);
    }
    let options = args.options.join(" ");
    let program = format!("run --release --quiet -p strandline-crash -- {options}");
    Ok(match cargo(&program, &[]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// Processes that are killed while they project, 10,000 or as many as `--count` says.
fn killed_projections(args: &Args) -> anyhow::Result<ExitCode> {
    let mut options = args.options.iter();
    let count = match options.find(|option| *option == "--count") {
        Some(_) => options.next().context("--count takes a number")?,
        None => "10000",
    };
    count.parse::<u64>().context("--count takes a number")?;
    let tests = "test --release -p strandline-live --test killed -- --nocapture";
    Ok(match cargo(tests, &[("STRANDLINE_KILLS", count)]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// Stores whose own code breaks a rule. The text must be there once.
const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "unsalted checksum",
        file: "crates/core/src/checksum.rs",
        find: "let place = self.0 ^ offset.wrapping_mul(0x9E37_79B9_7F4A_7C15);",
        replace: "let place = self.0 & offset & 0;",
        options: "--workload hostile-payload",
    },
    Mutation {
        name: "checkpoint before log",
        file: "crates/store/src/upkeep/checkpoint.rs",
        find: "shared.wait_for(Reach::Synced, position.sequence)?;",
        replace: "",
        options: "--workload checkpoint-written",
    },
    Mutation {
        name: "visible before it is durable",
        file: "crates/store/src/engine/writer/commit.rs",
        find: "if durability == Durability::Written && !self.index.gate().advance_to(end) {",
        replace: "if !self.index.gate().advance_to(end) {",
        options: "--workload append",
    },
    Mutation {
        name: "tail that is not proven continued in its file",
        file: "crates/segment/src/open/carry.rs",
        find: "if self.unproven_from != self.end || self.torn_tail.is_some() {",
        replace: "if self.torn_tail.is_some() {",
        options: "--workload failed-sync",
    },
    Mutation {
        name: "tail listed in its new file before that is synced",
        file: "crates/segment/src/write/target.rs",
        find: "self.file.file.sync().at(\"sync\", &self.file.path)?;",
        replace: "",
        options: "--workload kill",
    },
    Mutation {
        name: "failed sync forgotten",
        file: "crates/store/src/engine/group_sync/sync.rs",
        find: "self.stop(&mut state, Poison::new(&format!(\"a sync failed: {error}\")));",
        replace: "let _ = error; self.advance(&mut state, written);",
        options: "--workload append --fault-every 1",
    },
    Mutation {
        name: "manifest before the next segment has its name",
        file: "crates/segment/src/write/next.rs",
        find: "fs.sync_dir(dir).at(\"sync\", dir)?;",
        replace: "",
        options: "--workload rotation-written",
    },
    Mutation {
        name: "removed before its record is durable",
        file: "crates/store/src/maintenance/notes/recorder.rs",
        find: "shared.group.flush().map_err(",
        replace: "Ok::<(), Poison>(()).map_err(",
        options: "--workload compact",
    },
    Mutation {
        name: "backup that is written over the earlier one",
        file: "crates/segment/src/copy/files.rs",
        find: "Some(_) => info.header.beside(|name| self.earlier.lists(name)),",
        replace: "Some(_) => info.header,",
        options: "--workload backup",
    },
    Mutation {
        name: "backup whose contents are not synced",
        file: "crates/segment/src/copy/files.rs",
        find: "let synced = self.target.file.file.sync();",
        replace: "let synced = std::io::Result::Ok(());",
        options: "--workload backup",
    },
    Mutation {
        name: "backup whose names are not durable before its manifest",
        file: "crates/segment/src/copy/staged.rs",
        find: "let named = fs.sync_dir(to);",
        replace: "let named = std::io::Result::Ok(());",
        options: "--workload backup-link",
    },
    Mutation {
        name: "earlier backup removed before the new one is in its place",
        file: "crates/segment/src/copy/staged.rs",
        find: "self.is_published = true;",
        replace: "self.is_published = true; self.remove_unlisted()?;",
        options: "--workload backup",
    },
    Mutation {
        name: "checkpoint of the new backup beside the earlier one",
        file: "crates/store/src/maintenance/backup/staged.rs",
        find: "self.remove_checkpoints_of_elsewhere()?;",
        replace: "if let Some((name, bytes)) = &checkpoint { \
                  replace_file(fs, &target.join(name), bytes).ok(); }",
        options: "--workload backup",
    },
    Mutation {
        name: "restored store and the one before it under no name for a moment",
        file: "crates/store/src/maintenance/restore/place.rs",
        find: "match fs.exchange(&staging.path, target) {",
        replace: "match Err::<(), io::Error>(io::ErrorKind::Unsupported.into()) {",
        options: "--workload restore --images 100000",
    },
    Mutation {
        name: "restored MANIFEST before its segments have their names",
        file: "crates/store/src/maintenance/restore/place.rs",
        find: "    sync(fs, to)?;\n    move_file(fs, from, to, MANIFEST_FILE, moved)?;",
        replace: "    move_file(fs, from, to, MANIFEST_FILE, moved)?;",
        options: "--workload restore --images 100000",
    },
    Mutation {
        name: "merge that loses a row",
        file: "crates/index/src/block/merge/by_key.rs",
        find: "            return all;\n",
        replace: "            return all.start..all.end - usize::from(all.len() == 1 && key == 1);\n",
        options: "--workload merge-batches --images 200 --fault-every 9999",
    },
    Mutation {
        name: "merged file in use before it is synced",
        file: "crates/store/src/upkeep/merges.rs",
        find: "    file.sync()\n        .map_err(|error| Error::io(\"sync\", path, error))?;\n    Ok(Some(()))",
        replace: "    Ok(Some(()))",
        options: "--workload merge --images 1000 --fault-every 9999",
    },
    Mutation {
        name: "merged block of segments that were rewritten",
        file: "crates/store/src/rows/merged.rs",
        find: "Self::of(info, self.rows).as_ref() == Some(self)",
        replace: "self.id == info.id()",
        options: "--machine --count 60",
    },
    Mutation {
        name: "head that is kept over a rewriting",
        file: "crates/store/src/engine/writer/head_cache.rs",
        find: "        self.rewritten.add(sequences);\n",
        replace: "        let _ = sequences;\n",
        options: "--machine --seed 511 --count 20",
    },
    Mutation {
        name: "piece that is not checked",
        file: "crates/index/src/block/checked.rs",
        find: "            piece_checksum(section, piece, bytes.unwrap_or_default()),\n",
        replace: "            expected,\n",
        options: "--images 1 --fault-every 1000000",
    },
    Mutation {
        name: "version not looked at",
        file: "crates/store/src/model/expected.rs",
        find: "Self::NoStream => actual.is_none(),",
        replace: "Self::NoStream => true,",
        options: "--machine --count 100",
    },
];

/// Stores that only a real kernel shows to be wrong, or that it must show too.
const KERNEL_MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "a sync that does nothing",
        file: "crates/core/src/fs/os_file.rs",
        find: "self.file.sync_data()",
        replace: "Ok(())",
        options: "--part power --count 60",
    },
    Mutation {
        name: "tail that is not proven continued in its file",
        file: "crates/segment/src/open/carry.rs",
        find: "if self.unproven_from != self.end || self.torn_tail.is_some() {",
        replace: "if self.torn_tail.is_some() {",
        options: "--part failing --count 100",
    },
    Mutation {
        name: "failed sync forgotten",
        file: "crates/store/src/engine/group_sync/sync.rs",
        find: "self.stop(&mut state, Poison::new(&format!(\"a sync failed: {error}\")));",
        replace: "let _ = error; self.advance(&mut state, written);",
        options: "--part failing --count 100",
    },
    Mutation {
        name: "short write believed",
        file: "crates/core/src/fs/file.rs",
        find: "bytes = bytes.get(count..).unwrap_or_default();",
        replace: "bytes = bytes.get(count..count).unwrap_or_default();",
        options: "--part full",
    },
    Mutation {
        name: "lock not asked for",
        file: "crates/core/src/fs/os.rs",
        find: "Err(TryLockError::WouldBlock) => return Ok(None),",
        replace: "Err(TryLockError::WouldBlock) => {}",
        options: "--part kill",
    },
];

/// Checks that every store that breaks a rule is noticed.
pub(crate) fn red() -> anyhow::Result<ExitCode> {
    red_with("--red", &all(MUTATIONS), "")
}

/// How many commits it takes until each store was tried.
const COMMITS_FOR_ALL: usize = 3;

/// Checks some of them, of each commit others.
pub(crate) fn red_some() -> anyhow::Result<ExitCode> {
    let counted = Command::new("git")
        .args("rev-list --count HEAD".split(' '))
        .current_dir(root()?)
        .output()
        .context("git says which commit this is")?;
    let commits: usize = String::from_utf8_lossy(&counted.stdout)
        .trim()
        .parse()
        .context("git says which commit this is")?;
    let some: Vec<_> = MUTATIONS
        .iter()
        .skip(commits % COMMITS_FOR_ALL)
        .step_by(COMMITS_FOR_ALL)
        .collect();
    println!(
        "{} of {} changed lines, others with the next commit; `cargo xtask crash --red` tries all",
        some.len(),
        MUTATIONS.len()
    );
    red_with("--red", &some, "")
}

fn all(mutations: &[Mutation]) -> Vec<&Mutation> {
    mutations.iter().collect()
}

/// The same on the running kernel, which needs root.
fn red_on_kernel() -> anyhow::Result<ExitCode> {
    red_with("--kernel --red", &all(KERNEL_MUTATIONS), "--kernel")
}

/// A broken store that runs.
type Running<'scope> = (
    &'scope Mutation,
    std::thread::ScopedJoinHandle<'scope, anyhow::Result<Output>>,
);

/// Whether a store that ran was noticed; says so.
fn is_caught((mutation, outcome): Running<'_>) -> anyhow::Result<bool> {
    let outcome = outcome
        .join()
        .map_err(|_| anyhow::anyhow!("{} was not run", mutation.name))??;
    let text = String::from_utf8_lossy(&outcome.stderr);
    let found = text.lines().find(|line| line.contains(", seed "));
    let found = found.filter(|_| !outcome.status.success());
    match found {
        Some(line) => println!("caught  {}: {line}", mutation.name),
        None => println!("MISSED  {}", mutation.name),
    }
    Ok(found.is_some())
}

/// Checks the stores that the program breaks by itself with `own`, and those of a table.
fn red_with(own: &str, mutations: &[&Mutation], option: &str) -> anyhow::Result<ExitCode> {
    let mut output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = output
        .args("run --release --quiet -p strandline-crash --".split(' '))
        .args(own.split(' '))
        .current_dir(root()?)
        .output()
        .context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let own = |what| text.lines().filter(|line| line.starts_with(what)).count();
    let (mut caught, mut missed) = (own("caught"), own("MISSED"));
    if caught == 0 {
        bail!("the program tried nothing");
    }
    let workspace = Workspace::new("crash")?;
    let mut count = |is_caught| match is_caught {
        true => caught += 1,
        false => missed += 1,
    };
    // One runs while the next is built.
    std::thread::scope(|scope| {
        let mut runs: Option<Running<'_>> = None;
        for &mutation in mutations {
            workspace.apply(mutation)?;
            workspace.build("-p strandline-crash")?;
            if let Some(running) = runs.take() {
                count(is_caught(running)?);
            }
            let program = workspace.take("strandline-crash")?;
            let arguments = format!(
                "{option} {} --ledger {}/red.json",
                mutation.options,
                workspace.folder()
            );
            let workspace = &workspace;
            let outcome = scope.spawn(move || workspace.output(&program, &arguments));
            runs = Some((mutation, outcome));
        }
        if let Some(running) = runs {
            count(is_caught(running)?);
        }
        anyhow::Ok(())
    })?;
    println!("{caught} caught, {missed} missed");
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Mutations that have no place in the code.
pub(crate) fn misplaced() -> anyhow::Result<Vec<String>> {
    crate::mutate::misplaced(MUTATIONS.iter().chain(KERNEL_MUTATIONS))
}
