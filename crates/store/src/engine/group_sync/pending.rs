//! `Pending`: the wait for a sync, by a thread or by a task.

use super::levels::Reach;
use super::poison::Poison;
use super::sync::GroupSync;
use super::target::SyncTarget;
use super::wakers::WakerKey;
use std::sync::Arc;
use std::task::{Context, Poll};
use strandline_core::Sequence;

/// Waits until everything below a sequence is durable and visible, or replicated too, or writing has stopped.
#[derive(Debug)]
pub(crate) struct Pending<T: SyncTarget> {
    group: Arc<GroupSync<T>>,
    reach: Reach,
    end: Sequence,
    key: Option<WakerKey>,
}

impl<T: SyncTarget> Pending<T> {
    pub(crate) const fn new(group: Arc<GroupSync<T>>, reach: Reach, end: Sequence) -> Self {
        Self {
            group,
            reach,
            end,
            key: None,
        }
    }

    /// Exclusive upper bound of the sequences that are as far as that.
    pub(crate) fn at(&self, reach: Reach) -> Sequence {
        self.group.at(reach)
    }

    /// Returns when the wait is over; syncs if nobody else does.
    pub(crate) fn wait(&self) -> Result<(), Poison> {
        self.check_process()?;
        self.group.wait_for(self.reach, self.end)
    }

    fn check_process(&self) -> Result<(), Poison> {
        if self.group.is_in_this_process() {
            return Ok(());
        }
        let reason = "this process is a fork of the one that appends, which alone is told";
        Err(Poison::lock_lost(reason))
    }

    /// Whether the wait is over; if not, the task is woken when it is. Somebody must have been
    /// asked to sync.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<(), Poison>> {
        if let Err(poison) = self.check_process() {
            return Poll::Ready(Err(poison));
        }
        self.group
            .poll((self.reach, self.end), &mut self.key, context.waker())
    }
}

impl<T: SyncTarget> Drop for Pending<T> {
    fn drop(&mut self) {
        if let Some(key) = self.key
            && self.group.is_in_this_process()
        {
            self.group.forget(self.reach, key);
        }
    }
}
