//! What people ask of a consumer that is held, was left, or has only damaged states.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{EntryKind, Fs, MemFs};
use strandline::{
    Coordinate, Event, EventKind, ManualClock, Region, SavedPosition, Start, Store, StoreOptions,
};
use strandline_live::{ErrorKind, KEY_BYTES_MAX, Live, NamedPosition, REASON_BYTES_MAX};

/// Only ends a test that hangs.
const LONG: Duration = Duration::from_secs(300);
const NOW: u64 = 1_700_000_000_000;
const NAME: &str = "mailer";

struct Bench {
    fs: MemFs,
    live: Live,
    /// Where the reader of the events was before each of them, and at the end.
    positions: Vec<SavedPosition>,
}

fn append(store: &Store, number: u64) {
    let coordinate = Coordinate::new(format!("e:{}", number % 3), "s").unwrap();
    let event = Event::json(EventKind::new(1, 1), &number).unwrap();
    store.append(&coordinate, event).unwrap();
}

fn bench() -> Bench {
    let fs = MemFs::new();
    let options = StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .clock(Arc::new(ManualClock::new(NOW)));
    let store = Arc::new(options.open("/shop.strand").unwrap());
    (0..6).for_each(|number| append(&store, number));
    let mut cursor = store.follow(Region::all(), Start::Beginning).unwrap();
    let mut positions = vec![cursor.position().unwrap()];
    while cursor.try_next().unwrap().is_some() {
        positions.push(cursor.position().unwrap());
    }
    let live = Live::open(&store).unwrap();
    Bench {
        fs,
        live,
        positions,
    }
}

fn next_of(position: &NamedPosition) -> u64 {
    match position.start().unwrap() {
        Start::Beginning => 0,
        Start::Saved(saved) => saved.sequence().get(),
        start => panic!("{start:?}"),
    }
}

#[test]
fn what_was_asked_while_somebody_worked_is_done_by_who_waits_for_it_once_he_has_ended() {
    let Bench {
        live, positions, ..
    } = bench();
    let mut position = live.position(NAME).unwrap();
    position.save(positions[5]).unwrap();
    let mut asked = live.reset(NAME, Some(positions[2])).unwrap();
    assert!(!asked.wait(Duration::ZERO).unwrap(), "it is held");
    position.save(positions[6]).unwrap();
    drop(position);
    assert!(asked.wait(LONG).unwrap());
    assert_eq!(live.status(NAME).unwrap().sequence.get(), 2);
    assert_eq!(next_of(&live.position(NAME).unwrap()), 2);
}

#[test]
fn what_was_asked_of_a_position_is_done_when_it_is_taken_next() {
    let Bench {
        live, positions, ..
    } = bench();
    let mut position = live.position(NAME).unwrap();
    position.save(positions[5]).unwrap();
    let asked = live.reset(NAME, Some(positions[1])).unwrap();
    drop(asked);
    drop(position);
    assert_eq!(next_of(&live.position(NAME).unwrap()), 1);
}

#[test]
fn what_was_taken_back_is_not_done() {
    let Bench {
        live, positions, ..
    } = bench();
    let mut position = live.position(NAME).unwrap();
    position.save(positions[5]).unwrap();
    let asked = live.reset(NAME, None).unwrap();
    asked.take_back().unwrap();
    drop(position);
    assert_eq!(next_of(&live.position(NAME).unwrap()), 5);
}

/// The files with this in their names, anywhere below a directory.
fn files(fs: &MemFs, dir: &Path, part: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs.list_names(dir).unwrap() {
        let path = dir.join(&entry.name);
        match entry.kind {
            EntryKind::Directory => found.extend(files(fs, &path, part)),
            _ if entry.name.contains(part) => found.push(path),
            _ => {}
        }
    }
    found
}

/// Cause: whoever asked was told that every state is damaged and to reset the consumer, and the reset was told the same.
#[test]
fn a_reset_mends_a_consumer_whose_every_state_is_damaged() {
    let Bench {
        fs,
        live,
        positions,
    } = bench();
    let mut position = live.position(NAME).unwrap();
    position.save(positions[5]).unwrap();
    drop(position);
    let mut states = files(&fs, live.dir(), "checkpoint-");
    states.retain(|path| path.to_string_lossy().contains("/v1/"));
    assert_eq!(states.len(), 2);
    for path in states {
        strandline::fs::replace_file(&fs, &path, b"x").unwrap();
    }
    let error = live.position(NAME).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("reset"), "{error}");
    let error = live.park(NAME, "e:1", "looks wrong").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    // What is told as failed is not done later.
    assert!(files(&fs, live.dir(), "request-").is_empty());
    assert!(
        files(&fs, live.dir(), "lease-").len() == 1,
        "of who tried last"
    );

    assert!(
        live.reset(NAME, Some(positions[3]))
            .unwrap()
            .is_done()
            .unwrap()
    );
    assert_eq!(next_of(&live.position(NAME).unwrap()), 3);
    assert!(live.status(NAME).unwrap().partitions[0].damaged.is_empty());
}

#[test]
fn keys_and_reasons_are_as_long_as_they_may_be() {
    let Bench { live, .. } = bench();
    drop(live.position(NAME).unwrap());
    let long = "k".repeat(KEY_BYTES_MAX + 1);
    let error = live.park(NAME, &long, "looks wrong").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let reason = "ä".repeat(1 << 20);
    let key = &long[..KEY_BYTES_MAX];
    assert!(live.park(NAME, key, &reason).unwrap().is_done().unwrap());
    let status = live.status(NAME).unwrap();
    let parked = &status.partitions[0].parked[0];
    assert_eq!(
        (parked.key.as_str(), parked.reason.len()),
        (key, REASON_BYTES_MAX)
    );
}
