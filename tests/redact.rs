//! Redaction: payloads are gone from every file and every snapshot, and all else stays.

use crate::answers::Answers;
use crate::compact::{
    assert_intact, copy, filled, filled_more, is_rewritten, run, run_redact, sequences, small,
};
use crate::harness::{CREATED, at, contents, dir, event, files, read, remove, write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{
    CopyMode, Redaction, Retention, Salvaged, annotate_event, backup, compact, redact, salvage,
};
use strandline::{ErrorKind, Event, EventId, Region, Store, StoredEvent};

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
    assert_eq!((again.events, again.already, again.segments), (0, 2, 0));
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
    assert_eq!((done.events, done.missing.events), (2, vec![unknown]));
    assert!(files_with(&fs, &dir(), SECRET).is_empty());
    assert_intact(&store);
    // A retry is told by what is left of it, and puts nothing back.
    let again = Event::bytes(CREATED, SECRET).with_id(chosen.id);
    let again = store.append(&at("a", "s"), again).unwrap();
    assert!(again.repeated && again.sequence == chosen.sequence);
    assert!(files_with(&fs, &dir(), SECRET).is_empty());
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

fn salvaged(fs: &MemFs) -> (MemFs, Store, Salvaged) {
    let target_fs = MemFs::new();
    let target = small(&target_fs).open("/target").unwrap();
    let go_on = &mut |_| ControlFlow::Continue(());
    let done = salvage(fs, &dir(), &target, go_on).unwrap();
    (target_fs, target, done)
}

/// Names of the segment files, rewritten or not, by number.
fn names(fs: &MemFs, rewritten: bool) -> Vec<String> {
    let mut found = files(fs, "segment-");
    found.retain(|path| is_rewritten(path) == rewritten);
    found.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    found.iter().map(name).collect()
}

#[test]
fn salvage_brings_back_nothing_from_a_generation_that_was_replaced() {
    let fs = MemFs::new();
    let store = filled(&fs, 150);
    let first = store.snapshot().stream("entity:1").next().unwrap().unwrap();
    let secret = Event::bytes(CREATED, SECRET);
    let redacted = store.append(&at("user:7", "eu"), secret).unwrap();
    filled_more(&store, 150);
    let before = copy(&fs);
    run_redact(&store, &Redaction::new().entity("user:7"));
    run(&store, &Retention::new().drop_entity("entity:1"));
    drop(store);
    // Killed after the switch, before the files that were replaced were removed.
    let kept = names(&fs, false);
    let mut replaced = names(&before, false);
    replaced.retain(|name| !kept.contains(name));
    for name in &replaced {
        write(&fs, &dir().join(name), &read(&before, &dir().join(name)));
    }
    assert!(!files_with(&fs, &dir(), SECRET).is_empty());
    let without = copy(&fs);
    remove(&without, "MANIFEST");
    for fs in [&fs, &without] {
        let (target_fs, target, done) = salvaged(fs);
        let target_dir = Path::new("/target");
        assert!(files_with(&target_fs, target_dir, SECRET).is_empty());
        assert_eq!(sequences(&target, "entity:1"), Vec::<u64>::new());
        let counts = (done.events, done.removed, done.repeated, done.losses.len());
        assert_eq!(counts, (240, 60, 0, 1), "{:?}", done.losses);
        assert!(done.losses[0].is_redacted, "and not damaged");
        assert_eq!(done.passed_over, replaced);
        let shown = |id| annotate_event(fs, &dir(), id, &mut |_| ControlFlow::Continue(()));
        assert_eq!(shown(first.id).unwrap(), None);
        assert!(shown(redacted.id).unwrap().is_some());
    }
}

#[test]
fn salvage_keeps_the_order_where_a_rewriting_was_interrupted() {
    let fs = MemFs::new();
    let store = filled(&fs, 150);
    let all = contents(&store.snapshot());
    let mut copies = Vec::new();
    let done = compact(&store, &Retention::new().keep_newest(5), &mut |_| {
        copies.push(copy(&fs));
        ControlFlow::Continue(())
    });
    done.unwrap();
    let is_between = |fs: &&MemFs| {
        !names(fs, true).is_empty() && names(fs, false).len() == names(&copies[0], false).len()
    };
    // Before the switch, the last of them with every new file whole.
    let killed = copies.iter().rev().find(is_between).unwrap();
    let unlisted = copy(killed);
    remove(&unlisted, "MANIFEST");
    let unfinished = copy(&unlisted);
    for name in names(&unfinished, true) {
        let path = dir().join(&name);
        let bytes = read(&unfinished, &path);
        write(&unfinished, &path, &bytes[..bytes.len() / 2]);
    }
    for fs in [killed, &unfinished] {
        let (_, target, done) = salvaged(fs);
        assert_eq!((done.events, done.removed, done.repeated), (150, 0, 0));
        assert_eq!(done.passed_over, names(fs, true));
        let ids = |events: &[StoredEvent]| events.iter().map(|e| e.id).collect::<Vec<_>>();
        assert_eq!(ids(&contents(&target.snapshot())), ids(&all));
    }
    // Nothing tells whether what is whole counts already.
    let (_, target, done) = salvaged(&unlisted);
    assert_eq!(done.repeated, 0);
    assert!(
        done.removed > 0 && done.events + done.removed == 150,
        "{done:?}"
    );
    assert!(sequences(&target, "entity:1").len() >= 5);
}
