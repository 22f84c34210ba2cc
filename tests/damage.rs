//! Damaged files: a typed error, or exactly the right events, or a reported shorter tail.

use crate::harness::{CREATED, at, contents, dir, files, fill, open, options, read, write};
use std::path::PathBuf;
use strandline::fs::MemFs;
use strandline::{Durability, ErrorKind, Event, StoredEvent};

/// A store of two segments with footer and checkpoint, closed, and its events.
fn golden() -> (MemFs, Vec<StoredEvent>) {
    let fs = MemFs::new();
    let small = options(&fs)
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written);
    let store = small.open(dir()).unwrap();
    fill(&store, 10);
    for _ in 0..4 {
        store
            .append(&at("big", "s"), Event::bytes(CREATED, vec![b'x'; 16_000]))
            .unwrap();
    }
    fill(&store, 6);
    let events = contents(&store.snapshot());
    assert!(store.stats().unwrap().segments >= 2);
    store.close().unwrap();
    (fs, events)
}

/// Opens a damaged copy, and checks what comes of it.
fn check(fs: &MemFs, events: &[StoredEvent], what: &str) {
    let store = match options(fs).open(dir()) {
        Ok(store) => store,
        Err(error) => {
            let typed = matches!(
                error.kind(),
                ErrorKind::Corrupt
                    | ErrorKind::LogBehindCheckpoint
                    | ErrorKind::UnsupportedVersion
                    | ErrorKind::NotFound
            );
            assert!(typed, "{what}: {:?}: {error}", error.kind());
            return;
        }
    };
    let now = store.snapshot();
    let mut read = Vec::new();
    let mut unreadable = 0;
    for event in now.query(strandline::Region::all()) {
        match event {
            Ok(event) => read.push(event),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
                unreadable += 1;
            }
        }
    }
    for event in &read {
        assert!(events.contains(event), "{what}: a wrong event");
    }
    if unreadable == 0 && read.len() < events.len() {
        assert_eq!(read[..], events[..read.len()], "{what}: not a prefix");
        assert!(!store.open_report().is_clean(), "{what}: lost in silence");
    }
    if unreadable > 0 {
        assert!(
            !store.verify().unwrap().is_intact(),
            "{what}: not found by verification"
        );
    }
}

fn store_files(fs: &MemFs) -> Vec<PathBuf> {
    files(fs, "")
        .into_iter()
        .filter(|path| !path.ends_with("LOCK"))
        .collect()
}

#[test]
fn a_flipped_bit_anywhere_is_never_a_wrong_event() {
    let (fs, events) = golden();
    for path in store_files(&fs) {
        let bytes = read(&fs, &path);
        // Every byte of the small files and of what is not filler in the large ones.
        let places = (0..bytes.len()).filter(|at| bytes[*at] != b'x' || at % 997 == 0);
        for at in places {
            let copy = fs.fork();
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            write(&copy, &path, &damaged);
            check(&copy, &events, &format!("{} byte {at}", path.display()));
        }
    }
}

#[test]
fn a_cut_or_emptied_or_missing_or_replaced_file_is_never_a_wrong_event() {
    let (fs, events) = golden();
    let all = store_files(&fs);
    for path in &all {
        let bytes = read(&fs, path);
        let what = |how: &str| format!("{} {how}", path.display());
        for part in 0..16 {
            let copy = fs.fork();
            write(&copy, path, &bytes[..bytes.len() * part / 16]);
            check(&copy, &events, &what(&format!("cut to {part}/16")));
        }
        let copy = fs.fork();
        strandline::fs::Fs::remove_file(&copy, path).unwrap();
        check(&copy, &events, &what("removed"));
        for other in &all {
            let copy = fs.fork();
            write(&copy, path, &read(&fs, other));
            check(
                &copy,
                &events,
                &format!("{} in place of {}", other.display(), path.display()),
            );
        }
        let copy = fs.fork();
        write(&copy, path, b"junk that is no file of any store");
        check(&copy, &events, &what("overwritten"));
    }
}

#[test]
fn an_undamaged_copy_is_whole() {
    let (fs, events) = golden();
    let store = open(&fs.fork());
    assert!(store.open_report().is_clean(), "{}", store.open_report());
    assert_eq!(contents(&store.snapshot()), events);
}
