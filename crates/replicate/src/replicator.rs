//! `Replicator`: a store shipped to a bucket, by threads of its own.

use crate::bucket::Bucket;
use crate::ship::{
    Board, Hurry, Noted, OwnerFile, ReplicateError, ReplicateOptions, ReplicatorStage,
    ReplicatorStatus, Shipping, Source, Stop, TakenTerm, ship,
};
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};
use std::time::Duration;
use strandline::Store;
use strandline::maintenance::redo;
use strandline_core::sync::thread::{self, JoinHandle};
use strandline_core::{Clock, Sequence, SystemClock};

/// Ships a store to a bucket as long as it is held.
///
/// It takes the next term of the bucket, puts there what the bucket lacks, and then ships what becomes durable, in
/// chunks. Beside these it puts sealed segments with their footers and merged index files, so that a reader begins
/// with few requests. Appends wait for it only if they ask for
/// [`Durability::Replicated`](strandline::Durability::Replicated).
///
/// Failures of the object store are waited out, for as long as they last. Where another writer has taken the bucket
/// over, the store is [fenced](strandline::ErrorKind::Fenced): it is read on, and not written any more.
///
/// Does not keep the store open. Dropping it stops it and leaves what is not shipped; [`stop`](Self::stop) waits for
/// that first.
///
/// ```
/// use std::time::Duration;
/// use strandline::{AppendOptions, Coordinate, Durability, Event, EventKind, Store};
/// use strandline_replicate::{Bucket, BucketOptions, ReplicateOptions, Replicator};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let bucket = Bucket::open("memory:", BucketOptions::new())?;
/// let replicator = Replicator::start(&store, bucket, ReplicateOptions::new())?;
///
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let event = Event::bytes(EventKind::new(1, 1), *b"placed");
/// let replicated = AppendOptions::new().durability(Durability::Replicated);
/// assert!(store.append_with(&order, event, replicated)?.replicated);
/// replicator.stop(Duration::from_secs(10))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Replicator {
    /// Held by the threads alone: appends are told when these have ended.
    source: Weak<Source>,
    /// The directory of the store.
    #[cfg(feature = "metrics")]
    dir: std::path::PathBuf,
    board: Arc<Board>,
    hurry: Hurry,
    bucket: Bucket,
    clock: Arc<dyn Clock>,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<ReplicateError>>,
}

impl Replicator {
    /// Starts to ship a store. Returns at once: [`status`](Self::status) says how it goes, and
    /// [`wait_begun`](Self::wait_begun) waits for the term to begin.
    ///
    /// # Errors
    ///
    /// [`ReplicateError::Bucket`] with [`NotApart`](crate::BucketErrorKind::NotApart) if the bucket is the directory of the
    /// store, or in it or around it; [`ReplicateError::Store`] if the store is shipped already or cannot be written; [`ReplicateError::File`] if
    /// there is no thread to be had.
    pub fn start(
        store: &Store,
        bucket: Bucket,
        options: ReplicateOptions,
    ) -> Result<Self, ReplicateError> {
        Self::start_with(store, bucket, options, None)
    }

    /// Starts to ship a store whose first term may be taken already.
    pub(crate) fn start_with(
        store: &Store,
        bucket: Bucket,
        options: ReplicateOptions,
        taken: Option<TakenTerm>,
    ) -> Result<Self, ReplicateError> {
        bucket.check_apart(store.dir())?;
        let source = Arc::new(Source::of(store)?);
        redo_if_due(store, &bucket)?;
        let (shipped, hurry) = (Arc::downgrade(&source), source.hurry().clone());
        let board = Arc::new(Board::new());
        let stop = Arc::new(Stop::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let shipping = Shipping {
            source,
            bucket: bucket.clone(),
            options,
            board: Arc::clone(&board),
            stop: Arc::clone(&stop),
            clock: Arc::clone(&clock),
        };
        let thread = thread::Builder::new().name("strandline-ship".to_owned());
        let thread = thread.spawn(move || ship(&shipping, taken));
        let thread = thread.map_err(|source| ReplicateError::File {
            path: "strandline-ship".into(),
            source,
        })?;
        Ok(Self {
            source: shipped,
            #[cfg(feature = "metrics")]
            dir: store.dir().to_path_buf(),
            board,
            hurry,
            bucket,
            clock,
            stop,
            thread: Some(thread),
        })
    }

    /// How far the store is shipped. O(1), and no request.
    #[must_use]
    pub fn status(&self) -> ReplicatorStatus {
        self.board
            .status(self.clock.elapsed(), self.bucket.requests())
    }

    /// Tells the recorder of the crate `metrics` how far the store is shipped, as [`status`](Self::status) says: the
    /// gauges and counters of `docs/metrics.md`. Call it before what was recorded is fetched, or every few seconds.
    #[cfg(feature = "metrics")]
    pub fn report_metrics(&self) {
        crate::report::replicator(&self.dir, &self.status());
    }

    /// Waits until the term has begun, and says whether it has within the timeout. It never will once the shipper
    /// has ended: then it returns at once.
    #[must_use]
    pub fn wait_begun(&self, timeout: Duration) -> bool {
        let noted = self
            .board
            .wait(timeout, |noted| noted.stage != ReplicatorStage::Beginning);
        noted.is_some_and(|noted| noted.stage == ReplicatorStage::Shipping)
    }

    /// Waits until all below `end` is replicated, and says whether it is within the timeout. Returns at once if the
    /// shipper has ended.
    #[must_use]
    pub fn wait_replicated(&self, end: Sequence, timeout: Duration) -> bool {
        let is_over = |stage| matches!(stage, ReplicatorStage::Fenced | ReplicatorStage::Ended);
        let is_done = |noted: &Noted| noted.replicated >= end || is_over(noted.stage);
        let noted = self.hurry.during(|| self.board.wait(timeout, is_done));
        noted.is_some_and(|noted| noted.replicated >= end)
    }

    /// Waits until the shipper has ended by itself, and gives why; gives the replicator back if it still works after
    /// the timeout.
    ///
    /// # Errors
    ///
    /// Itself.
    pub fn wait_ended(mut self, timeout: Duration) -> Result<ReplicateError, Self> {
        let is_over = |stage| matches!(stage, ReplicatorStage::Fenced | ReplicatorStage::Ended);
        if self
            .board
            .wait(timeout, |noted| is_over(noted.stage))
            .is_none()
        {
            return Err(self);
        }
        Ok(self.end().unwrap_or(ReplicateError::Stopped))
    }

    /// Waits until what is durable now is replicated, and until objects of segments that were rewritten by now, by a
    /// redaction, say, are deleted from the bucket; then stops. What nothing needs for other reasons stays for its grace.
    ///
    /// # Errors
    ///
    /// Why the shipper had ended before; [`ReplicateError::Stopped`] if something was not replicated within the
    /// timeout, [`ReplicateError::NotDeleted`] if something was not deleted. It is stopped all the same.
    pub fn stop(mut self, timeout: Duration) -> Result<(), ReplicateError> {
        let source = self.source.upgrade();
        let end = source.and_then(|source| source.durable_end().ok());
        let end = end.map_or(Sequence::ZERO, |end| end.sequence);
        let is_over = |stage| matches!(stage, ReplicatorStage::Fenced | ReplicatorStage::Ended);
        let asked = self.board.ask_settled();
        let is_done = |noted: &Noted| {
            is_over(noted.stage)
                || noted.stage == ReplicatorStage::Shipping
                    && noted.replicated >= end
                    && noted.settled >= asked
        };
        let noted = self.hurry.during(|| self.board.wait(timeout, is_done));
        let was_over = noted.as_ref().is_some_and(|noted| is_over(noted.stage));
        let is_replicated = |noted: &Noted| noted.replicated >= end;
        let is_replicated = self.board.wait(Duration::ZERO, is_replicated).is_some();
        match (self.end(), noted) {
            (Some(error), _) if was_over => Err(error),
            (_, None) if is_replicated => Err(ReplicateError::NotDeleted),
            (_, None) => Err(ReplicateError::Stopped),
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Option<ReplicateError> {
        self.stop.stop();
        Some(
            self.thread
                .take()?
                .join()
                .unwrap_or(ReplicateError::Panicked),
        )
    }
}

/// Takes away again what the records of a log that was taken over say is gone, before it is shipped: what was rewritten
/// comes with a state, and the records with the chunks before that.
fn redo_if_due(store: &Store, bucket: &Bucket) -> Result<(), ReplicateError> {
    let mut owners = OwnerFile::open(Arc::clone(store.fs()), store.dir(), bucket.name())?;
    if let Some(from) = owners.redo_from() {
        redo(store, from, &mut |_| ControlFlow::Continue(()))?;
        owners.set_redo_from(None)?;
    }
    Ok(())
}

impl Drop for Replicator {
    fn drop(&mut self) {
        self.end();
    }
}
