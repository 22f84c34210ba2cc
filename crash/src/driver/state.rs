//! `Driver`: a store on a simulated disk, what was submitted to it and what it must not lose.

use super::held::Held;
use crate::disk::{Marks, ProbeFs, Run, Setup};
use crate::expect::Expected;
use crate::verdict::Violation;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use strandline::fs::{Operation, SimDisk, SimFault, SimFaultKind, SimFs};
use strandline::{Error, ErrorKind, ManualClock, Store, StoreOptions};

pub(super) const DIR: &str = "/store";

/// How often an opening or reading is tried while operations fail.
pub(super) const TRIES: u32 = 20;

/// A store on a simulated disk, and what it must not lose.
#[derive(Debug)]
pub struct Driver {
    /// The disk, as the living process has it.
    pub fs: SimFs,
    pub(super) setup: Setup,
    start: SimDisk,
    pub(super) store: Option<Arc<Store>>,
    marks: Arc<Mutex<Marks>>,
    clock: Arc<ManualClock>,
    pub(super) numbers: u32,
    pub(super) commits: u32,
    pub(super) openings: u64,
    /// Whether something may be missing at the next opening: the power was cut, or a call failed.
    pub(super) may_lack: bool,
    /// Who holds what the store showed.
    pub(super) held: Vec<Held>,
}

pub(super) type Outcome = Result<(), Violation>;

impl Driver {
    /// A driver on a disk that should hold `expected`, with no store open.
    #[must_use]
    pub fn new(disk: SimDisk, expected: Expected, setup: Setup) -> Self {
        let last = expected.events.last().copied();
        let marks = Marks {
            list: vec![(0, expected.clone())],
            now: expected,
            watched: None,
        };
        Self {
            fs: SimFs::new(disk.clone()),
            setup,
            start: disk,
            store: None,
            marks: Arc::new(Mutex::new(marks)),
            clock: Arc::new(ManualClock::new(1_700_000_000_000)),
            numbers: last.map_or(0, |last| last.number + 1),
            commits: last.map_or(0, |last| last.commit + 1),
            openings: 0,
            may_lack: true,
            held: Vec::new(),
        }
    }

    /// What was done until now is no part of what [`finish`](Self::finish) gives.
    pub(crate) fn begin_here(&mut self) {
        self.start = self.fs.disk();
        drop(self.fs.take_steps());
        let mut marks = self.marks();
        marks.list = vec![(0, marks.now.clone())];
    }

    /// What was done, from the start.
    #[must_use]
    pub fn finish(mut self) -> Run {
        self.abandon();
        Run {
            start: self.start.clone(),
            steps: self.fs.take_steps(),
            marks: std::mem::take(&mut self.marks().list),
            setup: self.setup,
        }
    }

    pub(super) fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn expect(&self, change: impl FnOnce(&mut Expected)) {
        let steps = self.fs.steps_count();
        self.marks().set(steps, change);
    }

    /// What is expected now.
    #[must_use]
    pub fn expected(&self) -> Expected {
        self.marks().now.clone()
    }

    /// The disk as the store sees it.
    pub(super) fn probe(&self) -> ProbeFs {
        ProbeFs {
            inner: self.fs.clone(),
            marks: self.marks.clone(),
            defect: self.setup.defect,
        }
    }

    pub(super) fn options(&mut self) -> StoreOptions {
        self.openings += 1;
        let options = match self.setup.segment_events {
            Some(events) => StoreOptions::new().segment_events_max(events),
            None => StoreOptions::new(),
        };
        options
            .fs(Arc::new(self.probe()))
            .clock(self.clock.clone())
            .random_seed(self.setup.seed.wrapping_add(self.openings))
            .segment_bytes_max(64 << 10)
            .payload_bytes_max(40 << 10)
            .no_background_sync()
            .background_inline()
    }

    /// The open store.
    pub(crate) fn store(&self) -> Result<Arc<Store>, Violation> {
        self.store
            .clone()
            .ok_or_else(|| Violation::new("the workload has no store open"))
    }

    /// Has the next syncs fail, so many of them, each after some of the data arrived.
    pub fn fail_syncs(&self, times: u64) {
        self.fs.fail(SimFault {
            operation: Some(Operation::Sync),
            after: 0,
            times,
            kind: SimFaultKind::SyncLoses,
        });
    }

    /// How it is run.
    pub(crate) const fn setup(&self) -> Setup {
        self.setup
    }

    /// Drops the store without closing it.
    pub fn leave(&mut self) {
        self.marks().watched = None;
        self.store = None;
    }

    /// Kills the process, and nobody comes after it.
    pub(super) fn abandon(&mut self) {
        self.die();
        self.leave();
    }

    /// What the process held goes with it.
    pub(super) fn die(&mut self) {
        self.fs = self.fs.next_process();
        self.held.retain(|held| held.is_beside);
    }

    /// Whether a call may fail so because of a fault that was set.
    pub(super) fn may_refuse(&self, error: &Error) -> bool {
        self.setup.failing && matches!(error.kind(), ErrorKind::Io | ErrorKind::NotWritten)
    }
}
