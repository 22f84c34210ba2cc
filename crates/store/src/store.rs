//! `Store`: the handle, which delegates everything.

use crate::background::{Background, FootersWritten};
use crate::open::{Follower, WithoutFooter};
use crate::options::StoreOptions;
use crate::ours::Ours;
use crate::read::Reader;
use crate::redactions::Redactions;
use crate::rewriting::Rewriting;
use crate::writer::{CommitLock, GroupSync, Poison, SyncDriver, close};
use crate::{Error, ErrorKind, OpenReport, Receipt, Snapshot, Stats, VerifyReport, checkpoint};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::FileLock;
use strandline_core::sync::thread::ThreadId;
use strandline_core::sync::{Mutex, RwLock};
use strandline_core::{Epoch, Hlc, Random, Sequence};
use strandline_index::IndexReader;
use strandline_segment::{LogIdentity, LogPosition, LogReader, SyncHandle};

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
///
/// The directory stays where it is while a store is open, and the file LOCK in it; a writer that loses
/// one of them, and a fork of its process, writes nothing more ([`ErrorKind::LockLost`]).
#[derive(Debug)]
pub struct Store {
    // Dropped in this order: no thread syncs any more when the log is cut off and the lock let go.
    /// Syncs what is submitted; none before the first submit.
    pub(crate) driver: RwLock<Option<SyncDriver>>,
    pub(crate) background: Option<Background>,
    pub(crate) shared: Arc<Shared>,
}

/// What the handle and the background thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) options: StoreOptions,
    pub(crate) identity: LogIdentity,
    pub(crate) epoch: Epoch,
    /// The single writer, and with it the commit lock; none in a store opened to read only.
    pub(crate) writer: Option<CommitLock>,
    /// What reads on in the log of another process; none in a store opened to write.
    pub(crate) follower: Option<Mutex<Follower>>,
    pub(crate) group: Arc<GroupSync<SyncHandle>>,
    pub(crate) index: IndexReader,
    pub(crate) log: LogReader,
    /// Held while index and log are replaced by ones with other positions, and while both are taken
    /// for a snapshot. Taken after the commit lock.
    pub(crate) positions: RwLock<()>,
    pub(crate) redacted: Arc<Redactions>,
    /// Held by whoever rewrites segments.
    pub(crate) rewriting: Mutex<Rewriting>,
    /// The thread that holds it, which may come again from a callback.
    pub(crate) rewriter: Mutex<Option<ThreadId>>,
    pub(crate) random: Random,
    /// From where on removals have records, as the manifest said at opening.
    pub(crate) unrecorded_before: Option<Sequence>,
    pub(crate) report: OpenReport,
    /// Where the log ended at opening.
    pub(crate) opened_at: LogPosition,
    /// Position of the newest checkpoint, and the lock under which one is made.
    pub(crate) checkpointed: Mutex<Option<LogPosition>>,
    /// What became of the footers that were to be written.
    pub(crate) footers: Mutex<FootersWritten>,
    /// Whether the directory is still the one that was locked; none in a store opened to read only.
    pub(crate) ours: Option<Arc<Ours>>,
    pub(crate) _lock: Option<Box<dyn FileLock>>,
}

impl Shared {
    /// The commit lock, which nobody may wait for in a fork: who had it does not exist there.
    pub(crate) fn writer(&self) -> Result<&CommitLock, Error> {
        self.check_process()?;
        self.writer_here()
    }

    /// As [`writer`](Self::writer), where the process was looked at already.
    pub(crate) fn writer_here(&self) -> Result<&CommitLock, Error> {
        self.writer
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::ReadOnly, "the store was opened to read only"))
    }

    /// Fails in a fork of the process that opened the store to write. Takes no lock.
    pub(crate) fn check_process(&self) -> Result<(), Error> {
        match &self.ours {
            None => Ok(()),
            Some(ours) => Ok(ours.check_process()?),
        }
    }

    /// Fails if the directory is not the one any more that was locked; nothing is written then.
    pub(crate) fn check_ours(&self) -> Result<(), Error> {
        let looked = self.ours.as_ref().map_or(Ok(()), |ours| ours.check());
        looked.map_err(|error| Error::io("look at the LOCK of", &self.dir, error))
    }

    /// Fails if what is in the directory now is another store, or another course of this one.
    pub(crate) fn check_course(&self) -> Result<(), Error> {
        self.check_ours()?;
        let follower = self.follower.as_ref();
        follower.map_or(Ok(()), |follower| follower.lock().check())
    }

    /// Returns when everything below `end` is durable and visible.
    pub(crate) fn wait_durable(&self, end: Sequence) -> Result<(), Error> {
        self.group.wait(end).map_err(fate_unknown)
    }

    /// Makes everything that was written durable, notes too.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.group.flush().map_err(fate_unknown)
    }

    /// The receipt, which says whether its event is durable now.
    pub(crate) fn note_durable(&self, receipt: Receipt) -> Receipt {
        Receipt {
            durable: receipt.sequence < self.group.durable(),
            ..receipt
        }
    }

    /// Fails if an earlier failure stopped all writing.
    pub(crate) fn check_poison(&self) -> Result<(), Error> {
        match self.group.poison() {
            None => Ok(()),
            Some(poison) => Err(poison.into()),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let positions = self.positions.read();
        // The log after the index, so that it has every segment that the index tells of.
        let index = self.index.snapshot();
        let log = self.log.view();
        drop(positions);
        Snapshot {
            index,
            reader: Reader {
                log,
                redacted: self.redacted.clone(),
            },
        }
    }

    /// The time after which the next event's must be: the newest that was given or observed, also where
    /// the event that had it was removed. None in a store that has had no events.
    pub(crate) fn newest_time(&self) -> Option<Hlc> {
        match (&self.writer, &self.follower) {
            (Some(writer), _) => writer.lock().hlc.last(),
            (None, follower) => follower.as_ref()?.lock().newest_time(),
        }
    }

    /// Where the written log ends, and a snapshot in whose log that position is.
    pub(crate) fn end_and_snapshot(&self) -> (LogPosition, Snapshot) {
        match (&self.writer, &self.follower) {
            (Some(writer), _) => {
                let writer = writer.lock();
                (writer.log.position(), self.snapshot())
            }
            (None, Some(follower)) => {
                let follower = follower.lock();
                (follower.position(), self.snapshot())
            }
            (None, None) => (self.opened_at, self.snapshot()),
        }
    }
}

impl Store {
    pub(crate) fn new(
        shared: Arc<Shared>,
        without_footer: &[WithoutFooter],
    ) -> Result<Self, Error> {
        let background = if shared.writer.is_some() {
            let started = Background::start(shared.clone());
            let started =
                started.map_err(|error| Error::io("start a thread for", &shared.dir, error))?;
            started.write_footers(without_footer);
            Some(started)
        } else {
            None
        };
        Ok(Self {
            shared,
            background,
            driver: RwLock::new(None),
        })
    }

    /// Opens the store in directory `dir` with the default options, making it if it is missing.
    ///
    /// # Errors
    ///
    /// As [`StoreOptions::open`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        StoreOptions::new().open(dir)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The store as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Shows what another process has written since this store was opened to read only, or since
    /// the last call, and gives the watermark. Snapshots that were taken stay as they are.
    ///
    /// Without news: three small reads and a look at which files they are. In a store opened to write,
    /// everything is shown already.
    ///
    /// What it shows are whole commits, whose events the power may yet take back: the writer may
    /// not have synced them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LogBehindCheckpoint`] if what is in the directory now does not go on from what was
    /// read: another store, or an earlier or restored copy of this one, or none. So too if the end of what
    /// was read was carried into another file, as after a kill, and that was compacted or redacted before
    /// this call. Open it again.
    /// [`ErrorKind::Corrupt`], [`ErrorKind::Io`].
    pub fn refresh(&self) -> Result<Sequence, Error> {
        if let Some(follower) = &self.shared.follower {
            follower.lock().follow()?;
        }
        Ok(self.shared.index.gate().visible())
    }

    /// Makes everything appended until now durable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] if a sync fails; nothing is written after that.
    /// [`ErrorKind::ReadOnly`], [`ErrorKind::Poisoned`], [`ErrorKind::LockLost`].
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
        // Not under the lock: the clock may be the caller's.
        let now_ms = options.clock.now_ms();
        let mut writer = self.shared.writer()?.lock();
        writer.observe(seen, now_ms, options.drift_ms_max())
    }

    /// Returns when the event of a receipt is durable, whatever its append asked for.
    ///
    /// # Errors
    ///
    /// As [`sync`](Self::sync).
    pub fn wait_durable(&self, receipt: &Receipt) -> Result<(), Error> {
        self.wait_durable_through(receipt.sequence)
    }

    /// Returns when the event with this sequence and all before it are durable, whatever their
    /// appends asked for. Syncs, if nobody else does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if no event was written there yet, and as [`sync`](Self::sync).
    pub fn wait_durable_through(&self, sequence: Sequence) -> Result<(), Error> {
        self.shared.writer()?;
        let end = sequence.checked_add(1);
        match end.filter(|end| *end <= self.shared.group.written()) {
            Some(end) => self.shared.wait_durable(end),
            None => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("sequence {sequence} was not written by this store"),
            )),
        }
    }

    /// Saves a checkpoint, so that the next opening reads only the log after it. Appends go on.
    ///
    /// Gives the sequence up to which the checkpoint holds the store.
    ///
    /// # Errors
    ///
    /// As [`sync`](Self::sync), or [`ErrorKind::Io`] if it cannot be written; an older checkpoint
    /// then stays. [`ErrorKind::LockLost`].
    pub fn checkpoint(&self) -> Result<Sequence, Error> {
        self.shared.check_process()?;
        self.shared.check_poison()?;
        checkpoint::save(&self.shared)
    }

    /// Reads the whole log and checks every checksum and every chain; then holds against it what was
    /// made of it, byte by byte: the footer of each sealed segment, the checkpoint, and the index that
    /// this process uses. Waits for footers that are being written.
    ///
    /// Two segments at a time are in memory, with 80 bytes an event or so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the log cannot be read; [`ErrorKind::LockLost`], or in a store opened to read
    /// only [`ErrorKind::LogBehindCheckpoint`], if what is in the directory now is another store. Damage is no error: it is in the report.
    pub fn verify(&self) -> Result<VerifyReport, Error> {
        self.wait_for_background();
        crate::verify::verify(&self.shared, &mut |_| Ok(()))
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

    /// The directory: an absolute path, whatever was given, so that it stays right when the process
    /// changes its working directory.
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
        self.shared.check_process()?;
        self.background = None;
        let before = self.shared.check_poison();
        let driver = self.driver.write().take();
        let closed = close(driver, &self.shared.group);
        if self.shared.writer.is_none() {
            return Ok(());
        }
        before?;
        closed.map_err(fate_unknown)?;
        self.shared.check_ours()?;
        self.checkpoint().map(drop)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let ours = self.shared.ours.as_ref();
        if ours.is_none_or(|ours| ours.is_in_this_process()) {
            return;
        }
        // In a fork the threads do not exist that would be joined, locks are held by nobody who lets
        // them go, and the files are the parent's to tidy up.
        std::mem::forget(std::mem::replace(&mut self.driver, RwLock::new(None)));
        std::mem::forget(self.background.take());
        std::mem::forget(self.shared.clone());
    }
}

/// The error of a sync that failed while somebody waited for it.
#[expect(clippy::needless_pass_by_value, reason = "it is what a wait ends with")]
fn fate_unknown(poison: Poison) -> Error {
    let message = "what was written may or may not be durable, reopen to see";
    Error::new(ErrorKind::Unknown, format!("{}; {message}", poison.reason))
}
