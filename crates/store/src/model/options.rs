//! `StoreOptions`: how a store is opened.

use super::condition::AppendCondition;
use super::error::{Error, ErrorKind};
use super::event::BATCH_BYTES_MAX;
use super::tracked::Tracking;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::{Fs, OsFs};
use strandline_core::record::RECORD_GROWTH_BYTES_MAX;
use strandline_core::{Clock, EXTENSION_HEAD_BYTES, Random, SystemClock};
use strandline_index::IndexLayout;
use strandline_segment::{LogError, LogOptions};

/// When an append returns, and with that when its events are visible.
///
/// Events become visible in order, so an append that asks for less also publishes what was written before it: a
/// store that mixes levels gives its readers the weakest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// Once the events are on the disk: they survive a power cut.
    #[default]
    Synced,
    /// Once the events are with the operating system: they survive a killed process, and a power
    /// cut after the next sync (see [`StoreOptions::sync_interval`]).
    Written,
    /// Once the events are on the disk, and a replication has acknowledged them
    /// ([`Store::replication`](crate::Store::replication)): they survive the loss of this machine. Where every
    /// append asks for that, no reader ever acts on an event that was not replicated; but an opening shows
    /// everything that is on the disk, and so does a store opened to read only beside this one. A compaction or
    /// redaction that has to seal the segment of such events waits 2 s for a replication, then shows them: what is to
    /// be erased does not wait until a copy can be reached.
    ///
    /// Refused with [`ErrorKind::NotReplicated`](crate::ErrorKind::NotReplicated) where there is no replication.
    Replicated,
}

/// What the holder of a store may do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Create,
    Write,
    Read,
}

/// How many bytes of new log lead to a checkpoint by default: 64 MiB.
const CHECKPOINT_INTERVAL_BYTES_DEFAULT: u64 = 64 << 20;

/// What the caches of a store hold at most by default: 64 MiB.
const CACHE_BYTES_MAX_DEFAULT: usize = 64 << 20;

/// Longest payload by default: 16 MiB.
pub const PAYLOAD_BYTES_MAX_DEFAULT: usize = 16 << 20;

/// How a store is opened. Every option has a default that suits most.
///
/// ```
/// use std::time::Duration;
/// use strandline::{Durability, StoreOptions};
///
/// let dir = tempfile::tempdir()?;
/// let store = StoreOptions::new()
///     .durability(Durability::Written)
///     .sync_interval(Duration::from_millis(20))
///     .open(dir.path().join("orders.strand"))?;
/// assert!(store.snapshot().is_empty());
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StoreOptions {
    pub(crate) access: Access,
    pub(crate) durability: Durability,
    pub(crate) sync_interval: Option<Duration>,
    pub(crate) payload_bytes_max: usize,
    pub(crate) clock_drift_max: Duration,
    pub(crate) in_flight_max: usize,
    pub(crate) cache_bytes_max: usize,
    pub(crate) log: LogOptions,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random_seed: Option<u64>,
    pub(crate) index_layout: IndexLayout,
    pub(crate) checkpoint_interval_bytes: Option<u64>,
    /// Whether footers and the rows of a checkpoint are passed over.
    pub(crate) from_log: bool,
    /// Whether a store that is opened to read only opens every segment.
    pub(crate) keeps_segments: bool,
    /// Whether callers do the work of the background thread.
    pub(crate) background_inline: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl StoreOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access: Access::Create,
            durability: Durability::Synced,
            sync_interval: Some(Duration::from_millis(5)),
            payload_bytes_max: PAYLOAD_BYTES_MAX_DEFAULT,
            clock_drift_max: Duration::from_secs(60),
            in_flight_max: 1024,
            cache_bytes_max: CACHE_BYTES_MAX_DEFAULT,
            log: LogOptions::default().record_growth_bytes_max(RECORD_GROWTH_BYTES_MAX),
            fs: Arc::new(OsFs),
            clock: Arc::new(SystemClock::default()),
            random_seed: None,
            index_layout: IndexLayout::default(),
            checkpoint_interval_bytes: Some(CHECKPOINT_INTERVAL_BYTES_DEFAULT),
            from_log: false,
            keeps_segments: false,
            background_inline: false,
        }
    }

    /// Durability of appends that do not ask for one. Default: [`Durability::Synced`].
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Longest time that a [`Durability::Written`] event stays unsynced. Default: 5 ms.
    #[must_use]
    pub const fn sync_interval(mut self, interval: Duration) -> Self {
        self.sync_interval = Some(interval);
        self
    }

    /// Leaves the sync of [`Durability::Written`] events to [`Store::sync`](crate::Store::sync), to appends that sync,
    /// and to rotation; for that, what is written is synced every 16 MiB, so that it does not all
    /// wait for the end of a segment.
    #[must_use]
    pub const fn no_background_sync(mut self) -> Self {
        self.sync_interval = None;
        self
    }

    /// How the rows of kinds and scopes are found. Default: [`IndexLayout::Postings`].
    #[must_use]
    pub const fn index_layout(mut self, layout: IndexLayout) -> Self {
        self.index_layout = layout;
        self
    }

    /// How many bytes of new log lead to a checkpoint in the background, which bounds what the
    /// opening after a crash has to read. Default: 64 MiB. A rotation and a close save one too.
    #[must_use]
    pub const fn checkpoint_interval_bytes(mut self, bytes: u64) -> Self {
        self.checkpoint_interval_bytes = Some(bytes);
        self
    }

    /// Leaves checkpoints to rotations, [`Store::checkpoint`](crate::Store::checkpoint) and
    /// [`Store::close`](crate::Store::close).
    #[must_use]
    pub const fn no_background_checkpoint(mut self) -> Self {
        self.checkpoint_interval_bytes = None;
        self
    }

    /// Longest payload, in bytes. Default: 16 MiB; at most what a commit may have (64 MiB).
    #[must_use]
    pub const fn payload_bytes_max(mut self, bytes: usize) -> Self {
        self.payload_bytes_max = bytes;
        self
    }

    /// How far a time that is supplied ([`Event::at`](crate::Event::at),
    /// [`Store::observe`](crate::Store::observe)) may be ahead of the clock. Default: one minute.
    #[must_use]
    pub const fn clock_drift_max(mut self, drift: Duration) -> Self {
        self.clock_drift_max = drift;
        self
    }

    /// How many submitted appends ([`Store::submit`](crate::Store::submit)) may be written and not as durable as
    /// they asked.
    /// Default: 1,024; at least 1, which 0 counts as.
    #[must_use]
    pub const fn in_flight_max(mut self, appends: usize) -> Self {
        self.in_flight_max = if appends == 0 { 1 } else { appends };
        self
    }

    /// How many bytes all caches of the store hold together. Default: 64 MiB; 0 keeps nothing.
    /// [`Stats::caches`](crate::Stats::caches) says what they hold.
    ///
    /// Five eighths are for heads: the newest event of entities that were appended to, some 150 bytes for
    /// each. An append to an entity whose head is kept looks at no index of a sealed segment. So more of it
    /// pays where more entities than the default has room for, some 280,000, are appended to again and
    /// again.
    ///
    /// A quarter is for coordinates of events that were read, some 100 bytes each, which are made anew from
    /// the index where they are not kept. An eighth is for names of segments that had to be read from the
    /// segment itself, 16 bytes each, which is so after compactions only.
    ///
    /// What grows with the active segment is no cache: the rows of its events and the names in them.
    #[must_use]
    pub const fn cache_bytes_max(mut self, bytes: usize) -> Self {
        self.cache_bytes_max = bytes;
        self
    }

    pub(crate) fn drift_ms_max(&self) -> u64 {
        u64::try_from(self.clock_drift_max.as_millis()).unwrap_or(u64::MAX)
    }

    /// Length at which a segment is sealed and the next one begun, in bytes. Default: 256 MiB;
    /// 64 KiB to 4 GiB. It must hold the largest commit.
    #[must_use]
    pub fn segment_bytes_max(mut self, bytes: u64) -> Self {
        self.log = self.log.segment_bytes_max(bytes);
        self
    }

    /// How many events fill a segment, however short they are: then it is sealed and the next one begun.
    /// Default: 4,194,304 (2^22); at least 1.
    ///
    /// Bounds the memory that a segment takes: 54 bytes for each event until its index is written, some
    /// 150 bytes while it is compacted, redacted or rebuilt. Events of the shortest kind take 100 bytes
    /// on disk, so a segment of the default length is full before.
    #[must_use]
    pub fn segment_events_max(mut self, events: u32) -> Self {
        self.log = self.log.segment_records_max(events);
        self
    }

    /// Reads events with system calls. Default: segments are mapped into memory where the system can
    /// do that, and reading an event is no system call, several times as fast. The
    /// first read in each 64 KiB of a segment is one all the same, since bringing a page into memory
    /// takes longer than reading one event.
    ///
    /// What a mapping costs: if the disk fails to read, or a program other than this store cuts a
    /// segment shorter, the process gets the signal SIGBUS, which ends it, and not an
    /// [`ErrorKind::Io`]. Each segment takes address space for its longest length; a limit on that
    /// (`ulimit -v`) is kept by mapping less.
    #[must_use]
    pub fn no_mapped_reads(mut self) -> Self {
        self.log = self.log.no_mapped_reads();
        self
    }

    /// How many files of sealed segments are open at once, so that a store of thousands of segments
    /// needs no thousands of descriptors. Default: 128; at least 1.
    ///
    /// The others stay mapped, and are opened again when they are read. With
    /// [`no_mapped_reads`](Self::no_mapped_reads) all of them stay open, whatever this says.
    ///
    /// Beside them are open: the lock, the active segment, the next one, the manifest and a checkpoint
    /// while they are written, and one file for each thread that appends, reads or keeps the store. So a
    /// limit on descriptors that leaves 16, and one for each such thread, above this is never reached.
    #[must_use]
    pub fn open_files_max(mut self, files: usize) -> Self {
        self.log = self.log.open_files_max(files);
        self
    }

    /// Fails with [`ErrorKind::NotFound`] where there is no store, instead of making one.
    #[must_use]
    pub const fn must_exist(mut self) -> Self {
        self.access = Access::Write;
        self
    }

    /// Opens to read only: takes no lock, repairs and changes nothing, beside a writer if need be.
    /// Shows the whole valid commits that are there now; the open report says up to where they are
    /// proven durable.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.access = Access::Read;
        self
    }

    /// Has an opening to [read only](Self::read_only) open every segment, and keep it open or mapped: then
    /// all of the store can be read as it is now, whatever another process compacts or redacts meanwhile.
    /// For who reads all of it, such as an export. O(segments): some 25 µs for each. Default: sealed segments
    /// but the newest are opened when they are read, or soon after the opening; one that another process has
    /// rewritten before that is [`ErrorKind::LogBehindCheckpoint`] to whoever reads it.
    ///
    /// A segment that is damaged is no hindrance: it is told to whoever reads it. A store opened to write
    /// needs none of this.
    #[must_use]
    pub const fn keep_segments(mut self) -> Self {
        self.keeps_segments = true;
        self
    }

    /// Builds the index from the log alone, and writes footers and checkpoint anew.
    pub(crate) const fn log_alone(mut self) -> Self {
        self.from_log = true;
        self
    }

    /// The file system. Default: the operating system's; [`MemFs`](strandline_core::fs::MemFs)
    /// keeps a store in memory.
    #[must_use]
    pub fn fs(mut self, fs: Arc<dyn Fs>) -> Self {
        self.fs = fs;
        self
    }

    /// The clock. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes ids, nonces and file identities repeatable, for tests: with a seed known to others a
    /// redacted payload can be guessed.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub const fn random_seed(mut self, seed: u64) -> Self {
        self.random_seed = Some(seed);
        self
    }

    /// How long a segment may become that is compacted or redacted, which is what keeps segments short
    /// enough when they are written: so that the limit can be reached with few events.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn rewritten_bytes_max(mut self, bytes: u64) -> Self {
        self.log = self.log.rewritten_bytes_max(bytes);
        self
    }

    /// Does the work of the background thread, footers and interval syncs, within the calls that ask
    /// for it, so that a run repeats step by step: for tests.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub const fn background_inline(mut self) -> Self {
        self.background_inline = true;
        self
    }

    /// Whether opening makes a store where there is none: unless [`must_exist`](Self::must_exist) or
    /// [`read_only`](Self::read_only) was asked for.
    #[must_use]
    pub const fn makes_missing(&self) -> bool {
        matches!(self.access, Access::Create)
    }

    /// Whether every option is within its range.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for the first that is not.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let out_of_range = |error: LogError| {
            let message = "an option of StoreOptions is out of its range";
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        };
        self.log.check().map_err(out_of_range)?;
        match self.payload_bytes_max > BATCH_BYTES_MAX {
            false => Ok(()),
            true => Err(out_of_range(LogError::TooLarge {
                what: "payload_bytes_max",
                found: self.payload_bytes_max as u64,
                limit: BATCH_BYTES_MAX as u64,
            })),
        }
    }

    pub(crate) fn random(&self) -> Result<Random, Error> {
        match self.random_seed {
            Some(seed) => Ok(Random::from_seed(seed)),
            None => Random::from_os().map_err(|error| {
                Error::new(ErrorKind::Io, "the system gives no random bytes").with_source(error)
            }),
        }
    }
}

/// How one append differs from the store's defaults.
#[derive(Debug, Clone, Copy, Default)]
pub struct AppendOptions<'a> {
    pub(crate) durability: Option<Durability>,
    pub(crate) condition: Option<&'a AppendCondition>,
    pub(crate) tracking: Option<Tracking<'a>>,
    /// Whether a time may be as far ahead as it likes: whoever appends has looked at it.
    pub(crate) takes_any_time: bool,
}

impl<'a> AppendOptions<'a> {
    /// The store's defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            durability: None,
            condition: None,
            tracking: None,
            takes_any_time: false,
        }
    }

    /// Durability of this append. Default: that of the store.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Takes times of events ([`Event::at`](crate::Event::at)) however far they are ahead of the clock: whoever
    /// appends has looked at them. No later event of the store can have an earlier one. Default: as far as
    /// [`StoreOptions::clock_drift_max`] allows.
    #[must_use]
    pub const fn any_time(mut self) -> Self {
        self.takes_any_time = true;
        self
    }

    /// What must not have been appended, or nothing is. Default: nothing.
    #[must_use]
    pub const fn condition(mut self, condition: &'a AppendCondition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// How far a source was gone through once this is appended: a processor that makes events of those of
    /// another store, a topic or a queue writes both in one commit, so that each input leads to its events once,
    /// whatever is killed. One source for each append, whether of an event or of a batch. Default: none.
    ///
    /// The positions of a source rise. One that does not, since the input was gone through before, is refused with
    /// [`ErrorKind::TrackingConflict`], and nothing is written. That is looked at after the ids of the events and
    /// before all else: where each event is known by its id, the append is a repeat, gives the first receipts, and
    /// leaves the position as it is; where some are, the others are written with the position.
    ///
    /// [`Store::tracked`](crate::Store::tracked) tells it after opening without a look at the log. It is kept when
    /// the event that it came with is compacted or redacted, and by a backup, and goes back with the events in
    /// a restore; an export has none. There are [`TRACKED_SOURCES_MAX`](crate::TRACKED_SOURCES_MAX) sources at
    /// most, else [`ErrorKind::Exhausted`]; a name of one has at most
    /// [`NAME_BYTES_MAX`](crate::NAME_BYTES_MAX) bytes, and takes 12 bytes more with the first event.
    ///
    /// ```
    /// use strandline::{AppendOptions, Coordinate, ErrorKind, Event, EventKind, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("invoices.strand"))?;
    /// let invoice = Coordinate::new("invoice:1042", "eu")?;
    /// let append = |position| {
    ///     let sent = Event::json(EventKind::new(1, 1), &position)?;
    ///     store.append_with(&invoice, sent, AppendOptions::new().tracking("orders", position))
    /// };
    /// append(7)?;
    /// assert_eq!(store.tracked("orders").map(|orders| orders.position), Some(7));
    ///
    /// // After a kill it goes on from there, or finds that it was done.
    /// let refused = append(7).unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::TrackingConflict);
    /// assert_eq!(refused.tracking_conflict().unwrap().last.position, 7);
    /// append(12)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn tracking(mut self, source: &'a str, position: u64) -> Self {
        self.tracking = Some(Tracking { source, position });
        self
    }

    /// Bytes that the first record of the commit takes more for what these options write, for
    /// [`Store::commit_fits`](crate::Store::commit_fits): those of a position in a source, or none.
    ///
    /// ```
    /// use strandline::AppendOptions;
    ///
    /// assert_eq!(AppendOptions::new().record_bytes(), 0);
    /// assert_eq!(AppendOptions::new().tracking("orders", 7).record_bytes(), 12 + 6);
    /// ```
    #[must_use]
    pub const fn record_bytes(&self) -> usize {
        match &self.tracking {
            Some(tracking) => {
                EXTENSION_HEAD_BYTES + size_of_val(&tracking.position) + tracking.source.len()
            }
            None => 0,
        }
    }
}
