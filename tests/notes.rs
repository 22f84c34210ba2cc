//! The notes of removals as frames of the log: torn, damaged, and no events.

use crate::compact::{assert_intact, filled, run, run_redact, small};
use crate::harness::{at, dir, event, files, open, read, remove, write};
use crate::removals::against;
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::maintenance::{Kept, Redaction, Retention, rebuild, verify_files};
use strandline::{ErrorKind, Sequence};

#[test]
fn notes_leave_few_segments() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    for round in 0..30 {
        for number in 0..10 {
            store
                .append(&at("m", "s"), event(&format!("{round} {number}")))
                .unwrap();
        }
        run(&store, &Retention::new().keep_newest(5));
    }
    // Each compaction seals the active segment once, as its events are concerned; what is left is merged.
    let segments = files(&fs, "segment-").len();
    assert!(segments <= 6, "{segments}");
    assert_intact(&store);
}

/// A record of a removal has no sequence, so no sequence of a checkpoint proves it durable; the place
/// does. Damage to it was taken for a torn end, and with it went what explains the removal.
#[test]
fn damage_to_the_last_records_is_not_taken_for_a_torn_end() {
    for has_checkpoint in [true, false] {
        let fs = MemFs::new();
        let store = filled(&fs, 300);
        run(&store, &Retention::new().drop_entity("entity:1"));
        run_redact(&store, &Redaction::new().entity("entity:2"));
        store.close().unwrap();
        if !has_checkpoint {
            remove(&fs, "checkpoint-");
        }
        let active = files(&fs, "segment-").pop().unwrap();
        let mut bytes = read(&fs, &active);
        bytes[200] ^= 1;
        write(&fs, &active, &bytes);
        let refused = rebuild(small(&fs), &dir(), &mut |_| ControlFlow::Continue(()));
        let kind = refused.unwrap_err().kind();
        assert_eq!(kind, ErrorKind::Corrupt, "checkpoint: {has_checkpoint}");
        assert_eq!(read(&fs, &active), bytes);
        assert_eq!(files(&fs, "segment-").pop().unwrap(), active);
    }
}

#[test]
fn notes_are_no_events() {
    let fs = MemFs::new();
    let store = open(&fs);
    store.append(&at("a", "s"), event("one")).unwrap();
    store.append(&at("b", "s"), event("two")).unwrap();
    run(&store, &Retention::new().drop_entity("a"));
    let next = store.append(&at("b", "s"), event("three")).unwrap();
    assert_eq!((next.sequence.get(), next.clock), (2, 1));
    let report = store.verify().unwrap();
    assert_eq!((report.events, report.commits), (2, 3));
    let error = store.wait_durable_through(Sequence::new(3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// A kill, or a power cut, in the middle of the last note: what it tells of was done or was not begun.
#[test]
fn a_note_that_is_torn_anywhere_leaves_an_intact_store() {
    let fs = MemFs::new();
    let store = filled(&fs, 200);
    run(&store, &Retention::new().drop_entity("entity:1"));
    let image = fs.fork();
    // But for the one that was made ahead.
    let is_used = |path: &std::path::PathBuf| read(&image, path).iter().any(|byte| *byte != 0);
    let mut used = files(&image, "segment-");
    used.retain(is_used);
    let path = used.pop().unwrap();
    let bytes = read(&image, &path);
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for cut in (end - 90..=end).step_by(3) {
        for is_zeroed in [false, true] {
            let image = image.fork();
            let mut torn = bytes.clone();
            match is_zeroed {
                true => torn[cut..].fill(0),
                false => torn.truncate(cut),
            }
            write(&image, &path, &torn);
            let reader = small(&image).read_only().open(dir()).unwrap();
            let report = reader.verify().unwrap();
            assert!(report.is_intact(), "{cut}: {:?}", report.problems);
            drop(reader);
            let store = small(&image).open(dir()).unwrap();
            let report = store.verify().unwrap();
            assert!(report.is_intact(), "{cut}: {:?}", report.problems);
            assert_eq!((report.removed, report.removals), (40, 1));
            let (position, again) = against(&image.fork(), report.log_hash);
            assert!(again.is_intact() && position.is_some(), "{position:?}");
            assert_eq!(
                run(&store, &Retention::new().drop_entity("entity:1")).events,
                0
            );
        }
    }
}

/// All events are there, and the opening said that events had vanished.
#[test]
fn where_records_of_removals_alone_are_missing_no_event_is_said_to_be() {
    for has_checkpoint in [true, false] {
        let fs = MemFs::new();
        let store = filled(&fs, 300);
        run(&store, &Retention::new().drop_entity("entity:1"));
        run_redact(&store, &Redaction::new().entity("entity:2"));
        let events = store.snapshot().len();
        store.close().unwrap();
        if !has_checkpoint {
            remove(&fs, "checkpoint-");
        }
        let active = files(&fs, "segment-").pop().unwrap();
        let bytes = read(&fs, &active);
        // In the first of them, which checkpoint and MANIFEST prove.
        let end = 200;
        for is_cut in [true, false] {
            let fs = fs.fork();
            let mut changed = bytes.clone();
            match is_cut {
                true => changed.truncate(end),
                false => changed[end..].fill(0),
            }
            write(&fs, &active, &changed);
            for options in [small(&fs), small(&fs).read_only()] {
                let error = options.open(dir()).unwrap_err();
                let text = error.to_string();
                let what = format!("{has_checkpoint} {is_cut}: {text}");
                assert!(!text.contains("events have vanished"), "{what}");
                match error.kind() {
                    ErrorKind::LogBehindCheckpoint => {
                        assert!(text.contains("records of removals"), "{what}");
                    }
                    kind => assert_eq!(kind, ErrorKind::Corrupt, "{what}"),
                }
            }
            let mut go_on = |_| ControlFlow::Continue(());
            let verified = verify_files(&fs, &dir(), &Kept::default(), &mut go_on).unwrap();
            assert_eq!(verified.report.good(), events);
        }
    }
}
