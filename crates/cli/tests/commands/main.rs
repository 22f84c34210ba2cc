//! The program itself, run on small stores: what it prints, and its exit codes.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and damages files behind the seam"
)]

#[cfg(feature = "proof")]
mod anchors;
mod asked;
mod backup;
#[cfg(feature = "replicate")]
mod buckets;
mod compact;
mod compact_rules;
mod controlled;
mod disks;
mod files;
#[cfg(feature = "proof")]
mod heads;
mod import;
mod inspect;
mod kinds;
mod live;
mod live_damage;
mod live_problems;
mod locked;
mod looks;
mod manual;
mod output_cases;
mod outputs;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "proof")]
mod proof;
mod query;
#[cfg(feature = "replicate")]
mod replicate;
mod restore;
mod salvage;
#[cfg(feature = "seal")]
mod seal;
#[cfg(feature = "serve")]
mod serve;
mod tail;
mod transfer;
#[cfg(feature = "ui")]
mod ui;
mod verify;
#[cfg(feature = "proof")]
#[path = "../../../anchor/tests/anchors/witness_server.rs"]
mod witness_server;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::Receiver;
use std::time::Duration;
use strandline::{Coordinate, Event, EventKind, Store, StoreOptions};
use tempfile::TempDir;

pub(crate) const PLACED: EventKind = EventKind::new(1, 1);
pub(crate) const PAID: EventKind = EventKind::new(1, 2);

pub(crate) fn at(entity: &str, scope: &str) -> Coordinate {
    Coordinate::new(entity, scope).unwrap()
}

/// A directory with a store of ten events of two entities, closed.
pub(crate) fn store() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let store = Store::open(&path).unwrap();
    fill(&store, 0..10);
    store.close().unwrap();
    (dir, path)
}

/// Appends an event for each number, of alternating entities.
pub(crate) fn fill(store: &Store, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let coordinate = at(&format!("order:{}", number % 2), "eu");
        let payload = serde_json::json!({ "number": number });
        let kind = if number % 2 == 0 { PLACED } else { PAID };
        store
            .append(&coordinate, Event::json(kind, &payload).unwrap())
            .unwrap();
    }
}

/// A store of several segments.
pub(crate) fn segmented(path: &Path, events: u64) -> Store {
    let store = StoreOptions::new().segment_bytes_max(64 << 10);
    let store = store.open(path).unwrap();
    for number in 0..events {
        let coordinate = at(&format!("order:{}", number % 2), "eu");
        let event = Event::bytes(PLACED, vec![b'x'; 9_000]);
        store.append(&coordinate, event).unwrap();
    }
    store
}

/// How long something may take that has to happen: only what stands still takes as long.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// The lines that a program writes, as they come.
pub(crate) fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let output = BufReader::new(output);
    let (send, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || output.lines().try_for_each(|line| send.send(line.unwrap())));
    lines
}

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_strandline"))
}

/// What the program prints with these arguments, which are separated by spaces; `{}` is the store.
pub(crate) fn run(arguments: &str, store: &Path) -> Output {
    let arguments = arguments.split(' ').map(|argument| match argument {
        "{}" => store.as_os_str().to_owned(),
        argument => argument.into(),
    });
    program().args(arguments).output().unwrap()
}

/// The exit code, standard output and standard error.
pub(crate) fn outcome(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

/// Standard output of a run that must end with `code`.
pub(crate) fn expect(code: i32, arguments: &str, store: &Path) -> String {
    let output = run(arguments, store);
    let (found, out, err) = outcome(&output);
    assert_eq!(found, code, "{arguments}: {out}{err}");
    out
}

/// Standard output of a run that must end with `code`, as JSON.
pub(crate) fn json(code: i32, arguments: &str, store: &Path) -> serde_json::Value {
    serde_json::from_str(&expect(code, arguments, store)).unwrap()
}

#[test]
fn every_command_has_help_with_an_example() {
    let (_dir, store) = store();
    let help = expect(0, "--help", &store);
    let commands: Vec<_> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        // What does not fit in the width of a line goes on further to the right.
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|command| !command.is_empty() && *command != "help")
        .collect();
    assert!(commands.len() >= 4, "{help}");
    for command in commands {
        let help = expect(0, &format!("{command} --help"), &store);
        assert!(
            help.contains(&format!("strandline {command} ")),
            "{command}: {help}"
        );
        assert!(help.contains("Example"), "{command}: {help}");
    }
}

#[test]
fn wrong_usage_exits_with_two_and_says_what_to_do() {
    let (dir, store) = store();
    let nowhere = dir.path().join("nowhere");
    for (arguments, path, said) in [
        ("stats {}", &nowhere, "a store is a directory"),
        ("inspect {}", &nowhere, "a store is a directory"),
        ("query {} --kind what", &store, "a kind is"),
        ("query {} --sequence 5..x", &store, "a range is"),
        ("inspect {} --frame 1", &store, "SEGMENT:OFFSET"),
        ("inspect {} --file LOCK", &store, "no segment"),
        ("stats", &store, "required"),
        ("fly {}", &store, "unrecognized"),
    ] {
        let (code, _, err) = outcome(&run(arguments, path));
        assert_eq!(code, 2, "{arguments}: {err}");
        assert!(err.contains(said), "{arguments}: {err}");
    }
}

/// A file in the place of a store was told as a path in it that is no directory.
#[test]
fn a_file_is_no_store() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("orders.jsonl");
    std::fs::write(&file, "{}").unwrap();
    let said = format!("{} is a file; a store is a directory", file.display());
    for arguments in [
        "inspect {}",
        "stats {} --json",
        "query {}",
        "tail {} --follow",
        "live {}",
        "live {} show mailer",
        "verify {}",
        "export {}",
        "import {} {}",
        "checkpoint {}",
        "control {}",
        "rebuild {}",
        "backup {} there",
        "restore {} there",
        "restore /nowhere {} --replace",
        "compact {} --keep-newest 1",
        "redact {} --entity a",
        "removals {}",
        #[cfg(feature = "proof")]
        "prove {} --sequence 1 --key there",
        #[cfg(feature = "proof")]
        "heads sign {} --key there --to there",
        #[cfg(feature = "proof")]
        "tiles {} there --key there",
        "salvage {} there",
    ] {
        let (code, out, err) = outcome(&run(arguments, &file));
        assert_eq!((code, &*out), (2, ""), "{arguments}: {err}");
        assert!(err.contains(&said), "{arguments}: {err}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"{}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (_dir, store) = store();
    let mut child = program()
        .args(["query", "--limit", "1000000"])
        .arg(&store)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
