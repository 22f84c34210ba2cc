//! Waiting until a watermark is past a sequence, by a thread or by a task.
//!
//! Where another process writes, somebody has to look for what came: a thread of the store's, for as long as
//! anybody waits.

use crate::Error;
use crate::engine::Shared;
use crate::engine::news::{Awaited, Look, Mark, News, Over};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use strandline_core::Sequence;

/// A wait until events up to some sequence are visible, or durable: what
/// [`Store::visible_past`](crate::Store::visible_past) and
/// [`Store::durable_past`](crate::Store::durable_past) give.
///
/// A future that needs no runtime and blocks no executor. It gives the watermark, which is past the sequence.
/// Dropping it ends the wait. It does not keep the store open.
#[derive(Debug)]
#[must_use = "a wait ends when it is dropped"]
pub struct Passed {
    /// Why the wait could not begin.
    refused: Option<Error>,
    awaited: Awaited,
}

impl Future for Passed {
    type Output = Result<Sequence, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(error) = self.refused.take() {
            return Poll::Ready(Err(error));
        }
        self.awaited.poll(context).map_err(Error::from)
    }
}

/// Returns whether a watermark is past `sequence`, once it is or after `timeout`. Looks for events of another
/// process first.
pub(crate) fn wait_past(
    shared: &Arc<Shared>,
    mark: Mark,
    sequence: Sequence,
    timeout: Duration,
) -> Result<bool, Error> {
    let news = shared.group.news();
    news.check_process()?;
    if let Some(follower) = &shared.follower
        && news.watermark(mark) <= sequence
    {
        follower.lock().follow()?;
        if !timeout.is_zero() {
            start_lookout(shared)?;
        }
    }
    Ok(news.wait(mark, sequence, timeout)?.is_some())
}

/// A task's wait until a watermark is past `sequence`.
pub(crate) fn passed(shared: &Arc<Shared>, mark: Mark, sequence: Sequence) -> Passed {
    let news = shared.group.news().clone();
    Passed {
        refused: begin(shared, &news, mark).err(),
        awaited: Awaited::new(news, mark, sequence),
    }
}

fn begin(shared: &Arc<Shared>, news: &News, mark: Mark) -> Result<(), Error> {
    news.check_process()?;
    if mark == Mark::Replicated {
        // Where another process writes, nobody is told what is replicated.
        shared.writer_here()?;
    }
    let started = news.start_calls();
    started.map_err(|error| Error::io("start a thread for", &shared.dir, error))?;
    start_lookout(shared)
}

/// Makes sure that somebody looks for events where another process writes them.
pub(crate) fn start_lookout(shared: &Arc<Shared>) -> Result<(), Error> {
    let Some(lookout) = shared.group.news().lookout() else {
        return Ok(());
    };
    let weak = Arc::downgrade(shared);
    let started = lookout.start(shared.group.calls(), move || look(&weak));
    started.map_err(|error| Error::io("start a thread for", &shared.dir, error))
}

/// Looks once for events of another process, if anybody waits for some.
fn look(shared: &Weak<Shared>) -> Look {
    let Some(shared) = shared.upgrade() else {
        return Look::Over;
    };
    let news = shared.group.news();
    let Some(follower) = shared.follower.as_ref().filter(|_| !news.is_over()) else {
        return Look::Over;
    };
    if !news.is_awaited() {
        return Look::Unawaited;
    }
    let watermarks = || [Mark::Visible, Mark::Durable].map(|mark| news.watermark(mark));
    let before = watermarks();
    let follow = || follower.lock().follow();
    let over = match shared.group.calls().catch("a look for events", follow) {
        Some(Ok(())) => None,
        Some(Err(error)) => Some(Over::from(&error)),
        None => Some(Over::panicked()),
    };
    if let Some(over) = over {
        news.fail(&over);
    }
    match watermarks() == before {
        true => Look::Nothing,
        false => Look::Something,
    }
}
