//! Saved positions: they hold after whatever leaves the log as it is, and are refused where that is another one.

use crate::compact::{copy, filled, filled_more, run, run_redact, small};
use crate::harness::{at, dir, event, fill, open, options, texts, written};
use crate::restore::go_on;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{CopyMode, Existing, Redaction, Retention, backup, restore};
use strandline::{
    Batch, ErrorKind, PositionMismatch, RefusedPosition, SavedPosition, Sequence, Store,
};

fn position(store: &Store) -> SavedPosition {
    let now = store.snapshot();
    let position = now.position(now.visible()).unwrap();
    assert_eq!(position.sequence(), now.visible());
    assert_eq!(position.epoch(), store.epoch());
    // As it is kept elsewhere.
    position.to_string().parse().unwrap()
}

#[track_caller]
fn taken(store: &Store, position: &SavedPosition) {
    let next = store.snapshot().verify_position(position).unwrap();
    assert_eq!(next, position.sequence());
}

#[track_caller]
fn refused(store: &Store, position: &SavedPosition) -> RefusedPosition {
    let error = store.snapshot().verify_position(position).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignPosition, "{error}");
    let refused = *error.refused_position().unwrap();
    assert_eq!(refused.saved, *position);
    if let Some(rewind) = &refused.rewind {
        assert!(rewind.sequence() <= position.sequence());
        taken(store, rewind);
    }
    refused
}

/// Position 20 was saved, the store put back to 10, and 15 others were appended: 10 to 19 were passed over.
#[test]
fn a_position_from_before_a_restore_is_refused() {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let options = || strandline::StoreOptions::new().fs(fs.clone());
    let (dir, kept) = (Path::new("/d/store"), Path::new("/d/backup"));
    let store = options().open(dir).unwrap();
    fill(&store, 10);
    let early = position(&store);
    backup(&fs, dir, kept, CopyMode::Copy, &mut go_on).unwrap();
    fill(&store, 10);
    let late = position(&store);
    store.close().unwrap();
    restore(&fs, kept, dir, Existing::MoveAside, &mut go_on).unwrap();
    let store = options().open(dir).unwrap();
    // Before the sequence was reached again, and after it.
    for more in [0, 15] {
        fill(&store, more);
        let why = refused(&store, &late);
        assert_eq!(why.mismatch, PositionMismatch::OtherCourse);
        assert_eq!(why.rewind.unwrap().sequence(), Sequence::ZERO);
        // It was not the course of this position that changed, but all that it saw is there.
        let why = refused(&store, &early);
        assert_eq!(why.mismatch, PositionMismatch::OtherCourse);
        assert_eq!(why.rewind.unwrap().sequence(), Sequence::new(10));
    }
}

/// The nearest place that both have is not far, however long the log is.
#[test]
fn a_refused_position_can_be_rewound_to_what_is_common() {
    let fs = MemFs::new();
    let store = open(&fs);
    for number in 0..5 {
        let batch = (0..100).fold(Batch::new(), |batch, member| {
            batch.push(&at("entity:1", "s"), event(&format!("{number} {member}")))
        });
        store.append_batch(batch).unwrap();
    }
    store.close().unwrap();
    // A copy by other means, in the same epoch: the two lose what the other one has.
    let other = copy(&fs);
    let (here, there) = (open(&fs), open(&other));
    fill(&here, 100);
    fill(&there, 99);
    there.append(&at("entity:1", "s"), event("other")).unwrap();
    let why = refused(&there, &position(&here));
    assert_eq!(why.mismatch, PositionMismatch::LostEnd);
    assert_eq!(why.rewind.unwrap().sequence(), Sequence::new(512 - 256));
}

#[test]
fn a_position_of_another_store_is_refused() {
    let store = open(&MemFs::new());
    let other = options(&MemFs::new()).random_seed(8).open(dir()).unwrap();
    for more in [0, 10] {
        fill(&store, more);
        fill(&other, more);
        let why = refused(&other, &position(&store));
        assert_eq!(why.mismatch, PositionMismatch::OtherStore);
        assert_eq!(why.rewind, None);
    }
}

/// What was written and not synced is seen, and a power cut takes it; the same ids may come again after it.
#[test]
fn a_log_that_lost_its_end_refuses_what_was_seen_of_it() {
    let fs = MemFs::new();
    let store = written(&fs).no_background_sync().open(dir()).unwrap();
    fill(&store, 10);
    store.sync().unwrap();
    let durable = position(&store);
    let cut = copy(&fs);
    fill(&store, 2);
    let seen = position(&store);
    drop(store);
    let store = written(&cut).no_background_sync().open(dir()).unwrap();
    for more in [0, 1, 1, 7] {
        fill(&store, more);
        let why = refused(&store, &seen);
        assert_eq!(why.mismatch, PositionMismatch::LostEnd);
        taken(&store, &durable);
    }
}

#[test]
fn a_position_holds_after_whatever_leaves_the_log_as_it_is() {
    let fs = MemFs::new();
    let store = filled(&fs, 300);
    let all: Vec<_> = [0, 1, 7, 150, 255, 256, 257, 299, 300]
        .map(|next| store.snapshot().position(Sequence::new(next)).unwrap())
        .into();
    let hold = |store: &Store| {
        for position in &all {
            taken(store, position);
            // It is made the same again.
            assert_eq!(
                store.snapshot().position(position.sequence()).unwrap(),
                *position
            );
        }
    };
    hold(&store);
    let id = store.snapshot().latest("entity:1").unwrap().unwrap().id;
    run_redact(&store, &Redaction::new().event(id));
    hold(&store);
    // Nearly everything goes, and what is left of the segments is merged.
    for _ in 0..3 {
        run(&store, &Retention::new().keep_newest(1));
        hold(&store);
        filled_more(&store, 200);
    }
    store.checkpoint().unwrap();
    hold(&small(&fs).read_only().open(dir()).unwrap());
    store.close().unwrap();
    let store = small(&fs).open(dir()).unwrap();
    hold(&store);
    run(&store, &Retention::new().drop_entities("entity:"));
    hold(&store);
}

#[test]
fn a_reader_of_another_process_takes_positions_of_the_writer_and_gives_its_own() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    fill(&store, 20);
    let reader = small(&fs).read_only().open(dir()).unwrap();
    fill(&store, 20);
    let late = position(&store);
    let early = position(&reader);
    assert_eq!(refused(&reader, &late).mismatch, PositionMismatch::LostEnd);
    reader.refresh().unwrap();
    taken(&reader, &late);
    taken(&store, &early);
    assert_eq!(position(&reader), late);
    assert_eq!(texts(&reader), texts(&store));
}

/// A position between the events of a batch proves the whole batch, which is there or is not.
#[test]
fn a_position_within_a_batch_is_one() {
    let store = open(&MemFs::new());
    let batch = (0..600).fold(Batch::new(), |batch, number| {
        batch.push(&at("entity:1", "s"), event(&number.to_string()))
    });
    store.append_batch(batch).unwrap();
    for next in [1, 255, 256, 400, 600] {
        let position = store.snapshot().position(Sequence::new(next)).unwrap();
        taken(&store, &position);
    }
    // Past the watermark it is that of the watermark.
    let past = store.snapshot().position(Sequence::new(700)).unwrap();
    assert_eq!(past.sequence(), Sequence::new(600));
}
