//! What opening says of itself: the path and why, what was read and repaired, and the time of each
//! step.

use crate::harness::{at, dir, event, files, options, read, remove, write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::{
    Clock, Durability, Event, EventKind, ManualClock, OpenPath, OpenReport, StoreOptions,
};

/// Goes on by a millisecond each time that it is asked.
#[derive(Debug, Default)]
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now_ms(&self) -> u64 {
        1_000_000
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn small(fs: &MemFs) -> StoreOptions {
    options(fs)
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written)
        .background_inline()
        .clock(Arc::new(Ticking::default()))
}

/// A closed store of four segments or more, and a few events in the last.
fn made() -> MemFs {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    for number in 0..40 {
        let event = Event::bytes(EventKind::new(1, 1), vec![b'x'; 5000]);
        store
            .append(&at(&format!("e{}", number % 3), "s"), event)
            .unwrap();
    }
    assert!(store.stats().unwrap().segments >= 4);
    store.close().unwrap();
    fs
}

fn report(fs: &MemFs) -> OpenReport {
    let fs = fs.fork();
    small(&fs).open(dir()).unwrap().open_report().clone()
}

fn cut_footers(fs: &MemFs) {
    let segments = files(fs, "segment-");
    for path in &segments[..segments.len() - 1] {
        let bytes = read(fs, path);
        write(fs, path, &bytes[..bytes.len() - 1]);
    }
}

#[test]
fn each_step_has_its_time() {
    let times = report(&made()).times;
    let expected = [
        ("lock", 1),
        // It is found before the manifest is read, and taken after the footers.
        ("checkpoint", 2),
        ("manifest", 1),
        ("footers", 1),
        ("log", 1),
        ("repair", 1),
    ];
    assert_eq!(
        times.steps(),
        expected.map(|(name, ms)| (name, Duration::from_millis(ms)))
    );
    // The clock is asked twice a step, and once before and after all.
    assert_eq!(report(&made()).duration, Duration::from_millis(15));
    let read_only = small(&made()).read_only().open(dir()).unwrap();
    assert_eq!(read_only.open_report().times.steps(), times.steps());
}

/// The path, the reason, and how many events came from checkpoint, footers and log.
fn check(fs: &MemFs, path: OpenPath, reason: &str, from: [bool; 3]) {
    let report = report(fs);
    assert_eq!(
        (report.path, report.reason.as_str()),
        (path, reason),
        "{report}"
    );
    let events = [
        report.events_from_checkpoint,
        report.events_from_footers,
        report.events_from_log,
    ];
    let read = [
        report.checkpoint_bytes,
        report.footers_used,
        report.log_bytes,
    ];
    assert_eq!(events.map(|events| events > 0), from, "{report}");
    assert_eq!(events.iter().sum::<u64>(), 40, "{report}");
    assert_eq!(read.map(|read| read > 0), from, "{report}");
    let shown = report.to_string();
    assert!(
        shown.contains(&format!("because {reason}; read ")),
        "{shown}"
    );
    // Twice the time of each step where the log was read again, after its end was carried over.
    let repaired = [", repair 1.0 ms", ", repair 2.0 ms"];
    assert!(repaired.iter().any(|part| shown.contains(part)), "{shown}");
}

#[test]
fn the_path_has_its_reason() {
    let fs = MemFs::new();
    let created = report(&fs);
    assert_eq!(
        (created.path, created.reason.as_str()),
        (OpenPath::Created, "there was no store")
    );
    let fs = made();
    let checkpoint = "checkpoint 40 is whole and of the active segment";
    check(&fs, OpenPath::Checkpoint, checkpoint, [true, true, false]);
    let without = fs.fork();
    remove(&without, "checkpoint-");
    check(
        &without,
        OpenPath::Footers,
        "there is no checkpoint",
        [false, true, true],
    );
    cut_footers(&without);
    let none = "there is no checkpoint, and no sealed segment has a good footer";
    check(&without, OpenPath::Scan, none, [false, false, true]);
    let damaged = fs.fork();
    let path = files(&damaged, "checkpoint-").pop().unwrap();
    let mut bytes = read(&damaged, &path);
    *bytes.last_mut().unwrap() ^= 1;
    write(&damaged, &path, &bytes);
    let reason = "no checkpoint can be used";
    check(&damaged, OpenPath::Footers, reason, [false, true, true]);
}

#[test]
fn a_checkpoint_of_a_segment_that_was_sealed_since_is_no_reason() {
    let fs = made();
    let old = files(&fs, "checkpoint-").pop().unwrap();
    let bytes = read(&fs, &old);
    let store = small(&fs).open(dir()).unwrap();
    for _ in 0..30 {
        let event = Event::bytes(EventKind::new(1, 1), vec![b'x'; 5000]);
        store.append(&at("e", "s"), event).unwrap();
    }
    drop(store);
    remove(&fs, "checkpoint-");
    write(&fs, &old, &bytes);
    let report = report(&fs);
    assert_eq!(report.path, OpenPath::Footers, "{report}");
    assert_eq!(
        report.reason,
        "checkpoint 40 is of a segment that was sealed since"
    );
}

#[test]
fn what_is_repaired_and_set_aside_is_listed() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    store.append(&at("a", "s"), event("1")).unwrap();
    let image = fs.fork();
    let torn = files(&image, "segment-").pop().unwrap();
    let mut bytes = read(&image, &torn);
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(written.next_multiple_of(8));
    bytes.extend_from_slice(b"half a frame");
    write(&image, &torn, &bytes);
    write(&image, &dir().join("segment-0000000007.log"), &bytes);
    write(&image, &dir().join("MANIFEST.tmp"), b"half a manifest");
    let report = report(&image);
    assert!(report.torn_tail);
    assert_eq!(report.removed, ["MANIFEST.tmp", "segment-0000000001.log"]);
    let aside: Vec<_> = report.set_aside.iter().map(String::as_str).collect();
    assert_eq!(aside.len(), 2, "{report}");
    assert!(aside[0].ends_with(".torn"), "{report}");
    assert_eq!(aside[1], "quarantine/segment-0000000007.log");
    assert!(report.rewritten_bytes > 0);
    let written = "bytes that were not proven durable into a new file";
    assert!(report.to_string().contains(written), "{report}");
}

/// Nobody was told that a store's times are ahead, which every new event then goes on with.
#[test]
fn times_ahead_of_the_clock_are_told_and_are_no_damage() {
    let fs = MemFs::new();
    let month = 30 * 86_400_000_u64;
    let ahead = Arc::new(ManualClock::new(1_700_000_000_000 + month));
    let store = options(&fs).clock(ahead).open(dir()).unwrap();
    store.append(&at("a", "s"), event("x")).unwrap();
    store.close().unwrap();
    let right = || Arc::new(ManualClock::new(1_700_000_000_000));
    for access in [options(&fs).read_only(), options(&fs)] {
        let store = access.clock(right()).open(dir()).unwrap();
        let report = store.open_report();
        assert_eq!(report.clock_ahead_ms, Some(month));
        assert!(report.is_clean(), "{:?}", report.notices);
        let [notice] = &report.notices[..] else {
            panic!("{:?}", report.notices)
        };
        assert!(
            notice.contains("30 days ahead of this machine's clock"),
            "{notice}"
        );
        assert!(notice.contains("2023-12-14T22:13:20.000Z"), "{notice}");
        assert!(report.to_string().contains(notice.as_str()));
    }
    // Within what is allowed, and where everything is.
    for options in [
        options(&fs).clock(Arc::new(ManualClock::new(
            1_700_000_000_000 + month - 60_000,
        ))),
        options(&fs)
            .clock(right())
            .clock_drift_max(std::time::Duration::MAX),
    ] {
        let store = options.open(dir()).unwrap();
        assert_eq!(store.open_report().clock_ahead_ms, None);
        assert!(store.open_report().notices.is_empty());
    }
}

#[test]
fn a_report_reads_as_a_sentence() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    let made = store.open_report().to_string();
    assert!(made.starts_with("made a new store in "), "{made}");
    assert!(!made.contains("because"), "{made}");
    store.close().unwrap();
    let store = options(&fs).open(dir()).unwrap();
    let empty = store.open_report().to_string();
    assert!(empty.contains(": it has no events\n"), "{empty}");
    store.append(&at("a", "s"), event("x")).unwrap();
    store.close().unwrap();
    let store = options(&fs).open(dir()).unwrap();
    let one = store.open_report().to_string();
    assert!(one.starts_with("opened from a checkpoint in "), "{one}");
    assert!(one.contains(": 1 event from the checkpoint\n"), "{one}");
    assert!(!one.contains(" 0 from"), "{one}");
}
