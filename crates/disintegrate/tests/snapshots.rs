//! States of decisions in files beside the store.

use crate::school::domain::Course;
use crate::school::{Events, States, course, enrolled, on, open, put};
use disintegrate::{EventSourcedStateStore, LoadState, StatePart, StateSnapshotter, WithSnapshot};
use futures::executor::block_on;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::Store;
use strandline::fs::{Fs, OsFs, read_file, replace_file};
use strandline_disintegrate::{FileSnapshotter, Position};

const EVERY: u64 = 10;

fn states(events: &Events) -> States<WithSnapshot<Position, FileSnapshotter>> {
    let snapshots = FileSnapshotter::new(events, EVERY);
    EventSourcedStateStore::new(events.clone(), WithSnapshot::new(snapshots))
}

/// A course with so many students.
fn fill(events: &Events, students: i64) {
    let mut new = vec![course("a", 1_000)];
    new.extend((0..students).map(|student| enrolled("a", student)));
    put(events, new);
}

fn load(events: &Events) -> (Course, u64) {
    let loaded = block_on(states(events).load(Course::new("a"))).unwrap();
    (loaded.state().clone(), loaded.version().get())
}

/// How far the snapshot is that is gone on from.
fn snapshot(events: &Events) -> Option<u64> {
    let part = StatePart::new(Position::default(), Course::new("a"));
    let part = block_on(FileSnapshotter::new(events, EVERY).load_snapshot(part));
    Some(part.version().get()).filter(|version| *version > 0)
}

/// The files of snapshots.
fn files(dir: &Path) -> Vec<PathBuf> {
    let dir = dir.join("school.strand.snapshots");
    let names = OsFs.list_names(&dir).unwrap_or_default().into_iter();
    names.map(|file| dir.join(file.name)).collect()
}

#[test]
fn a_state_of_many_events_is_gone_on_from() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    fill(&events, 5);
    assert_eq!(load(&events).0.taken, 5);
    assert_eq!(snapshot(&events), None, "these are few");
    fill(&events, 10);
    let (state, version) = load(&events);
    assert_eq!((state.taken, version), (15, 17));
    assert_eq!(snapshot(&events), Some(17));
    put(&events, vec![enrolled("a", 99)]);
    assert_eq!(load(&events).0.taken, 16);
    assert_eq!(snapshot(&events), Some(17), "one more is not many");
    fill(&events, 20);
    assert_eq!(load(&events).0.taken, 36);
    assert_eq!(snapshot(&events), Some(39));
    assert_eq!(files(dir.path()).len(), 1, "the last one alone is kept");

    let other = StatePart::new(Position::default(), Course::new("b"));
    let other = block_on(FileSnapshotter::new(&events, EVERY).load_snapshot(other));
    assert_eq!(
        other.version(),
        Position::default(),
        "that of another query is none"
    );
}

#[test]
fn a_damaged_one_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    fill(&events, 20);
    let (state, version) = load(&events);
    let file = files(dir.path()).pop().unwrap();
    let mut bytes = read_file(&OsFs, &file, 1 << 20).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    replace_file(&OsFs, &file, &bytes).unwrap();
    assert_eq!(snapshot(&events), None);
    assert_eq!(
        load(&events),
        (state, version),
        "it is read from its events, and written anew"
    );
    assert_eq!(snapshot(&events), Some(21));
}

#[test]
fn one_that_the_store_has_not_come_to_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    fill(&events, 20);
    load(&events);
    drop(events);
    // The store is another one, and has as many events.
    std::fs::remove_dir_all(dir.path().join("school.strand")).unwrap();
    let store = Arc::new(Store::open(dir.path().join("school.strand")).unwrap());
    let events = on(&store);
    assert_eq!(snapshot(&events), None);
    fill(&events, 3);
    put(&events, vec![enrolled("b", 1); 20]);
    assert_eq!(snapshot(&events), None);
    assert_eq!(load(&events).0.taken, 3);
}

#[test]
fn that_of_another_scope_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    fill(&events, 20);
    assert_eq!(load(&events).0.taken, 20);
    let other = on(events.store()).scope("another school");
    fill(&other, 3);
    assert_eq!(load(&other).0.taken, 3);
    assert_eq!(snapshot(&events), Some(21));
}

#[test]
fn one_of_before_a_restore_stands_in_the_way_of_none() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    fill(&events, 30);
    assert_eq!(load(&events).1, 31);
    let file = files(dir.path()).pop().unwrap();
    let further_on = read_file(&OsFs, &file, 1 << 20).unwrap();
    drop(events);
    std::fs::remove_dir_all(dir.path().join("school.strand")).unwrap();
    let events = open(dir.path());
    replace_file(&OsFs, &file, &further_on).unwrap();
    fill(&events, 20);
    assert_eq!(load(&events).1, 21);
    assert_eq!(
        snapshot(&events),
        Some(21),
        "it took the place of the one of before"
    );
}

#[test]
fn nothing_is_left_after_they_were_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    let snapshots = FileSnapshotter::new(&events, EVERY);
    snapshots.clear().unwrap();
    fill(&events, 20);
    load(&events);
    assert_eq!(files(dir.path()).len(), 1);
    snapshots.clear().unwrap();
    assert_eq!(files(dir.path()).len(), 0);
    assert_eq!(snapshot(&events), None);
}
