//! A process that writes and ships a store on a simulated disk: begun, taken over to, killed.

use super::ledger::World;
use super::line::Line;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use strandline::{
    AppendOptions, Coordinate, Durability, ErrorKind, Event, EventKind, Store, StoreOptions,
};
use strandline_core::fs::{Draws, Fill, Fs, Keep, Loss, SimDisk, SimFs};
use strandline_replicate::{
    Bucket, BucketOptions, FollowError, ReplicateError, ReplicateOptions, Replicator,
    TakeOverError, TakeOverOptions, TakenOver, take_over,
};
use strandline_segment::LogError;

/// Longer than anything takes; nothing is waited for as long that comes.
pub(crate) const LONG: Duration = Duration::from_secs(300);
/// The directory of every process, on a disk of its own.
pub(crate) const DIR: &str = "/store";
pub(crate) const KIND: EventKind = EventKind::new(0x1, 0x001);
const THREADS: u64 = 2;
const ENTITIES: u64 = 5;

/// A disk with its number.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    pub(crate) number: u64,
    pub(crate) fs: SimFs,
}

impl Disk {
    pub(crate) fn new(world: &World) -> Self {
        Self {
            number: world.disk(),
            fs: SimFs::new(SimDisk::new()),
        }
    }

    pub(crate) fn shared(&self) -> Arc<dyn Fs> {
        Arc::new(self.fs.clone())
    }

    /// The disk after the power was cut.
    pub(crate) fn cut(&self, draws: &mut Draws) -> Self {
        let loss = Loss {
            keep: [Keep::None, Keep::Any, Keep::All, Keep::Prefix][draws.below(4) as usize],
            fill: [Fill::Old, Fill::Random, Fill::Zeros][draws.below(3) as usize],
            seed: draws.number(),
        };
        Self {
            number: self.number,
            fs: self.fs.power_cut(loss),
        }
    }
}

pub(crate) fn options(disk: &Disk) -> StoreOptions {
    StoreOptions::new().segment_events_max(12).fs(disk.shared())
}

pub(crate) fn bucket(line: &Line) -> Bucket {
    let options = BucketOptions::new()
        .timeout(Duration::from_millis(150))
        .backoff(Duration::from_millis(1), Duration::from_millis(4))
        .tries_max(3)
        .threads(1);
    Bucket::new(Arc::new(line.clone()), "", options).unwrap()
}

pub(crate) fn replicate(world: &World, disk: &Disk) -> ReplicateOptions {
    let mut draws = Draws::of(world.seed, &[2, disk.number]);
    ReplicateOptions::new()
        .linger(Duration::from_millis(draws.below(3)))
        .interval(Duration::from_millis(5))
        .chunk_bytes_max([256, 1 << 20][draws.below(2) as usize])
        .chunks_in_flight_max(1 + draws.below(6) as usize)
        .chunks_per_state(1 + draws.below(8))
        .grace(Duration::from_millis(
            [0, 0, 20, 3_600_000][draws.below(4) as usize],
        ))
        .backoff(Duration::from_millis(1), Duration::from_millis(10))
        .host(format!("disk-{}", disk.number))
}

/// A process that writes.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) disk: Disk,
    pub(crate) line: Line,
    pub(crate) store: Arc<Store>,
    replicator: Option<Replicator>,
    appending: Vec<JoinHandle<()>>,
    is_over: Arc<AtomicBool>,
}

/// Why there is no process.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another one has the bucket.
    Fenced,
    /// An earlier try has opened the store, which is to be started.
    Opened,
    /// It was killed.
    Killed,
    /// It passes.
    Passing,
}

impl Process {
    /// Opens a store and ships it; appends are made once its term has begun.
    pub(crate) fn start(world: &Arc<World>, disk: Disk) -> Result<Self, Refused> {
        let line = world.line(disk.number);
        Self::start_on(world, disk, line)
    }

    /// As [`start`](Self::start), with this way to the bucket.
    pub(crate) fn start_on(world: &Arc<World>, disk: Disk, line: Line) -> Result<Self, Refused> {
        world.tell(format!("{:?} starts", line.who));
        let store = match options(&disk).open(DIR) {
            Ok(store) => store,
            Err(error) => world.fail(format!("{:?} cannot open its store: {error:?}", line.who)),
        };
        let options = replicate(world, &disk);
        let replicator = Replicator::start(&store, bucket(&line), options).unwrap();
        if !replicator.wait_begun(LONG) {
            let error = match replicator.wait_ended(Duration::ZERO) {
                Ok(error) => error,
                Err(replicator) => world.fail(format!(
                    "{:?} does not begin: {:?}",
                    line.who,
                    replicator.status()
                )),
            };
            world.tell(format!("{:?} does not begin: {error}", line.who));
            judge(world, &line, &error);
            return Err(Refused::Fenced);
        }
        Ok(Self::at_work(world, disk, line, store, replicator))
    }

    /// Takes the bucket over, in one try.
    pub(crate) fn take_over(world: &Arc<World>, disk: &Disk, line: &Line) -> Result<Self, Refused> {
        let options = TakeOverOptions::new()
            .store(options(disk))
            .replicate(replicate(world, disk))
            .fs(disk.shared())
            .begin_timeout(LONG);
        world.tell(format!("{:?} takes over", line.who));
        match take_over(&bucket(line), Path::new(DIR), options) {
            Ok(TakenOver {
                store,
                replicator,
                term,
                end,
                ..
            }) => {
                world.tell(format!("{:?} has term {} from {end}", line.who, term.get()));
                let taken = Self::at_work(world, disk.clone(), line.clone(), store, replicator);
                world.assert_has_all(&taken.store, &format!("{:?}", line.who));
                Ok(taken)
            }
            Err(error) => Err(refused(world, line, error)),
        }
    }

    fn at_work(
        world: &Arc<World>,
        disk: Disk,
        line: Line,
        store: Store,
        replicator: Replicator,
    ) -> Self {
        let store = Arc::new(store);
        let is_over = Arc::new(AtomicBool::new(false));
        let appending = (0..THREADS).map(|thread| {
            let (world, store) = (Arc::clone(world), Arc::clone(&store));
            let (line, is_over) = (line.clone(), Arc::clone(&is_over));
            std::thread::spawn(move || append(&world, &store, &line, thread, &is_over))
        });
        Self {
            appending: appending.collect(),
            disk,
            line,
            store,
            replicator: Some(replicator),
            is_over,
        }
    }

    /// Whether nothing is appended any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.appending.iter().all(JoinHandle::is_finished)
    }

    /// Kills the process and cuts the power: what is left is its disk.
    pub(crate) fn kill(&mut self, world: &World, draws: &mut Draws) -> Disk {
        world.tell(format!("{:?} is killed", self.line.who));
        world.sea.count("a writer is killed");
        // In this order: what is durable after the cut may have been shipped, and not the other way round.
        self.line.kill();
        let disk = self.disk.cut(draws);
        self.is_over.store(true, Ordering::SeqCst);
        drop(self.replicator.take());
        self.join(world);
        disk
    }

    /// Waits until it has learnt that another has the bucket.
    pub(crate) fn wait_fenced(mut self, world: &World) {
        let waited = self.replicator.take().map(|it| it.wait_ended(LONG));
        match waited {
            Some(Ok(error)) => judge(world, &self.line, &error),
            Some(Err(replicator)) => world.fail(format!(
                "{:?} is not fenced: {:?}",
                self.line.who,
                replicator.status()
            )),
            None => {}
        }
        self.join(world);
    }

    /// Ends appends, and gives what ships.
    pub(crate) fn quiet(&mut self, world: &World) -> Option<Replicator> {
        self.is_over.store(true, Ordering::SeqCst);
        self.join(world);
        self.replicator.take()
    }

    fn join(&mut self, world: &World) {
        for thread in self.appending.drain(..) {
            if thread.join().is_err() {
                world.violation(format!("a thread of {:?} panicked", self.line.who));
            }
        }
    }
}

/// What may keep a process from taking over, or is wrong.
fn refused(world: &World, line: &Line, error: TakeOverError) -> Refused {
    world.tell(format!("{:?} is refused: {error}", line.who));
    if line.is_dead() {
        return Refused::Killed;
    }
    match &error {
        TakeOverError::Replicate(error) if error.is_passing() => {}
        TakeOverError::Replicate(error) => {
            judge(world, line, error);
            return Refused::Fenced;
        }
        TakeOverError::Follow(FollowError::Bucket(_)) => {}
        TakeOverError::Follow(error) if error.is_passing() => {}
        TakeOverError::Follow(FollowError::Log(LogError::OtherTarget { .. })) => {
            return Refused::Opened;
        }
        error => world.violation(format!("{:?} is refused: {error:?}", line.who)),
    }
    Refused::Passing
}

/// Whether a shipper may end so: only if somebody else has the bucket.
fn judge(world: &World, line: &Line, error: &ReplicateError) {
    let is_fine = match error {
        ReplicateError::Fenced(record) => {
            let taker = world.sea.taker(record.term.get());
            taker.is_some_and(|taker| taker.disk != line.who.disk)
        }
        ReplicateError::Stopped => true,
        _ => line.is_dead(),
    };
    if !is_fine {
        world.violation(format!("{:?} ended: {error:?}", line.who));
    }
}

/// Appends until the store takes no more, or it is over.
fn append(world: &World, store: &Store, line: &Line, thread: u64, is_over: &AtomicBool) {
    let mut draws = Draws::of(world.seed, &[3, line.who.process, thread]);
    for number in 0_u64.. {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let entity = format!("order:{}", draws.below(ENTITIES));
        let payload = format!("{} {thread} {number}", line.who.process).into_bytes();
        let durability = match draws.below(8) {
            0 => Durability::Synced,
            _ => Durability::Replicated,
        };
        let coordinate = Coordinate::new(&entity, "eu").unwrap();
        let event = Event::bytes(KIND, payload.clone());
        let options = AppendOptions::new().durability(durability);
        let before = world.sea.newest_term();
        match store.append_with(&coordinate, event, options) {
            Ok(receipt) if durability == Durability::Replicated => {
                if !receipt.replicated {
                    world.violation(format!("{:?} gives {receipt:?}", line.who));
                }
                world.acknowledged(line.who, before, &receipt, &entity, payload);
            }
            Ok(_) => {}
            // Of what was under way it cannot be said.
            Err(error) if error.kind() == ErrorKind::Unknown => {}
            Err(_) => return,
        }
    }
}
