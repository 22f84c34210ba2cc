//! What `Written` promises: a process that dies keeps every event whose append returned.

use std::path::Path;
use std::process::Command;
use strandline_benches::engine::{Durability, EngineEntry};
use strandline_benches::workload::Workload;
use strandline_peers::ENTRIES;

const EVENTS: u64 = 300;
const BATCH: u64 = 7;

/// Tells the test's own program to be the process that dies.
const PEER: &str = "STRANDLINE_PEERS_KILL_PEER";
const DIRECTORY: &str = "STRANDLINE_PEERS_KILL_DIRECTORY";

fn entry(name: &str) -> &'static EngineEntry {
    ENTRIES.iter().find(|entry| entry.name == name).unwrap()
}

/// Appends and dies without running any destructor, so that what a library buffers is lost.
fn append_and_die(name: &str, directory: &Path) -> ! {
    let work = Workload::regular(EVENTS);
    let engine = (entry(name).open)(directory).unwrap();
    for number in 0..EVENTS - BATCH {
        engine
            .append(&[work.event(number)], Durability::Written)
            .unwrap();
    }
    let batch: Vec<_> = (EVENTS - BATCH..EVENTS).map(|n| work.event(n)).collect();
    engine.append(&batch, Durability::Written).unwrap();
    std::process::abort();
}

#[test]
fn a_killed_process_loses_nothing_that_was_written() {
    if let (Ok(name), Some(directory)) = (std::env::var(PEER), std::env::var_os(DIRECTORY)) {
        append_and_die(&name, Path::new(&directory));
    }
    let work = Workload::regular(EVENTS);
    for entry in ENTRIES {
        let directory = tempfile::tempdir().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_killed_process_loses_nothing_that_was_written"])
            .env(PEER, entry.name)
            .env(DIRECTORY, directory.path())
            .output()
            .unwrap();
        assert!(!output.status.success(), "{} did not die", entry.name);

        let engine = (entry.open)(directory.path()).unwrap();
        let mut payloads = Vec::new();
        engine
            .scan(&mut |payload| payloads.push(payload.to_vec()))
            .unwrap();
        let expected: Vec<_> = (0..EVENTS).map(|n| work.event(n).payload).collect();
        assert!(payloads == expected, "{} lost events", entry.name);
        engine.close().unwrap();
    }
}
