//! Waiting in a store opened to read only: what another handle writes, and a store that is gone.

use crate::harness::{DIR, at, bounded, event, open, options};
use crate::hostile_callers::block_on;
use crate::waiting::{AT_ONCE, EVER, Task, sequence};
use std::thread;
use strandline::fs::MemFs;
use strandline::{ErrorKind, Store, StoreOptions};

fn reader_of(fs: &MemFs) -> Store {
    options(fs).read_only().open(DIR).unwrap()
}

#[test]
fn whoever_reads_alone_is_woken_by_what_another_handle_writes() {
    bounded(|| {
        let fs = MemFs::new();
        let store = open(&fs);
        let reader = &reader_of(&fs);
        let task = Task::waits(reader.visible_past(sequence(0)));
        let two = Task::waits(reader.visible_past(sequence(1)));
        let durable = Task::waits(reader.durable_past(sequence(0)));
        assert!(!reader.wait_visible_past(sequence(0), AT_ONCE).unwrap());
        thread::scope(|scope| {
            let waits = scope.spawn(|| reader.wait_visible_past(sequence(0), EVER));
            store.append(&at("a", "s"), event("")).unwrap();
            assert!(waits.join().unwrap().unwrap());
        });
        assert_eq!(task.ready().unwrap(), sequence(1));
        assert!(two.woken.try_recv().is_err());
        // That the first is durable says the frame of the second.
        assert!(!reader.wait_durable_past(sequence(0), AT_ONCE).unwrap());
        store.append(&at("a", "s"), event("")).unwrap();
        assert_eq!(two.ready().unwrap(), sequence(2));
        assert_eq!(durable.ready().unwrap(), sequence(1));
        assert!(reader.wait_durable_past(sequence(0), AT_ONCE).unwrap());
        assert!(!reader.wait_durable_past(sequence(1), AT_ONCE).unwrap());
        store.append(&at("a", "s"), event("")).unwrap();
        assert!(
            reader.wait_visible_past(sequence(2), AT_ONCE).unwrap(),
            "it looks once, however short the time"
        );
    });
}

#[test]
fn a_refresh_wakes_who_waits_in_the_same_handle() {
    bounded(|| {
        let fs = MemFs::new();
        let store = open(&fs);
        let reader = reader_of(&fs);
        let task = Task::waits(reader.visible_past(sequence(0)));
        store.append(&at("a", "s"), event("")).unwrap();
        reader.refresh().unwrap();
        assert_eq!(task.ready().unwrap(), sequence(1));
    });
}

#[test]
fn a_reader_that_ends_tells_who_waits() {
    for closes in [true, false] {
        bounded(move || {
            let fs = MemFs::new();
            let _store = open(&fs);
            let reader = reader_of(&fs);
            let unpolled = reader.visible_past(sequence(0));
            let task = Task::waits(reader.durable_past(sequence(0)));
            match closes {
                true => reader.close().unwrap(),
                false => drop(reader),
            }
            assert_eq!(task.ready().unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(block_on(unpolled).unwrap_err().kind(), ErrorKind::Closed);
        });
    }
}

#[test]
fn whoever_waits_for_a_store_that_is_gone_is_told() {
    bounded(|| {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("store");
        let store = StoreOptions::new().open(&dir).unwrap();
        store.append(&at("a", "s"), event("")).unwrap();
        let reader = StoreOptions::new().read_only().open(&dir).unwrap();
        let task = Task::waits(reader.visible_past(sequence(1)));
        drop(store);
        std::fs::remove_dir_all(&dir).unwrap();
        let gone = ErrorKind::LogBehindCheckpoint;
        assert_eq!(task.ready().unwrap_err().kind(), gone);
        assert_eq!(
            block_on(reader.visible_past(sequence(1)))
                .unwrap_err()
                .kind(),
            gone
        );
        let waited = reader.wait_durable_past(sequence(1), EVER);
        assert_eq!(waited.unwrap_err().kind(), gone);
        assert!(
            reader.wait_visible_past(sequence(0), EVER).unwrap(),
            "that was read"
        );
    });
}
