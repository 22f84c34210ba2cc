//! Segments that a reader has not looked into yet when a writer rewrites them.

use crate::compact::{run_redact, small};
use crate::harness::{contents, dir};
use crate::merged_index::of_segments;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use strandline::fs::{Fs, FsFile, FsLayer, MemFs, OpenMode};
use strandline::maintenance::{Kept, Redaction, removals, verify};
use strandline::{ErrorKind, Store, StoreOptions};

const FIRST: &str = "segment-0000000001.log";

type Call = Box<dyn FnOnce() + Send>;

/// A reader's file system: its thread that looks into segments waits before it opens one until it is let go, and
/// before the oldest one is opened by another thread something can be done once.
#[derive(Clone)]
struct Late {
    below: MemFs,
    is_let_go: Arc<(Mutex<bool>, Condvar)>,
    before_first: Arc<Mutex<Option<Call>>>,
}

impl std::fmt::Debug for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Late").finish_non_exhaustive()
    }
}

impl Late {
    fn over(below: &MemFs) -> Self {
        Self {
            below: below.clone(),
            is_let_go: Arc::default(),
            before_first: Arc::default(),
        }
    }

    fn let_go(&self) {
        *self.is_let_go.0.lock().unwrap() = true;
        self.is_let_go.1.notify_all();
    }

    fn options(&self) -> StoreOptions {
        small(&self.below).fs(Arc::new(self.clone())).read_only()
    }
}

impl FsLayer for Late {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        if std::thread::current().name() == Some("strandline-check") {
            let (is_let_go, changed) = &*self.is_let_go;
            let waiting = is_let_go.lock().unwrap();
            drop(changed.wait_while(waiting, |it| !*it).unwrap());
        } else if path.ends_with(FIRST) {
            let call = self.before_first.lock().unwrap().take();
            call.into_iter().for_each(|call| call());
        }
        self.below.open(path, mode)
    }
}

fn redact_all(store: &Store) {
    let chosen = (0..11).fold(Redaction::new(), |chosen, number| {
        chosen.entity(format!("entity:{number}"))
    });
    assert!(run_redact(store, &chosen).events > 0);
}

/// A store of merged segments, and a reader of it that has opened the newest alone; the writer has redacted all
/// since. With what the reader would show.
fn replaced(fs: &MemFs, late: &Late) -> (Store, Store) {
    let store = of_segments(fs, 20);
    let reader = late.options().open(dir()).unwrap();
    assert!(reader.stats().unwrap().segments_unchecked > 0);
    redact_all(&store);
    late.let_go();
    (store, reader)
}

#[test]
fn a_verification_goes_by_the_store_that_is_there_now() {
    let fs = MemFs::new();
    let late = Late::over(&fs);
    let (store, reader) = replaced(&fs, &late);
    // Events of what was replaced cannot be read, and nothing else is shown for them.
    let first = reader.snapshot().query(strandline::Region::all()).next();
    let refused = first.unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LogBehindCheckpoint, "{refused}");
    for _ in 0..2 {
        let report = reader.verify().unwrap();
        assert!(report.is_intact(), "{:?}", report.problems);
        assert_eq!(report.redacted, store.snapshot().len());
    }
    let mut goes_on = |_| ControlFlow::Continue(());
    let mut kept = Kept::default();
    kept.head = Some(store.verify().unwrap().log_hash);
    let verified = verify(&reader, &kept, &mut goes_on).unwrap();
    assert!(verified.is_intact(), "{verified:?}");
    let told = removals(&reader, &mut goes_on).unwrap();
    assert_eq!(told, removals(&store, &mut goes_on).unwrap());
    assert_eq!(told.len(), 1);
    // It stays as it is until it is opened again.
    let again = late.options().open(dir()).unwrap();
    assert_eq!(contents(&again.snapshot()), contents(&store.snapshot()));
}

#[test]
fn a_verification_takes_another_store_for_no_later_state_of_this_one() {
    let fs = MemFs::new();
    let late = Late::over(&fs);
    let (store, reader) = replaced(&fs, &late);
    drop(store);
    fs.rename(&dir(), Path::new("/aside")).unwrap();
    of_segments(&fs, 20).close().unwrap();
    let refused = reader.verify().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LogBehindCheckpoint, "{refused}");
}

#[test]
fn who_asks_for_it_reads_all_as_it_was_at_the_opening() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    let late = Late::over(&fs);
    let reader = late.options().keep_segments().open(dir()).unwrap();
    assert_eq!(reader.stats().unwrap().segments_unchecked, 0);
    let before = contents(&store.snapshot());
    redact_all(&store);
    assert_eq!(contents(&reader.snapshot()), before);
    assert!(reader.verify().unwrap().is_intact());
    assert_ne!(contents(&store.snapshot()), before);
    late.let_go();
}

#[test]
fn an_opening_of_all_begins_anew_where_a_segment_is_replaced_meanwhile() {
    let fs = MemFs::new();
    let store = Arc::new(of_segments(&fs, 20));
    let late = Late::over(&fs);
    let writer = store.clone();
    *late.before_first.lock().unwrap() = Some(Box::new(move || redact_all(&writer)));
    let reader = late.options().keep_segments().open(dir()).unwrap();
    assert!(late.before_first.lock().unwrap().is_none());
    assert_eq!(contents(&reader.snapshot()), contents(&store.snapshot()));
    late.let_go();
}
