//! `Awaited`: a task's wait for a watermark.

use super::over::Over;
use super::waiters::WaiterKey;
use super::watermarks::{Mark, News};
use std::sync::Arc;
use std::task::{Context, Poll};
use strandline_core::Sequence;

/// Waits until a watermark is past a sequence, as a task does.
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
        let waker = context.waker();
        self.news
            .poll(self.mark, self.sequence, &mut self.key, waker)
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
