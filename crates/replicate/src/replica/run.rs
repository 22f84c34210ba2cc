//! The thread of a replica: it follows the bucket and shows what came.

use super::options::ReplicaOptions;
use super::shared::Shared;
use super::status::ReplicaActivity;
use crate::follow::{FollowError, Following, Step};
use crate::object::{Term, TermRecord};
use crate::protocol::Waiting;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use strandline::ErrorKind;
use strandline_core::Sequence;

/// Bytes of frames that are received without a sync at most.
const UNSYNCED_BYTES_MAX: u64 = 64 << 20;
/// Longest wait after an error.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Every so many looks in vain it is looked whether what is waited for was deleted.
const LOOKS_BETWEEN_DOUBTS: u32 = 60;

/// What the thread has to itself.
pub(super) struct Run {
    pub(super) following: Following,
    pub(super) shared: Arc<Shared>,
    pub(super) options: ReplicaOptions,
    pub(super) dir: PathBuf,
    /// When it was synced last.
    synced_at: Duration,
    looks: u32,
    failures: u32,
    /// The store does not show what is there, and another one is to be opened.
    is_unshown: bool,
    /// Who has the term that is waited for.
    taker: Option<TermRecord>,
}

impl Run {
    pub(super) fn new(
        following: Following,
        shared: Arc<Shared>,
        options: ReplicaOptions,
        dir: PathBuf,
    ) -> Self {
        Self {
            synced_at: shared.clock.elapsed(),
            following,
            shared,
            options,
            dir,
            looks: 0,
            failures: 0,
            is_unshown: false,
            taker: None,
        }
    }

    /// Follows until it is told to stop or cannot go on.
    pub(super) fn run(mut self) {
        while !self.shared.is_stopping() {
            let done = self.step();
            match done {
                Ok(()) => self.failures = 0,
                // Whoever opened it was let in: credentials are renewed, a right is given back, a disk is mounted again.
                Err(error) if self.may_pass(&error) => {
                    self.back_off(error);
                }
                Err(error) => {
                    let error = Arc::new(error);
                    tracing::error!(%error, "the replica has stopped");
                    return self.shared.tell(|status| {
                        status.activity = ReplicaActivity::Failed(error);
                    });
                }
            }
        }
        // What is not synced is fetched again.
        if let Err(error) = self.following.sync() {
            tracing::warn!(%error, "what the replica received last is not synced");
        }
    }

    /// Whether an error may go by: of the bucket, also where it is read as a file.
    fn may_pass(&self, error: &FollowError) -> bool {
        let is_of_file = |error: &strandline::Error| {
            self.following.copy().is_lazy() && error.kind() == ErrorKind::Io
        };
        match error {
            FollowError::Bucket(_) => true,
            FollowError::Store(error) => is_of_file(error),
            error => error.is_passing(),
        }
    }

    fn step(&mut self) -> Result<(), FollowError> {
        if self.is_unshown {
            let visible = self.open_anew()?;
            self.tell(visible, ReplicaActivity::Reading);
        }
        match self.following.step()? {
            Step::More => {}
            Step::Grew => {
                self.looks = 0;
                self.show(ReplicaActivity::Reading)?;
            }
            Step::Rewritten => {
                self.looks = 0;
                let visible = self.open_anew()?;
                self.tell(visible, ReplicaActivity::Reading);
            }
            Step::Wait(waiting) => {
                self.wait(waiting)?;
            }
        }
        self.sync_if_due()
    }

    /// Has the store read on, and tells of it.
    fn show(&mut self, activity: ReplicaActivity) -> Result<(), FollowError> {
        let store = self.shared.store();
        self.is_unshown = true;
        let visible = match store.refresh() {
            Err(error) if error.kind() == ErrorKind::LogBehindCheckpoint => {
                // What was carried and merged can only be read by a store that is opened on it.
                self.open_anew()?
            }
            visible => visible?,
        };
        self.is_unshown = false;
        self.tell(visible, activity);
        Ok(())
    }

    /// Puts a store that is opened now in the place of the one that is there.
    fn open_anew(&mut self) -> Result<Sequence, FollowError> {
        self.is_unshown = true;
        let store = self.options.open(self.following.copy(), &self.dir)?;
        let visible = store.snapshot().visible();
        self.shared.replace(Arc::new(store));
        self.is_unshown = false;
        Ok(visible)
    }

    fn tell(&self, visible: Sequence, activity: ReplicaActivity) {
        let end = self.following.end();
        let end = end.map_or(visible, |end| end.sequence);
        let place = self.following.place();
        let unsynced_bytes = self.following.unsynced_bytes();
        self.shared.tell(|status| {
            if let Some((term, next)) = place {
                status.term = Some(term);
                status.next_chunk = next;
            }
            status.visible = visible;
            status.events_behind = end.get().saturating_sub(visible.get());
            status.activity = activity;
            status.unsynced_bytes = unsynced_bytes;
        });
    }

    fn wait(&mut self, waiting: Waiting) -> Result<(), FollowError> {
        let visible = self.shared.status().visible;
        let activity = match waiting {
            Waiting::Reached(_) => ReplicaActivity::Reached,
            // A bucket that had a log and has none: its terms are never deleted.
            Waiting::Empty => return Err(FollowError::Empty),
            Waiting::Begin(term) => ReplicaActivity::WaitingFor {
                term,
                record: self.taker(term)?,
            },
        };
        self.tell(visible, activity);
        self.looks = self.looks.saturating_add(1);
        if self.looks.is_multiple_of(LOOKS_BETWEEN_DOUBTS) {
            self.following.doubt();
        }
        self.sync_if_due()?;
        self.shared.rest(self.options.poll_interval);
        Ok(())
    }

    fn taker(&mut self, term: Term) -> Result<Option<TermRecord>, FollowError> {
        if self.taker.as_ref().is_none_or(|taker| taker.term != term) {
            self.taker = self.following.record(term)?;
        }
        Ok(self.taker.clone())
    }

    fn sync_if_due(&mut self) -> Result<(), FollowError> {
        let bytes = self.following.unsynced_bytes();
        let now = self.shared.clock.elapsed();
        let since = now.saturating_sub(self.synced_at);
        if bytes >= UNSYNCED_BYTES_MAX || bytes > 0 && since >= self.options.sync_interval {
            self.following.sync()?;
            self.synced_at = now;
        }
        Ok(())
    }

    fn back_off(&mut self, error: FollowError) {
        tracing::warn!(%error, "the replica tries again");
        let error = Arc::new(error);
        self.shared
            .tell(|status| status.activity = ReplicaActivity::Retrying(error));
        let times = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1).min(16);
        let wait = self.options.poll_interval.saturating_mul(times);
        self.shared.rest(wait.min(BACKOFF_MAX));
    }
}
