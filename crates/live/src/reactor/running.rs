//! `RunningReactor`: a reactor that runs in this process, and the threads that it has.

use super::failure::Failure;
use super::kept::Kept;
use super::settings::Settings;
use super::worker::{Handler, POLL, Stepped, Worker};
use crate::consumer::{Claimant, Claimed, Consumer, Partition};
use crate::handle::{Live, VERSION};
use crate::progress::{Signal, Slot};
use crate::{Error, ErrorKind};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use strandline::Receipt;
use strandline_core::sync::Mutex;
use strandline_core::sync::atomic::{AtomicU8, Ordering};
use strandline_core::sync::thread::{Builder, JoinHandle};

const RUNNING: u8 = 0;
const DRAINING: u8 = 1;
const STOPPING: u8 = 2;

/// A reactor that runs in this process: what [`start`](super::ReactorBuilder::start) gives. Dropping it stops it.
pub struct RunningReactor {
    live: Live,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
}

struct Shared {
    settings: Arc<Settings>,
    handler: Arc<Handler>,
    mode: AtomicU8,
    /// One for each partition.
    signals: Vec<Arc<Signal>>,
    /// The leases that are held.
    kept: Mutex<Vec<(u32, Arc<Kept>)>>,
    keeper: Signal,
    /// Why partitions stopped; their places on the board stay as long as the reactor is not dropped.
    faults: Mutex<Vec<Fault>>,
}

struct Fault {
    error: Arc<Error>,
    _slot: Option<Slot>,
}

impl RunningReactor {
    pub(super) fn start(
        live: Live,
        consumer: &Consumer,
        settings: Settings,
        handler: Arc<Handler>,
    ) -> Result<Self, Error> {
        let partitions = settings.partitions;
        let shared = Arc::new(Shared {
            settings: Arc::new(settings),
            handler,
            mode: AtomicU8::new(RUNNING),
            signals: (0..partitions).map(|_| Arc::default()).collect(),
            kept: Mutex::new(Vec::new()),
            keeper: Signal::default(),
            faults: Mutex::new(Vec::new()),
        });
        // Dropped where something fails, it stops what was started.
        let mut running = Self {
            live,
            shared,
            threads: Vec::new(),
            keeper: None,
        };
        for (index, signal) in (0..partitions).zip(running.shared.signals.clone()) {
            let partition = consumer.partition(VERSION, index)?;
            let (live, shared) = (running.live.clone(), running.shared.clone());
            // It is known to be at work before anybody asks.
            let begun = live.progress().begin(&shared.settings.name, index);
            let told = partition.told().clone();
            let thread = spawn(format!("reactor-{index}"), move || {
                if let Err(fault) = shared.work(&live, partition, &signal) {
                    match fault.error.kind() {
                        ErrorKind::Fenced => told.fenced(&fault.error),
                        _ => told.failed(&fault.error),
                    }
                    shared.faults.lock().push(fault);
                }
                let mut kept = shared.kept.lock();
                kept.retain(|(other, _)| *other != index);
                drop(kept);
                drop(begun);
            })?;
            running.threads.push(thread);
        }
        let shared = running.shared.clone();
        running.keeper = Some(spawn("reactor-keeper".to_owned(), move || shared.keep())?);
        Ok(running)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// Waits until the reactor has handled an event and all before it, but for those of entities that are parked; false
    /// if it has not after `timeout`. As [`Live::wait_until`], so what counts of a partition that another process holds
    /// is what that has saved.
    ///
    /// # Errors
    ///
    /// As there; `Faulted` at once if a partition has stopped with an error.
    pub fn wait_until(&self, receipt: &Receipt, timeout: Duration) -> Result<bool, Error> {
        let waited = self.live.wait_until(self.name(), receipt, timeout);
        match (waited, self.error()) {
            // Where not even the state could be read, it says nothing of it.
            (Err(error), Some(fault)) if error.kind() == ErrorKind::NotRunning => {
                Err(faulted(&fault))
            }
            (waited, _) => waited,
        }
    }

    /// Why a partition has stopped, if one has.
    #[must_use]
    pub fn error(&self) -> Option<Arc<Error>> {
        self.shared
            .faults
            .lock()
            .first()
            .map(|fault| fault.error.clone())
    }

    /// Takes no more events, finishes what waits for another try or behind one, saves, and gives the partitions back.
    /// What is parked stays so. Returns once that is done, which may take all tries that are left.
    ///
    /// # Errors
    ///
    /// Why a partition has stopped before.
    pub fn drain(mut self) -> Result<(), Error> {
        self.end(DRAINING)
    }

    /// Finishes the events that are being handled, saves, and gives the partitions back. What waits for another try
    /// waits on, and is tried by who goes on.
    ///
    /// # Errors
    ///
    /// Why a partition has stopped before.
    pub fn stop(mut self) -> Result<(), Error> {
        self.end(STOPPING)
    }

    fn end(&mut self, mode: u8) -> Result<(), Error> {
        // Relaxed: the threads act on nothing else that this one did.
        self.shared.mode.fetch_max(mode, Ordering::Relaxed);
        for signal in &self.shared.signals {
            signal.give();
        }
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            let _ = thread.join();
        }
        self.shared.mode.fetch_max(STOPPING, Ordering::Relaxed);
        self.shared.keeper.give();
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
        let mut faults = self.shared.faults.lock();
        match faults.pop() {
            Some(fault) => Err(Arc::into_inner(fault.error).unwrap_or_else(stopped)),
            None => Ok(()),
        }
    }
}

impl Drop for RunningReactor {
    fn drop(&mut self) {
        // Who wants to know how it ended calls `stop`.
        let _ = self.end(STOPPING);
    }
}

impl fmt::Debug for RunningReactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningReactor")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn mode(&self) -> u8 {
        self.mode.load(Ordering::Relaxed)
    }

    /// All that the thread of a partition does.
    fn work(&self, live: &Live, partition: Partition, signal: &Arc<Signal>) -> Result<(), Fault> {
        let index = partition.index();
        let claimant = Claimant::new(partition, self.settings.lease);
        let (lease, state) = loop {
            if self.mode() != RUNNING {
                return Ok(());
            }
            match claimant.try_claim().map_err(Fault::new)? {
                Claimed::Taken(lease, state) => break (lease, *state),
                Claimed::Held(_) => signal.wait(POLL),
            };
        };
        let kept = Arc::new(Kept::new(lease, live.clock(), self.settings.lease));
        self.kept.lock().push((index, kept.clone()));
        let begun = (kept.clone(), index);
        let noted = state.clone();
        let opened = Worker::open(live, &self.settings, &self.handler, begun, state);
        let mut worker = opened.map_err(|error| {
            super::worker::note_refused(&kept, noted, &error, live);
            Fault::new(error)
        })?;
        let ran = catch_unwind(AssertUnwindSafe(|| self.run(&mut worker, signal)));
        let (error, slot) = match ran {
            Ok(Ok(())) => {
                kept.told().stopped();
                return Ok(());
            }
            Ok(Err(error)) => {
                let slot = worker.fault(&error);
                (error, slot)
            }
            Err(caught) => {
                let message = format!("the worker stopped: {}", Failure::panicked(&*caught));
                let error = Error::new(ErrorKind::Faulted, message);
                let slot = worker.panicked(&error);
                (error, slot)
            }
        };
        Err(Fault {
            error: Arc::new(error),
            _slot: Some(slot),
        })
    }

    fn run(&self, worker: &mut Worker, signal: &Arc<Signal>) -> Result<(), Error> {
        loop {
            let mode = self.mode();
            if mode == STOPPING || (mode == DRAINING && !worker.is_busy()) {
                return worker.save();
            }
            let Stepped::Idle(most) = worker.step(mode == RUNNING)? else {
                continue;
            };
            let next = worker.next_event().filter(|_| mode == RUNNING);
            let is_woken = match next {
                Some(next) => signal.wait_past(next, most)?,
                None => signal.wait(most),
            };
            if !is_woken {
                worker.answer()?;
            }
        }
    }

    /// Renews leases while handlers take long. Who was fenced learns of it when he saves.
    fn keep(&self) {
        while self.mode() != STOPPING {
            let kept: Vec<_> = self.kept.lock().clone();
            for (_, kept) in kept {
                let _ = kept.beat();
                // As there; a file that cannot be written tells nobody.
                let _ = kept.note_hanging();
            }
            self.keeper.wait((self.settings.lease / 6).min(POLL));
        }
    }
}

impl Fault {
    fn new(error: Error) -> Self {
        Self {
            error: Arc::new(error),
            _slot: None,
        }
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    let spawned = Builder::new().name(name).spawn(run);
    spawned.map_err(|error| {
        Error::new(ErrorKind::Io, "cannot start a thread of the reactor").with_source(error)
    })
}

fn faulted(error: &Error) -> Error {
    let message = format!("the reactor has stopped with an error: {error}");
    Error::new(ErrorKind::Faulted, message)
}

/// Somebody else has the error too.
fn stopped() -> Error {
    Error::new(ErrorKind::Faulted, "the reactor has stopped with an error")
}
