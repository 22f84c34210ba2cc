//! The newest clock reading that a footer and a merged file say: no event up to their end is later, and
//! every one after it is.

use crate::compact::{assert_intact, copy, cut_footers, run, run_redact, small};
use crate::harness::{at, contents, dir, event, read, remove, write};
use crate::merged_index::{append_segments, inline, merged, of_segments};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use strandline::fs::{Fs, FsFile, FsLayer, MemFs, OpenMode};
use strandline::maintenance::{Redaction, Retention};
use strandline::{Hlc, ManualClock};
use strandline_segment::{Manifest, SegmentInfo};

const NOW: u64 = 1_700_000_000_000;

/// A file says the reading at its end. It was taken for that of what stands before a rewritten segment, too,
/// whose footer then was ahead of the events after it.
#[test]
fn a_footer_that_is_written_again_within_a_merged_file_says_no_later_reading() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 4);
    store
        .append(&at("one", "scope/0"), event("secret"))
        .unwrap();
    append_segments(&store, 6);
    assert_eq!(merged(&fs).len(), 1);
    let done = run_redact(&store, &Redaction::new().entity("one"));
    assert_eq!(done.segments, 1);
    assert_eq!(merged(&fs).len(), 1, "it has rows of the others");
    let copied = copy(&fs);
    drop(store);
    cut_footers(&copied);
    remove(&copied, "checkpoint-");
    let store = inline(&copied).open(dir()).unwrap();
    assert_eq!(store.open_report().merged_used, 1);
    assert!(store.open_report().footers_missing > 0);
    assert_intact(&store);
    store.close().unwrap();
    assert_intact(&small(&copied).read_only().open(dir()).unwrap());
}

/// What a clock has seen and no event has is in the footer of the last segment, and in the merged file.
#[test]
fn a_reading_that_no_event_has_is_kept_by_a_merged_file() {
    let fs = MemFs::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let options = |fs: &MemFs| inline(fs).clock(clock.clone());
    let store = options(&fs).open(dir()).unwrap();
    append_segments(&store, 7);
    store.append(&at("one", "s"), event("secret")).unwrap();
    store.append(&at("two", "s"), event("secret")).unwrap();
    let seen = Hlc::new(NOW + 1_000, 0).unwrap();
    store.observe(seen).unwrap();
    // It seals the active segment.
    run_redact(&store, &Redaction::new().entity("one"));
    assert_eq!(merged(&fs).len(), 1);
    run_redact(&store, &Redaction::new().entity("two"));
    let copied = copy(&fs);
    drop(store);
    cut_footers(&copied);
    remove(&copied, "checkpoint-");
    let store = options(&copied).open(dir()).unwrap();
    assert_eq!(store.open_report().merged_used, 1);
    assert_eq!(store.open_report().footers_missing, 1);
    assert_intact(&store);
    let next = store.append(&at("one", "s"), event("next")).unwrap();
    assert!(next.hlc > seen);
}

/// The segment that is active, whose end an opening may carry into another file.
const ACTIVE: &str = "segment-0000000009";

/// A file system on which no footer can be written into a new file, while it is so.
#[derive(Debug, Clone)]
struct Refusing {
    below: MemFs,
    refuses: Arc<AtomicBool>,
}

impl FsLayer for Refusing {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_one = matches!(mode, OpenMode::Create)
            && name.starts_with("segment-")
            && !name.starts_with(ACTIVE);
        match is_one && self.refuses.load(SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.below.open(path, mode),
        }
    }
}

fn sealed(fs: &MemFs) -> Vec<SegmentInfo> {
    let manifest = Manifest::read(fs, &dir()).unwrap().unwrap();
    let sealed = manifest.segments().iter();
    sealed.filter(|info| info.is_sealed()).copied().collect()
}

fn has_notes_alone(info: &SegmentInfo) -> bool {
    info.end().unwrap().sequence == info.start().sequence
}

/// Eight sealed segments, the last of them of notes alone, which have no footers and where none can be written;
/// and the newest reading of an event.
fn of_notes() -> (Refusing, Hlc) {
    let fs = MemFs::new();
    let store = of_segments(&fs, 3);
    let victim = |number: usize| format!("victim:{number}");
    for number in 0..200 {
        store.append(&at(&victim(number), "s"), event("x")).unwrap();
    }
    append_segments(&store, 1);
    let newest = contents(&store.snapshot()).last().unwrap().hlc;
    // A rule that is long.
    let names = (0..16).map(|number| format!("{number}{}", "x".repeat(240)));
    let rule = names.fold(Redaction::new(), Redaction::entity);
    let mut number = 0;
    while store.stats().unwrap().segments < 9 {
        run_redact(&store, &rule.clone().entity(victim(number)));
        number += 1;
    }
    let copied = copy(&fs);
    drop(store);
    cut_footers(&copied);
    remove(&copied, "checkpoint-");
    remove(&copied, "index-");
    let sealed = sealed(&copied);
    assert_eq!(sealed.len(), 8);
    assert!(sealed[5..].iter().all(has_notes_alone));
    for info in sealed.iter().filter(|info| has_notes_alone(info)) {
        let path = dir().join(info.file_name());
        let bytes = [&read(&copied, &path), b"what is no footer".as_slice()].concat();
        write(&copied, &path, &bytes);
    }
    let refuses = Arc::new(AtomicBool::new(true));
    let below = copied;
    (Refusing { below, refuses }, newest)
}

/// The merged file said zero, and the clock of the next process went back.
#[test]
fn a_merged_file_that_ends_with_notes_alone_says_the_reading_before_them() {
    let (fs, newest) = of_notes();
    let store = inline(&fs.below)
        .fs(Arc::new(fs.clone()))
        .open(dir())
        .unwrap();
    assert_eq!(merged(&fs.below).len(), 1);
    assert_intact(&store);
    let copied = copy(&fs.below);
    drop(store);
    remove(&copied, "checkpoint-");
    let early = Arc::new(ManualClock::new(1_000));
    let store = inline(&copied).clock(early).open(dir()).unwrap();
    assert_eq!(store.open_report().merged_used, 1);
    let next = store.append(&at("one", "s"), event("next")).unwrap();
    assert!(next.hlc > newest);
    assert_intact(&store);
}

/// Footers that said zero, of segments that were merged, and where what stands before them is of a merged file.
#[test]
fn the_footer_of_notes_alone_says_the_reading_before_them() {
    let (fs, newest) = of_notes();
    let options = inline(&fs.below).segment_bytes_max(256 << 10);
    let store = options.fs(Arc::new(fs.clone())).open(dir()).unwrap();
    fs.refuses.store(false, SeqCst);
    store.append(&at("stays", "s"), event("x")).unwrap();
    store.append(&at("gone", "s"), event("x")).unwrap();
    let done = run(&store, &Retention::new().drop_entity("gone"));
    assert!(done.merged > 0);
    let notes: Vec<_> = sealed(&fs.below);
    let notes: Vec<_> = notes.into_iter().filter(has_notes_alone).collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(
        merged(&fs.below).len(),
        1,
        "it has the rows of those before"
    );
    assert_intact(&store);
    let copied = copy(&fs.below);
    drop(store);
    cut_footers(&copied);
    remove(&copied, "checkpoint-");
    let early = Arc::new(ManualClock::new(1_000));
    let store = inline(&copied).clock(early).open(dir()).unwrap();
    assert_eq!(store.open_report().merged_used, 1);
    assert_intact(&store);
    let next = store.append(&at("one", "s"), event("next")).unwrap();
    assert!(next.hlc > newest);
}
