//! Directories that are moved, replaced or removed under a store that is open, and LOCK files that are.

#![expect(
    clippy::disallowed_methods,
    reason = "what others do to the files is done behind the seam"
)]

use crate::harness::{at, event, texts, until};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{AppendOptions, Durability, Error, ErrorKind, Store, StoreOptions, Ticket};

/// Segments so short that some appends rotate.
const SEGMENT_BYTES: u64 = 64 << 10;

const SEGMENT: &str = "segment-0000000001.log";

/// What becomes of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Moved,
    ParentMoved,
    Replaced,
    ReplacedByNothing,
    ReplacedByFile,
    Removed,
    LockRemoved,
    LockReplaced,
    /// By a copy of it, as whoever restores files by hand does.
    SegmentReplaced,
    SegmentRemoved,
}

const LOSSES: [Loss; 10] = [
    Loss::Moved,
    Loss::ParentMoved,
    Loss::Replaced,
    Loss::ReplacedByNothing,
    Loss::ReplacedByFile,
    Loss::Removed,
    Loss::LockRemoved,
    Loss::LockReplaced,
    Loss::SegmentReplaced,
    Loss::SegmentRemoved,
];

/// What the store does then, first of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Append,
    Submit,
    AppendWritten,
    Rotate,
    Sync,
    Checkpoint,
    BackgroundCheckpoint,
    Compact,
    Redact,
    Verify,
    Stats,
    Close,
    Drop,
}

const DEEDS: [Deed; 13] = [
    Deed::Append,
    Deed::Submit,
    Deed::AppendWritten,
    Deed::Rotate,
    Deed::Sync,
    Deed::Checkpoint,
    Deed::BackgroundCheckpoint,
    Deed::Compact,
    Deed::Redact,
    Deed::Verify,
    Deed::Stats,
    Deed::Close,
    Deed::Drop,
];

fn options() -> StoreOptions {
    StoreOptions::new().segment_bytes_max(SEGMENT_BYTES)
}

/// Appends an event that is acknowledged as durable.
fn append(store: &Store, text: &str) -> Result<(), Error> {
    let receipt = store.append(&at("entity:1", "s"), event(text))?;
    assert!(receipt.durable);
    Ok(())
}

fn fill(store: &Store, name: &str, count: usize) -> Vec<String> {
    let texts = (0..count).map(|number| format!("{name} {number} {}", "x".repeat(900)));
    let texts: Vec<_> = texts.collect();
    let written = AppendOptions::new().durability(Durability::Written);
    for text in &texts {
        let appended = store.append_with(&at("entity:1", "s"), event(text), written);
        appended.unwrap();
    }
    store.sync().unwrap();
    texts
}

/// Everything under a path, with its bytes.
fn tree(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    if path.is_file() {
        found.insert(path.to_path_buf(), std::fs::read(path).unwrap());
    }
    for entry in std::fs::read_dir(path).into_iter().flatten() {
        found.append(&mut tree(&entry.unwrap().path()));
    }
    found
}

struct Lost {
    /// Where the store is now, if it is.
    now: Option<PathBuf>,
    /// What the store's path named just after the loss.
    theirs: BTreeMap<PathBuf, Vec<u8>>,
}

fn lose(root: &Path, loss: Loss) -> Lost {
    let (dir, aside) = (root.join("a/orders"), root.join("aside"));
    let moved = |from: &Path| std::fs::rename(from, &aside).unwrap();
    let now = match loss {
        Loss::ParentMoved => {
            moved(&root.join("a"));
            Some(aside.join("orders"))
        }
        Loss::Removed => {
            // The store may make a file meanwhile, as it still may.
            while dir.exists() {
                let _ = std::fs::remove_dir_all(&dir);
            }
            None
        }
        Loss::LockRemoved | Loss::LockReplaced => {
            std::fs::remove_file(dir.join("LOCK")).unwrap();
            if loss == Loss::LockReplaced {
                std::fs::write(dir.join("LOCK"), b"").unwrap();
            }
            Some(dir.clone())
        }
        Loss::SegmentReplaced => {
            let (segment, copy) = (dir.join(SEGMENT), root.join("copy"));
            std::fs::copy(&segment, &copy).unwrap();
            std::fs::rename(&copy, &segment).unwrap();
            Some(dir.clone())
        }
        Loss::SegmentRemoved => {
            std::fs::remove_file(dir.join(SEGMENT)).unwrap();
            None
        }
        _ => {
            moved(&dir);
            Some(aside)
        }
    };
    match loss {
        Loss::Replaced => std::fs::rename(root.join("other"), &dir).unwrap(),
        Loss::ReplacedByNothing => std::fs::create_dir(&dir).unwrap(),
        Loss::ReplacedByFile => std::fs::write(&dir, b"a file").unwrap(),
        _ => {}
    }
    let theirs = tree(&dir);
    Lost { now, theirs }
}

/// Does something that has to fail, or a while later to have failed.
fn try_to(store: &Store, deed: Deed) -> Option<Error> {
    let goes_on = &mut |_: strandline::maintenance::Progress| ControlFlow::Continue(());
    let written = AppendOptions::new().durability(Durability::Written);
    let append_written = || store.append_with(&at("entity:1", "s"), event("lost"), written);
    match deed {
        Deed::Append => append(store, "lost").err(),
        Deed::Submit => {
            let ticket = store.submit(&at("entity:1", "s"), event("lost"));
            ticket.and_then(Ticket::wait).err()
        }
        Deed::Sync => {
            let _ = append_written();
            store.sync().err()
        }
        Deed::AppendWritten | Deed::BackgroundCheckpoint => {
            let refused = std::cell::Cell::new(None);
            until("the background meets it", || {
                let appended = append_written();
                let is_refused = appended.is_err();
                refused.set(appended.err());
                is_refused
            });
            refused.into_inner()
        }
        Deed::Rotate => (0..SEGMENT_BYTES).find_map(|_| append_written().err()),
        Deed::Checkpoint => store.checkpoint().err(),
        Deed::Compact => compact(store, &Retention::new().keep_newest(1), goes_on).err(),
        Deed::Redact => redact(store, &Redaction::new().entity("entity:1"), goes_on).err(),
        Deed::Verify => store.verify().err(),
        Deed::Stats => {
            assert!(store.stats().unwrap().poisoned.is_some());
            append(store, "lost").err()
        }
        Deed::Close | Deed::Drop => unreachable!("they take the store"),
    }
}

fn check(loss: Loss, deed: Deed) {
    let what = format!("{loss:?}, {deed:?}");
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let other = options().open(root.join("other")).unwrap();
    fill(&other, "theirs", 70);
    other.close().unwrap();
    let options = match deed {
        Deed::AppendWritten => options(),
        Deed::BackgroundCheckpoint => options()
            .no_background_sync()
            .checkpoint_interval_bytes(1 << 10),
        _ => options().no_background_sync().no_background_checkpoint(),
    };
    let store = options.clone().open(root.join("a/orders")).unwrap();
    let acknowledged = fill(&store, "ours", 40);
    let lost = lose(root, loss);
    match deed {
        Deed::Drop => drop(store),
        Deed::Close => {
            let told = store.close().unwrap_err();
            assert_eq!(told.kind(), ErrorKind::LockLost, "{what}: {told}");
        }
        _ => {
            let told = try_to(&store, deed).unwrap_or_else(|| panic!("{what}: nothing was told"));
            let kinds = [ErrorKind::LockLost, ErrorKind::Unknown];
            assert!(kinds.contains(&told.kind()), "{what}: {told:?}");
            assert!(told.to_string().contains("LOCK"), "{what}: {told}");
            let later = append(&store, "later").unwrap_err();
            assert_eq!(later.kind(), ErrorKind::LockLost, "{what}: {later}");
            assert!(later.to_string().contains("LOCK"), "{what}: {later}");
            assert!(
                texts(&store)[..40] == acknowledged,
                "{what}: it is still read"
            );
            let stats = store.stats().unwrap();
            assert!(stats.poisoned.unwrap().contains("LOCK"), "{what}");
            let told = store.close().unwrap_err();
            assert_eq!(told.kind(), ErrorKind::LockLost, "{what}: {told}");
        }
    }
    let theirs = tree(&root.join("a/orders"));
    let is_directory_ours = [
        Loss::LockRemoved,
        Loss::LockReplaced,
        Loss::SegmentReplaced,
        Loss::SegmentRemoved,
    ];
    if is_directory_ours.contains(&loss) {
        let names = |files: &BTreeMap<PathBuf, _>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&theirs), names(&lost.theirs), "{what}");
    } else {
        assert!(theirs == lost.theirs, "{what}: {:?}", theirs.keys());
    }
    if let Some(now) = lost.now {
        let store = options.open(now).unwrap();
        assert!(texts(&store)[..40] == acknowledged, "{what}");
        assert!(store.verify().unwrap().is_intact(), "{what}");
    }
}

/// A writer went on by the path that it was given, and wrote into, or over, whatever that named by then;
/// its receipts said that events are durable which nobody finds.
#[test]
fn whoever_lost_the_directory_is_told_and_changes_nothing_in_what_is_there_now() {
    for loss in LOSSES {
        for deed in DEEDS {
            check(loss, deed);
        }
    }
}

/// LOCK alone kept a second writer out, and a file that is removed is locked by nobody.
#[test]
fn a_second_writer_is_refused_though_lock_was_removed() {
    for loss in [Loss::LockRemoved, Loss::LockReplaced] {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/orders");
        let store = options().open(&dir).unwrap();
        let acknowledged = fill(&store, "first", 40);
        lose(root.path(), loss);
        let refused = options().open(&dir).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Locked, "{refused}");
        assert!(refused.to_string().contains("LOCK"), "{refused}");
        let reader = options().read_only().open(&dir).unwrap();
        assert!(texts(&reader) == acknowledged, "a reader is not refused");
        assert!(append(&store, "not acknowledged").is_err());
        drop(store);
        let store = options().open(&dir).unwrap();
        append(&store, "second").unwrap();
        let mut all = texts(&store);
        assert_eq!(all.pop().unwrap(), "second");
        all.retain(|text| text != "not acknowledged");
        assert!(all == acknowledged);
    }
}

/// A successor may come in while the first writer does not look; then the first is never told that
/// something is durable.
#[test]
fn of_two_that_think_that_they_hold_a_store_one_alone_acknowledges() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a/orders");
    let first = options().open(&dir).unwrap();
    let acknowledged = fill(&first, "first", 10);
    // A copy of the whole takes the place: another LOCK, other segments.
    let copy = root.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for (path, bytes) in tree(&dir) {
        std::fs::write(copy.join(path.file_name().unwrap()), bytes).unwrap();
    }
    std::fs::rename(&dir, root.path().join("aside")).unwrap();
    std::fs::rename(&copy, &dir).unwrap();
    let second = options().open(&dir).unwrap();
    assert!(append(&first, "first").is_err());
    append(&second, "second").unwrap();
    assert!(append(&first, "first").is_err());
    assert!(first.close().is_err());
    second.close().unwrap();
    let store = options().open(&dir).unwrap();
    assert_eq!(texts(&store)[..10], acknowledged);
    assert_eq!(texts(&store)[10..], ["second"]);
}

/// What is not lost is not called so: links to the directory, and back from where it was moved.
#[test]
fn a_directory_that_is_where_it_was_is_ours_whatever_happened_around_it() {
    let root = tempfile::tempdir().unwrap();
    let (dir, link) = (root.path().join("orders"), root.path().join("link"));
    std::fs::create_dir(&dir).unwrap();
    std::os::unix::fs::symlink(&dir, &link).unwrap();
    // No thread of the store's looks while the directory is away.
    let alone = options()
        .no_background_sync()
        .no_background_checkpoint()
        .background_inline();
    let store = alone.open(link.join("../link")).unwrap();
    fill(&store, "a", 10);
    let aside = root.path().join("aside");
    std::fs::rename(&dir, &aside).unwrap();
    std::fs::rename(&aside, &dir).unwrap();
    fill(&store, "b", 100);
    // The link may point to where the directory is now.
    std::fs::rename(&dir, &aside).unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&aside, &link).unwrap();
    fill(&store, "c", 100);
    store.close().unwrap();
    assert_eq!(texts(&options().open(&aside).unwrap()).len(), 210);
}

/// The manifest says which segments count. One that somebody else has put there is not replaced by one that
/// does not know of it.
#[test]
fn a_manifest_of_somebody_elses_is_not_replaced() {
    for in_place in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("orders");
        let manual = || options().no_background_sync().no_background_checkpoint();
        let store = manual().open(&dir).unwrap();
        let (manifest, copy) = (dir.join("MANIFEST"), root.path().join("copy"));
        std::fs::copy(&manifest, &copy).unwrap();
        fill(&store, "a", 200);
        let own = std::fs::read(&manifest).unwrap();
        let theirs = std::fs::read(&copy).unwrap();
        assert_ne!(own, theirs);
        match in_place {
            true => std::fs::write(&manifest, &theirs).unwrap(),
            false => std::fs::rename(&copy, &manifest).unwrap(),
        }
        let told = (0..SEGMENT_BYTES).find_map(|_| append(&store, "b").err());
        assert_eq!(told.unwrap().kind(), ErrorKind::LockLost);
        let told = store.close().unwrap_err();
        assert!(told.to_string().contains("MANIFEST"), "{told}");
        assert_eq!(std::fs::read(&manifest).unwrap(), theirs);
        std::fs::write(&manifest, &own).unwrap();
        assert!(texts(&options().open(&dir).unwrap()).len() >= 200);
    }
}

/// Cause: the manifest was known by its inode, though nobody has it open. A file system that keeps no
/// inodes on the disk gives it another one once it has left the cache, and the store was called lost.
#[test]
fn a_manifest_that_says_the_same_is_ours_whatever_inode_it_has() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("orders");
    let store = options().open(&dir).unwrap();
    let (manifest, copy) = (dir.join("MANIFEST"), root.path().join("copy"));
    let mut all = Vec::new();
    for turn in 0..4 {
        all.extend(fill(&store, &format!("turn {turn}"), 200));
        std::fs::copy(&manifest, &copy).unwrap();
        std::fs::rename(&copy, &manifest).unwrap();
    }
    store.checkpoint().unwrap();
    store.close().unwrap();
    assert_eq!(texts(&options().open(&dir).unwrap()), all);
}
