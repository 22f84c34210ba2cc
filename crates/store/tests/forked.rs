//! A process that forks while it has a store open: the child writes nothing, and is told so.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use strandline::fs::{Fs, OpenMode, OsFs};
use strandline::maintenance::{Progress, Redaction, Retention, compact, redact, verify};
use strandline::{
    AppendOptions, Batch, Coordinate, Cursor, Durability, Error, ErrorKind, Event, EventKind,
    Passed, Region, Sequence, Start, Store, StoreOptions, Subscription, Ticket,
};

const DIR: &str = "STRANDLINE_FORK_DIR";
/// How long a child may take, in seconds, before it counts as hanging.
const SECONDS_MAX: u32 = 30;

/// A fork of this process.
struct Child(libc::pid_t);

/// Runs `run` in a fork of this process.
#[expect(unsafe_code, reason = "the standard library has no fork")]
fn fork(run: impl FnOnce()) -> Child {
    // SAFETY: the child has this thread alone and copies of what others have locked, which is what is
    // tested: it calls the store and ends. The memory allocator of the C library is made for it.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: it sets a timer, whose signal ends the process.
        unsafe { libc::alarm(SECONDS_MAX) };
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        // SAFETY: it ends the process, and runs nothing of the parent's.
        unsafe { libc::_exit(i32::from(ran.is_err())) };
    }
    Child(child)
}

impl Child {
    /// Whether it came to its end.
    #[expect(
        unsafe_code,
        reason = "the standard library waits for children of its own alone"
    )]
    fn ended(self) -> bool {
        let mut status = -1;
        // SAFETY: the child is this process's, and the status is written to a variable of this thread.
        let waited = unsafe { libc::waitpid(self.0, &raw mut status, 0) };
        assert_eq!(waited, self.0);
        status == 0
    }
}

fn at() -> Coordinate {
    Coordinate::new("entity:1", "s").unwrap()
}

fn event() -> Event {
    Event::bytes(EventKind::new(1, 1), vec![b'x'; 500])
}

fn options() -> StoreOptions {
    StoreOptions::new().segment_bytes_max(64 << 10)
}

fn refused<T: std::fmt::Debug>(what: &str, outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockLost, "{what}: {error}");
    assert!(error.to_string().contains("fork"), "{what}: {error}");
}

/// Everything that writes, or that waits for who writes.
fn try_everything(store: &Store) {
    let goes_on = &mut |_: Progress| ControlFlow::Continue(());
    let written = AppendOptions::new().durability(Durability::Written);
    refused("append", store.append(&at(), event()));
    refused("written", store.append_with(&at(), event(), written));
    let batch = || Batch::new().push(&at(), event()).push(&at(), event());
    refused("batch", store.append_batch(batch()));
    refused("slice", store.append_slice(&[(at(), event())], written));
    refused("writable", store.check_writable());
    refused("newest time", store.newest_time());
    refused("submit", store.submit(&at(), event()));
    refused("try submit", store.try_submit(&at(), event()));
    refused("submit batch", store.submit_batch(batch()));
    let mut context = Context::from_waker(Waker::noop());
    match pin!(store.submit_async(&at(), event())).poll(&mut context) {
        Poll::Ready(outcome) => refused("submit async", outcome),
        Poll::Pending => panic!("nobody would wake it"),
    }
    refused("sync", store.sync());
    refused(
        "wait",
        store.wait_durable_through(strandline::Sequence::ZERO),
    );
    refused_waits(store);
    refused("observe", store.observe(strandline::Hlc::default()));
    refused("checkpoint", store.checkpoint());
    let rules = Retention::new().keep_newest(1);
    refused("compact", compact(store, &rules, goes_on));
    let redaction = Redaction::new().entity("entity:1");
    refused("redact", redact(store, &redaction, goes_on));
    refused("verify", store.verify());
    refused("verify", verify(store, &Default::default(), goes_on));
}

/// Waits for events, those that are there included: whoever would wake is not in this process.
fn refused_waits(store: &Store) {
    for sequence in [0, u64::MAX].map(Sequence::new) {
        for timeout in [Duration::ZERO, Duration::MAX] {
            refused("wait visible", store.wait_visible_past(sequence, timeout));
            refused("wait durable", store.wait_durable_past(sequence, timeout));
        }
        refused_at_once(&mut store.visible_past(sequence));
        refused_at_once(&mut store.durable_past(sequence));
    }
}

/// Follows nothing, not even events that are there.
fn refused_follows(store: &Store, cursor: &mut Cursor) {
    refused("follow", store.follow(Region::all(), Start::Beginning));
    refused("try next", cursor.try_next());
    refused("try batch", cursor.try_batch(1));
    refused("next", cursor.next());
    refused(
        "subscribe",
        store.subscribe(Region::all(), Start::Beginning, 1),
    );
}

/// Receives nothing, not even what was pushed before.
fn refused_pushes(subscription: &Subscription) {
    refused("try recv", subscription.try_recv());
    refused("recv", subscription.recv());
    refused("recv timeout", subscription.recv_timeout(Duration::MAX));
}

fn refused_at_once(wait: &mut Passed) {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(wait).poll(&mut context) {
        Poll::Ready(outcome) => refused("a wait of a task", outcome),
        Poll::Pending => panic!("nobody would wake it"),
    }
}

fn len(dir: &Path) -> u64 {
    options().read_only().open(dir).unwrap().snapshot().len()
}

/// Runs in a process of its own.
#[test]
#[ignore = "runs in a process of its own, which forks"]
fn fork_beside_appends() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let store = options().open(dir).unwrap();
    store.submit(&at(), event()).unwrap().wait().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let written = AppendOptions::new().durability(Durability::Written);
        for durability in [written, AppendOptions::new()] {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    store.append_with(&at(), event(), durability).unwrap();
                }
            });
        }
        // Whatever moment of an append it is, and whoever has which lock.
        let all_ended = (0..30).all(|_| {
            let ticket = store.submit(&at(), event()).unwrap();
            let mut polled = pin!(store.submit(&at(), event()).unwrap());
            let mut context = Context::from_waker(Waker::noop());
            let _ = polled.as_mut().poll(&mut context);
            let mut waits = [0, u64::MAX].map(|far| store.visible_past(Sequence::new(far)));
            let _ = pin!(&mut waits[1]).poll(&mut context);
            // The hub is at work for it.
            let mut pushes = Some(store.subscribe(Region::all(), Start::Beginning, 4).unwrap());
            let child = fork(|| {
                try_everything(&store);
                refused_pushes(pushes.as_ref().unwrap());
                drop(pushes.take());
                waits.iter_mut().for_each(refused_at_once);
                drop(waits);
                let told = Ticket::wait(ticket).unwrap_err();
                assert_eq!(told.kind(), ErrorKind::Unknown, "{told}");
                let locked = options().open(dir).unwrap_err();
                assert_eq!(locked.kind(), ErrorKind::Locked, "{locked}");
            });
            child.ended()
        });
        stop.store(true, Ordering::Relaxed);
        assert!(all_ended);
    });
    // What was submitted and not waited for becomes visible, too.
    store.sync().unwrap();
    let events = store.snapshot().len();
    store.append(&at(), event()).unwrap();
    assert!(store.verify().unwrap().is_intact());
    store.close().unwrap();
    assert_eq!(len(dir), events + 1);
}

/// Runs in a process of its own.
#[test]
#[ignore = "runs in a process of its own, which forks"]
fn fork_and_let_go() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    for closes in [true, false] {
        let store = options().open(dir).unwrap();
        store.append(&at(), event()).unwrap();
        let events = store.snapshot().len();
        let mut store = Some(store);
        let child = fork(|| {
            let store = store.take().unwrap();
            if closes {
                refused("close", store.close());
            } else {
                drop(store);
            }
            let locked = options().open(dir).unwrap_err();
            assert_eq!(locked.kind(), ErrorKind::Locked, "{locked}");
            assert_eq!(len(dir), events, "to read it is open to anybody");
            // Another store may be opened, and used as any.
            let own = options().open(dir.join("own")).unwrap();
            own.append(&at(), event()).unwrap();
            own.close().unwrap();
        });
        assert!(child.ended());
        let store = store.unwrap();
        store.append(&at(), event()).unwrap();
        store.close().unwrap();
        assert_eq!(len(dir), events + 1);
    }
}

/// Runs in a process of its own.
#[test]
#[ignore = "runs in a process of its own, which forks"]
fn fork_and_go_first() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let store = options().open(dir).unwrap();
    store.append(&at(), event()).unwrap();
    let done = dir.join("done");
    let child = fork(|| {
        while !done.exists() {
            std::thread::yield_now();
        }
        try_everything(&store);
    });
    drop(store);
    // The child still has LOCK open, and the segment.
    let store = options().open(dir).unwrap();
    store.append(&at(), event()).unwrap();
    OsFs.open(&done, OpenMode::Create).unwrap();
    assert!(child.ended());
    store.append(&at(), event()).unwrap();
    store.close().unwrap();
    assert_eq!(len(dir), 3);
}

/// Runs in a process of its own.
#[test]
#[ignore = "runs in a process of its own, which forks"]
fn fork_beside_a_reader() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let store = options().open(dir).unwrap();
    let mut reader = Some(options().read_only().open(dir).unwrap());
    let mut wait = Some(reader.as_ref().unwrap().visible_past(Sequence::ZERO));
    let mut context = Context::from_waker(Waker::noop());
    // A thread looks for events from now on, in this process.
    let polled = pin!(wait.as_mut().unwrap()).poll(&mut context);
    assert!(polled.is_pending());
    let follow = |store: &Store| store.follow(Region::all(), Start::Beginning).unwrap();
    let mut cursors = [follow(&store), follow(reader.as_ref().unwrap())];
    let child = fork(|| {
        let (reader, mut wait) = (reader.take().unwrap(), wait.take().unwrap());
        for (store, cursor) in [&store, &reader].into_iter().zip(&mut cursors) {
            refused_follows(store, cursor);
        }
        refused_waits(&reader);
        refused_at_once(&mut wait);
        drop(reader);
        drop(wait);
    });
    assert!(child.ended());
    store.append(&at(), event()).unwrap();
    let reader = reader.unwrap();
    assert!(
        reader
            .wait_visible_past(Sequence::ZERO, Duration::MAX)
            .unwrap()
    );
    let polled = pin!(wait.as_mut().unwrap()).poll(&mut context);
    assert!(polled.is_ready());
    for cursor in &mut cursors {
        assert_eq!(cursor.next().unwrap().sequence, Sequence::ZERO);
    }
    reader.close().unwrap();
    store.close().unwrap();
}

fn run_alone(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}\n{errors}");
    assert!(told.contains("1 passed"), "{told}");
}

/// A fork has the lock's file open and appended beside its parent, with the same sequences; it hung where a
/// thread that it does not have was to do something.
#[test]
fn a_fork_writes_nothing_and_hangs_nowhere() {
    run_alone("fork_beside_appends");
}

/// A fork that let its handle go released its parent's lock, and panicked.
#[test]
fn a_fork_that_lets_go_leaves_its_parents_store_alone() {
    run_alone("fork_and_let_go");
}

/// Parent and fork were both let in, one after the other, and appended with the same sequences.
#[test]
fn a_fork_that_outlives_its_parents_store_keeps_nobody_out_and_writes_nothing() {
    run_alone("fork_and_go_first");
}

/// In a fork nobody looks for events of another process, and nobody wakes who waits for them.
#[test]
fn a_fork_of_a_reader_waits_for_nothing() {
    run_alone("fork_beside_a_reader");
}
