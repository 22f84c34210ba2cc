//! A process that is killed in the middle of its appends, and another that takes over.

use crate::harness::{at, event, texts};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use strandline::{AppendOptions, Batch, Durability, Store};

const DIR: &str = "STRANDLINE_KILL_DIR";
/// Events of a batch.
const MEMBERS: usize = 3;

/// What the killed process runs: batches without end, some of them synced and acknowledged.
#[test]
#[ignore = "runs in a process of its own, which is killed"]
fn append_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let store = Store::open(dir).unwrap();
    let mut commit = store.snapshot().len() as usize / MEMBERS;
    loop {
        let mut batch = Batch::new();
        for member in 0..MEMBERS {
            batch.add(
                &at(&format!("entity:{member}"), "s"),
                event(&format!("{commit}.{member}")),
            );
        }
        commit += 1;
        if commit.is_multiple_of(50) {
            store.append_batch(batch).unwrap();
            println!("synced {}", commit * MEMBERS);
        } else {
            let lazy = AppendOptions::new().durability(Durability::Written);
            store.append_batch_with(batch, lazy).unwrap();
        }
    }
}

/// Runs a process that appends to the store in `dir`, and kills it in the middle of that.
pub(crate) fn kill_one_that_appends(dir: &Path) {
    kill_after(dir, 2);
}

/// Kills a process that appends after so many acknowledgements, and gives how many events it
/// acknowledged.
fn kill_after(dir: &Path, acknowledgements: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill::append_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = 0;
    let mut seen = 0;
    // The kill comes after a few acknowledgements, at whatever the process does then.
    for line in output.lines() {
        if let Some(events) = line.unwrap().strip_prefix("synced ") {
            acknowledged = events.parse().unwrap();
            seen += 1;
        }
        if seen == acknowledgements {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

#[test]
fn a_killed_process_leaves_a_prefix_of_whole_batches() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = 0;
    for round in 1..=4 {
        let acknowledged = kill_after(dir.path(), round * 3);
        let store = Store::open(dir.path()).unwrap();
        let left = texts(&store);
        assert!(
            left.len() >= acknowledged,
            "{} of {acknowledged}",
            left.len()
        );
        assert!(left.len() > before);
        assert_eq!(left.len() % MEMBERS, 0, "a batch is whole");
        for (at, text) in left.iter().enumerate() {
            assert_eq!(*text, format!("{}.{}", at / MEMBERS, at % MEMBERS));
        }
        assert!(store.verify().unwrap().is_intact());
        before = left.len();
    }
}
