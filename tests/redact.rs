//! Redaction: payloads are gone from every file and every snapshot, and all else stays.

use crate::answers::Answers;
use crate::compact::{assert_intact, filled, filled_more, run, run_redact, small};
use crate::harness::{CREATED, at, contents, dir, event, read, write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{CopyMode, Redaction, Retention, backup, redact};
use strandline::{ErrorKind, Event, EventId, Region, StoredEvent};

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The files under a directory that hold these bytes.
pub(crate) fn files_with(fs: &dyn Fs, dir: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs.list(dir).unwrap() {
        let path = dir.join(&entry.name);
        match entry.kind {
            strandline::fs::EntryKind::Directory => found.extend(files_with(fs, &path, needle)),
            _ if holds(&read(fs, &path), needle) => found.push(path),
            _ => {}
        }
    }
    found
}

const SECRET: &[u8] = b"Jane Doe, 42 Main Street";

#[test]
fn a_redacted_payload_is_gone_from_every_file_and_every_snapshot() {
    let fs = MemFs::new();
    let store = filled(&fs, 100);
    let secret = || Event::bytes(CREATED, SECRET);
    let early = store
        .append(&at("user:7", "eu"), secret().tagged("vip"))
        .unwrap();
    filled_more(&store, 150);
    // One in the active segment too.
    store.append(&at("user:7", "eu"), secret()).unwrap();
    store
        .append(&at("user:70", "eu"), event("another user"))
        .unwrap();
    // And in what an opening set aside.
    fs.create_dir_all(&dir().join("quarantine")).unwrap();
    write(
        &fs,
        &dir().join("quarantine/torn"),
        &[b"xx", SECRET].concat(),
    );
    write(&fs, &dir().join("quarantine/other"), b"something else");
    let before = store.snapshot();
    let all = Region::all();
    let mut reading = before.query(&all);
    reading.next().unwrap().unwrap();
    assert!(!files_with(&fs, &dir(), SECRET).is_empty());
    let other = Answers::of(&store);

    let done = run_redact(&store, &Redaction::new().entity("user:7"));
    assert_eq!((done.events, done.segments), (2, 2));
    assert_eq!(done.quarantine_removed, ["quarantine/torn"]);
    assert_eq!(done.quarantine_kept, ["quarantine/other"]);
    assert_eq!(files_with(&fs, &dir(), SECRET), Vec::<PathBuf>::new());
    let is_gone = |event: &StoredEvent| {
        event.is_redacted() && event.payload().unwrap_err().kind() == ErrorKind::Redacted
    };
    for snapshot in [&before, &store.snapshot()] {
        assert!(is_gone(&snapshot.get(early.id).unwrap().unwrap()));
        assert!(is_gone(&snapshot.latest("user:7").unwrap().unwrap()));
        assert_eq!(
            contents(snapshot)
                .iter()
                .filter(|event| is_gone(event))
                .count(),
            2
        );
    }
    assert_eq!(
        reading
            .filter(|event| is_gone(event.as_ref().unwrap()))
            .count(),
        2
    );
    store.snapshot().verify_receipt(&early).unwrap();
    assert_intact(&store);
    // Everything else is as it was.
    let now = Answers::of(&store);
    let headers = |answers: &Answers| -> Vec<_> {
        answers
            .events
            .iter()
            .map(|event| event.header().clone())
            .collect()
    };
    assert_eq!(headers(&now), headers(&other));
    assert_eq!((now.regions, now.names), (other.regions, other.names));

    let again = run_redact(&store, &Redaction::new().entity("user:7").event(early.id));
    assert_eq!((again.events, again.already, again.segments), (0, 3, 0));
    store.close().unwrap();
    let store = small(&fs).open(dir()).unwrap();
    assert!(is_gone(&store.snapshot().get(early.id).unwrap().unwrap()));
    assert_intact(&store);
    assert_eq!(files_with(&fs, &dir(), SECRET), Vec::<PathBuf>::new());
}

#[test]
fn single_events_are_redacted_by_id() {
    let fs = MemFs::new();
    let store = filled(&fs, 50);
    let chosen = store
        .append(&at("a", "s"), Event::bytes(CREATED, SECRET))
        .unwrap();
    let short = store.append(&at("a", "s"), event("")).unwrap();
    let unknown = EventId::from_u128(5);
    let redaction = Redaction::new()
        .event(chosen.id)
        .event(short.id)
        .event(unknown);
    let done = run_redact(&store, &redaction);
    assert_eq!((done.events, done.missing), (2, vec![unknown]));
    assert!(files_with(&fs, &dir(), SECRET).is_empty());
    assert_intact(&store);
    // A repeat cannot be told from another event any more.
    let again = Event::bytes(CREATED, SECRET).with_id(chosen.id);
    let error = store.append(&at("a", "s"), again).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    for nothing in [Redaction::new(), Redaction::new().entities("")] {
        let refused = redact(&store, &nothing, &mut |_| ControlFlow::Continue(()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_backup_to_the_same_target_forgets_what_was_redacted() {
    let fs = MemFs::new();
    let store = filled(&fs, 100);
    store
        .append(&at("user:7", "eu"), Event::bytes(CREATED, SECRET))
        .unwrap();
    filled_more(&store, 150);
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let target = Path::new("/backup");
    let copy = || {
        let done = backup(&shared, &dir(), target, CopyMode::Copy, &mut |_| {
            ControlFlow::Continue(())
        });
        done.unwrap()
    };
    copy();
    assert_eq!(files_with(&fs, target, SECRET).len(), 1);
    run_redact(&store, &Redaction::new().entities("user:"));
    run(&store, &Retention::new().keep_newest(20).within("entity:"));
    copy();
    assert_eq!(files_with(&fs, target, SECRET), Vec::<PathBuf>::new());
    let copied = small(&fs).open(target).unwrap();
    assert_intact(&copied);
    assert_eq!(contents(&copied.snapshot()), contents(&store.snapshot()));
}
