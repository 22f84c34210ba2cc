//! Opening after a kill, with a torn tail, with things missing, left over or out of place.

use crate::harness::{
    CREATED, assert_same, at, dir, event, files, fill, open, options, read, remove, segment, texts,
    write, written,
};
use std::path::Path;
use strandline::fs::{Fs, MemFs, OpenMode};
use strandline::{Batch, Durability, ErrorKind, Event, OpenPath, ProblemKind, Store, StoreOptions};

/// A store in which every commit is a batch of three, killed.
fn killed_batches(commits: usize) -> MemFs {
    let fs = MemFs::new();
    let store = written(&fs).open(dir()).unwrap();
    for commit in 0..commits {
        let mut batch = Batch::new();
        for member in 0..3 {
            batch.add(
                &at(&format!("e{member}"), "s"),
                event(&format!("{commit}.{member}")),
            );
        }
        store.append_batch(batch).unwrap();
    }
    fs.fork()
}

#[test]
fn every_cut_of_the_log_leaves_whole_batches() {
    let image = killed_batches(6);
    let whole = texts(&open(&image.fork()));
    assert_eq!(whole.len(), 18);
    let path = segment(&image);
    let bytes = read(&image, &path);
    for length in 128..bytes.len() {
        let fs = image.fork();
        write(&fs, &path, &bytes[..length]);
        let store = open(&fs);
        let left = texts(&store);
        assert_eq!(left.len() % 3, 0, "cut at {length}");
        assert_eq!(left[..], whole[..left.len()], "cut at {length}");
        let receipt = store.append(&at("e0", "s"), event("next")).unwrap();
        assert_eq!(receipt.sequence.get(), left.len() as u64);
        let next = texts(&store);
        drop(store);
        let again = open(&fs);
        assert!(
            again.open_report().is_clean(),
            "cut at {length}: {}",
            again.open_report()
        );
        assert_eq!(texts(&again), next);
        assert!(again.verify().unwrap().is_intact(), "cut at {length}");
    }
}

#[test]
fn a_torn_tail_is_kept_aside_and_reported_time_after_time() {
    let fs = killed_batches(2);
    let mut expected = texts(&open(&fs.fork()));
    for round in 0..5 {
        let path = segment(&fs);
        let mut bytes = read(&fs, &path);
        bytes.extend_from_slice(b"half a frame that a kill left behind");
        write(&fs, &path, &bytes);
        let store = open(&fs);
        assert!(store.open_report().torn_tail, "round {round}");
        assert_eq!(
            fs.list(Path::new("/store/quarantine")).unwrap().len(),
            round + 1
        );
        for n in 0..10 {
            let text = format!("{round}.{n}");
            store.append(&at("a", "s"), event(&text)).unwrap();
            expected.push(text);
        }
        assert_eq!(texts(&store), expected);
        drop(store);
    }
    assert_eq!(texts(&open(&fs)), expected);
}

#[test]
fn damage_below_what_was_durable_is_refused_with_its_place() {
    let fs = MemFs::new();
    let store = open(&fs);
    for n in 0..10 {
        store
            .append(&at("a", "s"), event(&format!("event number {n}")))
            .unwrap();
    }
    drop(store);
    let path = segment(&fs);
    let mut bytes = read(&fs, &path);
    let place = bytes
        .windows(14)
        .position(|w| w == b"event number 3")
        .unwrap();
    bytes[place] ^= 1;
    write(&fs, &path, &bytes);
    let error = options(&fs).open(dir()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let message = error.to_string();
    assert!(message.contains("segment-"), "names the file: {message}");
    assert_eq!(read(&fs, &path), bytes, "nothing was changed");
}

#[test]
fn opening_takes_the_shortest_way_there_is() {
    let fs = MemFs::new();
    let small = || {
        options(&fs)
            .segment_bytes_max(64 << 10)
            .durability(Durability::Written)
    };
    let store = small().open(dir()).unwrap();
    assert_eq!(store.open_report().path, OpenPath::Created);
    let payload = vec![b'p'; 5000];
    for n in 0..60 {
        let event = Event::bytes(CREATED, payload.clone());
        store
            .append(&at(&format!("e{}", n % 7), "s"), event)
            .unwrap();
    }
    let live = store.snapshot();
    assert!(store.stats().unwrap().segments >= 4);
    store.close().unwrap();

    let check = |path: OpenPath, clean: bool| {
        let store = small().open(dir()).unwrap();
        let report = store.open_report();
        assert_eq!(report.path, path, "{report}");
        assert_eq!(report.is_clean(), clean, "{report}");
        assert_same(&store.snapshot(), &live);
        assert!(store.verify().unwrap().is_intact());
    };
    check(OpenPath::Checkpoint, true);
    remove(&fs, "checkpoint-");
    check(OpenPath::Footers, true);
    // The background may have saved one since.
    remove(&fs, "checkpoint-");
    // Cut the footers off: what follows the last frame of each sealed segment.
    let segments = files(&fs, "segment-");
    for path in &segments[..segments.len() - 1] {
        let bytes = read(&fs, path);
        write(&fs, path, &bytes[..bytes.len() - 1]);
    }
    check(OpenPath::Scan, false);
}

#[test]
fn a_damaged_checkpoint_costs_time_and_no_events() {
    let fs = MemFs::new();
    let store = open(&fs);
    fill(&store, 50);
    let live = store.snapshot();
    store.close().unwrap();
    let path = files(&fs, "checkpoint-").pop().unwrap();
    let mut bytes = read(&fs, &path);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    write(&fs, &path, &bytes);
    let store = open(&fs);
    assert_eq!(store.open_report().path, OpenPath::Scan);
    assert!(!store.open_report().is_clean());
    assert_same(&store.snapshot(), &live);
    let receipt = store
        .append(&at("entity:1", "s"), event("goes on"))
        .unwrap();
    assert_eq!(receipt.sequence.get(), 50);
    let found = store.verify().unwrap().problems;
    let of_file = |problem: &strandline::Problem| {
        problem.kind == ProblemKind::Index && path.ends_with(problem.file.as_ref().unwrap())
    };
    assert!(found.len() == 1 && found.iter().all(of_file), "{found:?}");
    store.checkpoint().unwrap();
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_stale_checkpoint_is_followed_by_the_log_after_it() {
    let fs = MemFs::new();
    let store = open(&fs);
    fill(&store, 30);
    store.checkpoint().unwrap();
    fill(&store, 30);
    let live = store.snapshot();
    drop(store);
    let store = open(&fs);
    let report = store.open_report();
    assert_eq!(
        (report.events_from_checkpoint, report.events_from_log),
        (30, 30)
    );
    assert_same(&store.snapshot(), &live);
    fill(&store, 10);
    assert!(
        store.verify().unwrap().is_intact(),
        "chains go on from restored heads"
    );
}

#[test]
fn a_checkpoint_newer_than_the_log_means_that_durable_events_vanished() {
    let fs = MemFs::new();
    let store = open(&fs);
    fill(&store, 10);
    let path = segment(&fs);
    let old_log = read(&fs, &path);
    fill(&store, 10);
    store.close().unwrap();
    write(&fs, &path, &old_log);
    let error = options(&fs).open(dir()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LogBehindCheckpoint, "{error}");
    remove(&fs, "segment-");
    remove(&fs, "MANIFEST");
    let error = options(&fs).open(dir()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LogBehindCheckpoint, "{error}");
}

#[test]
fn nothing_is_written_where_nothing_changed() {
    let fs = MemFs::new();
    open(&fs).close().unwrap();
    let names = |fs: &MemFs| files(fs, "");
    let before: Vec<_> = names(&fs).iter().map(|path| read(&fs, path)).collect();
    for _ in 0..5 {
        open(&fs).close().unwrap();
    }
    let after: Vec<_> = names(&fs).iter().map(|path| read(&fs, path)).collect();
    assert_eq!(before, after);
    assert_eq!(files(&fs, "segment-").len(), 1);
}

#[test]
fn two_writers_are_not_let_in_and_a_reader_is() {
    let tempdir = tempfile::tempdir().unwrap();
    let writer = Store::open(tempdir.path()).unwrap();
    writer.append(&at("a", "s"), event("1")).unwrap();
    let error = Store::open(tempdir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let reader = StoreOptions::new()
        .read_only()
        .open(tempdir.path())
        .unwrap();
    assert_eq!(texts(&reader), ["1"]);
    let error = reader.append(&at("a", "s"), event("2")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert_eq!(reader.sync().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert!(reader.verify().unwrap().is_intact());
    writer.append(&at("a", "s"), event("2")).unwrap();
    assert_eq!(
        texts(&reader),
        ["1"],
        "it shows what was there when it opened"
    );
    drop(writer);
    Store::open(tempdir.path()).unwrap();
}

#[test]
fn a_read_only_open_changes_nothing_even_where_the_tail_is_torn() {
    let fs = killed_batches(3);
    let path = segment(&fs);
    let mut bytes = read(&fs, &path);
    bytes.truncate(bytes.len() - 10);
    write(&fs, &path, &bytes);
    let before = files(&fs, "");
    let store = options(&fs).read_only().open(dir()).unwrap();
    assert_eq!(store.snapshot().len(), 6);
    assert!(store.open_report().torn_tail);
    drop(store);
    assert_eq!(files(&fs, ""), before);
    assert_eq!(read(&fs, &path), bytes);
}

#[test]
fn a_missing_store_is_made_or_said_to_be_missing() {
    let fs = MemFs::new();
    let missing = options(&fs).must_exist().open(dir()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let missing = options(&fs).read_only().open(dir()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    open(&fs).close().unwrap();
    assert!(options(&fs).must_exist().open(dir()).is_ok());
}

#[test]
fn junk_in_the_directory_is_left_alone_or_set_aside_and_reported() {
    let fs = killed_batches(2);
    for name in [
        "notes.txt",
        "segment-0000000009.log",
        "MANIFEST.tmp",
        "segment-x.log",
    ] {
        fs.open(&dir().join(name), OpenMode::Create)
            .unwrap()
            .write_all_at(b"junk", 0)
            .unwrap();
    }
    let store = open(&fs);
    assert_eq!(store.snapshot().len(), 6);
    assert!(!store.open_report().is_clean(), "it was reported");
    assert_eq!(read(&fs, &dir().join("notes.txt")), b"junk");
    assert!(files(&fs, "segment-0000000009").is_empty());
    assert!(
        !fs.list(Path::new("/store/quarantine")).unwrap().is_empty(),
        "and kept"
    );
}

#[test]
fn missing_files_are_named() {
    let fs = killed_batches(2);
    let manifest = dir().join("MANIFEST");
    let bytes = read(&fs, &manifest);
    fs.remove_file(&manifest).unwrap();
    let error = options(&fs).open(dir()).unwrap_err();
    assert!(error.to_string().contains("MANIFEST"), "{error}");
    write(&fs, &manifest, &bytes);
    remove(&fs, "segment-");
    let error = options(&fs).open(dir()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("segment-"), "{error}");
}

/// The last segment has no frame: the process ended right after a rotation, or the first frame was
/// torn. What the segment before had named must not count as named in it.
#[test]
fn a_segment_without_frames_names_its_coordinates_again() {
    let small = |fs: &MemFs| {
        options(fs)
            .segment_bytes_max(64 << 10)
            .durability(Durability::Written)
    };
    for checkpoint_at in [None, Some(2)] {
        let fs = MemFs::new();
        let mut checkpoints = Vec::new();
        let store = small(&fs).open(dir()).unwrap();
        for n in 0..5 {
            let big = Event::bytes(CREATED, vec![b'x'; 20_000]);
            store.append(&at(&format!("e{}", n % 2), "s"), big).unwrap();
            if checkpoint_at == Some(n) {
                store.checkpoint().unwrap();
                let made = files(&fs, "checkpoint-").into_iter();
                checkpoints.extend(made.map(|path| (read(&fs, &path), path)));
            }
        }
        assert_eq!(store.stats().unwrap().segments, 2);
        drop(store);
        // The checkpoint of the rotation, made in the background, says that all of it was durable.
        remove(&fs, "checkpoint-");
        for (bytes, path) in &checkpoints {
            write(&fs, path, bytes);
        }
        let segments = files(&fs, "segment-");
        for torn in [0, 40] {
            let fs = fs.fork();
            let last = read(&fs, &segments[1]);
            write(&fs, &segments[1], &last[..128 + torn]);
            let first = read(&fs, &segments[0]);
            write(&fs, &segments[0], &first[..first.len() - 1]); // the footer is damaged
            let store = small(&fs).open(dir()).unwrap();
            let before = texts(&store).len();
            store.append(&at("e0", "s"), event("known")).unwrap();
            store.append(&at("new", "s"), event("new")).unwrap();
            drop(store);
            remove(&fs, "checkpoint-");
            let store = small(&fs).open(dir()).unwrap();
            assert_eq!(texts(&store).len(), before + 2, "{checkpoint_at:?} {torn}");
            assert!(store.verify().unwrap().is_intact());
        }
    }
}
