//! `Ticket`: an append whose sync is waited for later, by a thread or by a task.

use crate::engine::group_sync::{Pending, Poison, Reach};
use crate::{Error, Receipt};
use std::pin::Pin;
use std::task::{Context, Poll};
use strandline_core::{EventId, Sequence};
use strandline_segment::SyncHandle;

/// An append that was written and that may not be durable yet: what [`Store::submit`](crate::Store::submit) gives.
///
/// [`wait`](Self::wait) for it, or await it: it is a future that needs no runtime and blocks no
/// executor. The event becomes visible when the ticket is ready at the latest. Dropping a ticket
/// takes nothing back.
///
/// ```
/// use std::collections::VecDeque;
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("log.strand"))?;
/// let sensor = Coordinate::new("sensor:1", "hall")?;
/// let mut in_flight = VecDeque::new();
/// for reading in 0..1000 {
///     in_flight.push_back(store.submit(&sensor, Event::json(EventKind::new(1, 1), &reading)?)?);
///     if in_flight.len() == 64 {
///         let receipt = in_flight.pop_front().unwrap().wait()?; // it is on the disk
///         assert!(receipt.durable);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "whether the event is durable is known only once the ticket is ready"]
pub struct Ticket<R: Outcome = Receipt> {
    /// What it will give; none once it was given.
    outcome: Option<Result<R, Error>>,
    pending: Pending<SyncHandle>,
}

/// What a ticket gives: a [`Receipt`], or those of a batch.
pub trait Outcome: sealed::Outcome {}

impl Outcome for Receipt {}
impl Outcome for Vec<Receipt> {}

mod sealed {
    use super::{EventId, Receipt, Sequence};

    pub trait Outcome: Unpin {
        fn ids(&self) -> Vec<EventId>;
        fn note_levels(&mut self, durable: Sequence, replicated: Sequence);
    }

    impl Outcome for Receipt {
        fn ids(&self) -> Vec<EventId> {
            vec![self.id]
        }

        fn note_levels(&mut self, durable: Sequence, replicated: Sequence) {
            self.durable = self.sequence < durable;
            self.replicated = self.sequence < replicated;
        }
    }

    impl Outcome for Vec<Receipt> {
        fn ids(&self) -> Vec<EventId> {
            self.iter().map(|receipt| receipt.id).collect()
        }

        fn note_levels(&mut self, durable: Sequence, replicated: Sequence) {
            for receipt in self {
                receipt.note_levels(durable, replicated);
            }
        }
    }
}

impl<R: Outcome> Ticket<R> {
    /// Gives `outcome`, or the refusal, once `pending` is over.
    pub(super) const fn new(outcome: Result<R, Error>, pending: Pending<SyncHandle>) -> Self {
        let outcome = Some(outcome);
        Self { outcome, pending }
    }

    /// Returns when the append is visible and as durable as it asked. Syncs, if nobody else does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`](crate::ErrorKind::Unknown) with the ids if a sync failed, or the replication that it
    /// waits for has ended. If the append was refused because of an
    /// event that was not visible yet, that refusal.
    pub fn wait(mut self) -> Result<R, Error> {
        let waited = self.pending.wait();
        self.end(waited)
    }

    /// What the ticket gives, once the wait for it is over.
    #[expect(
        clippy::expect_used,
        reason = "a future that is polled again after it was ready is a bug of the caller"
    )]
    fn end(&mut self, waited: Result<(), Poison>) -> Result<R, Error> {
        let outcome = self.outcome.take();
        let mut outcome = outcome.expect("a ticket is not polled again after it was ready")?;
        if let Err(poison) = waited {
            return Err(poison.unknown_of(outcome.ids()));
        }
        let [durable, replicated] =
            [Reach::Synced, Reach::Replicated].map(|reach| self.pending.at(reach));
        outcome.note_levels(durable, replicated);
        Ok(outcome)
    }
}

impl<R: Outcome> Future for Ticket<R> {
    type Output = Result<R, Error>;

    /// # Panics
    ///
    /// If it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.pending.poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(waited) => Poll::Ready(self.end(waited)),
        }
    }
}
