//! `Awaited`: a wait for a watermark by somebody who may wait for something else too.

use super::over::Over;
use super::waiters::{Waiter, WaiterKey};
use super::watermarks::{Mark, News};
use crate::engine::parker::Parker;
use std::sync::Arc;
use std::task::{Context, Poll};
use strandline_core::Sequence;

/// Waits until a watermark is past a sequence, as a task does, or a thread of the store's.
#[derive(Debug)]
pub(crate) struct Awaited {
    news: Arc<News>,
    mark: Mark,
    sequence: Sequence,
    key: Option<WaiterKey>,
}

impl Awaited {
    pub(crate) const fn new(news: Arc<News>, mark: Mark, sequence: Sequence) -> Self {
        let key = None;
        Self {
            news,
            mark,
            sequence,
            key,
        }
    }

    /// The watermark, once it is past the sequence; until then the task is woken when it is.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<Sequence, Over>> {
        self.poll_as(|| Waiter::Task(context.waker().clone()))
    }

    /// As [`poll`](Self::poll), for a thread of the store's, which is unparked.
    pub(crate) fn poll_own(&mut self, parker: &Arc<Parker>) -> Poll<Result<Sequence, Over>> {
        self.poll_as(|| Waiter::Own(parker.clone()))
    }

    fn poll_as(&mut self, waiter: impl FnOnce() -> Waiter) -> Poll<Result<Sequence, Over>> {
        self.news
            .poll(self.mark, self.sequence, &mut self.key, waiter)
    }

    /// What is waited for.
    pub(crate) const fn sequence(&self) -> Sequence {
        self.sequence
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(key) = self.key
            && self.news.is_in_this_process()
        {
            self.news.forget(self.mark, key);
        }
    }
}
