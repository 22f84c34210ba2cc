//! Many small compactions leave few segments: what is left of segments is merged, and everything that was kept
//! of the store before still holds.

use crate::answers::Answers;
use crate::backup::{MODES, go_on};
use crate::compact::{assert_intact, copy, cut_footers, run, run_redact, sequences};
use crate::harness::{CREATED, at, contents, dir, event, files, remove, written};
use crate::merged_index::{append_segments, merged, of_segments};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{
    BackedUp, CopyMode, Kept, Redaction, Retention, backup, removals, restore, salvage_into, verify,
};
use strandline::{ErrorKind, Event, Hash, Store, StoreOptions};

fn few(fs: &MemFs) -> StoreOptions {
    written(fs).segment_bytes_max(16 << 20)
}

fn append(store: &Store, entity: &str) -> u32 {
    let appended = store.append(&at(entity, "scope"), event(entity)).unwrap();
    appended.clock
}

fn keep_one() -> Retention {
    Retention::new().keep_newest(1)
}

fn segments(fs: &MemFs) -> usize {
    files(fs, "segment-").len()
}

fn head(store: &Store) -> Hash {
    store.verify().unwrap().log_hash
}

/// Whether a log hash that was kept is one that the store had.
fn assert_had(store: &Store, head: Hash) {
    let mut kept = Kept::default();
    kept.head = Some(head);
    let verified = verify(store, &kept, &mut go_on).unwrap();
    assert!(verified.is_intact(), "{verified:?}");
    assert!(verified.head_at.is_some(), "the log has not {head}");
}

/// A store in which 300 events are kept, after so many compactions of one event each.
fn compacted(fs: &MemFs, compactions: u32) -> Store {
    let store = few(fs).open(dir()).unwrap();
    for number in 0..300 {
        append(&store, &format!("entity:{number}"));
    }
    for round in 0..compactions {
        assert_eq!(append(&store, &format!("hot:{}", round % 3)), round / 3);
        run(&store, &keep_one());
    }
    store
}

#[test]
fn many_small_compactions_leave_few_segments() {
    let fs = MemFs::new();
    let store = compacted(&fs, 100);
    let (before, head_before) = (contents(&store.snapshot()), head(&store));
    let snapshot = store.snapshot();
    for round in 100..300_u32 {
        assert_eq!(append(&store, &format!("hot:{}", round % 3)), round / 3);
        let done = run(&store, &keep_one());
        assert_eq!(done.events, 1);
        assert!(segments(&fs) <= 6, "{} after {round}", segments(&fs));
    }
    assert_eq!(store.snapshot().len(), 303);
    assert_eq!(
        contents(&snapshot),
        before,
        "a snapshot reads on in the old files"
    );
    assert_intact(&store);
    assert_had(&store, head_before);
    assert_eq!(store.verify().unwrap().removed, 297);
    assert_eq!(removals(&store, &mut go_on).unwrap().len(), 297);

    // Chains go on, those of entities whose newest events were removed too.
    run(&store, &Retention::new().drop_entity("hot:0"));
    assert_eq!(append(&store, "hot:0"), 100);
    assert_eq!(append(&store, "new"), 0);
    assert_eq!(append(&store, "entity:7"), 1);
    let mut expected = (contents(&store.snapshot()), head(&store));
    store.close().unwrap();
    for cut in [false, true] {
        if cut {
            cut_footers(&fs);
            remove(&fs, "checkpoint-");
        }
        let store = few(&fs).open(dir()).unwrap();
        assert_eq!((contents(&store.snapshot()), head(&store)), expected);
        assert_had(&store, head_before);
        assert_eq!(append(&store, "hot:1"), 100 + u32::from(cut));
        assert_eq!(append(&store, "hot:0"), 101 + u32::from(cut));
        assert_intact(&store);
        expected = (contents(&store.snapshot()), head(&store));
        store.close().unwrap();
    }
}

#[test]
fn a_damaged_segment_keeps_no_others_from_being_merged() {
    for offset in [600, 20_000] {
        let fs = MemFs::new();
        let store = compacted(&fs, 4);
        let path = files(&fs, "segment-").remove(0);
        let mut bytes = crate::harness::read(&fs, &path);
        bytes[offset] ^= 1;
        fs.remove_file(&path).unwrap();
        crate::harness::write(&fs, &path, &bytes);
        for _ in 0..12 {
            append(&store, "gone");
            let done = run(&store, &Retention::new().drop_entity("gone"));
            assert_eq!(done.events, 1);
            assert!(segments(&fs) <= 8, "{}", segments(&fs));
        }
    }
}

#[test]
fn an_old_checkpoint_in_a_merged_segment_is_proof_and_no_hindrance() {
    let fs = MemFs::new();
    let store = compacted(&fs, 10);
    append(&store, "hot:0");
    // It names a place in the segment that is active now.
    store.checkpoint().unwrap();
    let files_before = copy(&fs);
    append(&store, "hot:0");
    assert!(run(&store, &keep_one()).merged > 0);
    let after = contents(&store.snapshot());
    let killed = copy(&fs);
    for path in files(&files_before, "checkpoint-") {
        let bytes = crate::harness::read(&files_before, &path);
        remove(&killed, "checkpoint-");
        crate::harness::write(&killed, &path, &bytes);
    }
    drop(store);
    let store = few(&killed).open(dir()).unwrap();
    assert_eq!(contents(&store.snapshot()), after);
    assert_intact(&store);
}

#[test]
fn what_an_interrupted_merge_has_left_is_removed_and_not_kept() {
    let fs = MemFs::new();
    let store = few(&fs).open(dir()).unwrap();
    for number in 0..4 {
        append(&store, &format!("entity:{number}"));
    }
    append(&store, "hot:0");
    run(&store, &Retention::new().drop_entity("hot:0"));
    append(&store, "hot:0");
    let before = copy(&fs);
    // Merged with the first, and it is gone.
    assert!(run(&store, &Retention::new().drop_entity("hot:0")).merged > 0);
    let after = contents(&store.snapshot());
    let left = copy(&fs);
    for path in files(&before, "segment-") {
        if !files(&left, "segment-").contains(&path) {
            crate::harness::write(&left, &path, &crate::harness::read(&before, &path));
        }
    }
    assert!(segments(&left) > segments(&fs));
    drop(store);
    let store = few(&left).open(dir()).unwrap();
    assert_eq!(contents(&store.snapshot()), after);
    assert!(left.list(Path::new("/store/quarantine")).is_err());
    assert_eq!(segments(&left), segments(&fs));
    assert_intact(&store);
}

/// What a merge left, and the manifest is lost too.
#[test]
fn a_salvage_without_a_manifest_takes_what_was_merged_once() {
    let fs = MemFs::new();
    let store = few(&fs).open(dir()).unwrap();
    for number in 0..4 {
        append(&store, &format!("entity:{number}"));
    }
    append(&store, "hot:0");
    run(&store, &Retention::new().drop_entity("hot:0"));
    append(&store, "entity:0");
    append(&store, "secret");
    append(&store, "hot:0");
    let before = copy(&fs);
    run_redact(&store, &Redaction::new().entity("secret"));
    assert!(run(&store, &Retention::new().drop_entity("hot:0")).merged > 0);
    append(&store, "entity:1");
    let there = contents(&store.snapshot()).len() as u64 - 1;
    store.close().unwrap();
    for leaves in [false, true] {
        let left = copy(&fs);
        for path in files(&before, "segment-") {
            if leaves && !files(&left, "segment-").contains(&path) {
                crate::harness::write(&left, &path, &crate::harness::read(&before, &path));
            }
        }
        remove(&left, "MANIFEST");
        let target = Path::new("/saved");
        let saved = salvage_into(few(&left), &dir(), target, &mut go_on).unwrap();
        assert_eq!(saved.lost, 0, "{leaves}: {saved:?}");
        // The one that was redacted.
        assert_eq!(saved.losses.len(), 1, "{leaves}: {saved:?}");
        let told = (saved.events, saved.removed, saved.unchained);
        assert_eq!(told, (there, 2, 0), "{leaves}: {saved:?}");
        let store = few(&left).open(target).unwrap();
        assert_eq!(store.snapshot().len(), there);
    }
}

#[test]
fn a_backup_is_brought_up_to_date_after_its_segments_were_merged() {
    for mode in MODES {
        let fs = MemFs::new();
        let all: Arc<dyn Fs> = Arc::new(fs.clone());
        let target = Path::new("/backup");
        let back_up =
            |mode| -> BackedUp { backup(&all, &dir(), target, mode, &mut go_on).unwrap() };
        let store = compacted(&fs, 20);
        back_up(mode);
        for round in 0..5 {
            append(&store, &format!("hot:{}", round % 3));
            append(&store, "hot:3");
            run(&store, &keep_one());
            if round % 2 == 1 {
                back_up(mode);
            }
        }
        append(&store, "last");
        back_up(CopyMode::Copy);
        let (expected, head) = (contents(&store.snapshot()), head(&store));
        let copied = few(&fs).open(target).unwrap();
        assert_eq!(contents(&copied.snapshot()), expected);
        assert_eq!(crate::merged_segments::head(&copied), head);
        assert_intact(&copied);
        assert_eq!(
            segments(&fs),
            fs.list(target)
                .unwrap()
                .iter()
                .filter(|entry| { entry.name.starts_with("segment-") })
                .count()
        );
    }
}

#[test]
fn a_store_is_restored_whose_segments_were_merged() {
    let fs = MemFs::new();
    let all: Arc<dyn Fs> = Arc::new(fs.clone());
    let store = compacted(&fs, 10);
    let expected = contents(&store.snapshot());
    let target = Path::new("/backup");
    backup(&all, &dir(), target, CopyMode::Copy, &mut go_on).unwrap();
    drop(store);
    let place = Path::new("/restored");
    restore(
        &all,
        target,
        place,
        strandline::maintenance::Existing::Refuse,
        &mut go_on,
    )
    .unwrap();
    let restored = few(&fs).open(place).unwrap();
    assert_eq!(contents(&restored.snapshot()), expected);
    assert_eq!(append(&restored, "hot:0"), 4);
    assert_intact(&restored);
}

#[test]
fn a_reader_follows_a_log_whose_segments_are_merged() {
    let fs = MemFs::new();
    let store = compacted(&fs, 4);
    let reader = few(&fs).read_only().open(dir()).unwrap();
    let follow = |reader: &Store, store: &Store| {
        reader.refresh().unwrap();
        let (seen, there) = (reader.snapshot(), store.snapshot());
        assert_eq!(seen.visible(), there.visible());
        for event in contents(&there) {
            assert_eq!(seen.get(event.id).unwrap(), Some(event));
        }
        assert!(
            reader.verify().unwrap().is_intact(),
            "{:?}",
            reader.verify()
        );
    };
    for round in 0..12 {
        append(&store, "hot:0");
        if round % 3 == 0 {
            follow(&reader, &store);
        }
        append(&store, "hot:0");
        assert!(run(&store, &keep_one()).merged > 0);
        append(&store, &format!("new:{round}"));
        follow(&reader, &store);
    }
    // What is merged with what comes after it is only read from the start.
    for _ in 0..2 {
        append(&store, "hot:0");
        append(&store, "hot:0");
        run(&store, &keep_one());
    }
    let refused = reader.refresh().map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LogBehindCheckpoint);
    let reader = few(&fs).read_only().open(dir()).unwrap();
    follow(&reader, &store);
}

#[derive(Debug, Clone)]
enum Step {
    Append(u8, u16),
    KeepNewest(u8),
    Drop(u8),
    Redact(u8),
    Backup(bool),
    Kill(bool),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..6_u8, 0..800_u16).prop_map(|(entity, bytes)| Step::Append(entity, bytes)),
        3 => (1..3_u8).prop_map(Step::KeepNewest),
        3 => (0..6_u8).prop_map(Step::Drop),
        1 => (0..6_u8).prop_map(Step::Redact),
        1 => any::<bool>().prop_map(Step::Backup),
        1 => any::<bool>().prop_map(Step::Kill),
        1 => Just(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn merged_or_not_a_store_answers_alike(steps in proptest::collection::vec(step(), 1..100)) {
        let mut fs = MemFs::new();
        let options = |fs: &MemFs| written(fs).segment_bytes_max(1 << 20);
        let mut store = options(&fs).open(dir()).unwrap();
        // By sequence: entity, clock, and payload until it is redacted.
        let mut events: BTreeMap<u64, (u8, u32, Option<Vec<u8>>)> = BTreeMap::new();
        let mut clocks = [0_u32; 6];
        let (mut next, mut heads) = (0, Vec::new());
        for step in steps {
            match step {
                Step::Append(entity, bytes) => {
                    let payload = vec![entity; usize::from(bytes)];
                    let event = Event::bytes(CREATED, payload.clone());
                    let appended = store.append(&at(&format!("e:{entity}"), "s"), event).unwrap();
                    let clock = &mut clocks[usize::from(entity)];
                    assert_eq!((appended.sequence.get(), appended.clock), (next, *clock));
                    events.insert(next, (entity, *clock, Some(payload)));
                    (*clock, next) = (*clock + 1, next + 1);
                }
                Step::KeepNewest(count) => {
                    run(&store, &Retention::new().keep_newest(count.into()));
                    for entity in 0..6 {
                        let own = events.iter().filter(|(_, (of, ..))| *of == entity);
                        let old: Vec<_> = own.map(|(at, _)| *at).rev().skip(count.into()).collect();
                        old.iter().for_each(|at| drop(events.remove(at)));
                    }
                    prop_assert!(store.stats().unwrap().segments <= 8);
                }
                Step::Drop(entity) => {
                    run(&store, &Retention::new().drop_entity(format!("e:{entity}")));
                    events.retain(|_, (of, ..)| *of != entity);
                }
                Step::Redact(entity) => {
                    run_redact(&store, &Redaction::new().entity(format!("e:{entity}")));
                    let own = events.values_mut().filter(|(of, ..)| *of == entity);
                    own.for_each(|(.., payload)| *payload = None);
                }
                Step::Backup(is_linked) => {
                    let all: Arc<dyn Fs> = Arc::new(fs.clone());
                    let mode = if is_linked { CopyMode::Link } else { CopyMode::Copy };
                    backup(&all, &dir(), Path::new("/backup"), mode, &mut go_on).unwrap();
                    let copied = options(&fs).read_only().open("/backup").unwrap();
                    assert_eq!(contents(&copied.snapshot()), contents(&store.snapshot()));
                    assert_intact(&copied);
                }
                Step::Kill(is_cut) => {
                    let copied = copy(&fs);
                    drop(store);
                    fs = copied;
                    if is_cut {
                        cut_footers(&fs);
                        remove(&fs, "checkpoint-");
                    }
                    store = options(&fs).open(dir()).unwrap();
                }
                Step::Close => {
                    store.close().unwrap();
                    store = options(&fs).open(dir()).unwrap();
                }
            }
            if next % 7 == 6 {
                heads.push(head(&store));
            }
        }
        let now = store.snapshot();
        assert_eq!((now.visible().get(), now.len()), (next, events.len() as u64));
        for (stored, (sequence, (entity, clock, payload))) in contents(&now).iter().zip(&events) {
            assert_eq!((stored.sequence.get(), stored.clock), (*sequence, *clock));
            assert_eq!(stored.coordinate.entity(), format!("e:{entity}"));
            assert_eq!(stored.payload().ok(), payload.as_deref());
        }
        for entity in 0..6 {
            let own = events.iter().filter(|(_, (of, ..))| *of == entity);
            let own: Vec<_> = own.map(|(sequence, _)| *sequence).collect();
            assert_eq!(sequences(&store, &format!("e:{entity}")), own);
        }
        for head in heads.into_iter().step_by(5) {
            assert_had(&store, head);
        }
    }
}

/// Segments that are merged into others stayed in the list of a file that was gone, so that what was made
/// of its pieces was merged over and over again, without an end.
#[test]
fn merging_ends_though_segments_of_a_file_that_is_gone_are_no_more() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    for round in 0..12 {
        append_segments(&store, 2 + round % 5);
        let entity = format!("entity:{}", round % 11);
        run(&store, &Retention::new().drop_entity(entity));
        if round % 3 == 2 {
            run(
                &store,
                &Retention::new().keep_newest([3, 2, 1, 1][round / 3]),
            );
        }
        let stats = store.stats().unwrap();
        assert_eq!(stats.merge_failed, None);
        let files: usize = stats.merged_files.iter().sum();
        assert!(merged(&fs).len() <= files, "{stats:?}");
    }
    assert_intact(&store);
}

/// They stayed until the next opening.
#[test]
fn files_of_the_index_that_a_compaction_makes_useless_go_with_it() {
    let fs = MemFs::new();
    drop(of_segments(&fs, 20));
    let before = merged(&fs);
    assert_eq!(before.len(), 2);
    // Segments of that length are short here, and nothing of theirs is removed.
    let store = few(&fs).background_inline().open(dir()).unwrap();
    let answers = Answers::of(&store);
    append(&store, "gone");
    let done = run(&store, &Retention::new().drop_entity("gone"));
    assert!(done.events == 1 && done.merged >= 19, "{done:?}");
    assert_eq!(merged(&fs), [] as [PathBuf; 0]);
    let stats = store.stats().unwrap();
    assert_eq!(stats.merged_files.iter().sum::<usize>(), 0, "{stats:?}");
    assert_eq!(Answers::of(&store).events, answers.events);
    assert_intact(&store);
    drop(store);
    let store = few(&fs).open(dir()).unwrap();
    let removed = &store.open_report().removed;
    assert!(
        !removed.iter().any(|name| name.starts_with("index-")),
        "{removed:?}"
    );
    assert_intact(&store);
}

/// So did those of segments all of which were redacted.
#[test]
fn files_of_the_index_that_a_redaction_makes_useless_go_with_it() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 9);
    let before = merged(&fs);
    assert_eq!(before.len(), 1);
    let ids = contents(&store.snapshot());
    let chosen = ids
        .iter()
        .fold(Redaction::new(), |chosen, one| chosen.event(one.id));
    run_redact(&store, &chosen);
    let now = merged(&fs);
    assert!(now.len() == 1 && now != before, "{now:?}: made anew");
    assert_intact(&store);
    drop(store);
    let store = few(&fs).read_only().open(dir()).unwrap();
    assert_eq!(store.open_report().merged_used, 1);
}
