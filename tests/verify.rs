//! Verification of stores that are as they should be.

use crate::compact::{filled, small};
use crate::harness::{at, dir, event, files, fill, open, read, remove, write, written};
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::{Batch, ErrorKind, maintenance};
use strandline_segment::Manifest;

#[test]
fn an_intact_store_is_proved_and_counted() {
    let store = open(&MemFs::new());
    fill(&store, 40);
    let mut batch = Batch::new();
    for n in 0..10 {
        batch.add(
            &at("entity:1", "elsewhere"),
            event(&format!("same {}", n % 2)),
        );
    }
    store.append_batch(batch).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    assert_eq!(
        (report.events, report.commits, report.entities),
        (50, 41, 5)
    );
}

#[test]
fn chains_are_followed_to_their_start_where_payloads_repeat() {
    let store = open(&MemFs::new());
    for _ in 0..6 {
        store.append(&at("a", "s"), event("the same")).unwrap();
    }
    let mut hashes: Vec<_> = store
        .snapshot()
        .stream("a")
        .map(|event| event.unwrap().hash)
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 6, "equal payloads have different hashes");
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn the_log_hash_tells_a_store_from_one_that_lost_its_newest_event() {
    let fs = MemFs::new();
    let store = written(&fs).open("/store").unwrap();
    fill(&store, 9);
    let before = store.verify().unwrap().log_hash;
    fill(&store, 1);
    let after = store.verify().unwrap().log_hash;
    assert_ne!(before, after);
    drop(store);
    assert_eq!(
        open(&fs).verify().unwrap().log_hash,
        after,
        "the same after a reopen"
    );
}

#[test]
fn progress_is_told_while_the_log_is_read_and_can_end_it() {
    let fs = MemFs::new();
    let store = written(&fs).open(dir()).unwrap();
    fill(&store, 10_000);
    let mut told = Vec::new();
    let verified = maintenance::verify(&store, &Default::default(), &mut |progress| {
        told.push(progress.done);
        ControlFlow::Continue(())
    });
    assert!(verified.unwrap().is_intact());
    assert_eq!(told, [0, 4096, 8192, 10_000]);
    let stopped = maintenance::verify(&store, &Default::default(), &mut |progress| match progress
        .done
    {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    });
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Cancelled);
}

/// The first rows of a segment that was sealed after the checkpoint, and has no footer yet, come from that:
/// a block of a part of the segment. It was held against all of it.
#[test]
fn a_segment_whose_first_rows_come_from_a_checkpoint_is_intact() {
    let fs = MemFs::new();
    let store = filled(&fs, 40);
    store.checkpoint().unwrap();
    let checkpoint = files(&fs, "checkpoint-").pop().unwrap();
    let saved = read(&fs, &checkpoint);
    store.close().unwrap();
    filled(&fs, 200).close().unwrap();
    let manifest = Manifest::read(&fs, &dir()).unwrap().unwrap();
    let sealed = manifest.segments()[0];
    let path = dir().join(sealed.file_name());
    let end = usize::try_from(sealed.end().unwrap().offset).unwrap();
    let frames = read(&fs, &path)[..end].to_vec();
    write(&fs, &path, &frames);
    remove(&fs, "checkpoint-");
    write(&fs, &checkpoint, &saved);

    let reader = small(&fs).read_only().open(dir()).unwrap();
    let report = reader.open_report();
    assert_eq!(
        (report.events_from_checkpoint, report.footers_missing),
        (40, 1)
    );
    let verified = reader.verify().unwrap();
    assert!(verified.is_intact(), "{:?}", verified.problems);
}
