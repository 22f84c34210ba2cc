//! `live`: what it lists and shows, and what it asks of workers in other processes and where there are none.

use crate::{LIMIT, json, lines_of, outcome, program, run, store};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use strandline::{Clock, EventRef, Query, Region, StoreOptions, SystemClock};
use strandline_live::{ApplyError, Failure, Live, Projection};

const DIR: &str = "STRANDLINE_LIVE_WORKER_DIR";
/// The address is known once there is a file of this name.
const MENDED: &str = "mended";

pub(crate) fn live_of(path: &Path) -> Live {
    let store = StoreOptions::new().read_only().open(path).unwrap();
    Live::open(&Arc::new(store)).unwrap()
}

/// Runs a mailer of two partitions that parks what `order:0` gets, until everything is handled or parked.
pub(crate) fn mail(path: &Path) {
    let live = live_of(path);
    let mailer = live.reactor("mailer", Region::all()).partitions(2);
    let mailer = mailer.start(|event, _| match event.coordinate.entity() {
        "order:0" => Err(Failure::park("no\n  such address\n")),
        _ => Ok(()),
    });
    let mailer = mailer.unwrap();
    let last = live.store().snapshot().visible();
    let is_done = || live.status("mailer").unwrap().sequence >= last;
    until(is_done);
    mailer.stop().unwrap();
}

struct Count;

impl Projection for Count {
    const VERSION: u32 = 1;
    type State = u64;

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, count: &mut u64, _: &EventRef<'_>) -> Result<(), ApplyError> {
        *count += 1;
        Ok(())
    }
}

pub(crate) fn count(path: &Path) {
    let live = live_of(path);
    let running = live.projection("totals", Count).start().unwrap();
    assert!(running.wait_caught_up(LIMIT).unwrap());
    running.stop().unwrap();
}

/// A process that works as the mailer.
struct Worker {
    child: Child,
    handled: Receiver<String>,
}

/// What that process runs.
#[test]
#[ignore = "runs in a process of its own"]
fn work() {
    let Some(path) = std::env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let live = live_of(&path);
    let mended = path.with_file_name(MENDED);
    let mailer = live.reactor("mailer", Region::all()).partitions(2);
    let _mailer = mailer
        .start(move |event, _| {
            let entity = event.coordinate.entity();
            let has_failed = entity == "order:0" && !mended.exists();
            println!(
                "{} {entity} {}",
                if has_failed { "failed" } else { "handled" },
                event.sequence
            );
            match has_failed {
                true => Err(Failure::park("no such address")),
                false => Ok(()),
            }
        })
        .unwrap();
    println!("begun");
    loop {
        std::thread::park();
    }
}

impl Worker {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "live::work", "--ignored", "--nocapture"])
            .env(DIR, path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let handled = lines_of(child.stdout.take().unwrap());
        Self { child, handled }
    }

    /// Waits until it says so.
    fn until(&self, line: &str) {
        while !self.handled.recv_timeout(LIMIT).unwrap().ends_with(line) {}
    }

    fn signal(&self, signal: &str) {
        let command = format!("kill -{signal} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &command])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Looks until it is so.
fn until(is_so: impl Fn() -> bool) {
    let clock = SystemClock::default();
    while !is_so() {
        assert!(clock.elapsed() < LIMIT, "it never was so");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The exit code is `code`, and standard output or standard error have each of `said`.
pub(crate) fn check(code: i32, arguments: &str, path: &Path, said: &[&str]) {
    let (found, out, err) = outcome(&run(arguments, path));
    assert_eq!(found, code, "{arguments}: {out}{err}");
    for said in said {
        assert!(
            out.contains(said) || err.contains(said),
            "{arguments}: {said}\n{out}{err}"
        );
    }
}

/// The files of all partitions with names that begin so.
pub(crate) fn files(path: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![path.with_extension("strand.live")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => dirs.push(entry.path()),
                false if name.starts_with(prefix) => found.push(entry.path()),
                false => {}
            }
        }
    }
    found
}

#[test]
fn consumers_are_listed_and_shown() {
    let (_dir, path) = store();
    mail(&path);
    count(&path);
    live_of(&path).position("printer").unwrap();
    check(
        1,
        "live {}",
        &path,
        &[
            "name     kind        state    behind  for",
            "mailer   reactor     stopped  0       -    1       -        no such address",
            "totals   projection  stopped  0",
            "printer  position    stopped  10",
        ],
    );
    check(
        1,
        "live {} show mailer",
        &path,
        &[
            "reactor, 2 partitions",
            "event 10 of 10",
            "parked order:0: 5 events from 0 on, tried once",
            ": no such address",
            "replay mailer order:0",
        ],
    );
    check(
        0,
        "live {} show printer",
        &path,
        &["nobody works on it: start its program"],
    );
    check(
        0,
        "live {} show totals --local",
        &path,
        &["version         1"],
    );
    let all = json(1, "live {} list --json", &path);
    let all = all.as_array().unwrap();
    let names: Vec<_> = all
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["mailer", "printer", "totals"]);
    assert_eq!(all[0]["parked"], 1);
    assert_eq!(all[1]["condition"], "stopped");
    assert_eq!(all[1]["behind"], 10);
    let mailer = json(1, "live {} show mailer --json", &path);
    let parked = mailer["partitions"].as_array().unwrap().iter();
    let parked: Vec<_> = parked.filter_map(|one| one["parked"].get(0)).collect();
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (&parked[0]["key"], &parked[0]["count"]),
        (&"order:0".into(), &5.into())
    );
    // A path as a shell completes it is of the same store.
    check(1, "live {} list", &path.join(""), &["mailer"]);
}

#[test]
fn where_nobody_works_it_is_done_at_once() {
    let (_dir, path) = store();
    mail(&path);
    count(&path);
    let asks = "nothing was changed, as there is no terminal";
    check(
        2,
        "live {} discard mailer order:0",
        &path,
        &[asks, "5 events from 0 on"],
    );
    check(
        2,
        "live {} skip mailer order:0",
        &path,
        &[asks, "event 0 of order:0"],
    );
    check(
        2,
        "live {} reset mailer --to beginning",
        &path,
        &[asks, "up to 10 events again"],
    );
    check(
        2,
        "live {} reset totals --to beginning",
        &path,
        &[asks, "anew of 10 events"],
    );
    check(1, "live {} list", &path, &["stopped  0       -    1"]);

    check(
        0,
        "live {} skip mailer order:0 --yes",
        &path,
        &["skipped event 0"],
    );
    check(
        1,
        "live {} show mailer",
        &path,
        &["4 events from 1 on", "to be replayed"],
    );
    check(
        0,
        "live {} park mailer order:0 --reason not-yet",
        &path,
        &["parked order:0"],
    );
    check(
        1,
        "live {} show mailer",
        &path,
        &["4 events from 1 on", ": not-yet"],
    );
    let (_, out, _) = outcome(&run("live {} show mailer", &path));
    assert!(!out.contains("to be replayed"), "{out}");
    check(
        0,
        "live {} discard mailer order:0 --yes",
        &path,
        &["discarded"],
    );
    check(0, "live {} show mailer", &path, &[]);
    check(0, "live {} replay mailer", &path, &["nothing is parked"]);
    check(
        0,
        "live {} park mailer order:1 --reason calls",
        &path,
        &["parked order:1"],
    );
    check(
        0,
        "live {} park mailer order:1 --reason again",
        &path,
        &["already", ": calls"],
    );
    check(
        1,
        "live {} show mailer",
        &path,
        &["parked order:1: all from event 10 on", ": calls"],
    );
    check(
        2,
        "live {} skip mailer order:1 --yes",
        &path,
        &["there is none to skip"],
    );
    check(
        0,
        "live {} replay mailer order:1",
        &path,
        &["once somebody works on it"],
    );

    check(
        0,
        "live {} reset mailer --to 4 --yes",
        &path,
        &["up to 6 events again", "at event 4"],
    );
    check(
        0,
        "live {} reset mailer --to now --yes",
        &path,
        &["never handle up to 6 events"],
    );
    let reset = json(0, "live {} reset totals --to beginning --yes --json", &path);
    assert_eq!(
        (&reset["done"], &reset["sequence"]),
        (&"reset".into(), &0.into())
    );
    check(0, "live {} show totals", &path, &["event 0 of 10"]);
}

#[test]
fn a_worker_of_another_process_does_what_is_asked() {
    let (_dir, path) = store();
    let worker = Worker::start(&path);
    worker.until("failed order:0 0");
    worker.until("handled order:1 9");
    let pid = worker.child.id().to_string();
    // It has saved that.
    let parked = |count: u64| {
        let output = run("live {} show mailer --json", &path);
        let mailer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(i32::from(mailer["parked"] != 0)));
        mailer["parked"] == count
    };
    until(|| parked(1));
    let listed = || outcome(&run("live {}", &path)).1;
    until(|| listed().contains("caught up"));
    assert!(listed().contains(&pid));
    check(
        0,
        "live {} replay mailer order:0",
        &path,
        &["are handled now"],
    );
    worker.until("failed order:0 0");
    until(|| parked(1));
    std::fs::write(path.with_file_name(MENDED), "").unwrap();
    check(0, "live {} replay mailer", &path, &["1 entity"]);
    worker.until("handled order:0 8");
    until(|| parked(0));
    check(
        0,
        "live {} reset mailer --to 8 --yes",
        &path,
        &["up to 2 events again"],
    );
    worker.until("handled order:0 8");
    assert!(files(&path, "request-").is_empty());
}

#[test]
fn a_worker_that_hangs_is_named_and_what_was_asked_taken_back() {
    let (_dir, path) = store();
    let worker = Worker::start(&path);
    worker.until("handled order:1 9");
    worker.signal("STOP");
    let pid = format!("process {}", worker.child.id());
    check(
        1,
        "live {} reset mailer --to now --yes --timeout 2",
        &path,
        &[
            &format!("waiting for {pid}"),
            &format!("{pid} has not done it in 2 s, so it was taken back"),
            "another worker that is started takes over once the lease of 30s",
            "`strandline live",
        ],
    );
    assert!(files(&path, "request-").is_empty());
    drop(worker);
    check(
        0,
        "live {} reset mailer --to beginning --yes",
        &path,
        &["at the beginning"],
    );
}

/// One that has nothing to do is caught up for ever, but for its lease.
#[test]
fn a_worker_that_is_stopped_at_the_end_is_told_by_its_lease() {
    let (_dir, path) = store();
    std::fs::write(path.with_file_name(MENDED), "").unwrap();
    let worker = Worker::start(&path);
    worker.until("handled order:1 9");
    until(|| outcome(&run("live {}", &path)).1.contains("caught up"));
    worker.signal("STOP");
    for lease in files(&path, "lease-") {
        // As if it had been for one millisecond.
        let text = std::fs::read_to_string(&lease).unwrap();
        let over = text.replace("\"lease_ms\":30000", "\"lease_ms\":1    ");
        assert_ne!(text, over);
        let file = std::fs::OpenOptions::new().write(true).open(&lease);
        std::os::unix::fs::FileExt::write_all_at(&file.unwrap(), over.as_bytes(), 0).unwrap();
    }
    let hangs = format!("the lease of process {} has run out", worker.child.id());
    check(1, "live {}", &path, &[&hangs]);
    check(
        1,
        "live {} show mailer",
        &path,
        &[&format!("!! {hangs}"), "next: end that process if it hangs"],
    );
    let shown = json(1, "live {} show mailer --json", &path);
    assert!(shown["partitions"][0]["overdue_ms"].is_u64(), "{shown}");
    check(
        1,
        "live {} park mailer order:1 --reason x --timeout 0",
        &path,
        &[&hangs, "takes its place"],
    );
}

#[test]
fn watching_ends_when_nobody_reads() {
    let (_dir, path) = store();
    mail(&path);
    let mut child = program()
        .args(["live", "--watch", "--json"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines_of(child.stdout.take().unwrap());
    for _ in 0..2 {
        assert!(lines.recv_timeout(LIMIT).unwrap().contains("mailer"));
    }
    drop(lines);
    // Whoever reads lines notices that with the next one.
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
