//! Compaction and redaction: what goes, what stays, and who notices.

use crate::answers::Answers;
use crate::harness::{
    CREATED, at, contents, dir, event, files, fill, options, read, remove, write, written,
};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use strandline::fs::MemFs;
use strandline::maintenance::{
    self, Compacted, CompactionPlan, Kept, Redacted, Redaction, Retention, compact, redact, verify,
};
use strandline::{
    Error, ErrorKind, Event, EventId, ExpectedVersion, ProblemKind, Region, Store, StoreOptions,
    StoredEvent,
};

const SEGMENT_BYTES: u64 = 64 << 10;

pub(crate) fn small(fs: &MemFs) -> StoreOptions {
    written(fs).segment_bytes_max(SEGMENT_BYTES)
}

pub(crate) fn run(store: &Store, rules: &Retention) -> Compacted {
    compact(store, rules, &mut |_| ControlFlow::Continue(())).unwrap()
}

pub(crate) fn run_redact(store: &Store, chosen: &Redaction) -> Redacted {
    redact(store, chosen, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// A store of several segments, 600 bytes an event.
pub(crate) fn filled(fs: &MemFs, count: usize) -> Store {
    let store = small(fs).open(dir()).unwrap();
    for number in 0..count {
        let coordinate = at(&format!("entity:{}", number % 5), "scope");
        let payload = format!("payload {number} {}", "x".repeat(500));
        store
            .append(&coordinate, Event::bytes(CREATED, payload))
            .unwrap();
    }
    store
}

pub(crate) fn sequences(store: &Store, entity: &str) -> Vec<u64> {
    let now = store.snapshot();
    let events = now
        .stream(entity)
        .map(|event| event.unwrap().sequence.get());
    events.collect()
}

pub(crate) fn is_rewritten(path: &Path) -> bool {
    path.to_string_lossy().matches('-').count() == 2
}

pub(crate) fn assert_intact(store: &Store) {
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
}

/// A copy of the directory as it is, as if the process had been killed.
pub(crate) fn copy(fs: &MemFs) -> MemFs {
    let copied = MemFs::new();
    // As it is at one moment: the background removes files, too.
    let fs = &fs.fork();
    for path in files(fs, "") {
        // What is being written has its name once it is whole.
        let is_whole = path.extension().is_none_or(|extension| extension != "tmp");
        if is_whole && !path.ends_with("LOCK") {
            write(&copied, &path, &read(fs, &path));
        }
    }
    copied
}

#[test]
fn the_newest_of_each_entity_are_kept() {
    let fs = MemFs::new();
    let store = filled(&fs, 500);
    assert!(files(&fs, "segment-").len() > 4);
    let before = contents(&store.snapshot());
    let plan = CompactionPlan::of(&store, &Retention::new().keep_newest(3)).unwrap();
    let done = run(&store, &Retention::new().keep_newest(3));
    assert_eq!((done.events, plan.events), (485, 485));
    assert!(done.bytes_after * 3 < done.bytes_before, "{done:?}");
    let after = contents(&store.snapshot());
    assert_eq!(after, before[485..]);
    assert_eq!(store.snapshot().len(), 15);
    assert_intact(&store);
    assert_eq!(store.verify().unwrap().removed, 485);

    // Sequences and clocks go on, also after an opening.
    let next = store
        .append(&at("entity:1", "scope"), event("next"))
        .unwrap();
    assert_eq!((next.sequence.get(), next.clock), (500, 100));
    let live = Answers::of(&store);
    drop(store);
    let store = small(&fs).open(dir()).unwrap();
    assert_eq!(Answers::of(&store), live);
    assert!(
        store.open_report().notices.is_empty(),
        "{:?}",
        store.open_report()
    );
    assert_intact(&store);

    // Twice is once.
    assert_eq!(run(&store, &Retention::new().keep_newest(4)).events, 0);
}

#[test]
fn rules_are_joined() {
    let fs = MemFs::new();
    let clock = Arc::new(strandline_core::ManualClock::new(1_000));
    let store = small(&fs).clock(clock.clone()).open(dir()).unwrap();
    for number in 0..60 {
        store
            .append(&at(&format!("e:{}", number % 3), "s"), event("x"))
            .unwrap();
        clock.set(1_000 + 10 * (number + 1));
    }
    store.append(&at("other", "s"), event("old")).unwrap();
    let half = 1_000 + 10 * 30;
    // Those since the time, and the newest one of each in any case; others stay.
    let kept = |rules: &Retention| {
        let store = small(&copy(&fs)).open(dir()).unwrap();
        run(&store, rules);
        assert_intact(&store);
        ["e:0", "e:1", "e:2", "other"].map(|entity| sequences(&store, entity).len())
    };
    assert_eq!(kept(&Retention::new().keep_since(half)), [10, 10, 10, 1]);
    assert_eq!(
        kept(&Retention::new().keep_newest(15).keep_since(half)),
        [15, 15, 15, 1]
    );
    assert_eq!(
        kept(&Retention::new().keep_newest(1).within("e:")),
        [1, 1, 1, 1]
    );
    assert_eq!(kept(&Retention::new().drop_entity("e:1")), [20, 0, 20, 1]);
    assert_eq!(kept(&Retention::new().drop_entities("e:")), [0, 0, 0, 1]);
    assert_eq!(
        kept(&Retention::new().keep_newest(5).drop_entity("other")),
        [5, 5, 5, 0]
    );

    for nothing in [
        Retention::new(),
        Retention::new().within("e:"),
        Retention::new().drop_entities(""),
    ] {
        let refused = compact(&store, &nothing, &mut |_| ControlFlow::Continue(()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// The index has no row of what was removed, and the stream goes on after it all the same.
#[test]
fn the_stream_of_an_entity_that_was_dropped_goes_on() {
    let fs = MemFs::new();
    let store = filled(&fs, 300);
    let last = store.snapshot().latest("entity:2").unwrap().unwrap();
    assert_eq!(last.clock, 59);
    run(&store, &Retention::new().drop_entity("entity:2"));
    assert!(store.snapshot().latest("entity:2").unwrap().is_none());
    assert_eq!(store.snapshot().entities("entity:2").count(), 0);
    let counted = (
        store.stats().unwrap().entities,
        store.verify().unwrap().entities,
    );
    assert_eq!(counted, (4, 4), "whom all count who count");
    assert!(store.snapshot().get(last.id).unwrap().is_none());

    let go_on = |store: &Store| {
        let removed = event("again").expecting(ExpectedVersion::Exactly(59));
        assert!(store.append(&at("entity:2", "scope"), removed).is_err());
        let none = event("again").expecting(ExpectedVersion::NoStream);
        let next = store.append(&at("entity:2", "scope"), none).unwrap();
        assert_eq!(next.clock, 60);
        assert_intact(store);
        assert_eq!(sequences(store, "entity:2"), [300]);
    };
    // Killed, with every way to lose what an opening would like to have.
    let killed = copy(&fs);
    let closed = {
        drop(store);
        fs
    };
    let states = [
        (killed, false, false),
        (copy(&closed), true, false),
        (copy(&closed), true, true),
    ];
    for (fs, without_checkpoint, without_footers) in states {
        if without_checkpoint {
            remove(&fs, "checkpoint-");
        }
        if without_footers {
            cut_footers(&fs);
        }
        go_on(&small(&fs).open(dir()).unwrap());
        // And from the footer that was written since.
        let store = small(&fs).open(dir()).unwrap();
        assert_intact(&store);
        let next = store
            .append(&at("entity:2", "scope"), event("more"))
            .unwrap();
        assert_eq!(next.clock, 61);
    }
    go_on(&small(&closed).open(dir()).unwrap());
}

pub(crate) fn cut_footers(fs: &MemFs) {
    let manifest = strandline_segment::Manifest::read(fs, &dir())
        .unwrap()
        .unwrap();
    for info in manifest.segments() {
        if let Some(end) = info.end() {
            let path = dir().join(info.file_name());
            let bytes = read(fs, &path);
            write(fs, &path, &bytes[..end.offset as usize]);
        }
    }
}

/// Damage to the list of heads in a footer is found, and the frames are asked.
#[test]
fn a_damaged_list_of_heads_is_read_from_the_frames() {
    let fs = MemFs::new();
    let store = filled(&fs, 200);
    run(&store, &Retention::new().drop_entity("entity:2"));
    drop(store);
    let manifest = strandline_segment::Manifest::read(&fs, &dir())
        .unwrap()
        .unwrap();
    let mut damaged = 0;
    for info in manifest.segments() {
        let Some(end) = info.end() else { continue };
        let path = dir().join(info.file_name());
        let mut bytes = read(&fs, &path);
        // Behind the head of the footer, 32 bytes, stands the list: checksum, count, offsets.
        let heads = end.offset as usize + 32;
        bytes[heads + 20] ^= 1;
        damaged += 1;
        write(&fs, &path, &bytes);
    }
    assert!(damaged > 1);
    let store = small(&fs).open(dir()).unwrap();
    let next = store
        .append(&at("entity:2", "scope"), event("again"))
        .unwrap();
    assert_eq!(next.clock, 40);
    let found = store.verify().unwrap().problems;
    assert_eq!(found.len(), damaged, "{found:?}");
    let of_index = |problem: &strandline::Problem| problem.kind == ProblemKind::Index;
    assert!(found.iter().all(of_index), "{found:?}");
    drop(store);
    maintenance::rebuild(small(&fs), &dir(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_intact(&small(&fs).open(dir()).unwrap());
}

#[test]
fn snapshots_and_readers_in_the_middle_see_what_they_saw() {
    let fs = MemFs::new();
    for maps in [true, false] {
        let dir = PathBuf::from(format!("/store-{maps}"));
        let mut options = small(&fs);
        if !maps {
            options = options.no_mapped_reads();
        }
        let store = options.open(&dir).unwrap();
        fill(&store, 400);
        let before = store.snapshot();
        let expected = contents(&before);
        let all = Region::all();
        let mut reading = before.query(&all);
        let first: Vec<_> = reading.by_ref().take(100).map(Result::unwrap).collect();
        run(&store, &Retention::new().keep_newest(1));
        run(&store, &Retention::new().drop_entities("entity:"));
        let rest: Vec<_> = reading.map(Result::unwrap).collect();
        assert_eq!([first, rest].concat(), expected);
        assert_eq!(contents(&before), expected);
        assert!(contents(&store.snapshot()).is_empty());
        assert_intact(&store);
    }
}

#[test]
fn receipts_and_heads_that_were_kept_hold() {
    let fs = MemFs::new();
    let store = filled(&fs, 100);
    let receipt = store.append(&at("kept", "scope"), event("kept")).unwrap();
    let removed = store.append(&at("gone", "scope"), event("gone")).unwrap();
    filled_more(&store, 200);
    let head = store.verify().unwrap().log_hash;
    run(
        &store,
        &Retention::new()
            .drop_entities("entity:")
            .drop_entity("gone"),
    );
    store.snapshot().verify_receipt(&receipt).unwrap();
    let error = store.snapshot().verify_receipt(&removed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReceiptMismatch);
    assert!(error.to_string().contains("removed"), "{error}");
    let mut kept = Kept::default();
    kept.head = Some(head);
    let verified = verify(&store, &kept, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(verified.is_intact() && verified.head_at.is_some());
    assert_ne!(
        verified.report.log_hash, head,
        "the log records what was removed"
    );
}

pub(crate) fn filled_more(store: &Store, count: usize) {
    for number in 0..count {
        let coordinate = at(&format!("entity:{}", number % 5), "scope");
        store
            .append(&coordinate, Event::bytes(CREATED, vec![7; 600]))
            .unwrap();
    }
}

#[test]
fn an_id_is_kept_with_its_event_and_forgotten_with_it() {
    let fs = MemFs::new();
    let store = filled(&fs, 100);
    let with_id = |id| event("once").with_id(EventId::from_u128(id));
    for id in [1, 2] {
        store
            .append(&at(&format!("once:{id}"), "scope"), with_id(id))
            .unwrap();
    }
    filled_more(&store, 150);
    run(&store, &Retention::new().drop_entity("once:1"));
    assert!(
        !store
            .append(&at("once:1", "scope"), with_id(1))
            .unwrap()
            .repeated
    );
    assert!(
        store
            .append(&at("once:2", "scope"), with_id(2))
            .unwrap()
            .repeated
    );
}

#[test]
fn cancelled_it_changes_nothing() {
    let fs = MemFs::new();
    let store = filled(&fs, 500);
    let before = Answers::of(&store);
    let names = files(&fs, "segment-");
    let mut reports = 0;
    let cancelled = compact(&store, &Retention::new().keep_newest(1), &mut |progress| {
        reports += 1;
        match progress.done {
            0..100_000 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    });
    assert_eq!(cancelled.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(reports > 0);
    assert_eq!(Answers::of(&store).events, before.events);
    // The active segment was sealed, and that is all.
    let now = files(&fs, "segment-");
    assert!(names.iter().all(|name| now.contains(name)), "{now:?}");
    assert!(now.iter().all(|name| !is_rewritten(name)));
    assert_intact(&store);
    assert_eq!(run(&store, &Retention::new().keep_newest(1)).events, 495);
}

#[test]
fn a_store_that_is_read_only_is_not_compacted() {
    let fs = MemFs::new();
    drop(filled(&fs, 10));
    let store = options(&fs).read_only().open(dir()).unwrap();
    let rules = Retention::new().keep_newest(1);
    let refused = compact(&store, &rules, &mut |_| ControlFlow::Continue(()));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(CompactionPlan::of(&store, &rules).unwrap().events, 5);
}

/// A process that reads beside the one that compacts.
#[test]
fn a_reader_of_another_process_goes_on() {
    let fs = MemFs::new();
    let store = filled(&fs, 300);
    let beside = small(&fs).read_only().open(dir()).unwrap();
    let before = contents(&beside.snapshot());
    filled_more(&store, 100);
    run(&store, &Retention::new().keep_newest(2));
    store.append(&at("new", "scope"), event("new")).unwrap();
    assert_eq!(contents(&beside.snapshot()), before);
    beside.refresh().unwrap();
    let after = contents(&beside.snapshot());
    assert_eq!(after[..300], before);
    assert_eq!(after.last().unwrap().payload().unwrap(), b"new");
}

#[test]
fn appends_and_queries_go_on_meanwhile() {
    let fs = MemFs::new();
    let store = filled(&fs, 200);
    let (stop, started) = (AtomicBool::new(false), std::sync::Barrier::new(3));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            started.wait();
            for number in 0..2_000 {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let coordinate = at(&format!("entity:{}", number % 7), "scope");
                store
                    .append(&coordinate, Event::bytes(CREATED, vec![1; 400]))
                    .unwrap();
            }
        });
        let reader = scope.spawn(|| {
            started.wait();
            while !stop.load(Ordering::Relaxed) {
                let now = store.snapshot();
                // Redaction shows through, nothing else does.
                let all = contents(&now);
                assert_eq!(all.len() as u64, now.len());
                let again = contents(&now);
                let headers = all.iter().map(StoredEvent::header);
                assert!(again.iter().map(StoredEvent::header).eq(headers));
            }
        });
        started.wait();
        for keep in [9, 6, 0, 3, 1] {
            let rules = match keep {
                0 => Retention::new().drop_entities("entity:"),
                _ => Retention::new().keep_newest(keep),
            };
            run(&store, &rules);
            run_redact(&store, &Redaction::new().entity("entity:1"));
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        reader.join().unwrap();
    });
    store.append(&at("last", "scope"), event("last")).unwrap();
    assert_intact(&store);
    let live = Answers::of(&store);
    store.close().unwrap();
    assert_eq!(Answers::of(&small(&fs).open(dir()).unwrap()), live);
}

/// The segments are read before anything is written over.
#[test]
fn a_damaged_segment_is_not_compacted() {
    let fs = MemFs::new();
    drop(filled(&fs, 300));
    let path = files(&fs, "segment-0000000002").pop().unwrap();
    let mut bytes = read(&fs, &path);
    bytes[5_000] ^= 1;
    write(&fs, &path, &bytes);
    let store = small(&fs).open(dir()).unwrap();
    let before = files(&fs, "segment-");
    let refused = compact(&store, &Retention::new().keep_newest(1), &mut |_| {
        ControlFlow::Continue(())
    });
    let error: Error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        before
            .iter()
            .all(|name| files(&fs, "segment-").contains(name))
    );
    assert_eq!(store.snapshot().len(), 300);
    let mut left = files(&fs, "segment-").into_iter();
    assert!(left.all(|path| !is_rewritten(&path) || before.contains(&path)));
}
