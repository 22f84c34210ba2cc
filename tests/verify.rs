//! Verification of stores that are as they should be.

use crate::harness::{at, dir, event, fill, open, written};
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::{Batch, ErrorKind, maintenance};

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
