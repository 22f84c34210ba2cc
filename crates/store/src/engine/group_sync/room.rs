//! `Room`: a task's wait until fewer submits are in flight.

use super::places::PlaceKey;
use super::poison::Poison;
use super::sync::GroupSync;
use super::target::SyncTarget;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What came of an attempt to submit.
#[derive(Debug)]
pub(crate) enum Attempt<R> {
    /// It was made, or refused for good.
    Done(R),
    /// Too many are in flight.
    Full,
}

/// Waits until one that is in flight is durable, as often as it takes.
#[derive(Debug)]
pub(crate) struct Room<T: SyncTarget> {
    group: Arc<GroupSync<T>>,
    /// How many may be in flight.
    most: usize,
    key: Option<PlaceKey>,
}

impl<T: SyncTarget> Room<T> {
    pub(crate) const fn new(group: Arc<GroupSync<T>>, most: usize) -> Self {
        let key = None;
        Self { group, most, key }
    }

    /// Attempts to submit. If there is no room, the task is woken when there may be: others may be
    /// faster, so it is tried again then.
    ///
    /// What is in flight must have been, or be about to be, asked to be synced.
    pub(crate) fn poll<R>(
        &mut self,
        context: &Context<'_>,
        mut attempt: impl FnMut() -> Attempt<R>,
    ) -> Poll<Result<R, Poison>> {
        loop {
            if let Attempt::Done(done) = attempt() {
                self.leave();
                return Poll::Ready(Ok(done));
            }
            if let Some(poison) = self.group.poison() {
                self.leave();
                return Poll::Ready(Err(poison));
            }
            let waker = context.waker();
            if self.group.wait_for_room(&mut self.key, self.most, waker) {
                return Poll::Pending;
            }
        }
    }

    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            self.group.leave_room(key, self.most);
        }
    }
}

impl<T: SyncTarget> Drop for Room<T> {
    fn drop(&mut self) {
        if self.key.is_some() && self.group.is_in_this_process() {
            self.leave();
        }
    }
}
