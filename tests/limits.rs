//! Limits: what could be written can be redacted, events of a segment are counted, and options have ranges.

use crate::compact::{assert_intact, run_redact};
use crate::harness::{CREATED, DIR, at, written};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{Redaction, redact};
use strandline::{
    AppendOptions, AttributeValue, Attributes, Batch, Durability, ErrorKind, Event, NAME_BYTES_MAX,
    Region, Store, StoreOptions,
};

const SEGMENT_BYTES: u64 = 64 << 10;

/// Segments that may not be longer than they were when they are rewritten.
fn tight(fs: &MemFs) -> StoreOptions {
    written(fs)
        .segment_bytes_max(SEGMENT_BYTES)
        .rewritten_bytes_max(SEGMENT_BYTES)
}

/// Appends events whose payloads are shorter than what is left of them when they are redacted.
fn fill_short(store: &Store, count: usize) {
    for number in 0..count {
        let batch = (0..=number % 3).fold(Batch::new(), |batch, _| {
            let short = Event::bytes(CREATED, vec![b'x'; number % 5]);
            batch.push(&at(&format!("entity:{}", number % 7), "s"), short)
        });
        store.append_batch(batch).unwrap();
    }
}

/// A segment of 4 GiB of short events could not be redacted: its records became longer than a file can
/// have.
#[test]
fn what_may_be_written_may_be_redacted() {
    let fs = MemFs::new();
    let store = tight(&fs).open("/store").unwrap();
    fill_short(&store, 1_000);
    let events = store.snapshot().len();
    let done = run_redact(&store, &Redaction::new().entities("entity:"));
    assert_eq!(done.events, events);
    assert!(done.segments > 2, "{done:?}");
    assert_intact(&store);
    store.close().unwrap();
    let store = tight(&fs).open("/store").unwrap();
    assert_eq!(store.snapshot().len(), events);
    assert_intact(&store);
}

/// Stores that were written before room was kept for that.
#[test]
fn a_segment_that_is_too_long_to_be_redacted_is_said_to_be() {
    let fs = MemFs::new();
    let long = written(&fs).segment_bytes_max(SEGMENT_BYTES);
    let store = long.open("/store").unwrap();
    fill_short(&store, 1_000);
    store.close().unwrap();
    let store = tight(&fs).open("/store").unwrap();
    let all = Redaction::new().entities("entity:");
    let redacted = redact(&store, &all, &mut |_| ControlFlow::Continue(()));
    let error = redacted.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let text = error.to_string();
    let file = "segment-0000000001-0000000001.log would have 657";
    assert!(text.contains("too long to be rewritten"), "{text}");
    assert!(text.contains(file), "{text}");
    let now = store.snapshot();
    let mut events = now.query(Region::all()).map(Result::unwrap);
    assert!(events.all(|event| !event.is_redacted()));
    assert_intact(&store);
    fill_short(&store, 10);
}

#[test]
fn a_segment_is_full_with_so_many_events() {
    let fs = MemFs::new();
    let options = || written(&fs).segment_events_max(100);
    let store = options().open("/store").unwrap();
    let append = |store: &Store, count: usize| {
        let batch = (0..count).fold(Batch::new(), |batch, _| {
            batch.push(&at("a", "s"), Event::bytes(CREATED, *b"x"))
        });
        store.append_batch(batch).unwrap();
        store.stats().unwrap().segments
    };
    for number in 1..=250 {
        assert_eq!(append(&store, 1), usize::div_ceil(number, 100), "{number}");
    }
    store.close().unwrap();
    // The ones before the opening count.
    let store = options().open("/store").unwrap();
    assert_eq!(append(&store, 50), 3);
    assert_eq!(append(&store, 1), 4);
    // More than a segment takes are alone in theirs.
    assert_eq!(append(&store, 300), 5);
    assert_eq!(append(&store, 1), 6);
    assert_intact(&store);
}

/// What a position in a source takes was in no figure of what fits in a commit.
#[test]
fn what_fits_in_a_commit_fits_with_a_position_in_a_source() {
    let options = written(&MemFs::new()).segment_bytes_max(SEGMENT_BYTES);
    let store = options.open("/store").unwrap();
    let (place, source) = (at("a", "s"), "s".repeat(NAME_BYTES_MAX));
    let event = |bytes: u64| Event::bytes(CREATED, vec![b'x'; usize::try_from(bytes).unwrap()]);
    let tracked = |position| AppendOptions::new().tracking(&source, position);
    let fits = |bytes: u64| {
        let record = store.record_bytes_max(&place, &event(bytes));
        record.is_ok_and(|record| store.commit_fits(record + tracked(1).record_bytes(), 1))
    };
    let (mut most, mut too_many) = (0, SEGMENT_BYTES);
    while too_many - most > 1 {
        let middle = most.midpoint(too_many);
        match fits(middle) {
            true => most = middle,
            false => too_many = middle,
        }
    }
    store.append_with(&place, event(most), tracked(1)).unwrap();
    let error = store
        .append_with(&place, event(too_many), tracked(2))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    store.append(&place, event(too_many)).unwrap();
    assert_intact(&store);
}

/// With the position there was no room left for the name of a kind, so an append was refused as the first of its kind
/// in a segment, and taken as the second.
#[test]
fn a_position_in_a_source_leaves_room_for_the_name_of_a_kind() {
    let longest = "n".repeat(NAME_BYTES_MAX);
    let source = AppendOptions::new().tracking(&longest, 1);
    let is_taken = |bytes, name: Option<&str>| {
        let mut attributes = Attributes::new();
        let text = AttributeValue::Text("x".repeat(bytes).into());
        attributes.add("a", text).unwrap();
        let event = Event::bytes(CREATED, *b"x").with_attributes(attributes);
        let event = match name {
            Some(name) => event.with_kind_name(name.to_owned()),
            None => event,
        };
        let store = written(&MemFs::new()).open("/store").unwrap();
        match store.append_with(&at("a", "s"), event, source) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TooLarge);
                false
            }
        }
    };
    assert!(is_taken(3_500, Some(&longest)));
    for bytes in (3_500..3_580).step_by(5) {
        let taken = [None, Some("n"), Some(&*longest)].map(|name| is_taken(bytes, name));
        assert!(
            taken.iter().all(|one| *one == taken[0]),
            "{bytes}: {taken:?}"
        );
    }
    assert!(!is_taken(3_579, None));
}

/// A segment of five bytes was told as an error of the file system, after a directory was made for it.
#[test]
fn an_option_that_is_out_of_its_range_is_wrong_input_before_anything_is_made() {
    let longest = u64::from(u32::MAX);
    for (wrong, name) in [
        (
            StoreOptions::new().segment_bytes_max(0),
            "segment_bytes_max",
        ),
        (
            StoreOptions::new().segment_bytes_max(5),
            "segment_bytes_max",
        ),
        (
            StoreOptions::new().segment_bytes_max((64 << 10) - 1),
            "segment_bytes_max",
        ),
        (
            StoreOptions::new().segment_bytes_max(longest + 1),
            "segment_bytes_max",
        ),
        (
            StoreOptions::new().segment_bytes_max(u64::MAX),
            "segment_bytes_max",
        ),
        (
            StoreOptions::new().payload_bytes_max((64 << 20) + 1),
            "payload_bytes_max",
        ),
        (
            StoreOptions::new().payload_bytes_max(usize::MAX),
            "payload_bytes_max",
        ),
    ] {
        let fs = MemFs::new();
        for options in [
            wrong.clone(),
            wrong.clone().must_exist(),
            wrong.clone().read_only(),
        ] {
            let error = options.fs(Arc::new(fs.clone())).open(DIR).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(Fs::list(&fs, Path::new(DIR)).is_err(), "nothing is made");
        }
    }
    // What is odd and within its range.
    let odd = [
        StoreOptions::new().segment_bytes_max(64 << 10),
        StoreOptions::new().segment_bytes_max(longest),
        StoreOptions::new().payload_bytes_max(64 << 20),
        StoreOptions::new().payload_bytes_max(0),
        StoreOptions::new().segment_events_max(0),
        StoreOptions::new().open_files_max(0),
        StoreOptions::new().in_flight_max(0),
        StoreOptions::new().checkpoint_interval_bytes(0),
        StoreOptions::new().checkpoint_interval_bytes(u64::MAX),
        StoreOptions::new().sync_interval(Duration::ZERO),
        StoreOptions::new().sync_interval(Duration::MAX),
        StoreOptions::new().clock_drift_max(Duration::ZERO),
        StoreOptions::new().clock_drift_max(Duration::MAX),
    ];
    for options in odd {
        let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
        let store = options.clone().fs(fs.clone()).open(DIR).unwrap();
        for durability in [Durability::Written, Durability::Synced] {
            let options = strandline::AppendOptions::new().durability(durability);
            store
                .append_with(&at("a", "s"), Event::bytes(CREATED, []), options)
                .unwrap();
        }
        store.close().unwrap();
        let store = options.fs(fs).open(DIR).unwrap();
        assert_eq!(store.snapshot().len(), 2);
    }
}
