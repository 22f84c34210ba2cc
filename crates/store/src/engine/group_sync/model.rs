//! Loom models of the group sync: `xtask loom`.

use super::sync::GroupSync;
use super::target::SyncTarget;
use std::io;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_core::sync::{Mutex, thread};
use strandline_index::SequenceGate;

/// A disk that remembers up to where it was synced.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    written: Arc<AtomicU64>,
    synced: Arc<AtomicU64>,
    fails: Fails,
}

#[derive(Debug, Clone)]
pub(crate) enum Fails {
    Never,
    Always,
    /// The first sync fails, and later ones do not say so, though what it lost stays lost.
    ToldOnce(Arc<AtomicU64>),
}

impl SyncTarget for Disk {
    fn sync(&self) -> io::Result<()> {
        let fails = match &self.fails {
            Fails::Never => false,
            Fails::Always => true,
            Fails::ToldOnce(told) => told.fetch_add(1, Ordering::AcqRel) == 0,
        };
        if fails {
            return Err(io::Error::other("broken"));
        }
        let written = self.written.load(Ordering::Acquire);
        self.synced.fetch_max(written, Ordering::AcqRel);
        Ok(())
    }
}

pub(crate) struct Bench {
    pub(crate) group: Arc<GroupSync<Disk>>,
    pub(crate) gate: Arc<SequenceGate>,
    disk: Disk,
    commit: Mutex<()>,
}

pub(crate) fn bench(fails: Fails) -> Arc<Bench> {
    bench_of(fails, Arc::new(SequenceGate::new()))
}

/// A bench whose events are published by a gate that is there.
pub(crate) fn bench_of(fails: Fails, gate: Arc<SequenceGate>) -> Arc<Bench> {
    let disk = Disk {
        written: Arc::new(AtomicU64::new(0)),
        synced: Arc::new(AtomicU64::new(0)),
        fails,
    };
    Arc::new(Bench {
        group: Arc::new(GroupSync::new(
            Some(disk.clone()),
            Sequence::ZERO,
            gate.clone(),
        )),
        gate,
        disk,
        commit: Mutex::new(()),
    })
}

impl Bench {
    /// A synced append of one event.
    pub(crate) fn append(&self) -> Result<Sequence, super::Poison> {
        let end = self.write();
        self.group.wait(end).map(|()| end)
    }

    /// Writes one event, and does not wait.
    pub(crate) fn write(&self) -> Sequence {
        let _commit = self.commit.lock();
        let first = self.gate.reserve(1).expect("the model is small");
        let end = Sequence::new(first.get() + 1);
        self.wrote(end);
        end
    }

    /// Writes one event that is to be replicated before it is seen, and does not wait.
    pub(crate) fn write_to_replicate(&self) -> Sequence {
        let _commit = self.commit.lock();
        let first = self.gate.reserve(1).expect("the model is small");
        let end = Sequence::new(first.get() + 1);
        self.disk.written.store(end.get(), Ordering::Release);
        self.group.wrote_to_replicate(end);
        end
    }

    /// Notes that everything below `end` is written. Called under a commit lock.
    pub(crate) fn wrote(&self, end: Sequence) {
        self.disk.written.store(end.get(), Ordering::Release);
        self.group.wrote(end);
    }

    pub(crate) fn assert_durable(&self, end: Sequence) {
        assert!(self.disk.synced.load(Ordering::Acquire) >= end.get());
        assert!(self.gate.visible() >= end);
    }
}

pub(crate) fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn a_returned_append_is_durable_and_visible_and_nobody_is_left_waiting() {
    check(|| {
        let bench = bench(Fails::Never);
        let other = bench.clone();
        let thread = thread::spawn(move || {
            let end = other.append().expect("the disk works");
            assert!(other.disk.synced.load(Ordering::Acquire) >= end.get());
            assert!(other.gate.visible() >= end);
        });
        let end = bench.append().expect("the disk works");
        assert!(bench.disk.synced.load(Ordering::Acquire) >= end.get());
        assert!(bench.gate.visible() >= end);
        thread.join().expect("the other appends too");
        assert_eq!(bench.group.durable(), Sequence::new(2));
    });
}

#[test]
fn one_sync_serves_everyone_it_covers() {
    check(|| {
        let bench = bench(Fails::Never);
        let threads = [bench.clone(), bench.clone()].map(|other| {
            thread::spawn(move || {
                let end = other.append().expect("the disk works");
                assert!(other.disk.synced.load(Ordering::Acquire) >= end.get());
            })
        });
        bench.append().expect("the disk works");
        for thread in threads {
            thread.join().expect("nobody is left waiting");
        }
        assert_eq!(bench.group.durable(), Sequence::new(3));
    });
}

#[test]
fn what_is_visible_is_durable() {
    check(|| {
        let bench = bench(Fails::Never);
        let reader = bench.clone();
        let thread = thread::spawn(move || {
            let visible = reader.gate.visible();
            assert!(reader.disk.synced.load(Ordering::Acquire) >= visible.get());
        });
        bench.append().expect("the disk works");
        thread.join().expect("the reader agrees");
    });
}

#[test]
fn a_failed_sync_wakes_everyone_and_shows_nothing() {
    check(|| {
        let bench = bench(Fails::Always);
        let other = bench.clone();
        let thread = thread::spawn(move || assert!(other.append().is_err()));
        assert!(bench.append().is_err());
        thread.join().expect("the other is told too");
        assert_eq!(bench.gate.visible(), Sequence::ZERO);
        assert_eq!(bench.group.durable(), Sequence::ZERO);
    });
}

#[test]
fn a_failure_that_is_told_once_is_not_hidden_by_another_sync() {
    check(|| {
        let bench = bench(Fails::ToldOnce(Arc::new(AtomicU64::new(0))));
        let other = bench.clone();
        let thread = thread::spawn(move || {
            // What undoes a failed write, under the commit lock.
            let _commit = other.commit.lock();
            let _ = other.group.flush();
        });
        let appended = bench.append();
        thread.join().expect("the other ends");
        assert!(
            appended.is_err(),
            "one of the two was told, and both must know"
        );
        assert_eq!(bench.group.durable(), Sequence::ZERO);
    });
}
