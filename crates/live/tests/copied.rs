//! A store that is copied with the directory of its consumers, and one that is put back as it was.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use strandline::{Coordinate, Event, EventKind, Region, Start, Store};
use strandline_live::{Condition, ErrorKind, Live, NamedPosition};

const NAME: &str = "printer";

fn open(dir: &Path) -> Live {
    Live::open(&Arc::new(Store::open(dir).unwrap())).unwrap()
}

fn append(live: &Live, count: usize) {
    let coordinate = Coordinate::new("e", "s").unwrap();
    for _ in 0..count {
        let event = Event::bytes(EventKind::new(1, 1), *b"x");
        live.store().append(&coordinate, event).unwrap();
    }
}

fn next_of(position: &NamedPosition) -> u64 {
    match position.start().unwrap() {
        Start::Beginning => 0,
        Start::Saved(saved) => saved.sequence().get(),
        start => panic!("{start:?}"),
    }
}

/// Reads to the end, and saves that.
fn read(live: &Live, position: &mut NamedPosition) {
    let start = position.start().unwrap();
    let mut cursor = live.store().follow(Region::all(), start).unwrap();
    while cursor.try_next().unwrap().is_some() {}
    position.save(cursor.position().unwrap()).unwrap();
}

/// A copy of a directory, as people make it.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

fn live_dir(dir: &Path) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(".live");
    name.into()
}

#[test]
fn a_copy_goes_on_by_itself_though_the_worker_of_the_original_lives() {
    let dir = tempfile::tempdir().unwrap();
    let (shop, other) = (dir.path().join("shop"), dir.path().join("other"));
    let live = open(&shop);
    append(&live, 3);
    let mut position = live.position(NAME).unwrap();
    read(&live, &mut position);
    append(&live, 2);
    copy(&shop, &other);
    copy(&live_dir(&shop), &live_dir(&other));

    let copied = open(&other);
    let status = copied.status(NAME).unwrap();
    assert_eq!((status.condition, status.behind), (Condition::Stopped, 2));
    let mut there = copied.position(NAME).unwrap();
    assert_eq!(next_of(&there), 3);
    append(&copied, 4);
    read(&copied, &mut there);
    drop(there);
    assert_eq!(next_of(&copied.position(NAME).unwrap()), 9);

    // And so does the original.
    read(&live, &mut position);
    assert_eq!(next_of(&position), 5);
    assert_eq!(live.status(NAME).unwrap().behind, 0);
}

/// Both have gone on since, so what is after the copy is not the same.
#[test]
fn consumers_of_a_copy_are_refused_beside_the_original_until_they_are_reset() {
    let dir = tempfile::tempdir().unwrap();
    let (shop, other) = (dir.path().join("shop"), dir.path().join("other"));
    let live = open(&shop);
    append(&live, 3);
    read(&live, &mut live.position(NAME).unwrap());
    copy(&shop, &other);
    copy(&live_dir(&shop), &live_dir(&other));
    let copied = open(&other);
    append(&copied, 4);
    read(&copied, &mut copied.position(NAME).unwrap());
    append(&live, 4);

    let live = Live::open_in(live.store(), live_dir(&other)).unwrap();
    let refused = live.position(NAME).unwrap().start().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ForeignPosition, "{refused}");
    let rewind = refused.refused_position().unwrap().rewind;
    assert!(live.reset(NAME, rewind).unwrap().is_done().unwrap());
    assert!(next_of(&live.position(NAME).unwrap()) <= 3);
}

#[test]
fn consumers_of_a_store_that_was_put_back_are_refused_until_they_are_reset() {
    let dir = tempfile::tempdir().unwrap();
    let (shop, kept) = (dir.path().join("shop"), dir.path().join("kept"));
    let live = open(&shop);
    append(&live, 3);
    live.store().sync().unwrap();
    copy(&shop, &kept);
    append(&live, 3);
    read(&live, &mut live.position(NAME).unwrap());
    drop(live);
    std::fs::remove_dir_all(&shop).unwrap();
    copy(&kept, &shop);

    let live = open(&shop);
    // As many events as before, which are others.
    append(&live, 3);
    let refused = live.position(NAME).unwrap().start().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ForeignPosition, "{refused}");
    let rewind = refused.refused_position().unwrap().rewind;
    assert!(live.reset(NAME, rewind).unwrap().is_done().unwrap());
    let next = next_of(&live.position(NAME).unwrap());
    assert!(next <= 3, "{next}");
    assert!(live.reset(NAME, None).unwrap().is_done().unwrap());
    assert_eq!(next_of(&live.position(NAME).unwrap()), 0);
}
