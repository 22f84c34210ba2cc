//! Compactions and redactions that are interrupted, and what they must not disturb.

use crate::compact::{copy, filled, run, run_redact, small};
use crate::harness::{CREATED, assert_same, at, dir, event, files, read, remove, write};
use crate::redact::files_with;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use strandline::fs::{Fs, FsLayer, MemFs};
use strandline::maintenance::{CompactionPlan, Redaction, Retention, compact, rebuild, redact};
use strandline::{Batch, ErrorKind, Event, EventId, Sequence, Store};

const SECRET: &[u8] = b"Jane Doe, 42 Main Street";

/// Does not remove the first segment while it is told so.
#[derive(Debug)]
struct Keeping(MemFs, AtomicBool);

impl FsLayer for Keeping {
    fn below(&self) -> &dyn Fs {
        &self.0
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let is_first = path.to_string_lossy().ends_with("segment-0000000001.log");
        if self.1.load(Ordering::Relaxed) && is_first {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.0.remove_file(path)
    }
}

/// A redaction whose old files cannot be removed says so, and is completed by the next, or by an
/// opening.
#[test]
fn a_redaction_that_could_not_remove_files_is_completed_later() {
    let mem = MemFs::new();
    let fs = Arc::new(Keeping(mem.clone(), AtomicBool::new(false)));
    let store = small(&mem).fs(fs.clone()).open(dir()).unwrap();
    store
        .append(&at("user:7", "eu"), Event::bytes(CREATED, SECRET))
        .unwrap();
    let quarantine = dir().join("quarantine");
    mem.create_dir_all(&quarantine).unwrap();
    write(&mem, &quarantine.join("torn"), &[b"xx", SECRET].concat());
    fs.1.store(true, Ordering::Relaxed);
    let chosen = Redaction::new().entity("user:7");
    let first = redact(&store, &chosen, &mut |_| ControlFlow::Continue(()));
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Io);
    assert!(
        store
            .snapshot()
            .latest("user:7")
            .unwrap()
            .unwrap()
            .is_redacted()
    );

    // As after a kill.
    let killed = copy_without_quarantine(&mem);
    assert_eq!(files_with(&killed, &dir(), SECRET).len(), 1);
    let reopened = small(&killed).open(dir()).unwrap();
    // The other one was active, and is carried into a new file.
    let removed = ["segment-0000000001.log", "segment-0000000002.log"];
    assert_eq!(reopened.open_report().removed, removed);
    assert_eq!(files_with(&killed, &dir(), SECRET), Vec::<PathBuf>::new());

    assert!(redact(&store, &chosen, &mut |_| ControlFlow::Continue(())).is_err());
    fs.1.store(false, Ordering::Relaxed);
    assert_eq!(run_redact(&store, &chosen).already, 1);
    assert_eq!(files_with(&mem, &dir(), SECRET), Vec::<PathBuf>::new());
}

fn copy_without_quarantine(fs: &MemFs) -> MemFs {
    let copied = MemFs::new();
    for path in files(fs, "") {
        if !path.ends_with("LOCK") && !path.ends_with("quarantine") {
            write(&copied, &path, &read(fs, &path));
        }
    }
    copied
}

/// What an interrupted redaction left in the quarantine is found by the ids of redacted events.
#[test]
fn a_repeated_redaction_searches_the_quarantine_again() {
    let fs = MemFs::new();
    let store = filled(&fs, 3);
    let id = store.snapshot().latest("entity:1").unwrap().unwrap().id;
    let chosen = Redaction::new().entity("entity:1");
    run_redact(&store, &chosen);
    let quarantine = dir().join("quarantine");
    fs.create_dir_all(&quarantine).unwrap();
    let torn = [b"torn".as_slice(), &id.as_u128().to_le_bytes()].concat();
    write(&fs, &quarantine.join("torn"), &torn);
    let again = run_redact(&store, &chosen);
    assert_eq!((again.already, again.quarantine_removed.len()), (1, 1));
}

/// The time of a removed event counts, though nothing but the frames is left to tell it.
#[test]
fn times_do_not_go_back_behind_removed_events() {
    let fs = MemFs::new();
    let clock = Arc::new(strandline_core::ManualClock::new(1_000));
    let store = small(&fs).clock(clock.clone()).open(dir()).unwrap();
    store.append(&at("old", "s"), event("old")).unwrap();
    clock.set(500_000);
    let newest = store.append(&at("gone", "s"), event("x")).unwrap();
    run(&store, &Retention::new().drop_entity("gone"));
    store.close().unwrap();
    clock.set(2_000);
    for how in ["plain", "no checkpoint", "rebuilt"] {
        let fs = copy(&fs);
        let options = small(&fs).clock(clock.clone());
        match how {
            "no checkpoint" => remove(&fs, "checkpoint-"),
            "rebuilt" => {
                drop(rebuild(options.clone(), &dir(), &mut |_| ControlFlow::Continue(())).unwrap())
            }
            _ => {}
        }
        let store = options.open(dir()).unwrap();
        let next = store.append(&at("old", "s"), event("y")).unwrap();
        assert!(next.hlc > newest.hlc && next.id > newest.id, "{how}");
    }
}

/// Sequences may have gaps of any length, and what a plan takes does not follow from them.
#[test]
fn a_gap_in_the_sequences_costs_nothing() {
    use strandline_core::record::Record;
    use strandline_segment::{CommitBuffer, LogOptions, UncheckedLog};
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    for _ in 0..2 {
        store.append(&at("a", "s"), event("x")).unwrap();
    }
    drop(store);
    remove(&fs, "checkpoint-");
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let log = UncheckedLog::open(shared, &dir(), LogOptions::default());
    let mut last = None;
    let scanned = log.unwrap().unwrap().scan(None, Sequence::ZERO, |frame| {
        let records = frame.records();
        last = records
            .last()
            .map(|record| (record.body.to_vec(), record.digest));
        Ok::<_, std::convert::Infallible>(())
    });
    let (mut writer, _, _) = scanned
        .unwrap()
        .into_writer(&strandline_core::Random::from_seed(9))
        .unwrap();
    let (body, digest) = last.unwrap();
    let record = Record {
        clock: 2,
        id: EventId::from_u128(u128::MAX - 1),
        ..Record::decode(&body).unwrap()
    };
    let mut commit = CommitBuffer::default();
    commit.push(&digest, |out| record.encode(out));
    let far = Sequence::new(1 << 50);
    writer.append(&mut commit, far, Sequence::ZERO).unwrap();
    drop(writer);
    let store = small(&fs).open(dir()).unwrap();
    let plan = CompactionPlan::of(&store, &Retention::new().keep_newest(1)).unwrap();
    assert_eq!(plan.events, 2);
}

/// Rows of a checkpoint were taken for those of a segment that was rewritten since, where no later checkpoint
/// could be saved and the footer was damaged: the last frame stood where it had stood, and within an earlier
/// one a record did not.
#[test]
fn a_checkpoint_says_nothing_of_a_segment_that_was_rewritten_since() {
    for length in 1..40 {
        let fs = MemFs::new();
        let store = small(&fs).open(dir()).unwrap();
        let mut batch = Batch::new();
        for text in ["x".repeat(length), "second".to_owned()] {
            batch.add(&at("user:7", "eu"), event(&text));
        }
        let receipts = store.append_batch(batch).unwrap();
        store.append(&at("user:8", "eu"), event("third")).unwrap();
        store.checkpoint().unwrap();
        let checkpoint = files(&fs, "checkpoint-").remove(0);
        let bytes = read(&fs, &checkpoint);
        run_redact(&store, &Redaction::new().event(receipts[0].id));
        let killed = fs.fork();
        remove(&killed, "checkpoint-");
        write(&killed, &checkpoint, &bytes);
        let rewritten = files(&killed, "segment-0000000001-").remove(0);
        let mut bytes = read(&killed, &rewritten);
        *bytes.last_mut().unwrap() ^= 1;
        write(&killed, &rewritten, &bytes);
        let opened = small(&killed).read_only().open(dir()).unwrap();
        assert_eq!(opened.open_report().footers_missing, 1, "{length} bytes");
        assert_same(&opened.snapshot(), &store.snapshot());
    }
}

/// Tells whenever the manifest was replaced.
struct Watched(MemFs, Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl FsLayer for Watched {
    fn below(&self) -> &dyn Fs {
        &self.0
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.below().rename(from, to)?;
        if to.ends_with("MANIFEST") {
            (self.1)();
        }
        Ok(())
    }
}

/// A reader that goes on while a rewriting is under way has the old file of the segment that it read and the
/// new files of those after it. Its verification called what is gone there redacted without a record, and a
/// checkpoint misplaced that is after nothing but notes which it had not read.
#[test]
fn a_reader_that_verifies_beside_a_rewriting_calls_nothing_wrong() {
    let mem = MemFs::new();
    let reader: Arc<Mutex<Option<Store>>> = Arc::default();
    let (watching, watched) = (reader.clone(), mem.clone());
    let watch = move || {
        let is_rewritten = |path: &PathBuf| path.to_string_lossy().matches('-').count() == 2;
        let is_switched = files(&watched, "segment-").iter().any(is_rewritten);
        if let Some(reader) = watching.lock().unwrap().as_ref().filter(|_| is_switched) {
            let before = reader.snapshot().visible();
            assert!(reader.refresh().unwrap() > before);
            assert_eq!(reader.verify().unwrap().problems, []);
        }
    };
    let fs = Arc::new(Watched(mem.clone(), Arc::new(watch)));
    let store = small(&mem).fs(fs).open(dir()).unwrap();
    let opened = || small(&mem).read_only().open(dir()).unwrap();
    let payload = "x".repeat(3000);
    let append = || {
        store.append(&at("user:7", "eu"), event(&payload)).unwrap();
    };
    append();
    *reader.lock().unwrap() = Some(opened());
    (0..60).for_each(|_| append());
    run_redact(&store, &Redaction::new().entity("user:7"));
    *reader.lock().unwrap() = None;

    let reader = opened();
    append();
    reader.refresh().unwrap();
    run_redact(&store, &Redaction::new().entity("user:7"));
    store.checkpoint().unwrap();
    assert_eq!(reader.verify().unwrap().problems, []);
}

#[test]
fn what_is_done_cannot_be_cancelled() {
    let fs = MemFs::new();
    let store = filled(&fs, 100);
    let done = compact(
        &store,
        &Retention::new().keep_newest(1),
        &mut |_| match store.snapshot().len() {
            100 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        },
    );
    assert_eq!(done.unwrap().events, 95);
}
