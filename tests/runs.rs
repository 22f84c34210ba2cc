//! Runs: commits of which nothing is left become one frame, and what rests on them goes on.

use crate::compact::{assert_intact, copy, cut_footers, run, run_redact, small};
use crate::harness::{CREATED, at, cases, dir, files, read, remove, write, written};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{
    self, CopyMode, Existing, Kept, LogOrigin, Redaction, Retention, backup, check_log, log_origin,
    read_log, salvage_into, unwatched, verify, write_log,
};
use strandline::proof::{MemoryTree, leaf_hash};
use strandline::{Batch, ErrorKind, Event, Hash, Region, Sequence, Store, StoreOptions, TreeHead};

/// Appends one event a commit, 300 bytes each, over so many entities.
fn append(store: &Store, count: usize, entities: usize) -> Vec<Hash> {
    let each = |number: usize| {
        let coordinate = at(&format!("entity:{:04}", number % entities), "scope");
        let payload = format!("{number:08}{}", "x".repeat(292));
        let event = Event::bytes(CREATED, payload);
        store.append(&coordinate, event).unwrap().hash
    };
    (0..count).map(each).collect()
}

/// Bytes of the files of a store but for its lock.
fn bytes(fs: &MemFs) -> usize {
    files(fs, "").iter().map(|path| read(fs, path).len()).sum()
}

fn newest(count: u32) -> Retention {
    Retention::new()
        .forget_digests()
        .keep_newest(count)
        .within("entity:")
}

/// Of how many sequences the log has no record, as it tells where the digest of a leaf is gone.
fn without_digest(store: &Store) -> u64 {
    let snapshot = store.snapshot();
    let tree = snapshot.tree();
    let is_gone = |number: &u64| tree.digest(*number).is_err();
    (0..tree.size()).filter(is_gone).count() as u64
}

#[test]
fn of_99_events_in_100_that_are_removed_95_bytes_in_100_are_free() {
    let fs = MemFs::new();
    let store = written(&fs).segment_bytes_max(1 << 20).open(dir()).unwrap();
    append(&store, 10_000, 100);
    store.checkpoint().unwrap();
    let before = bytes(&fs);
    let done = run(&store, &newest(1));
    assert_eq!(done.events, 9_900);
    store.checkpoint().unwrap();
    let after = bytes(&fs);
    assert!(after * 20 <= before, "{before} bytes before, {after} after");
    assert_eq!(store.snapshot().len(), 100);
    assert_intact(&store);
    let report = store.verify().unwrap();
    assert_eq!((report.events, report.removed), (100, 9_900));
    drop(store);
    let store = written(&fs).open(dir()).unwrap();
    assert_intact(&store);
    let next = store.append(&at("entity:0007", "scope"), Event::bytes(CREATED, *b"next"));
    assert_eq!(next.unwrap().clock, 100);
}

/// Compacted in a hundred steps a log takes what it takes compacted in one, but for the records of removals.
#[test]
fn runs_of_runs_are_runs() {
    let steps = |rounds: usize| {
        let fs = MemFs::new();
        let store = small(&fs).open(dir()).unwrap();
        let mut notes = 0;
        for _ in 0..rounds {
            append(&store, 1200 / rounds, 3);
            // What is in the active segment is removed with the next ones.
            notes += run(&store, &newest(1)).records.len();
        }
        append(&store, 3, 3);
        run(&store, &newest(1));
        assert_intact(&store);
        assert_eq!(store.snapshot().len(), 3);
        (bytes(&fs), notes)
    };
    let ((once, _), (often, notes)) = (steps(1), steps(60));
    // A begun and a done note each, and a run between them.
    assert!(notes >= 50, "{notes}");
    assert!(often < once + notes * 900, "{once} once, {often} in steps");
}

/// The commit at whose end it was saved is gone with others; a writer that was killed then has no newer one.
#[test]
fn a_checkpoint_whose_place_is_in_a_run_is_no_problem() {
    let fs = MemFs::new();
    let store = written(&fs).open(dir()).unwrap();
    append(&store, 150, 3);
    store.checkpoint().unwrap();
    let saved = files(&fs, "checkpoint-").pop().unwrap();
    let bytes = read(&fs, &saved);
    append(&store, 150, 3);
    run(&store, &newest(1));
    assert!(without_digest(&store) > 200);
    assert_intact(&store);
    drop(store);
    // As if none had been saved since.
    remove(&fs, "checkpoint-");
    write(&fs, &saved, &bytes);
    let killed = written(&fs).open(dir()).unwrap();
    assert_intact(&killed);
    assert_eq!(killed.snapshot().len(), 3);
}

#[test]
fn streams_go_on_after_events_that_are_in_runs() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    append(&store, 400, 4);
    run(
        &store,
        &Retention::new()
            .forget_digests()
            .drop_entity("entity:0001")
            .drop_entity("entity:0002"),
    );
    run(&store, &newest(2));
    assert!(without_digest(&store) > 300);
    assert_intact(&store);
    let go_on = |store: &Store| {
        let append = |entity: &str| {
            let event = Event::bytes(CREATED, *b"on");
            store.append(&at(entity, "scope"), event).unwrap().clock
        };
        assert_eq!((append("entity:0001"), append("entity:0003")), (100, 100));
        assert_intact(store);
        let own = Region::all().entity("entity:0003");
        assert_eq!(store.snapshot().query(own).count(), 3);
    };
    // Opened with footers, without, and as it is.
    for without_footers in [false, true] {
        let fs = copy(&fs);
        if without_footers {
            remove(&fs, "checkpoint-");
            cut_footers(&fs);
        }
        go_on(&small(&fs).open(dir()).unwrap());
        assert_intact(&small(&fs).open(dir()).unwrap());
    }
    go_on(&store);
}

#[test]
fn what_is_there_is_proven_after_runs_and_so_are_heads_between_them() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let digests = append(&store, 1_000, 7);
    let mut tree = MemoryTree::default();
    let mut heads = vec![TreeHead::EMPTY];
    for digest in &digests {
        tree.push(leaf_hash(digest.as_bytes()));
        heads.push(tree.head());
    }
    run(&store, &newest(9));
    let check = |store: &Store| {
        let now = store.snapshot();
        assert_eq!(now.tree_head().unwrap(), heads[1_000]);
        let mut gone = 0;
        for number in 0..1_000_usize {
            let is_there = now.tree().digest(number as u64);
            let sequence = Sequence::new(number as u64);
            let has_event = now
                .query(Region::all().sequence(number as u64..=number as u64))
                .count()
                > 0;
            match now.prove_sequence(sequence) {
                Ok(proof) => {
                    proof.verify().unwrap();
                    assert_eq!((proof.digest, proof.head), (digests[number], heads[1_000]));
                    assert_eq!(is_there.unwrap(), digests[number]);
                }
                Err(error) => {
                    assert!(!has_event, "{number}: {error}");
                    assert_eq!(error.kind(), ErrorKind::NoDigest);
                    gone += 1;
                }
            }
            match now.prove_consistency(&heads[number]) {
                Ok(proof) => proof.verify(&heads[number], &heads[1_000]).unwrap(),
                Err(error) => {
                    assert_ne!(number % 64, 0, "{error}");
                    assert_eq!(error.kind(), ErrorKind::NoDigest, "{error}");
                }
            }
        }
        assert!(gone > 800, "{gone}");
    };
    check(&store);
    drop(store);
    let without = copy(&fs);
    remove(&without, "checkpoint-");
    cut_footers(&without);
    check(&small(&without).open(dir()).unwrap());
    check(&small(&fs).open(dir()).unwrap());
}

#[test]
fn a_position_within_a_run_holds_and_one_of_another_store_does_not() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    append(&store, 300, 3);
    let (now, other) = (
        store.snapshot(),
        written(&MemFs::new()).open(dir()).unwrap(),
    );
    let saved: Vec<_> = (0..=300)
        .map(|at| now.position(Sequence::new(at)).unwrap())
        .collect();
    append(&store, 3, 3);
    run(&store, &newest(1));
    for (at, saved) in (0..).zip(&saved) {
        let now = store.snapshot();
        assert_eq!(now.verify_position(saved).unwrap(), Sequence::new(at));
        // And as it is saved now.
        let again = now.position(Sequence::new(at)).unwrap();
        assert_eq!(now.verify_position(&again).unwrap(), Sequence::new(at));
        assert_eq!(other.snapshot().verify_position(saved).is_err(), at > 0);
    }
}

#[test]
fn backups_go_on_over_runs_and_stay_what_they_are() {
    let fs = MemFs::new();
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let store = small(&fs).open(dir()).unwrap();
    append(&store, 300, 3);
    let target = dir().with_extension("backup");
    store.backup_to(&target).unwrap();
    append(&store, 30, 3);
    run(&store, &newest(1));
    // The end of the earlier one is within a run.
    store.backup_to(&target).unwrap();
    drop(store);
    let done = backup(&shared, &dir(), &target, CopyMode::Copy, &mut unwatched).unwrap();
    assert_eq!(done.end.get(), 330);
    let restored = dir().with_extension("restored");
    let opened = StoreOptions::new()
        .fs(shared.clone())
        .read_only()
        .open(&target)
        .unwrap();
    assert_intact(&opened);
    drop(opened);
    maintenance::restore(
        &shared,
        &target,
        &restored,
        Existing::Refuse,
        &mut unwatched,
    )
    .unwrap();
    let store = small(&fs).open(&restored).unwrap();
    assert_intact(&store);
    append(&store, 3, 3);
    assert_intact(&store);
}

#[test]
fn a_log_with_runs_says_so_to_earlier_programs() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    append(&store, 300, 3);
    let version = |path: &Path| {
        let bytes = read(&fs, path);
        u32::from_le_bytes(bytes[8..12].try_into().unwrap())
    };
    let manifest = dir().join("MANIFEST");
    assert_eq!(version(&manifest), 2);
    run(&store, &newest(1));
    assert_eq!(version(&manifest), 4);
    let versions: Vec<_> = files(&fs, "segment-")
        .iter()
        .map(|path| version(path))
        .collect();
    assert!(versions.contains(&2), "{versions:?}");
}

#[test]
fn a_run_is_refused_of_a_log_that_does_not_say_that_it_has_runs() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    append(&store, 300, 3);
    run(&store, &newest(1));
    let said = log_origin(&store).unwrap();
    assert!(said.has_runs);
    let silent = LogOrigin {
        has_runs: false,
        ..said
    };
    let check = |origin: &LogOrigin| {
        check_log(
            origin,
            &mut |log| read_log(&store, &mut |entry| log.take(entry), &mut unwatched),
            &mut unwatched,
        )
    };
    let write = |origin: &LogOrigin| {
        write_log(
            &small(&MemFs::new()),
            &dir(),
            origin,
            &mut |log| read_log(&store, &mut |entry| log.take(entry), &mut unwatched),
            &mut unwatched,
        )
    };
    assert_eq!(check(&said).unwrap(), write(&said).unwrap());
    for error in [check(&silent), write(&silent)].map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("runs"), "{error}");
    }
}

#[test]
fn a_redaction_leaves_runs_and_salvage_knows_what_was_removed() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    append(&store, 300, 3);
    run(&store, &newest(2));
    let left = without_digest(&store);
    run_redact(&store, &Redaction::new().entity("entity:0001"));
    assert_eq!(without_digest(&store), left);
    assert_intact(&store);
    drop(store);
    let target = dir().with_extension("saved");
    let saved = salvage_into(written(&fs), &dir(), &target, &mut unwatched).unwrap();
    assert_eq!((saved.events, saved.removed), (4, 294));
    assert!(
        saved.losses.iter().all(|loss| loss.is_redacted),
        "{:?}",
        saved.losses
    );
}

#[test]
fn a_head_of_a_commit_in_a_run_is_not_found_and_one_after_it_is() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    append(&store, 100, 2);
    let within = store.verify().unwrap().log_hash;
    append(&store, 100, 2);
    let at_end = store.verify().unwrap().log_hash;
    run(&store, &newest(1));
    let of = |head| {
        let mut kept = Kept::default();
        kept.head = Some(head);
        verify(&store, &kept, &mut unwatched).unwrap()
    };
    let found = of(at_end);
    assert_eq!(found.head_at, Some(Sequence::new(200)));
    let lost = of(within);
    assert_eq!(lost.head_at, None);
    assert!(
        lost.mismatches[0].contains("a compaction removed"),
        "{:?}",
        lost.mismatches
    );
}

proptest! {
    #![proptest_config(cases(12))]

    /// Whatever is removed in whatever order, what is left is there, in order, and verifies, and each stream goes on.
    #[test]
    fn compacted_in_any_way_a_store_is_intact(
        steps in proptest::collection::vec((1..60_usize, 1..5_usize, 0..5_u32, 1..4_usize), 1..8),
    ) {
        let fs = MemFs::new();
        let mut store = small(&fs).open(dir()).unwrap();
        for (count, entities, keep, batch) in steps {
            for number in 0..count {
                let mut events = Batch::default();
                for place in 0..batch {
                    let name = format!("entity:{:04}", (number + place) % entities);
                    events.add(&at(&name, "scope"), Event::bytes(CREATED, "x".repeat(200)));
                }
                store.append_batch(events).unwrap();
            }
            let before = store.snapshot();
            let rules = match keep {
                0 => Retention::new().forget_digests().drop_entity("entity:0000"),
                _ => newest(keep),
            };
            let head = before.tree_head().unwrap();
            run(&store, &rules);
            assert_intact(&store);
            let now = store.snapshot();
            prop_assert_eq!(now.tree_head_at(head.size).unwrap(), head);
            for event in now.query(Region::all()) {
                let event = event.unwrap();
                now.prove_sequence(event.sequence).unwrap().verify().unwrap();
            }
            let seen = |now: &strandline::Snapshot| -> Vec<_> {
                now.query(Region::all()).map(|event| event.unwrap().sequence).collect()
            };
            let left = seen(&now);
            drop((before, now, store));
            store = small(&fs).open(dir()).unwrap();
            prop_assert_eq!(seen(&store.snapshot()), left);
        }
        assert_intact(&store);
    }
}
