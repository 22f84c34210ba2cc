//! Epochs: a position that was saved is known to be of another course of the log.

use crate::harness::{fill, texts};
use crate::restore::{append, go_on};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{CopyMode, Existing, backup, restore};
use strandline::{Epoch, Region, Sequence, StoreOptions};

/// What a saved position was of once could not be told from what has its sequence now.
#[test]
fn a_log_that_goes_another_way_has_another_epoch() {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let options = || {
        StoreOptions::new()
            .fs(fs.clone())
            .segment_bytes_max(64 << 10)
    };
    let path = |name: &str| Path::new("/d").join(name);
    let epoch = |name: &str| options().read_only().open(path(name)).unwrap().epoch();
    let copy = |from: &str, to: &str| {
        backup(&fs, &path(from), &path(to), CopyMode::Copy, &mut go_on).unwrap();
    };
    let store = options().open(path("a")).unwrap();
    let first = store.epoch();
    // Nothing that leaves the log as it is changes it.
    append(&store, 7);
    store.checkpoint().unwrap();
    store.close().unwrap();
    copy("a", "b");
    copy("b", "c");
    let store = options().open(path("a")).unwrap();
    append(&store, 5);
    assert_eq!([store.epoch(), epoch("b"), epoch("c")], [first; 3]);
    store.close().unwrap();
    let other = options().open(path("other")).unwrap();
    // What is put back does, each time.
    let mut seen = vec![first, other.epoch()];
    for _ in 0..2 {
        let done = restore(&fs, &path("b"), &path("a"), Existing::MoveAside, &mut go_on).unwrap();
        let store = options().open(path("a")).unwrap();
        assert_eq!((store.epoch(), epoch("a")), (done.epoch, done.epoch));
        assert_eq!(epoch("b"), first);
        seen.push(done.epoch);
    }
    // So does a copy that goes its own way, though it was not restored, once.
    let opened = options().open(path("c")).unwrap();
    seen.push(opened.epoch());
    append(&opened, 1);
    let own = opened.epoch();
    opened.close().unwrap();
    assert_eq!(options().open(path("c")).unwrap().epoch(), own);
    let distinct: HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
    assert_eq!(first.to_string().parse::<Epoch>().unwrap(), first);
}

/// Position 20 was saved, the store put back to 10, and 15 others were appended: 10 to 19 were passed over.
#[test]
fn a_position_from_before_a_restore_is_known_by_its_epoch() {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let options = || StoreOptions::new().fs(fs.clone());
    let (dir, copy) = (Path::new("/d/store"), Path::new("/d/backup"));
    let store = options().open(dir).unwrap();
    fill(&store, 10);
    backup(&fs, dir, copy, CopyMode::Copy, &mut go_on).unwrap();
    fill(&store, 10);
    let saved = (store.epoch(), store.snapshot().visible());
    store.close().unwrap();
    restore(&fs, copy, dir, Existing::MoveAside, &mut go_on).unwrap();
    let store = options().open(dir).unwrap();
    fill(&store, 15);
    let from = match saved.0 == store.epoch() {
        true => saved.1,
        false => Sequence::ZERO,
    };
    let seen = store
        .snapshot()
        .query(Region::all().sequence(from.get()..))
        .count();
    assert_eq!(seen, texts(&store).len());
}
