//! `Replica`: a store to read only that follows a bucket.
//!
//! Holds the thread and what it tells. How a bucket is followed is in `follow`. Writes nothing to the bucket.

mod options;
mod run;
mod shared;
mod status;

pub use options::ReplicaOptions;
pub use status::{ReplicaActivity, ReplicaStatus};

use crate::bucket::Bucket;
use crate::follow::{FollowError, Following, Step};
use crate::protocol::Waiting;
use run::Run;
use shared::Shared;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::Store;
use strandline_core::Sequence;
use strandline_core::sync::thread;

/// How often a bucket is begun with anew that is swept while it is fetched.
const TRIES: u32 = 8;

/// A store to read only, which has what a bucket has and goes on as the bucket does.
///
/// What it shows was acknowledged by the bucket, or is part of what every later term of the bucket has; so nothing
/// that it has shown is taken back by a takeover. It checks every frame, and that the log goes on from what it has:
/// where a bucket contradicts that, it stops with [`FollowError::Diverged`] and goes on showing what it had.
///
/// The directory is its own: a copy of the log, fetched whole, or but for its sealed files, which are fetched when they
/// are read ([`ReplicaOptions::lazy`]). While it is open no other replica or writer can have
/// it; other processes may read it as they read beside a writer. After a restart it goes on where it was.
///
/// Dropping it ends its thread, which may take as long as the request that is under way.
pub struct Replica {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Replica {
    /// Opens a replica of a bucket in `dir`, which is made if it is missing, and has it follow the bucket on a thread
    /// of its own.
    ///
    /// In a new directory it returns once all is fetched that there is, and so if it is [lazy](ReplicaOptions::lazy). In
    /// one that has a copy it returns at once.
    ///
    /// # Errors
    ///
    /// [`FollowError::Empty`] if the bucket has no log and the directory neither; [`FollowError::NotBegun`] if the
    /// directory has none and the newest term of the bucket was taken and has not begun, with who took it: it may be
    /// called again; [`FollowError::OtherLog`] and
    /// [`FollowError::Diverged`] if the directory has something else; [`FollowError::Bucket`] if a new one cannot
    /// be filled; [`FollowError::Log`], [`FollowError::Store`], [`FollowError::Io`].
    pub fn open(
        bucket: Bucket,
        dir: impl AsRef<Path>,
        options: ReplicaOptions,
    ) -> Result<Self, FollowError> {
        let dir = dir.as_ref();
        let mut following =
            Following::open(bucket, options.fs.clone(), dir, options.lazy.as_ref())?;
        // What the bucket has of an earlier state may be gone.
        if following.end().is_none() || following.copy().is_lazy() {
            fill(&mut following)?;
        }
        let store = Arc::new(options.open(following.copy(), dir)?);
        let visible = store.snapshot().visible();
        let status = ReplicaStatus {
            term: following.place().map(|(term, _)| term),
            next_chunk: following.place().map_or(0, |(_, next)| next),
            visible,
            events_behind: 0,
            reached_ago: None,
            activity: ReplicaActivity::Reading,
            unsynced_bytes: 0,
        };
        let shared = Arc::new(Shared::new(options.clock.clone(), store, status));
        let run = Run::new(following, shared.clone(), options, dir.to_path_buf());
        let thread = thread::Builder::new().name("strandline-replica".to_owned());
        let thread = thread.spawn(move || run.run());
        let thread = thread.map_err(|error| FollowError::io("start a thread for", dir, error))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// The store, for snapshots, queries, cursors and whatever reads. It shows more as the replica goes on, without
    /// being asked to.
    ///
    /// Where sealed segments were compacted, redacted or merged, a store that has them open goes on reading what they
    /// were: then another one takes its place here. So it is asked for again, and not kept.
    #[must_use]
    pub fn store(&self) -> Arc<Store> {
        self.shared.store()
    }

    /// How far it is, and what it waits for.
    #[must_use]
    pub fn status(&self) -> ReplicaStatus {
        self.shared.status()
    }

    /// Tells the recorder of the crate `metrics` how far it is, as [`status`](Self::status) says: the gauges of
    /// `docs/metrics.md`. Call it before what was recorded is fetched, or every few seconds.
    #[cfg(feature = "metrics")]
    pub fn report_metrics(&self) {
        let status = self.status();
        let (visible, behind) = (status.visible, status.events_behind);
        crate::report::replica(self.store().dir(), visible, behind, status.reached_ago);
    }

    /// Waits until the event of a sequence is shown, and says whether it was within `timeout`: to read what one has
    /// written elsewhere.
    ///
    /// # Errors
    ///
    /// Why the replica has stopped, if it has and will never show it.
    pub fn wait_past(
        &self,
        sequence: Sequence,
        timeout: Duration,
    ) -> Result<bool, Arc<FollowError>> {
        self.shared.wait_past(sequence, timeout)
    }
}

/// Fetches all that there is, for the first time.
fn fill(following: &mut Following) -> Result<(), FollowError> {
    let mut tries_left = TRIES;
    loop {
        match following.step() {
            Ok(Step::More | Step::Grew | Step::Rewritten) => {}
            Err(error) if error.is_gone() && tries_left > 0 => tries_left -= 1,
            Ok(Step::Wait(waiting)) if following.end().is_none() => {
                let taken = match waiting {
                    Waiting::Begin(term) => following.record(term)?,
                    Waiting::Empty | Waiting::Reached(_) => None,
                };
                return Err(taken.map_or(FollowError::Empty, |record| {
                    FollowError::NotBegun(Box::new(record))
                }));
            }
            Ok(Step::Wait(_)) => return following.sync(),
            Err(error) => return Err(error),
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of it was told when it happened.
            let _ = thread.join();
        }
    }
}
