//! `tail --follow` where something else comes to be in the directory.

use crate::{LIMIT, PLACED, at, fill, lines_of, program, store};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;
use strandline::{Event, Store};

/// A `tail` that runs.
struct Tail {
    child: Child,
    lines: Receiver<String>,
    said: Receiver<String>,
}

impl Tail {
    fn start(path: &Path, arguments: &[&str]) -> Self {
        let mut child = program()
            .args(["tail", "--follow", "--json", "--interval-ms", "10"])
            .args(arguments)
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let said = lines_of(child.stderr.take().unwrap());
        Self { child, lines, said }
    }

    /// The sequence and the entity of the next event.
    fn next(&self) -> (u64, String) {
        let line = self.lines.recv_timeout(LIMIT).unwrap();
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        let entity = event["entity"].as_str().unwrap();
        (event["sequence"].as_u64().unwrap(), entity.to_owned())
    }

    fn expect(&self, first: u64, entities: &[&str]) {
        for (sequence, entity) in (first..).zip(entities) {
            assert_eq!(self.next(), (sequence, (*entity).to_owned()));
        }
    }

    /// Waits until it says so.
    fn until_said(&self, what: &str) {
        let said = |line: Result<String, _>| line.unwrap().contains(what);
        while !said(self.said.recv_timeout(LIMIT)) {}
    }

    /// Ends it. It has shown nothing more.
    fn end(mut self) {
        let more = self.lines.recv_timeout(Duration::from_millis(200));
        assert!(more.is_err(), "{more:?}");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn append(path: &Path, entities: &[&str]) {
    let store = Store::open(path).unwrap();
    for entity in entities {
        let event = Event::bytes(PLACED, *b"x");
        store.append(&at(entity, "eu"), event).unwrap();
    }
    store.close().unwrap();
}

fn exchange(path: &Path, other: &Path) {
    std::fs::rename(path, path.with_extension("aside")).unwrap();
    std::fs::rename(other, path).unwrap();
}

/// It went on with the files of the store that was there, and showed nothing any more.
#[test]
fn tail_goes_on_in_a_restored_copy_after_what_that_has_too() {
    let (_dir, path) = store();
    let kept = path.with_extension("kept");
    copy(&path, &kept);
    let tail = Tail::start(&path, &["--limit", "1"]);
    tail.expect(9, &["order:1"]);
    append(&path, &["lost", "lost"]);
    tail.expect(10, &["lost", "lost"]);
    append(&kept, &["new:1", "new:2", "new:3"]);
    exchange(&path, &kept);
    tail.until_said("going on after event 9");
    tail.expect(10, &["new:1", "new:2", "new:3"]);
    append(&path, &["new:4"]);
    tail.expect(13, &["new:4"]);
    tail.end();
}

#[test]
fn tail_shows_all_of_another_store_and_waits_for_one() {
    let (_dir, path) = store();
    let tail = Tail::start(&path, &["--lines", "1", "--entity", "order:0"]);
    tail.expect(8, &["order:0"]);
    let other = path.with_extension("other");
    let writer = Store::open(&path).unwrap();
    fill(&writer, 10..12);
    tail.expect(10, &["order:0"]);
    writer.close().unwrap();
    append(&other, &["order:0", "order:7", "order:0"]);
    std::fs::rename(&path, path.with_extension("aside")).unwrap();
    tail.until_said("waiting for a store");
    std::fs::rename(&other, &path).unwrap();
    tail.until_said("going on from its first event");
    tail.expect(0, &["order:0"]);
    tail.expect(2, &["order:0"]);
    // An exact copy is nothing new.
    copy(&path, &other);
    std::fs::remove_dir_all(path.with_extension("aside")).unwrap();
    exchange(&path, &other);
    append(&path, &["order:7", "order:0"]);
    tail.expect(4, &["order:0"]);
    tail.until_said("going on after event 2");
    tail.end();
}
