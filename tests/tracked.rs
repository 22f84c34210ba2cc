//! Positions in sources: in the same commit as what was made of an input, so each input leads to its events once.

use crate::backup::go_on;
use crate::compact::{assert_intact, copy, cut_footers, run, run_redact};
use crate::harness::{at, contents, dir, event, files, open_faulty, options, read, remove, write};
use crate::merged_index::{inline, merged};
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fault, FaultFs, Fs, MemFs, Operation};
use strandline::maintenance::{
    CopyMode, Existing, Redaction, Retention, backup, rebuild, restore, salvage_into,
};
use strandline::{
    AppendCondition, AppendOptions, Batch, Error, ErrorKind, Event, EventId, ExpectedVersion,
    NAME_BYTES_MAX, Receipt, Region, Store,
};

pub(crate) fn track(source: &str, position: u64) -> AppendOptions<'_> {
    AppendOptions::new().tracking(source, position)
}

fn append(store: &Store, source: &str, position: u64) -> Result<Receipt, Error> {
    let made = event(&format!("{source} {position}"));
    store.append_with(&at("made", "s"), made, track(source, position))
}

/// What a store says of its sources.
pub(crate) fn positions(store: &Store) -> Vec<(String, u64)> {
    let all = store.tracked_sources().into_iter();
    let all: Vec<_> = all.map(|at| (at.source.to_string(), at.position)).collect();
    for (source, position) in &all {
        assert_eq!(store.tracked(source).unwrap().position, *position);
    }
    all
}

/// Refuses an append because its position does not rise, and writes nothing.
fn assert_refused(store: &Store, source: &str, position: u64) {
    let before = (store.snapshot().len(), positions(store));
    let error = append(store, source, position).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TrackingConflict, "{error}");
    let conflict = error.tracking_conflict().unwrap();
    assert_eq!(conflict.given, position);
    assert_eq!(Some(&conflict.last), store.tracked(source).as_ref());
    assert_eq!((store.snapshot().len(), positions(store)), before);
}

#[test]
fn a_position_rises_or_nothing_is_written() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    assert_eq!(store.tracked("orders"), None);
    store.append(&at("e", "s"), event("no source")).unwrap();
    let receipt = append(&store, "orders", 0).unwrap();
    let tracked = store.tracked("orders").unwrap();
    assert_eq!((tracked.position, tracked.sequence), (0, receipt.sequence));
    assert_refused(&store, "orders", 0);
    append(&store, "payments", u64::MAX).unwrap();
    append(&store, "orders", 7).unwrap();
    assert_refused(&store, "orders", 7);
    assert_refused(&store, "orders", 6);
    assert_refused(&store, "payments", u64::MAX);
    let refused = append(&store, "orders", 3).unwrap_err().to_string();
    assert_eq!(
        refused,
        r#"source "orders" is at position 7, so what is made of 3 is there already; nothing was written"#
    );
    let all = [("orders".to_owned(), 7), ("payments".to_owned(), u64::MAX)];
    assert_eq!(positions(&store), all);
    // A batch has it with its first event, and a submit too.
    let batch = Batch::new()
        .push(&at("a", "s"), event("one"))
        .push(&at("b", "s"), event("two"));
    store.append_batch_with(batch, track("orders", 8)).unwrap();
    let event_of = |text: &str| event(text);
    let submitted = store.submit_with(&at("c", "s"), event_of("three"), track("orders", 9));
    submitted.unwrap().wait().unwrap();
    let said: Vec<_> = contents(&store.snapshot())
        .iter()
        .map(|event| event.extensions.tracking().map(|(_, position)| position))
        .collect();
    let expected = [
        None,
        Some(0),
        Some(u64::MAX),
        Some(7),
        Some(8),
        None,
        Some(9),
    ];
    assert_eq!(said, expected);
    assert_intact(&store);
}

#[test]
fn a_name_of_a_source_keeps_the_rules_and_there_must_be_room_for_it() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    for wrong in ["", "a\n", &long] {
        let error = append(&store, wrong, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(store.snapshot().len(), 0);
    let long = "x".repeat(NAME_BYTES_MAX);
    append(&store, &long, 1).unwrap();
    assert_eq!(positions(&store), [(long, 1)]);
}

#[test]
fn what_is_known_by_its_id_is_a_repeat_and_leaves_the_position() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    let one = |id: u128| event(&format!("made {id}")).with_id(EventId::from_u128(id));
    let both = |ids: [u128; 2]| {
        let ids = ids.into_iter();
        ids.fold(Batch::new(), |batch, id| batch.push(&at("e", "s"), one(id)))
    };
    let first = store
        .append_batch_with(both([1, 2]), track("orders", 5))
        .unwrap();
    // Whatever the position says.
    for position in [4, 5, 6] {
        let again = store
            .append_batch_with(both([1, 2]), track("orders", position))
            .unwrap();
        assert!(again.iter().all(|receipt| receipt.repeated));
        assert_eq!(again[0].hash, first[0].hash);
        assert_eq!(store.tracked("orders").unwrap().position, 5);
    }
    // Of some, the others are written, and the first of them has the position.
    let refused = store.append_batch_with(both([2, 3]), track("orders", 5));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TrackingConflict);
    let written = store
        .append_batch_with(both([2, 3]), track("orders", 6))
        .unwrap();
    assert!(written[0].repeated && !written[1].repeated);
    let tracked = store.tracked("orders").unwrap();
    assert_eq!(
        (tracked.position, tracked.sequence),
        (6, written[1].sequence)
    );
    // And an event is the same with and without one.
    store.append(&at("e", "s"), one(4)).unwrap();
    let again = store.append_with(&at("e", "s"), one(4), track("orders", 7));
    assert!(again.unwrap().repeated);
    assert_eq!(store.tracked("orders").unwrap().position, 6);
    assert_intact(&store);
}

#[test]
fn that_an_input_was_gone_through_is_said_before_all_else() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    append(&store, "orders", 5).unwrap();
    let excluded = AppendCondition::since(strandline::Sequence::ZERO).none_in(Region::all());
    for position in [5, 6] {
        let expecting = event("again").expecting(ExpectedVersion::NoStream);
        let made = at("made", "s");
        let by_version = store.append_with(&made, expecting, track("orders", position));
        let options = track("orders", position).condition(&excluded);
        let by_condition = store.append_with(&made, event("again"), options);
        let kinds = [by_version, by_condition].map(|refused| refused.unwrap_err().kind());
        match position {
            5 => assert_eq!(kinds, [ErrorKind::TrackingConflict; 2]),
            _ => assert_eq!(
                kinds,
                [ErrorKind::WrongExpectedVersion, ErrorKind::ConditionFailed]
            ),
        }
    }
    assert_eq!(store.tracked("orders").unwrap().position, 5);
}

#[test]
fn what_could_not_be_written_moved_nothing() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let store = open_faulty(&fs);
    append(&store, "orders", 5).unwrap();
    let fault = Fault {
        after: 0,
        times: 1,
        error: io::ErrorKind::StorageFull,
        partial_bytes: 0,
    };
    fs.fail(Operation::Write, fault);
    let error = append(&store, "orders", 6).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotWritten, "{error}");
    assert_eq!(store.tracked("orders").unwrap().position, 5);
    append(&store, "orders", 6).unwrap();
    assert_refused(&store, "orders", 6);
}

#[test]
fn a_position_is_seen_with_its_event_and_refuses_before() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    append(&store, "orders", 5).unwrap();
    let ticket = store.submit_with(&at("e", "s"), event("six"), track("orders", 6));
    let ticket = ticket.unwrap();
    // Whether it is visible by now is the store's; what is seen of both is the same.
    let (now, tracked) = (store.tracked("orders").unwrap(), store.snapshot());
    assert!(now.position == 5 || tracked.visible() > now.sequence);
    let again = store.submit_with(&at("e", "s"), event("six"), track("orders", 6));
    let refused = again.and_then(|ticket| ticket.wait()).unwrap_err();
    assert_eq!(refused.tracking_conflict().unwrap().last.position, 6);
    // Whoever is told of it finds it.
    assert_eq!(store.tracked("orders").unwrap().position, 6);
    ticket.wait().unwrap();
}

/// Appends events of two sources over so many segments, and some that have none.
fn fill(store: &Store, segments: usize) {
    let goal = store.stats().unwrap().segments + segments;
    let last = |source| store.tracked(source).map_or(0, |at| at.position);
    let payload = |byte| Event::bytes(crate::harness::CREATED, vec![byte; 9000]);
    while store.stats().unwrap().segments < goal {
        for (source, more) in [("orders", 3), ("payments", 1)] {
            let position = last(source) + more;
            let made = at(&format!("{source}:{}", position % 4), "s");
            store
                .append_with(&made, payload(b'm'), track(source, position))
                .unwrap();
        }
        store.append(&at("other", "s"), payload(b'o')).unwrap();
    }
}

#[test]
fn positions_are_known_after_every_opening() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    append(&store, "once", 1).unwrap();
    fill(&store, 12);
    store.checkpoint().unwrap();
    append(&store, "newest", 1).unwrap();
    let expected = (positions(&store), store.tracked_sources());
    assert_eq!(expected.0.len(), 4);
    let killed = copy(&fs);
    store.close().unwrap();
    for fs in [fs, killed] {
        assert!(!merged(&fs).is_empty());
        for change in [
            &[][..],
            &["index-"],
            &["checkpoint-"],
            &["index-", "checkpoint-"],
            &["footers", "index-"],
            &["footers", "index-", "checkpoint-"],
        ] {
            let fs = copy(&fs);
            for change in change {
                match *change {
                    "footers" => cut_footers(&fs),
                    prefix => remove(&fs, prefix),
                }
            }
            for options in [inline(&fs).read_only(), inline(&fs)] {
                let store = options.open(dir()).unwrap();
                assert_eq!((positions(&store), store.tracked_sources()), expected);
                assert_intact(&store);
            }
            rebuild(inline(&fs), &dir(), &mut go_on).unwrap();
            let store = inline(&fs).open(dir()).unwrap();
            assert_eq!((positions(&store), store.tracked_sources()), expected);
            assert_refused(&store, "once", 1);
            append(&store, "once", 2).unwrap();
            assert_intact(&store);
        }
    }
}

#[test]
fn positions_stay_when_events_go() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    append(&store, "once", 4).unwrap();
    fill(&store, 10);
    let expected = store.tracked_sources();
    let first = contents(&store.snapshot())[0].id;
    run_redact(&store, &Redaction::new().event(first));
    assert_eq!(store.tracked_sources(), expected);
    // Every event that has a position goes, and whole segments are nothing but their places.
    let rules = ["made", "orders", "payments", "other"]
        .into_iter()
        .fold(Retention::new(), |rules, prefix| {
            rules.drop_entities(prefix)
        });
    let done = run(&store, &rules);
    assert!(done.events > 0 && done.merged > 0, "{done:?}");
    assert_eq!(store.snapshot().len(), 0);
    assert_eq!(store.tracked_sources(), expected);
    assert_refused(&store, "once", 4);
    assert_intact(&store);
    store.close().unwrap();
    for change in [
        &["none"][..],
        &["index-"],
        &["checkpoint-"],
        &["index-", "checkpoint-"],
    ] {
        let fs = copy(&fs);
        change.iter().for_each(|prefix| remove(&fs, prefix));
        let store = inline(&fs).read_only().open(dir()).unwrap();
        assert_eq!(store.tracked_sources(), expected);
        rebuild(inline(&fs), &dir(), &mut go_on).unwrap();
        let store = inline(&fs).open(dir()).unwrap();
        assert_eq!(store.tracked_sources(), expected);
        assert_refused(&store, "once", 4);
        fill(&store, 3);
        assert_intact(&store);
    }
}

#[test]
fn a_reader_beside_the_writer_learns_positions_with_their_events() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    append(&store, "orders", 1).unwrap();
    let reader = options(&fs).read_only().open(dir()).unwrap();
    append(&store, "orders", 2).unwrap();
    fill(&store, 2);
    assert_eq!(positions(&reader), [("orders".to_owned(), 1)]);
    reader.refresh().unwrap();
    assert_eq!(reader.tracked_sources(), store.tracked_sources());
    append(&store, "another", 9).unwrap();
    assert_eq!(reader.tracked("another"), None);
    reader.refresh().unwrap();
    assert_eq!(reader.tracked_sources(), store.tracked_sources());
    let refused = append(&reader, "another", 10).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
}

#[test]
fn a_backup_has_the_positions_and_a_restore_goes_back_to_them() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    fill(&store, 3);
    append(&store, "once", 4).unwrap();
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let (to, restored) = (Path::new("/backup"), Path::new("/restored"));
    backup(&shared, &dir(), to, CopyMode::Copy, &mut go_on).unwrap();
    let expected = store.tracked_sources();
    append(&store, "once", 5).unwrap();
    restore(&shared, to, restored, Existing::Refuse, &mut go_on).unwrap();
    let store = inline(&fs).open(restored).unwrap();
    assert_eq!(store.tracked_sources(), expected);
    // The events went back too, so the input leads to them once more.
    assert_refused(&store, "once", 4);
    append(&store, "once", 5).unwrap();
    assert_intact(&store);
}

#[test]
fn what_is_salvaged_has_the_positions_of_removed_events_too() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    append(&store, "once", 4).unwrap();
    append(&store, "twice", 1).unwrap();
    fill(&store, 5);
    run(&store, &Retention::new().drop_entity("made"));
    let expected = positions(&store);
    store.close().unwrap();
    let path = &files(&fs, "segment-")[2];
    let mut bytes = read(&fs, path);
    bytes[400] ^= 1;
    write(&fs, path, &bytes);
    let salvaged = salvage_into(inline(&fs), &dir(), Path::new("/salvaged"), &mut go_on).unwrap();
    assert!(!salvaged.losses.is_empty());
    let store = inline(&fs).open("/salvaged").unwrap();
    assert_eq!(positions(&store), expected);
    assert_intact(&store);
}
