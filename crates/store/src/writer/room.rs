//! `Room`: a task's wait until fewer submits are in flight.

use super::Poison;
use super::pending::Pending;
use super::sync::{GroupSync, SyncTarget};
use std::sync::Arc;
use std::task::{Context, Poll};
use strandline_core::Sequence;

/// What came of an attempt to submit.
#[derive(Debug)]
pub(crate) enum Attempt<R> {
    /// It was made, or refused for good.
    Done(R),
    /// Too many are in flight, the oldest of which ends here.
    Full(Sequence),
}

/// Waits until the oldest submit that is in flight is durable, as often as it takes.
#[derive(Debug)]
pub(crate) struct Room<T: SyncTarget> {
    group: Arc<GroupSync<T>>,
    oldest: Option<Pending<T>>,
}

impl<T: SyncTarget> Room<T> {
    pub(crate) const fn new(group: Arc<GroupSync<T>>) -> Self {
        Self {
            group,
            oldest: None,
        }
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
            if let Some(oldest) = &mut self.oldest {
                match oldest.poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(waited) => {
                        self.oldest = None;
                        if let Err(poison) = waited {
                            return Poll::Ready(Err(poison));
                        }
                    }
                }
            }
            match attempt() {
                Attempt::Done(done) => return Poll::Ready(Ok(done)),
                Attempt::Full(end) => {
                    self.oldest = Some(Pending::new(self.group.clone(), end));
                }
            }
        }
    }
}
