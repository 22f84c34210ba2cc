//! `Blocks`: blocks of objects, from memory, from the disk, or fetched: each once, whoever wants it. Knows
//! objects and no files.

use super::block::{BlockKey, object_in, object_name};
use super::disk::{Disk, Taken};
use super::flight::{Flight, Landed};
use super::objects::{NotFetched, ReadObjects};
use super::options::{RemoteOptions, RemoteStats};
use super::pool::Pool;
use super::recent::Recent;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{FileLock, Fs};
use strandline_core::sync::Mutex;

/// Most that one request asks for, in bytes: enough that the latency counts for little, and few enough that
/// several are under way for what is long.
pub(super) const REQUEST_BYTES_MAX: u64 = 1 << 20;

/// The blocks of a bucket's objects.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Pool,
    /// That of the directory. Not of what the threads of the pool share: who closes this may open another at once.
    _lock: Option<Box<dyn FileLock>>,
}

#[derive(Debug)]
pub(super) struct Shared {
    source: Arc<dyn ReadObjects>,
    disk: Option<Disk>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    memory: Recent<BlockKey, Bytes>,
    /// By the names of their files, those that are on the disk.
    on_disk: Recent<String, ()>,
    flights: HashMap<BlockKey, Arc<Flight>>,
    /// Keys of the objects whose blocks are kept.
    objects: HashSet<Arc<str>>,
    /// How much may be on the disk, blocks and what else is there, in bytes.
    disk_bytes_max: u64,
    /// What the names of blocks begin with that are kept on the disk, too.
    object_names: HashSet<String>,
    stats: RemoteStats,
}

/// What comes first once a block is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Those who wait for it: nobody waits for the disk.
    Land,
    /// The disk.
    Store,
}

/// Objects whose blocks are kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// In memory.
    pub(super) objects: HashSet<Arc<str>>,
    /// And on the disk.
    pub(super) on_disk: HashSet<Arc<str>>,
    /// How much of what may be on the disk is for files that are kept whole there, in bytes.
    pub(super) whole_bytes: u64,
}

impl Kept {
    fn object_names(&self) -> HashSet<String> {
        self.on_disk.iter().map(|key| object_name(key)).collect()
    }
}

/// A block that this thread brings, and all who want it wait for. Dropped, it has failed.
struct Own {
    shared: Arc<Shared>,
    key: BlockKey,
    flight: Arc<Flight>,
    is_landed: bool,
}

impl Blocks {
    /// Blocks of these objects, those included that `cache_dir` has of an earlier time and of the same bucket and
    /// log, which `of` names.
    ///
    /// # Errors
    ///
    /// What the file system says of the directory.
    pub(super) fn open(
        source: Arc<dyn ReadObjects>,
        fs: Arc<dyn Fs>,
        (cache_dir, of): (&Path, &str),
        options: &RemoteOptions,
        kept: Kept,
    ) -> io::Result<Self> {
        let taken = match options.disk_bytes_max {
            0 => None,
            _ => Disk::open(fs, cache_dir, of)?,
        };
        let (disk, found, lock) = match taken {
            Some(Taken { disk, found, lock }) => (Some(disk), found, Some(lock)),
            None => (None, Vec::new(), None),
        };
        let mut state = State {
            memory: Recent::new(options.memory_bytes_max),
            on_disk: Recent::new(options.disk_bytes_max.saturating_sub(kept.whole_bytes)),
            disk_bytes_max: options.disk_bytes_max,
            flights: HashMap::new(),
            object_names: kept.object_names(),
            objects: kept.objects,
            stats: RemoteStats {
                is_on_disk: disk.is_some(),
                ..RemoteStats::default()
            },
        };
        let mut gone = Vec::new();
        for (name, bytes) in found {
            match state.keeps_name(&name) {
                true => gone.extend(state.on_disk.insert(name, (), bytes)),
                false => gone.push(name),
            }
        }
        if let Some(disk) = &disk {
            gone.iter().for_each(|name| disk.remove(name));
        }
        let state = Mutex::new(state);
        Ok(Self {
            shared: Arc::new(Shared {
                source,
                disk,
                state,
            }),
            pool: Pool::new(options.requests_max.max(1)),
            _lock: lock,
        })
    }

    /// The bytes of blocks, in their order. What is missing is fetched, as much at once as lies together in an
    /// object, and several requests at once.
    pub(super) fn get(&self, wanted: &[BlockKey]) -> io::Result<Vec<Bytes>> {
        self.bring(wanted, Order::Land)
    }

    /// As [`get`](Self::get), for who does not want the bytes now: what is fetched is on the disk when this returns, if
    /// it is kept there.
    pub(super) fn fetch(&self, wanted: &[BlockKey]) -> io::Result<()> {
        self.bring(wanted, Order::Store).map(drop)
    }

    fn bring(&self, wanted: &[BlockKey], order: Order) -> io::Result<Vec<Bytes>> {
        let mut own = Vec::new();
        let coming: Vec<_> = {
            let mut state = self.shared.state.lock();
            let coming = wanted.iter();
            coming
                .map(|key| state.start(&self.shared, key, &mut own))
                .collect()
        };
        own.retain_mut(|own| !own.land_from_disk());
        let mut runs = runs_of(own).into_iter();
        let first = runs.next();
        for run in runs {
            self.pool.run(Box::new(move || fetch(run, order)));
        }
        if let Some(run) = first {
            fetch(run, order);
        }
        let landed = coming.into_iter().map(|coming| match coming {
            Ok(bytes) => Ok(bytes),
            Err(flight) => flight.wait(),
        });
        landed
            .collect::<Result<_, _>>()
            .map_err(NotFetched::into_io)
    }

    /// Has blocks fetched that somebody is going to want, unless there is much to do already.
    pub(super) fn ask_for(&self, wanted: &[BlockKey]) {
        if self.pool.is_busy() {
            return;
        }
        let mut own = Vec::new();
        {
            let mut state = self.shared.state.lock();
            for key in wanted {
                // One that is kept nowhere would be fetched for nothing.
                if state.keeps(key) && state.on_disk.get(&key.file_name()).is_none() {
                    let _ = state.start(&self.shared, key, &mut own);
                }
            }
        }
        for run in runs_of(own) {
            self.pool.run(Box::new(move || fetch(run, Order::Land)));
        }
    }

    /// From now on blocks of these objects are kept and no others: those are gone when this returns, but for
    /// what readers hold.
    pub(super) fn keep(&self, kept: Kept) {
        let object_names = kept.object_names();
        let gone = {
            let mut state = self.shared.state.lock();
            state.objects = kept.objects;
            state.object_names = object_names;
            let State {
                memory,
                on_disk,
                objects,
                object_names,
                disk_bytes_max,
                ..
            } = &mut *state;
            memory.retain(|key| objects.contains(&key.object));
            let is_kept =
                |name: &String| object_in(name).is_some_and(|own| object_names.contains(own));
            let mut gone = on_disk.retain(is_kept);
            let left = disk_bytes_max.saturating_sub(kept.whole_bytes);
            gone.extend(on_disk.set_bytes_max(left));
            gone
        };
        if let Some(disk) = &self.shared.disk {
            gone.iter().for_each(|name| disk.remove(name));
        }
    }

    /// Counts since this was opened.
    pub(super) fn stats(&self) -> RemoteStats {
        let state = self.shared.state.lock();
        RemoteStats {
            memory_bytes: state.memory.bytes(),
            disk_bytes: state.on_disk.bytes(),
            ..state.stats
        }
    }
}

impl State {
    fn keeps_name(&self, name: &str) -> bool {
        object_in(name).is_some_and(|object| self.object_names.contains(object))
    }

    /// Whether a block is kept once it is there.
    fn keeps(&self, key: &BlockKey) -> bool {
        let has_room = self.memory.bytes_max() >= key.bytes
            || self.stats.is_on_disk && self.on_disk.bytes_max() >= key.bytes;
        has_room && self.objects.contains(&key.object)
    }

    /// The bytes of a block, or the flight that brings it, which the caller has to see to if it is new.
    fn start(
        &mut self,
        shared: &Arc<Shared>,
        key: &BlockKey,
        own: &mut Vec<Own>,
    ) -> Result<Bytes, Arc<Flight>> {
        if let Some(bytes) = self.memory.get(key) {
            self.stats.memory_hits += 1;
            return Ok(bytes.clone());
        }
        if let Some(flight) = self.flights.get(key) {
            return Err(flight.clone());
        }
        let flight = Arc::new(Flight::default());
        self.flights.insert(key.clone(), flight.clone());
        own.push(Own {
            shared: shared.clone(),
            key: key.clone(),
            flight: flight.clone(),
            is_landed: false,
        });
        Err(flight)
    }
}

impl Own {
    /// Reads the block from the disk, if it is there, and says whether it was.
    fn land_from_disk(&mut self) -> bool {
        let Some(disk) = &self.shared.disk else {
            return false;
        };
        let name = self.key.file_name();
        if self.shared.state.lock().on_disk.get(&name).is_none() {
            return false;
        }
        match disk.read(&self.key) {
            Ok(bytes) => {
                self.shared.state.lock().stats.disk_hits += 1;
                self.land(Ok(bytes));
                true
            }
            Err(_) => {
                let mut state = self.shared.state.lock();
                state.on_disk.remove(&name);
                state.stats.damaged += 1;
                drop(state);
                disk.remove(&name);
                false
            }
        }
    }

    /// Tells all who wait what became of the block, and keeps it in memory.
    fn land(&mut self, landed: Landed) {
        let mut state = self.shared.state.lock();
        state.flights.remove(&self.key);
        if let Ok(bytes) = &landed
            && state.objects.contains(&self.key.object)
        {
            let (key, bytes) = (self.key.clone(), bytes.clone());
            state.memory.insert(key, bytes, self.key.bytes);
        }
        drop(state);
        self.is_landed = true;
        self.flight.land(landed);
    }

    /// Keeps the block on the disk, if there is room and its object is still one of those that are kept.
    fn store(&self, bytes: &[u8]) {
        let Some(disk) = &self.shared.disk else {
            return;
        };
        let name = self.key.file_name();
        {
            let mut state = self.shared.state.lock();
            let has_room = self.key.bytes <= state.on_disk.bytes_max();
            if !has_room || !state.keeps_name(&name) || state.on_disk.get(&name).is_some() {
                return;
            }
        }
        let written = disk.write(&self.key, bytes);
        let mut state = self.shared.state.lock();
        let gone = match written {
            Ok(bytes) if state.keeps_name(&name) => state.on_disk.insert(name, (), bytes),
            // Its object went while it was written.
            Ok(_) => vec![name],
            // Another thread has brought it too.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Vec::new(),
            Err(_) => {
                state.stats.disk_failures += 1;
                Vec::new()
            }
        };
        drop(state);
        gone.iter().for_each(|name| disk.remove(name));
    }

    fn failed(&self, error: &io::Error) -> NotFetched {
        let range = self.key.start..self.key.end();
        self.shared.not_fetched(&self.key.object, range, error)
    }
}

impl Shared {
    /// Bytes of an object, all that were asked for.
    pub(super) fn read(&self, object: &str, range: Range<u64>) -> io::Result<Bytes> {
        let length = range.end.saturating_sub(range.start);
        let fetched = self.source.read(object, range).and_then(|bytes| {
            let is_whole = u64::try_from(bytes.len()) == Ok(length);
            let short = || io::Error::new(io::ErrorKind::InvalidData, "the object is shorter");
            is_whole.then_some(bytes).ok_or_else(short)
        });
        let mut state = self.state.lock();
        state.stats.requests += 1;
        state.stats.fetched_bytes += fetched.as_ref().map_or(0, |_| length);
        fetched
    }

    pub(super) fn not_fetched(
        &self,
        object: &Arc<str>,
        range: Range<u64>,
        error: &io::Error,
    ) -> NotFetched {
        NotFetched::new(self.source.name(), object.clone(), range, error)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if !self.is_landed {
            let error = io::Error::other("the fetch was given up");
            let failed = self.failed(&error);
            self.land(Err(failed));
        }
    }
}

/// Blocks that lie together in an object, at most as many as one request asks for.
fn runs_of(own: Vec<Own>) -> Vec<Vec<Own>> {
    let mut runs: Vec<Vec<Own>> = Vec::new();
    for own in own {
        let follows = |run: &&mut Vec<Own>| {
            run.first().zip(run.last()).is_some_and(|(first, last)| {
                last.key.object == own.key.object
                    && last.key.end() == own.key.start
                    && own.key.end().saturating_sub(first.key.start) <= REQUEST_BYTES_MAX
            })
        };
        match runs.last_mut().filter(follows) {
            Some(run) => run.push(own),
            None => runs.push(vec![own]),
        }
    }
    runs
}

/// Fetches blocks that lie together.
fn fetch(run: Vec<Own>, order: Order) {
    let Some((first, last)) = run.first().zip(run.last()) else {
        return;
    };
    let shared = first.shared.clone();
    let range = first.key.start..last.key.end();
    let fetched = shared.read(&first.key.object, range.clone());
    let mut landed = Vec::new();
    for mut own in run {
        let within = own.key.start - range.start..own.key.end() - range.start;
        let within = usize::try_from(within.start).unwrap_or(usize::MAX)
            ..usize::try_from(within.end).unwrap_or(usize::MAX);
        match &fetched {
            // A copy: a block that is kept must not keep all that came with it.
            Ok(bytes) => {
                let bytes = Bytes::copy_from_slice(bytes.get(within).unwrap_or_default());
                if order == Order::Store {
                    own.store(&bytes);
                    own.land(Ok(bytes));
                    continue;
                }
                own.land(Ok(bytes.clone()));
                landed.push((own, bytes));
            }
            Err(error) => {
                let failed = own.failed(error);
                own.land(Err(failed));
            }
        }
    }
    for (own, bytes) in landed {
        own.store(&bytes);
    }
}
