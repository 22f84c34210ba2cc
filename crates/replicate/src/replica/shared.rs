//! What the thread of a replica and those who use it share. Follows nothing.

use super::status::{ReplicaActivity, ReplicaStatus};
use crate::follow::FollowError;
use std::sync::Arc;
use std::time::Duration;
use strandline::Store;
use strandline_core::sync::{Condvar, Mutex};
use strandline_core::{Clock, Sequence};

/// What both know.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    told: Mutex<Told>,
    /// There is more to see, or the thread is to end.
    changed: Condvar,
}

struct Told {
    status: ReplicaStatus,
    /// When there was no more, by the clock's time since some moment.
    reached_at: Option<Duration>,
    store: Arc<Store>,
    is_stopping: bool,
}

impl Shared {
    pub(super) fn new(clock: Arc<dyn Clock>, store: Arc<Store>, status: ReplicaStatus) -> Self {
        Self {
            clock,
            told: Mutex::new(Told {
                status,
                reached_at: None,
                store,
                is_stopping: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn store(&self) -> Arc<Store> {
        self.told.lock().store.clone()
    }

    pub(super) fn status(&self) -> ReplicaStatus {
        let now = self.clock.elapsed();
        let told = self.told.lock();
        let mut status = told.status.clone();
        status.reached_ago = told.reached_at.map(|at| now.saturating_sub(at));
        status
    }

    /// Tells of what is new, and wakes who waits.
    pub(super) fn tell(&self, change: impl FnOnce(&mut ReplicaStatus)) {
        let now = self.clock.elapsed();
        let mut told = self.told.lock();
        change(&mut told.status);
        if matches!(told.status.activity, ReplicaActivity::Reached) {
            told.reached_at = Some(now);
        }
        drop(told);
        self.changed.notify_all();
    }

    /// Puts a store in the place of the one that cannot read on.
    pub(super) fn replace(&self, store: Arc<Store>) {
        let before = std::mem::replace(&mut self.told.lock().store, store);
        // Closed, if nobody has it, with the lock given up.
        drop(before);
    }

    /// Waits until the event of a sequence is shown; `false` if it was not within the time.
    pub(super) fn wait_past(
        &self,
        sequence: Sequence,
        timeout: Duration,
    ) -> Result<bool, Arc<FollowError>> {
        let mut told = self.told.lock();
        let is_open = |told: &mut Told| {
            told.status.visible <= sequence
                && !matches!(told.status.activity, ReplicaActivity::Failed(_))
        };
        if is_open(&mut told) {
            self.changed.wait_while_for(&mut told, is_open, timeout);
        }
        match (&told.status.activity, told.status.visible > sequence) {
            (_, true) => Ok(true),
            (ReplicaActivity::Failed(error), _) => Err(error.clone()),
            (_, false) => Ok(false),
        }
    }

    /// Waits for a while, or until the thread is to end.
    pub(super) fn rest(&self, time: Duration) {
        let mut told = self.told.lock();
        if !told.is_stopping {
            let waits = |told: &mut Told| !told.is_stopping;
            self.changed.wait_while_for(&mut told, waits, time);
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.told.lock().is_stopping
    }

    pub(super) fn stop(&self) {
        self.told.lock().is_stopping = true;
        self.changed.notify_all();
    }
}
