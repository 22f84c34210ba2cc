//! A worker whose process stands still (`SIGSTOP`): another takes over after the lease, and the first one, when it goes
//! on, is refused.
//!
//! The time of whoever takes over is set by the test, and processes take turns by lines, so nothing depends on how fast
//! the machine is.

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strandline::{
    Clock, Coordinate, Event, EventKind, ManualClock, Receipt, Region, Start, StoreOptions,
};
use strandline_live::{ErrorKind, Live, NamedPosition};

const DIR: &str = "STRANDLINE_STOPPED_WORKER_DIR";
/// Before what the worker says; the test harness says other things.
const SAID: &str = "worker: ";
const NAME: &str = "mailer";
const NOW: u64 = 1_700_000_000_000;
/// Only ends a test that hangs.
const LONG: Duration = Duration::from_secs(300);

fn store_dir(dir: &Path) -> PathBuf {
    dir.join("shop.strand")
}

/// The handle of the other process, if this is that.
fn worker_live() -> Option<Live> {
    let dir = std::env::var_os(DIR)?;
    let options = StoreOptions::new().read_only();
    let store = options.open(store_dir(Path::new(&dir))).unwrap();
    Some(Live::open(&Arc::new(store)).unwrap())
}

fn say(what: impl std::fmt::Display) {
    println!("\n{SAID}{what}");
}

fn heard() -> Option<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    (!line.is_empty()).then(|| line.trim().to_owned())
}

/// What the other process runs: a position, moved and saved as it is told.
#[test]
#[ignore = "runs in a process of its own, which is stopped"]
fn move_a_position_as_told() {
    let Some(live) = worker_live() else {
        return;
    };
    let mut position = live.position(NAME).unwrap();
    let start = position.start().unwrap();
    let mut cursor = live.store().follow(Region::all(), start).unwrap();
    say("begun");
    while let Some(told) = heard() {
        let done = match told.as_str() {
            "next" => {
                say(cursor.try_next().unwrap().unwrap().sequence);
                continue;
            }
            "save" => position.save(cursor.position().unwrap()),
            "beat" => position.beat(),
            told => panic!("{told}"),
        };
        match done {
            Ok(()) => say("done"),
            Err(error) => say(format!("{:?}", error.kind())),
        }
    }
}

/// What the other process runs: a reactor that saves after each event, and whose handler waits until it is told to go
/// on.
#[test]
#[ignore = "runs in a process of its own, which is stopped"]
fn react_as_told() {
    let Some(live) = worker_live() else {
        return;
    };
    let reactor = live.reactor(NAME, Region::all()).save_every(LONG, 1);
    let reactor = reactor.start(|event, _| {
        say(event.sequence);
        heard();
        Ok(())
    });
    let reactor = reactor.unwrap();
    while reactor.error().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    say(format!("{:?}", reactor.stop().unwrap_err().kind()));
}

/// The other process.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn run(dir: &Path, what: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", what, "--ignored", "--nocapture"])
            .env(DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.input, "{what}").unwrap();
    }

    fn said(&mut self) -> String {
        loop {
            let line = self.output.next().unwrap().unwrap();
            if let Some(said) = line.strip_prefix(SAID) {
                return said.to_owned();
            }
        }
    }

    fn ask(&mut self, what: &str) -> String {
        self.tell(what);
        self.said()
    }

    fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Stops the process, and waits until all its threads stand still.
    fn stop(&self) {
        self.signal("STOP");
        let path = format!("/proc/{}/stat", self.child.id());
        loop {
            let stat = std::fs::read_to_string(&path).unwrap();
            let (_, state) = stat.rsplit_once(") ").unwrap();
            if state.starts_with('T') {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended, and a process that is stopped is killed too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Here {
    dir: tempfile::TempDir,
    live: Live,
    clock: Arc<ManualClock>,
    last: Receipt,
}

/// A store with eight events, of two entities.
fn here() -> Here {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(NOW));
    let options = StoreOptions::new().clock(clock.clone());
    let store = Arc::new(options.open(store_dir(dir.path())).unwrap());
    let append = |number: u64| {
        let coordinate = Coordinate::new(format!("e:{}", number % 2), "s").unwrap();
        let event = Event::json(EventKind::new(1, 1), &number).unwrap();
        store.append(&coordinate, event).unwrap()
    };
    let mut last = append(0);
    for number in 1..8 {
        last = append(number);
    }
    let live = Live::open(&store).unwrap();
    Here {
        dir,
        live,
        clock,
        last,
    }
}

impl Here {
    fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap();
        self.clock.set(self.clock.now_ms() + ms);
    }
}

fn next_of(position: &NamedPosition) -> u64 {
    match position.start().unwrap() {
        Start::Saved(saved) => saved.sequence().get(),
        start => panic!("{start:?}"),
    }
}

#[test]
fn a_position_whose_holder_stands_still_is_taken_over_and_the_holder_saves_nothing_more() {
    let here = here();
    let mut worker = Worker::run(here.dir.path(), "move_a_position_as_told");
    assert_eq!(worker.said(), "begun");
    assert_eq!(worker.ask("next"), "0");
    assert_eq!(worker.ask("next"), "1");
    assert_eq!(worker.ask("save"), "done");
    assert_eq!(worker.ask("next"), "2");
    let lease = Duration::from_secs(30);

    // As long as it lives it is not taken over, however much time has passed.
    for _ in 0..3 {
        let held = here.live.position(NAME).unwrap_err();
        assert_eq!(held.kind(), ErrorKind::Held, "{held}");
        assert!(held.to_string().contains(&worker.child.id().to_string()));
        here.pass(lease);
        assert_eq!(worker.ask("beat"), "done");
    }
    worker.stop();
    let held = |time| {
        here.pass(time);
        let held = here.live.position(NAME).unwrap_err();
        assert_eq!(held.kind(), ErrorKind::Held, "{held}");
    };
    // Each call has its own claimant, and what was seen stays.
    held(Duration::ZERO);
    held(lease / 2);
    held(lease / 2 - Duration::from_millis(1));
    here.pass(Duration::from_millis(1));
    let mut position = here.live.position(NAME).unwrap();
    assert_eq!(position.lease_time(), lease);
    assert_eq!(
        next_of(&position),
        2,
        "nothing is left out that it has not saved"
    );
    let start = position.start().unwrap();
    let mut cursor = here.live.store().follow(Region::all(), start).unwrap();
    for expected in 2..5 {
        let event = cursor.try_next().unwrap().unwrap();
        assert_eq!(event.sequence.get(), expected);
    }
    position.save(cursor.position().unwrap()).unwrap();

    worker.signal("CONT");
    assert_eq!(worker.ask("save"), "Fenced");
    assert_eq!(worker.ask("beat"), "Fenced");
    assert_eq!(worker.ask("next"), "3");
    assert_eq!(worker.ask("save"), "Fenced");
    position.beat().unwrap();
    drop(worker);
    drop(position);
    assert_eq!(next_of(&here.live.position(NAME).unwrap()), 5);
}

#[test]
fn a_position_whose_holder_is_killed_is_free_at_once() {
    let here = here();
    let mut worker = Worker::run(here.dir.path(), "move_a_position_as_told");
    assert_eq!(worker.said(), "begun");
    assert_eq!(worker.ask("next"), "0");
    assert_eq!(worker.ask("save"), "done");
    assert!(here.live.position(NAME).is_err());
    drop(worker);
    assert_eq!(next_of(&here.live.position(NAME).unwrap()), 1);
}

#[test]
fn a_reactor_that_stands_still_in_a_handler_is_taken_over_and_handles_nothing_more() {
    let here = here();
    let mut worker = Worker::run(here.dir.path(), "react_as_told");
    let mut there = Vec::new();
    for _ in 0..3 {
        there.push(worker.said());
        worker.tell("go on");
    }
    there.push(worker.said());
    assert_eq!(there, ["0", "1", "2", "3"]);
    worker.stop();

    let handled = Arc::new(Mutex::new(Vec::new()));
    let seen = handled.clone();
    let reactor = here
        .live
        .reactor(NAME, Region::all())
        .start(move |event, _| {
            seen.lock().unwrap().push(event.sequence.get());
            Ok(())
        });
    let reactor = reactor.unwrap();
    // It looks now and then whether it may.
    while !reactor
        .wait_until(&here.last, Duration::from_millis(10))
        .unwrap()
    {
        here.pass(Duration::from_secs(1));
    }
    // The event that the other one was at is handled anew, and what was handled and saved before is not.
    assert_eq!(*handled.lock().unwrap(), [3, 4, 5, 6, 7]);

    worker.signal("CONT");
    worker.tell("go on");
    assert_eq!(
        worker.said(),
        "Fenced",
        "it handles none that it has not begun"
    );
    reactor.stop().unwrap();
    let status = here.live.status(NAME).unwrap();
    assert_eq!(status.sequence, status.head);
    assert_eq!(status.partitions[0].counters.handled, 8);
}
