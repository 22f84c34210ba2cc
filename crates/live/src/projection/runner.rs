//! `Runner`: the threads of a projection, one for each partition.

use super::fold::Fold;
use super::options::{Options, ProjectionProgress};
use super::served::{Mode, Served, rebuilding};
use super::versions::Versions;
use super::worker::Worker;
use crate::consumer::{Claimant, Claimed};
use crate::handle::{Live, held};
use crate::progress::Signal;
use crate::progress::{Lag, Phase, Slot};
use crate::{ConsumerInfo, ConsumerKind, Error, ErrorKind};
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use strandline::{Clock, Sequence};
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::thread::{self, JoinHandle};
use strandline_core::sync::{Condvar, Mutex};

/// Events that are applied before readers get their turn: more of them where that takes no time that a reader would
/// notice, so that what is done once a batch costs little.
const BATCH_MIN: usize = 64;
const BATCH_MAX: usize = 8192;
/// As long as readers wait, about.
const BATCH_TIME: Duration = Duration::from_millis(2);
/// Events after which it is told how far it is.
const TOLD_EVERY: usize = 32_768;
/// What can be done by who may not run a projection since another one does.
const INSTEAD: &str =
    "; what it has saved can be read meanwhile, with `Live::projected` or `projected_entity`";
/// How often it is looked for what people ask.
const POLL: Duration = Duration::from_secs(1);

/// A projection that runs: its threads, and what they make.
pub(super) struct Runner<F: Fold> {
    name: String,
    served: Vec<Served<F::State>>,
    control: Arc<Control>,
    threads: Vec<JoinHandle<Result<(), Error>>>,
}

/// What the threads and whoever has started them know of each other.
struct Control {
    is_stopping: AtomicBool,
    signals: Vec<Arc<Signal>>,
    versions: Versions,
    options: Options,
    reached: Mutex<Vec<Reached>>,
    moved: Condvar,
    /// On the board of the process, once the version is served; until the projection is dropped, so that one that has
    /// stopped with an error says so.
    slots: Mutex<BTreeMap<u32, Slot>>,
}

/// How far a partition is.
#[derive(Debug, Clone)]
struct Reached {
    next: Sequence,
    mode: Mode,
}

impl<F: Fold> Runner<F> {
    /// Takes all partitions and starts a thread for each.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, `OtherConsumer`, `Held`; as [`Worker::open`].
    pub(super) fn start(live: &Live, name: &str, fold: F, options: Options) -> Result<Self, Error> {
        let partitions = options.settings.partitions;
        let info = ConsumerInfo::new(name, ConsumerKind::Projection, partitions)?;
        let consumer = live.consumer_as(&info, F::VERSION)?;
        let versions = Versions::open(consumer.clone(), F::VERSION)?;
        let mode = match versions.is_served() {
            true => Mode::Served,
            false => Mode::Rebuilding,
        };
        let fold = Arc::new(fold);
        let mut workers = Vec::new();
        for index in 0..partitions {
            let partition = consumer.partition(F::VERSION, index)?;
            let claimed = match Claimant::new(partition, options.settings.lease).claim_soon()? {
                Claimed::Held(holder) => return Err(held(name, holder, INSTEAD)),
                Claimed::Taken(lease, state) => {
                    lease.partition().told().claimed(lease.token());
                    (lease, *state)
                }
            };
            let worker = Worker::open(fold.clone(), live, options.settings, claimed, mode.clone());
            workers.push(worker?);
        }
        let reached = workers.iter().map(|worker| Reached {
            next: worker.next(),
            mode: mode.clone(),
        });
        let control = Arc::new(Control {
            is_stopping: AtomicBool::new(false),
            signals: workers.iter().map(|_| Arc::default()).collect(),
            versions,
            options,
            reached: Mutex::new(reached.collect()),
            moved: Condvar::new(),
            slots: Mutex::default(),
        });
        let mut runner = Self {
            name: name.to_owned(),
            served: workers
                .iter()
                .map(|worker| worker.served().clone())
                .collect(),
            control,
            threads: Vec::new(),
        };
        for (worker, signal) in workers.into_iter().zip(runner.control.signals.clone()) {
            let life = Life {
                live: live.clone(),
                name: name.to_owned(),
                control: runner.control.clone(),
                signal,
                clock: live.clock(),
                looked_at: Duration::ZERO,
            };
            let thread = thread::Builder::new().name("strandline-projection".to_owned());
            let thread = thread.spawn(move || life.run(worker)).map_err(|error| {
                Error::new(ErrorKind::Io, "cannot start a thread").with_source(error)
            })?;
            runner.threads.push(thread);
        }
        Ok(runner)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn served(&self) -> &[Served<F::State>] {
        &self.served
    }

    /// Everything before it is in the state.
    pub(super) fn next(&self) -> Sequence {
        let reached = self.control.reached.lock();
        let least = reached.iter().map(|reached| reached.next).min();
        least.unwrap_or_default()
    }

    /// Waits until every partition is past a sequence; false if they are not after `timeout`.
    ///
    /// # Errors
    ///
    /// `Faulted` at once, and `Rebuilding` if that is not to be waited for; `NotRunning`.
    pub(super) fn wait_past(
        &self,
        next: Sequence,
        timeout: Duration,
        waits_for_rebuild: bool,
    ) -> Result<bool, Error> {
        let clock = strandline::SystemClock::default();
        let mut reached = self.control.reached.lock();
        loop {
            let mut is_there = true;
            for partition in reached.iter() {
                match &partition.mode {
                    Mode::Faulted(error) => {
                        let message = format!("the projection has stopped: {error}");
                        return Err(Error::new(ErrorKind::Faulted, message));
                    }
                    Mode::Rebuilding if waits_for_rebuild => is_there = false,
                    Mode::Rebuilding => return Err(rebuilding()),
                    Mode::Served => is_there &= partition.next >= next,
                }
            }
            if is_there {
                return Ok(true);
            }
            let left = timeout.saturating_sub(clock.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            // How long it waited is looked at above.
            let _ = self.control.moved.wait_for(&mut reached, left);
        }
    }

    /// Ends the threads, which save their states; gives the first error by which one has stopped.
    pub(super) fn stop(&mut self) -> Result<(), Error> {
        // Paired with the load of `Life::work`; the signal's lock orders it.
        self.control.is_stopping.store(true, Ordering::Release);
        for signal in &self.control.signals {
            signal.give();
        }
        let mut stopped = Ok(());
        for thread in self.threads.drain(..) {
            let joined = thread.join().unwrap_or_else(|panic| Err(panicked(&*panic)));
            stopped = stopped.and(joined);
        }
        stopped
    }
}

impl<F: Fold> Drop for Runner<F> {
    fn drop(&mut self) {
        // Whoever wants to know calls `stop`.
        let _ = self.stop();
    }
}

impl<F: Fold> fmt::Debug for Runner<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("name", &self.name)
            .field("version", &F::VERSION)
            .field("partitions", &self.served.len())
            .finish_non_exhaustive()
    }
}

/// The life of a thread.
struct Life {
    live: Live,
    name: String,
    control: Arc<Control>,
    signal: Arc<Signal>,
    clock: Arc<dyn Clock>,
    /// When it looked for what people ask.
    looked_at: Duration,
}

impl Life {
    fn run<F: Fold>(mut self, mut worker: Worker<F>) -> Result<(), Error> {
        let work = catch_unwind(AssertUnwindSafe(|| self.work(&mut worker)));
        let ended = work.unwrap_or_else(|panic| Err(panicked(&*panic)));
        match &ended {
            Ok(()) => worker.told().stopped(),
            Err(error) if error.kind() == ErrorKind::Fenced => worker.told().fenced(error),
            Err(error) => worker.told().failed(error),
        }
        if let Err(error) = &ended {
            worker.fault(error);
            self.tell(&worker, Mode::Faulted(error.to_string()));
        }
        ended
    }

    fn work<F: Fold>(&mut self, worker: &mut Worker<F>) -> Result<(), Error> {
        let mut batch = BATCH_MIN;
        let mut untold = 0;
        let mut has_caught_up = false;
        let mut lag = Lag::new(self.clock.elapsed());
        self.look(worker)?;
        match self.control.versions.is_served() {
            true => self.serve(worker),
            false => worker.told().rebuilding(F::VERSION),
        }
        // Paired with the store of `Runner::stop`.
        while !self.control.is_stopping.load(Ordering::Acquire) {
            let began = self.clock.elapsed();
            let count = worker.step(batch)?;
            batch = match self.clock.elapsed().saturating_sub(began) < BATCH_TIME {
                true if count == batch => (batch * 2).min(BATCH_MAX),
                true => batch,
                false => (batch / 2).max(BATCH_MIN),
            };
            self.reach(worker);
            worker.keep()?;
            self.look(worker)?;
            untold += count;
            if count > 0 {
                has_caught_up = false;
                if lag.falls_behind(began) {
                    let next = worker.next().get();
                    let head = self.live.store().snapshot().visible().get();
                    worker.told().fell_behind(next, head.saturating_sub(next));
                }
                if untold >= TOLD_EVERY {
                    untold = 0;
                    self.progress(worker);
                }
                continue;
            }
            if lag.at_end(began) {
                worker.told().caught_up(worker.next().get());
            }
            if !has_caught_up {
                has_caught_up = true;
                self.progress(worker);
            }
            self.caught_up(worker)?;
            let passed = self.live.store().durable_past(worker.next());
            let most = POLL.min(self.control.options.settings.lease / 3);
            self.signal.wait_past(passed, most.min(worker.due_in()))?;
        }
        worker.save_moved()?;
        self.progress(worker);
        Ok(())
    }

    /// Looks now and then for what people ask, and for other versions.
    fn look<F: Fold>(&mut self, worker: &mut Worker<F>) -> Result<(), Error> {
        let now = self.clock.elapsed();
        if !self.looked_at.is_zero() && now.saturating_sub(self.looked_at) < POLL {
            return Ok(());
        }
        self.looked_at = now.max(Duration::from_nanos(1));
        self.control.versions.look()?;
        if worker.answer()? {
            worker.told().rebuilding(F::VERSION);
            self.tell(worker, Mode::Rebuilding);
        }
        Ok(())
    }

    /// Everything that is durable is in the state: it can be served, if it was not.
    fn caught_up<F: Fold>(&self, worker: &mut Worker<F>) -> Result<(), Error> {
        if worker.is_served() {
            return Ok(());
        }
        let versions = &self.control.versions;
        if !versions.is_served() {
            worker.save_moved()?;
            if !versions.caught_up(worker.partition(), worker.next(), &self.live)? {
                return Ok(());
            }
            for signal in &self.control.signals {
                signal.give();
            }
            versions.look()?;
        }
        self.serve(worker);
        Ok(())
    }

    fn serve<F: Fold>(&self, worker: &Worker<F>) {
        worker.serve();
        self.tell(worker, Mode::Served);
    }

    /// It runs in another way from now on.
    fn tell<F: Fold>(&self, worker: &Worker<F>, mode: Mode) {
        let phase = match &mode {
            Mode::Served => Phase::Working,
            Mode::Rebuilding => Phase::Rebuilding,
            Mode::Faulted(error) => Phase::Faulted(error.clone()),
        };
        let partition = worker.partition();
        let mut slots = self.control.slots.lock();
        if mode == Mode::Served {
            let enter = || {
                self.live
                    .progress()
                    .enter(&self.name, partition, worker.next())
            };
            slots.entry(partition).or_insert_with(enter);
        }
        if let Some(slot) = slots.get(&partition) {
            slot.phase(phase);
        }
        drop(slots);
        self.change(worker, |reached| reached.mode = mode);
        self.reach(worker);
    }

    /// It has come further.
    fn reach<F: Fold>(&self, worker: &Worker<F>) {
        let next = worker.next();
        if let Some(slot) = self.control.slots.lock().get(&worker.partition()) {
            slot.did(next, worker.done(), self.clock.now_ms());
        }
        self.change(worker, |reached| reached.next = next);
    }

    fn change<F: Fold>(&self, worker: &Worker<F>, change: impl FnOnce(&mut Reached)) {
        let index = usize::try_from(worker.partition()).unwrap_or(usize::MAX);
        if let Some(reached) = self.control.reached.lock().get_mut(index) {
            change(reached);
        }
        self.control.moved.notify_all();
    }

    fn progress<F: Fold>(&self, worker: &Worker<F>) {
        if let Some(tell) = &self.control.options.on_progress {
            tell(&ProjectionProgress {
                partition: worker.partition(),
                sequence: worker.next(),
                head: self.live.store().snapshot().visible(),
                is_rebuilding: !self.control.versions.is_served(),
            });
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = format!("the projection panicked: {}", text.unwrap_or("no message"));
    Error::new(ErrorKind::Faulted, message)
}
