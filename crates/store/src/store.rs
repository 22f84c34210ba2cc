//! `Store`: the handle, which delegates everything.

use crate::background::Background;
use crate::options::StoreOptions;
use crate::read::Reader;
use crate::writer::{Context, GroupSync, Poison, Prepared, Writer, check_batch};
use crate::{
    AppendOptions, Batch, Durability, Error, ErrorKind, Event, OpenReport, Receipt, Snapshot,
    Stats, VerifyReport, checkpoint,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::FileLock;
use strandline_core::sync::Mutex;
use strandline_core::{Coordinate, Hlc, Random, Sequence};
use strandline_index::IndexReader;
use strandline_segment::{LogIdentity, LogPosition, SyncHandle};

/// An event store in one directory: one writer, any number of readers, no server.
///
/// Share it between threads by reference or in an `Arc`; every method takes `&self`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use strandline::{Batch, Coordinate, Event, EventKind, Region, Store};
///
/// const ORDER_PLACED: EventKind = EventKind::new(0x1, 0x001);
/// const ORDER_PAID: EventKind = EventKind::new(0x1, 0x002);
///
/// #[derive(Serialize, Deserialize)]
/// struct Placed { total: u64 }
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let placed = store.append(&order, Event::json(ORDER_PLACED, &Placed { total: 4200 })?)?;
/// store.append_batch(
///     Batch::new().push(&order, Event::json(ORDER_PAID, &())?.caused_by(placed.id)),
/// )?;
///
/// let now = store.snapshot();
/// for event in now.stream("order:1042") {
///     let event = event?;
///     println!("{} {}", event.sequence, event.kind);
/// }
/// let paid = Region::all().scope("eu/payments").kind(ORDER_PAID);
/// assert_eq!(now.query(&paid).rev().take(10).count(), 1);
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Dropping a store without [`close`](Self::close) loses nothing that an append promised; only
/// the next opening has more of the log to read.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    background: Option<Background>,
}

/// What the handle and the background thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) options: StoreOptions,
    pub(crate) identity: LogIdentity,
    /// The single writer, and with it the commit lock; none in a store opened to read only.
    pub(crate) writer: Option<Mutex<Writer>>,
    pub(crate) group: Arc<GroupSync<SyncHandle>>,
    pub(crate) index: IndexReader,
    pub(crate) reader: Reader,
    pub(crate) random: Random,
    pub(crate) report: OpenReport,
    /// Where the log ended at opening.
    pub(crate) opened_at: LogPosition,
    /// Position of the newest checkpoint, and the lock under which one is made.
    pub(crate) checkpointed: Mutex<Option<LogPosition>>,
    pub(crate) _lock: Option<Box<dyn FileLock>>,
}

impl Shared {
    pub(crate) fn writer(&self) -> Result<&Mutex<Writer>, Error> {
        self.writer
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::ReadOnly, "the store was opened to read only"))
    }

    /// Returns when everything below `end` is durable and visible.
    pub(crate) fn wait_durable(&self, end: Sequence) -> Result<(), Error> {
        self.group.wait(end).map_err(|poison| {
            Error::new(
                ErrorKind::Unknown,
                format!(
                    "{}; what was written may or may not be durable, reopen to see",
                    poison.0
                ),
            )
        })
    }

    /// The receipt, which says whether its event is durable now.
    fn note_durable(&self, receipt: Receipt) -> Receipt {
        Receipt {
            durable: receipt.sequence < self.group.durable(),
            ..receipt
        }
    }

    /// Fails if an earlier failure stopped all writing.
    fn check_poison(&self) -> Result<(), Error> {
        match self.group.poison() {
            None => Ok(()),
            Some(poison) => Err(poison.into()),
        }
    }

    /// Where the written log ends.
    pub(crate) fn log_end(&self) -> LogPosition {
        match &self.writer {
            Some(writer) => writer.lock().log.position(),
            None => self.opened_at,
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            index: self.index.snapshot(),
            reader: self.reader.clone(),
        }
    }
}

impl Store {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self, Error> {
        let background = if shared.writer.is_some() {
            let started = Background::start(shared.clone());
            Some(started.map_err(|error| Error::io("start a thread for", &shared.dir, error))?)
        } else {
            None
        };
        Ok(Self { shared, background })
    }

    /// Opens the store in directory `dir` with the default options, making it if it is missing.
    ///
    /// # Errors
    ///
    /// As [`StoreOptions::open`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        StoreOptions::new().open(dir)
    }

    /// Appends an event, and returns when it is visible and as durable as the store's options ask.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`], [`ErrorKind::TooLarge`], [`ErrorKind::Conflict`],
    /// [`ErrorKind::WrongExpectedVersion`], [`ErrorKind::RefusedTime`], [`ErrorKind::Exhausted`], [`ErrorKind::ReadOnly`], [`ErrorKind::Poisoned`] and
    /// [`ErrorKind::NotWritten`] mean that nothing was written. [`ErrorKind::Unknown`] means that
    /// only a reopen can tell.
    pub fn append(&self, coordinate: &Coordinate, event: Event) -> Result<Receipt, Error> {
        self.append_with(coordinate, event, AppendOptions::new())
    }

    /// Appends an event with options of its own.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_with(
        &self,
        coordinate: &Coordinate,
        event: Event,
        options: AppendOptions,
    ) -> Result<Receipt, Error> {
        let shared = &self.shared;
        let prepared = Prepared::new(coordinate, &event, 0, shared.random.nonce(), shared)?;
        let mut given = None;
        let written = self.write(&[prepared], options, &mut |receipt| given = Some(receipt))?;
        let receipt: Receipt = given.ok_or_else(|| {
            Error::new(
                ErrorKind::Unknown,
                "the commit of one event gave no receipt",
            )
        })?;
        self.wait_for(written)
            .map_err(|error| error.with_ids([receipt.id]))?;
        Ok(shared.note_durable(receipt))
    }

    /// Appends the events of a batch, all of them or none, and returns their receipts in order.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); for an empty batch [`ErrorKind::InvalidInput`].
    pub fn append_batch(&self, batch: Batch) -> Result<Vec<Receipt>, Error> {
        self.append_batch_with(batch, AppendOptions::new())
    }

    /// Appends the events of a batch with options of its own.
    ///
    /// # Errors
    ///
    /// As [`append_batch`](Self::append_batch).
    pub fn append_batch_with(
        &self,
        batch: Batch,
        options: AppendOptions,
    ) -> Result<Vec<Receipt>, Error> {
        let prepared = batch
            .events
            .iter()
            .enumerate()
            .zip(self.shared.random.nonces())
            .map(|((place, (coordinate, event)), nonce)| {
                Prepared::new(coordinate, event, place, nonce, &self.shared)
            })
            .collect::<Result<Vec<_>, _>>()?;
        check_batch(&prepared)?;
        let mut receipts = Vec::with_capacity(prepared.len());
        let written = self.write(&prepared, options, &mut |receipt| receipts.push(receipt))?;
        self.wait_for(written)
            .map_err(|error| error.with_ids(receipts.iter().map(|receipt| receipt.id)))?;
        for receipt in &mut receipts {
            *receipt = self.shared.note_durable(*receipt);
        }
        Ok(receipts)
    }

    /// Writes events and gives their receipts, which hold once what this returns was waited for.
    fn write(
        &self,
        prepared: &[Prepared<'_>],
        options: AppendOptions,
        give: &mut dyn FnMut(Receipt),
    ) -> Result<Written, Error> {
        let shared = &*self.shared;
        let writer = shared.writer()?;
        shared.check_poison()?;
        let durability = options.durability.unwrap_or(shared.options.durability);
        let (committed, sealed, should_sync) = {
            let mut writer = writer.lock();
            // Writing may have stopped while this thread waited for the lock.
            shared.check_poison()?;
            let guard = PoisonOnPanic(&shared.group);
            let context = Context {
                group: &shared.group,
                reader: &shared.reader,
                random: &shared.random,
                now_ms: shared.options.clock.now_ms(),
                drift_ms_max: shared.options.drift_ms_max(),
                segment_bytes_max: shared.options.log.segment_bytes(),
            };
            let committed = writer.commit(prepared, durability, context, give);
            std::mem::forget(guard);
            let should_sync = writer.should_sync_ahead();
            (committed, writer.sealed.take(), should_sync)
        };
        if let Some(background) = &self.background {
            if let Some(sealed) = sealed {
                background.write_footer(sealed);
            }
            if should_sync {
                background.sync_soon();
            }
        }
        match committed {
            Ok(end) => Ok(Written { end, durability }),
            Err(error) => {
                // Whoever is refused because of an event, and reads, must find it.
                shared.wait_durable(error.decided_by())?;
                Err(error)
            }
        }
    }

    /// Returns when what was written is visible, and as durable as was asked for.
    fn wait_for(&self, written: Written) -> Result<(), Error> {
        let Written { end, durability } = written;
        let shared = &*self.shared;
        if durability == Durability::Synced || end > shared.index.gate().visible() {
            return shared.group.wait(end).map_err(|Poison(reason)| {
                Error::new(
                    ErrorKind::Unknown,
                    format!("{reason}; reopen the store and look for the event ids"),
                )
            });
        }
        if let (Some(_), Some(background)) = (shared.options.sync_interval, &self.background) {
            background.sync_soon();
        }
        Ok(())
    }

    /// The store as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Makes everything appended until now durable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] if a sync fails; nothing is written after that.
    /// [`ErrorKind::ReadOnly`], [`ErrorKind::Poisoned`].
    pub fn sync(&self) -> Result<(), Error> {
        self.shared.writer()?;
        self.shared.check_poison()?;
        self.shared.wait_durable(self.shared.group.written())
    }

    /// Moves the store's clock past a time that was seen elsewhere, in another store's receipt say,
    /// so that whatever is appended from now on has a later one. An earlier time changes nothing.
    ///
    /// ```
    /// # use strandline::{Coordinate, Event, EventKind, Store};
    /// # let dir = tempfile::tempdir()?;
    /// # let (here, there) = (Store::open(dir.path().join("a"))?, Store::open(dir.path().join("b"))?);
    /// # let order = Coordinate::new("order:1", "eu")?;
    /// # let event = || Event::bytes(EventKind::new(1, 1), *b"x");
    /// let cause = there.append(&order, event())?;
    /// here.observe(cause.hlc)?;
    /// assert!(here.append(&order, event())?.hlc > cause.hlc);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RefusedTime`] if it is further ahead of this machine's clock than
    /// [`StoreOptions::clock_drift_max`] allows; [`ErrorKind::ReadOnly`].
    pub fn observe(&self, seen: Hlc) -> Result<(), Error> {
        let options = &self.shared.options;
        let mut writer = self.shared.writer()?.lock();
        writer.observe(seen, options.clock.now_ms(), options.drift_ms_max())
    }

    /// Returns when the event of a receipt is durable, whatever its append asked for.
    ///
    /// # Errors
    ///
    /// As [`sync`](Self::sync).
    pub fn wait_durable(&self, receipt: &Receipt) -> Result<(), Error> {
        self.shared.writer()?;
        let end = receipt.sequence.checked_add(1).unwrap_or_default();
        if end > self.shared.group.written() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "sequence {} was not written by this store",
                    receipt.sequence
                ),
            ));
        }
        self.shared.wait_durable(end)
    }

    /// Saves a checkpoint, so that the next opening reads only the log after it. Appends go on.
    ///
    /// Gives the sequence up to which the checkpoint holds the store.
    ///
    /// # Errors
    ///
    /// As [`sync`](Self::sync), or [`ErrorKind::Io`] if it cannot be written; an older checkpoint
    /// then stays.
    pub fn checkpoint(&self) -> Result<Sequence, Error> {
        self.shared.check_poison()?;
        checkpoint::save(&self.shared)
    }

    /// Reads the whole log and checks every checksum, every chain, and the index against it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the log cannot be read. Damage is no error: it is in the report.
    pub fn verify(&self) -> Result<VerifyReport, Error> {
        crate::verify::verify(&self.shared)
    }

    /// Counts, watermarks and sizes. Lists the directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the directory cannot be listed.
    pub fn stats(&self) -> Result<Stats, Error> {
        Stats::of(&self.shared)
    }

    /// What opening found and did.
    #[must_use]
    pub fn open_report(&self) -> &OpenReport {
        &self.shared.report
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Syncs, saves a checkpoint if anything changed, and releases the store.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint). The store is released in any case.
    pub fn close(mut self) -> Result<(), Error> {
        self.background = None;
        if self.shared.writer.is_none() {
            return Ok(());
        }
        self.checkpoint().map(drop)
    }
}

/// Events that were written, up to a sequence, and what their append asked for.
#[must_use = "what was written is promised only once it was waited for"]
#[derive(Clone, Copy)]
struct Written {
    end: Sequence,
    durability: Durability,
}

/// Stops all writing if the commit panics: the writer's state may be half changed.
struct PoisonOnPanic<'a>(&'a GroupSync<SyncHandle>);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        self.0.set_poison("a thread panicked while it was writing");
    }
}
