//! What is missing without a record of the log is found, and what is recorded is explained.

use crate::compact::{assert_intact, copy, filled, run, run_redact, small};
use crate::forge::{forge, redacted, seal_manifest, stub};
use crate::harness::{at, dir, event, read, remove, texts, write};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::maintenance::{
    CompactionPlan, Kept, Redaction, Removal, RemovalChange, Retention, compact, put_back, redo,
    removals, verify,
};
use strandline::{Hash, Region, Sequence, Store, VerifyReport};
use strandline_core::record::RemovalHasher;
use strandline_segment::Manifest;

pub(crate) fn all(store: &Store) -> Vec<Removal> {
    removals(store, &mut |_| ControlFlow::Continue(())).unwrap()
}

pub(crate) fn verified(fs: &MemFs) -> VerifyReport {
    small(fs).open(dir()).unwrap().verify().unwrap()
}

pub(crate) fn sequences(report: &VerifyReport) -> Vec<u64> {
    let named = report.problems.iter().filter_map(|one| one.sequence);
    named.map(Sequence::get).collect()
}

fn ranges(removal: &Removal) -> Vec<std::ops::Range<u64>> {
    let runs = removal.sequences.iter();
    runs.map(|run| run.start.get()..run.end.get()).collect()
}

/// A closed store of five entities in turn, in several segments, and the hash of its log.
pub(crate) fn closed(fs: &MemFs) -> Hash {
    let store = filled(fs, 500);
    let head = store.verify().unwrap().log_hash;
    store.close().unwrap();
    head
}

/// Whether a kept head is found, and what verification says.
pub(crate) fn against(fs: &MemFs, head: Hash) -> (Option<Sequence>, VerifyReport) {
    let store = small(fs).open(dir()).unwrap();
    let mut kept = Kept::default();
    kept.head = Some(head);
    let verified = verify(&store, &kept, &mut |_| ControlFlow::Continue(())).unwrap();
    (verified.head_at, verified.report)
}

#[test]
fn one_event_that_was_made_to_look_removed_is_found() {
    for sequence in [3, 498] {
        let fs = MemFs::new();
        let head = closed(&fs);
        forge(&fs, &mut |_, at, body| {
            stub(body).filter(|_| at.get() == sequence)
        });
        let (head_at, report) = against(&fs, head);
        assert!(head_at.is_some(), "no chain was made anew");
        assert_eq!(report.removed, 1);
        assert_eq!(sequences(&report), [sequence], "{:?}", report.problems);
    }
}

#[test]
fn all_events_of_the_active_segment_made_to_look_removed_are_found() {
    let fs = MemFs::new();
    closed(&fs);
    forge(&fs, &mut |info, _, body| {
        stub(body).filter(|_| !info.is_sealed())
    });
    let report = verified(&fs);
    assert!(report.removed > 10);
    let active = 500 - report.removed..500;
    assert!(
        sequences(&report).into_iter().eq(active),
        "{:?}",
        report.problems
    );
}

#[test]
fn an_entity_made_to_look_removed_in_a_sealed_segment_is_found() {
    let fs = MemFs::new();
    let head = closed(&fs);
    let mut forged = Vec::new();
    forge(&fs, &mut |info, at, body| {
        let is_chosen = info.id().get() == 2 && at.get() % 5 == 3;
        let stub = stub(body).filter(|_| is_chosen)?;
        forged.push(at.get());
        Some(stub)
    });
    let (head_at, report) = against(&fs, head);
    assert!(head_at.is_some() && forged.len() > 10);
    assert_eq!(sequences(&report), forged);
}

#[test]
fn a_payload_that_was_made_to_look_redacted_is_found() {
    let fs = MemFs::new();
    closed(&fs);
    forge(&fs, &mut |_, at, body| {
        redacted(body).filter(|_| at.get() == 77)
    });
    let report = verified(&fs);
    assert_eq!((report.redacted, sequences(&report)), (1, vec![77]));
}

#[test]
fn a_record_explains_what_it_names_and_nothing_else() {
    let fs = MemFs::new();
    let store = filled(&fs, 500);
    run(&store, &Retention::new().drop_entity("entity:3"));
    run_redact(&store, &Redaction::new().entity("entity:4"));
    assert_intact(&store);
    store.close().unwrap();
    forge(&fs, &mut |_, at, body| match at.get() {
        // Redacted by right, and then taken as a whole.
        100..105 => stub(body),
        200..205 => redacted(body),
        _ => None,
    });
    let report = verified(&fs);
    let expected = [100, 101, 102, 104, 200, 201, 202];
    assert_eq!(sequences(&report), expected, "{:?}", report.problems);
}

#[test]
fn what_was_taken_by_right_is_recorded() {
    let fs = MemFs::new();
    let store = filled(&fs, 500);
    let hash = |sequence: u64| {
        let now = store.snapshot();
        let mut events = now.query(Region::all().sequence(sequence..=sequence));
        events.next().unwrap().unwrap().hash
    };
    let mut expected = RemovalHasher::default();
    for sequence in (0..500).filter(|at| at % 5 == 3) {
        expected.add(Sequence::new(sequence), &hash(sequence));
    }
    let before = verified_by(&store);
    assert_eq!((before.removals, before.unrecorded_before), (0, None));
    run(&store, &Retention::new().drop_entity("entity:3"));
    run_redact(&store, &Redaction::new().entity("entity:4"));
    let rules = Retention::new().keep_newest(3).within("entity:1");
    run(&store, &rules);
    store
        .append(&at("entity:1", "scope"), event("after"))
        .unwrap();
    let check = |store: &Store| {
        let all = all(store);
        let what: Vec<_> = all.iter().map(|one| (one.change, one.events)).collect();
        let (removed, redacted) = (RemovalChange::Removed, RemovalChange::Redacted);
        assert_eq!(what, [(removed, 100), (redacted, 100), (removed, 97)]);
        assert!(all.iter().all(|one| one.is_done && !one.is_foreign));
        let rules: Vec<_> = all.iter().map(|one| one.rule.as_str()).collect();
        let expected_rules = [
            "drop entity:3",
            "entity entity:4",
            "keep newest 3, within entity:1",
        ];
        assert_eq!(rules, expected_rules);
        assert_eq!(all[0].digest, expected.finish());
        let of_3: Vec<_> = (0..500)
            .filter(|at| at % 5 == 3)
            .map(|at| at..at + 1)
            .collect();
        assert_eq!(ranges(&all[0]), of_3);
        let report = verified_by(store);
        assert!(report.is_intact(), "{:?}", report.problems);
        assert_eq!((report.removals, report.interrupted), (3, 0));
        assert_eq!((report.removed, report.redacted), (197, 100));
    };
    check(&store);
    check(&small(&fs).read_only().open(dir()).unwrap());
    store.close().unwrap();
    check(&small(&fs).open(dir()).unwrap());
    remove(&fs, "checkpoint-");
    check(&small(&fs).open(dir()).unwrap());
}

fn verified_by(store: &Store) -> VerifyReport {
    store.verify().unwrap()
}

#[test]
fn records_outlive_what_is_compacted_after_them() {
    let fs = MemFs::new();
    let store = filled(&fs, 300);
    for round in 0..5 {
        run_redact(&store, &Redaction::new().entity(format!("entity:{round}")));
        run(
            &store,
            &Retention::new().drop_entity(format!("entity:{round}")),
        );
        let again = at(&format!("entity:{round}"), "scope");
        store.append(&again, event("again")).unwrap();
    }
    run(&store, &Retention::new().drop_entities("entity:"));
    assert_eq!(all(&store).len(), 11);
    assert_intact(&store);
    assert_eq!(texts(&store), Vec::<String>::new());
    store.close().unwrap();
    let store = small(&fs).open(dir()).unwrap();
    assert_eq!(all(&store).len(), 11);
    assert_intact(&store);
}

#[test]
fn what_takes_nothing_writes_nothing() {
    let fs = MemFs::new();
    let store = filled(&fs, 100);
    let head = store.verify().unwrap().log_hash;
    let rules = Retention::new().keep_newest(3);
    CompactionPlan::of(&store, &rules).unwrap();
    run(&store, &Retention::new().drop_entity("nobody"));
    run_redact(&store, &Redaction::new().entity("nobody"));
    assert_eq!(store.verify().unwrap().log_hash, head);
    assert_eq!(all(&store), []);
}

#[test]
fn an_older_generation_that_is_put_back_is_found() {
    for what in ["redaction", "compaction"] {
        let fs = MemFs::new();
        let store = small(&fs).open(dir()).unwrap();
        for text in ["one", "two"] {
            store.append(&at("only", "s"), event(text)).unwrap();
        }
        store.close().unwrap();
        filled(&fs, 500).close().unwrap();
        let store = small(&fs).open(dir()).unwrap();
        let before = copy(&fs);
        match what {
            "redaction" => drop(run_redact(&store, &Redaction::new().entity("only"))),
            _ => drop(run(&store, &Retention::new().drop_entity("only"))),
        }
        assert_intact(&store);
        assert!(ranges(&all(&store)[0]).iter().eq([&(0..2)]));
        store.close().unwrap();
        for file in ["segment-0000000001.log", "MANIFEST"] {
            write(&fs, &dir().join(file), &read(&before, &dir().join(file)));
        }
        remove(&fs, "checkpoint-");
        remove(&fs, "segment-0000000001-");
        let report = verified(&fs);
        assert_eq!(sequences(&report), [0, 1], "{what}: {:?}", report.problems);
        assert!(report.problems[0].message.contains("older generation"));
        // It is taken away again, with nothing to be added to the log.
        let store = small(&fs).open(dir()).unwrap();
        let notes = all(&store);
        for from in [499, 0] {
            let from = Sequence::new(from);
            let found = put_back(&store, from, &mut |_| ControlFlow::Continue(())).unwrap();
            let (events, payloads) = match what {
                "redaction" => (0, 2),
                _ => (2, 0),
            };
            assert_eq!((found.events, found.payloads), (events, payloads), "{what}");
        }
        let done = redo(&store, Sequence::ZERO, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(done.segments, 1);
        assert_intact(&store);
        assert_eq!(all(&store), notes);
        let done = redo(&store, Sequence::ZERO, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(done.is_nothing());
        store.close().unwrap();
        let report = verified(&fs);
        assert!(report.is_intact(), "{what}: {:?}", report.problems);
    }
}

#[test]
fn a_kept_head_shows_that_a_whole_directory_was_put_back() {
    let fs = MemFs::new();
    let store = filled(&fs, 100);
    store.close().unwrap();
    let before = copy(&fs);
    let store = small(&fs).open(dir()).unwrap();
    run_redact(&store, &Redaction::new().entity("entity:1"));
    // Of a note that ends where the event before it does.
    let head = store.verify().unwrap().log_hash;
    let next = store.append(&at("a", "s"), event("next")).unwrap();
    store.close().unwrap();
    let (head_at, report) = against(&fs, head);
    assert_eq!(head_at, Some(next.sequence));
    assert!(report.is_intact(), "{:?}", report.problems);
    let (head_at, report) = against(&before, head);
    assert_eq!(head_at, None);
    assert!(report.is_intact(), "it is a state that the store had");
}

#[test]
fn a_removal_that_failed_is_listed_as_interrupted_and_can_be_repeated() {
    let mut interrupted = 0;
    for after in 0..8 {
        let inner = MemFs::new();
        filled(&inner, 200).close().unwrap();
        let fs = FaultFs::new(Arc::new(inner.clone()));
        let options = small(&inner).background_inline();
        let store = options.fs(Arc::new(fs.clone())).open(dir()).unwrap();
        let rules = Retention::new().drop_entity("entity:1");
        let error = std::io::ErrorKind::Other;
        let fault = Fault {
            after,
            times: u64::MAX,
            error,
            partial_bytes: 0,
        };
        fs.fail(Operation::Rename, fault);
        let failed = compact(&store, &rules, &mut |_| ControlFlow::Continue(())).is_err();
        fs.heal();
        drop(store);
        let store = small(&inner).open(dir()).unwrap();
        let report = store.verify().unwrap();
        assert!(report.is_intact(), "{after}: {:?}", report.problems);
        interrupted += report.interrupted;
        if report.interrupted > 0 && report.removed == 0 {
            // It took nothing, so it explains nothing.
            let forged = copy(&inner);
            forge(&forged, &mut |_, at, body| {
                stub(body).filter(|_| at.get() == 1)
            });
            assert_eq!(sequences(&verified(&forged)), [1]);
        }
        let begun = report.removals;
        if failed {
            assert_eq!(run(&store, &rules).events, 40);
        }
        let last = all(&store).pop().unwrap();
        assert_eq!((last.events, last.is_done), (40, true));
        let report = store.verify().unwrap();
        assert!(report.is_intact(), "{after}: {:?}", report.problems);
        assert_eq!(report.removals, begun + u64::from(failed));
    }
    assert!(interrupted > 0);
}

#[test]
fn a_record_that_is_longer_than_a_segment_is_written_in_parts() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let (odd, even) = (at("odd", "s"), at("even", "s"));
    for _ in 0..350 {
        let mut batch = strandline::Batch::new();
        for number in 0..200 {
            let to = if number % 2 == 0 { &even } else { &odd };
            batch = batch.push(to, event("x"));
        }
        store.append_batch(batch).unwrap();
    }
    run(&store, &Retention::new().drop_entity("odd"));
    let removal = all(&store).remove(0);
    assert_eq!((removal.events, removal.is_done), (35_000, true));
    assert_eq!(removal.sequences.len(), 35_000);
    assert_intact(&store);
    store.append(&even, event("next")).unwrap();
    store.close().unwrap();
    let reopened = small(&fs).open(dir()).unwrap();
    assert!(
        reopened.open_report().is_clean(),
        "{}",
        reopened.open_report()
    );
    assert_eq!(all(&reopened), [removal]);
    assert_intact(&reopened);
    reopened.close().unwrap();
    remove(&fs, "checkpoint-");
    let scanned = small(&fs).open(dir()).unwrap();
    assert_intact(&scanned);
}

#[test]
fn a_reader_from_before_a_compaction_calls_nothing_wrong() {
    let fs = MemFs::new();
    let store = filled(&fs, 300);
    let reader = small(&fs).read_only().open(dir()).unwrap();
    run(&store, &Retention::new().drop_entity("entity:1"));
    run_redact(&store, &Redaction::new().entity("entity:2"));
    reader.refresh().unwrap();
    assert_intact(&reader);
    assert_eq!(all(&reader).len(), 2);
}

#[test]
fn a_store_of_an_earlier_version_says_from_where_removals_are_recorded() {
    let fs = crate::golden::copy();
    let store = small(&fs).open(dir()).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    assert_eq!(report.unrecorded_before, Some(Sequence::new(40)));
    let entity = at("entity:0", "scope/0");
    let late = store.append(&entity, event("late")).unwrap();
    run(&store, &Retention::new().keep_newest(1).within("entity:0"));
    assert_eq!(all(&store).len(), 1);
    assert_intact(&store);
    store.append(&at("entity:1", "s"), event("later")).unwrap();
    store.close().unwrap();
    let manifest = Manifest::read(&fs, &dir()).unwrap().unwrap();
    assert_eq!(manifest.unrecorded_before(), Some(Sequence::new(40)));
    // Before the records any removal looks lawful; after their beginning none does.
    let old = fs.fork();
    forge(&old, &mut |_, at, body| {
        stub(body).filter(|_| at.get() == 11)
    });
    assert_eq!(sequences(&verified(&old)), [] as [u64; 0]);
    let late = late.sequence.get();
    forge(&fs, &mut |_, at, body| {
        stub(body).filter(|_| at.get() >= late)
    });
    let report = verified(&fs);
    assert_eq!(sequences(&report), [40, 41], "{:?}", report.problems);
    assert_eq!(report.unrecorded_before, Some(Sequence::new(40)));
    // The first record says it in the chain, so a manifest that says another sequence lies.
    let mut listed = read(&fs, &dir().join("MANIFEST"));
    listed[36..44].copy_from_slice(&100_u64.to_le_bytes());
    seal_manifest(&fs, listed);
    let report = verified(&fs);
    assert_eq!(sequences(&report), [40, 41]);
    assert_eq!(report.problems.len(), 3, "{:?}", report.problems);
}

#[test]
fn a_new_store_cannot_be_passed_off_as_an_old_one() {
    let fs = MemFs::new();
    closed(&fs);
    forge(&fs, &mut |_, at, body| stub(body).filter(|_| at.get() == 9));
    let listed = read(&fs, &dir().join("MANIFEST"));
    let mut later = listed.clone();
    later[36..44].copy_from_slice(&500_u64.to_le_bytes());
    // As version 1, which has neither that field nor what follows it.
    let mut first = listed;
    first[8..12].copy_from_slice(&1_u32.to_le_bytes());
    first.drain(36..61);
    for listed in [later, first] {
        // Of its own, as an opening carries what is not proven durable into another file.
        let fs = fs.fork();
        seal_manifest(&fs, listed);
        let report = verified(&fs);
        assert_eq!(sequences(&report), [9], "{:?}", report.problems);
        assert_eq!(report.unrecorded_before, None);
    }
}
