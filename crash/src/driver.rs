//! `Driver`: a store on a simulated disk, what was submitted to it and what it must not lose.

mod beside;
mod copies;
mod ends;
mod rebuilding;
mod taking;

use crate::loud::expect_loud;
use crate::probe::ProbeFs;
use crate::run::Marks;
use crate::{Defect, EventSpec, Expected, Run, Setup, Shape, Violation};
use ends::Held;

pub use copies::{How, Target};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use strandline::fs::{Operation, SimDisk, SimFault, SimFaultKind, SimFs};
use strandline::{
    AppendOptions, Batch, Durability, Error, ErrorKind, ManualClock, Problem, ProblemKind, Store,
    StoreOptions,
};

pub(crate) const DIR: &str = "/store";

/// How often an opening or reading is tried while operations fail.
const TRIES: u32 = 20;

/// A store on a simulated disk, and what it must not lose.
#[derive(Debug)]
pub struct Driver {
    /// The disk, as the living process has it.
    pub fs: SimFs,
    setup: Setup,
    start: SimDisk,
    store: Option<Arc<Store>>,
    marks: Arc<Mutex<Marks>>,
    clock: Arc<ManualClock>,
    numbers: u32,
    commits: u32,
    openings: u64,
    /// Whether something may be missing at the next opening: the power was cut, or a call failed.
    may_lack: bool,
    /// Who holds what the store showed.
    held: Vec<Held>,
}

type Outcome = Result<(), Violation>;

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

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect(&self, change: impl FnOnce(&mut Expected)) {
        let steps = self.fs.steps_count();
        self.marks().set(steps, change);
    }

    /// What is expected now.
    #[must_use]
    pub fn expected(&self) -> Expected {
        self.marks().now.clone()
    }

    /// The disk as the store sees it.
    fn probe(&self) -> ProbeFs {
        ProbeFs {
            inner: self.fs.clone(),
            marks: self.marks.clone(),
            defect: self.setup.defect,
        }
    }

    fn options(&mut self) -> StoreOptions {
        self.openings += 1;
        StoreOptions::new()
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

    /// Opens the store, checks what it holds, and takes that for what it must hold from now on.
    ///
    /// # Errors
    ///
    /// If it does not open, or holds what it may not.
    pub fn open(&mut self) -> Outcome {
        let before = self.fs.disk();
        let mut tries = 0;
        let store = loop {
            match self.options().open(DIR) {
                Ok(store) => break store,
                Err(error) if self.may_refuse(&error) && tries < TRIES => {
                    tries += 1;
                    if tries == TRIES / 2 {
                        // Where the tail is torn, a disk that stays full has no room to keep it.
                        self.fs.limit_growth(None);
                    }
                }
                Err(error) if self.setup.lying && crate::is_typed(&error) => {
                    return Ok(());
                }
                Err(error) => return Err(Violation::new(format!("it does not open: {error:?}"))),
            }
            self.die();
            // Its sync may have failed, and then what was only written is gone.
            self.may_lack = true;
        };
        let expected = self.expected();
        let mut checked = expected.check(&store);
        // A read that fails once is no loss.
        while self.setup.failing
            && matches!(&checked, Err(found) if found.lost == 0)
            && tries < TRIES
        {
            tries += 1;
            checked = expected.check(&store);
        }
        let found = match checked {
            // Damage that is noticed when it is read is all that can be asked where syncs lie.
            Err(violation) if violation.lost == 0 && self.setup.lying => {
                return if store.verify().is_ok_and(|report| report.is_intact()) {
                    Err(violation)
                } else {
                    Ok(())
                };
            }
            Err(violation) if violation.lost > 0 && self.setup.lying => {
                let now = store.snapshot().visible().get() as usize;
                let expected = Expected {
                    required: 0,
                    ..expected.clone()
                };
                expected.check(&store)?.min(now)
            }
            found => found?,
        };
        if found < expected.events.len() && !self.may_lack {
            let missing = expected.events.len() - found;
            return Err(Violation::new(format!(
                "{missing} events are missing though the power was not cut"
            )));
        }
        if found < self.held_events() {
            let held = self.held_events();
            let message = format!("{found} events are there, and a reader holds {held}");
            return Err(Violation::new(message));
        }
        self.check_held()?;
        let mut fresh = Vec::new();
        if tries == 0 && !self.setup.lying {
            let (after, report) = (self.fs.disk(), store.open_report());
            let (before, after) = (before.files(), after.files());
            let (before, after) = (before.into_iter().collect(), after.into_iter().collect());
            fresh = expect_loud(&before, &after, report, &expected.quarantined)?;
        }
        self.may_lack = false;
        let taken = self.taken_by_now(&expected, &store)?;
        let failing = self.setup.failing;
        self.expect(|now| {
            Arc::make_mut(&mut now.events).truncate(found);
            now.required = found;
            now.taken = taken;
            now.being_taken = None;
            // After a failed sync the cache may have shown what the medium never had.
            if !fresh.is_empty() && !failing {
                Arc::make_mut(&mut now.quarantined).extend(fresh);
            }
        });
        let store = Arc::new(store);
        if self.setup.synced_only {
            self.marks().watched = Some(store.clone());
        }
        self.store = Some(store);
        Ok(())
    }

    /// Appends one event of that length.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn append(&mut self, bytes: u32, durability: Durability) -> Outcome {
        self.commit(&[(bytes, Shape::Noise)], durability)
    }

    /// Appends events of these lengths and shapes in one commit.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn commit(&mut self, events: &[(u32, Shape)], durability: Durability) -> Outcome {
        if self.store.is_none() && self.setup.lying {
            return Ok(());
        }
        let store = self.store()?;
        let commit = self.commits;
        self.commits += 1;
        let mut specs = Vec::new();
        for (bytes, shape) in events {
            specs.push(EventSpec {
                number: self.numbers,
                commit,
                bytes: *bytes,
                shape: *shape,
            });
            self.numbers += 1;
        }
        let before = self.expected().events.len();
        self.expect(|now| Arc::make_mut(&mut now.events).extend_from_slice(&specs));
        match self.write(&store, &specs, durability) {
            Ok(()) => {
                if durability == Durability::Synced {
                    self.expect(|now| now.required = now.events.len());
                }
                Ok(())
            }
            Err(error) => {
                drop(store);
                self.refused(&error, before)
            }
        }
    }

    fn write(
        &self,
        store: &Store,
        specs: &[EventSpec],
        durability: Durability,
    ) -> Result<(), Error> {
        let defect = self.setup.defect;
        let durability = match defect {
            Some(Defect::AcknowledgedBeforeSync) => Durability::Written,
            _ => durability,
        };
        let options = AppendOptions::new().durability(durability);
        if let [spec] = specs {
            let appended = store.append_with(&spec.coordinate(), spec.event(), options);
            return appended.map(drop);
        }
        let whole = if defect == Some(Defect::SplitBatch) {
            1
        } else {
            specs.len()
        };
        for part in specs.chunks(whole) {
            let mut batch = Batch::new();
            for spec in part {
                batch.add(&spec.coordinate(), spec.event());
            }
            store.append_batch_with(batch, options)?;
        }
        Ok(())
    }

    /// What a refused append means for what is expected.
    fn refused(&mut self, error: &Error, before: usize) -> Outcome {
        let expected = matches!(
            error.kind(),
            ErrorKind::NotWritten | ErrorKind::Unknown | ErrorKind::Poisoned | ErrorKind::Io
        );
        if !self.setup.failing || !expected {
            return Err(Violation::new(format!("an append failed: {error:?}")));
        }
        if error.kind() != ErrorKind::Unknown {
            self.expect(|now| Arc::make_mut(&mut now.events).truncate(before));
        }
        match error.kind() {
            ErrorKind::Unknown | ErrorKind::Poisoned => self.reopen_stopped(),
            _ => Ok(()),
        }
    }

    /// A store that stopped says so on every call.
    fn check_poisoned(&mut self) -> Outcome {
        let store = self.store()?;
        let spec = EventSpec {
            number: u32::MAX,
            commit: u32::MAX,
            bytes: 1,
            shape: Shape::Noise,
        };
        let durable = store.snapshot().visible();
        let answers = [
            self.write(&store, &[spec], Durability::Written),
            self.write(&store, &[spec, spec], Durability::Synced),
            store.sync(),
            store.checkpoint().map(drop),
        ];
        for answer in answers {
            match answer {
                Err(error) if error.kind() == ErrorKind::Poisoned => {}
                answer => {
                    return Err(Violation::new(format!(
                        "after a failure that is final a call gave {answer:?}"
                    )));
                }
            }
        }
        if store.snapshot().visible() != durable {
            return Err(Violation::new("events became visible after the failure"));
        }
        Ok(())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn sync(&mut self) -> Outcome {
        self.make_durable(|store| store.sync())
    }

    /// Saves a checkpoint.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn checkpoint(&mut self) -> Outcome {
        self.make_durable(|store| store.checkpoint().map(drop))
    }

    fn make_durable(&mut self, call: impl FnOnce(&Store) -> Result<(), Error>) -> Outcome {
        if self.store.is_none() && self.setup.lying {
            return Ok(());
        }
        let store = self.store()?;
        let answer = call(&store);
        // It may have to be opened again in this process.
        drop(store);
        match answer {
            Ok(()) => self.expect(|now| now.required = now.events.len()),
            Err(error) if !self.setup.failing => {
                return Err(Violation::new(format!("a call failed: {error:?}")));
            }
            Err(error) => match error.kind() {
                ErrorKind::Unknown | ErrorKind::Poisoned => self.reopen_stopped()?,
                ErrorKind::Io | ErrorKind::NotWritten => {}
                _ => return Err(Violation::new(format!("a call failed: {error:?}"))),
            },
        }
        Ok(())
    }

    /// Closes the store.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn close(&mut self) -> Outcome {
        self.marks().watched = None;
        let Some(store) = self.store.take().and_then(Arc::into_inner) else {
            return Ok(());
        };
        match store.close() {
            Ok(()) => self.expect(|now| now.required = now.events.len()),
            Err(error) if self.setup.failing => {
                self.may_lack = error.kind() != ErrorKind::Io;
            }
            Err(error) => {
                return Err(Violation::new(format!("the close failed: {error:?}")));
            }
        }
        Ok(())
    }

    /// Checks every checksum and chain.
    ///
    /// # Errors
    ///
    /// If something is wrong.
    pub fn verify(&mut self) -> Outcome {
        let Some(store) = &self.store else {
            return Ok(());
        };
        match store.verify() {
            Ok(report) => {
                // A disk that lies may leave a checkpoint or a footer torn, and verification says so.
                let counts =
                    |problem: &&Problem| !self.setup.lying || problem.kind == ProblemKind::Log;
                match report.problems.iter().find(counts) {
                    None => Ok(()),
                    Some(found) => Err(Violation::new(format!("verification finds {found}"))),
                }
            }
            Err(error) if self.setup.failing && error.kind() == ErrorKind::Io => Ok(()),
            Err(error) => Err(Violation::new(format!("verification fails: {error:?}"))),
        }
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
}
