//! The program on the running kernel: what it tries, or says that it cannot.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

/// Runs the program with a part of what it can do; gives what it printed.
fn run(part: &str, options: &[&str]) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_strandline-crash"))
        .args(["--kernel", "--part", part])
        .args(options)
        .current_dir(dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text + &errors)
}

fn tries(part: &str, tried: &str) {
    let (succeeded, text) = run(part, &["--count", "9"]);
    assert!(succeeded, "{text}");
    assert!(text.contains(tried) || text.contains("skipped"), "{text}");
    assert!(
        text.contains("0 acknowledged events lost, 0 violations"),
        "{text}"
    );
}

#[test]
fn a_killed_process_loses_nothing_that_was_written() {
    tries("kill", "3 killed processes");
}

#[test]
fn a_mounted_file_system_that_is_cut_off_loses_nothing_acknowledged() {
    tries("power", "power cuts");
}

#[test]
fn a_disk_that_fails_to_write_stops_the_store_and_loses_nothing_acknowledged() {
    tries("failing", "1 failing disks");
}

#[test]
fn a_disk_of_any_size_that_is_full_loses_nothing_once_there_is_room() {
    tries("full", "65 full disks");
}

#[test]
fn a_system_call_that_fails_loses_nothing_acknowledged() {
    tries("calls", "failing system calls");
}

#[test]
fn a_process_that_acknowledges_too_early_is_noticed() {
    if run("power", &["--count", "1"]).1.contains("skipped") {
        return;
    }
    let (succeeded, text) = run("power", &["--red"]);
    assert!(succeeded && text.contains("caught"), "{text}");
}
