//! Submitting: appends whose sync is waited for later, by a thread or by a task.

use crate::Store;
use crate::append::Full;
use crate::writer::{Pending, Poison, Prepared, check_batch};
use crate::{AppendOptions, Batch, Error, ErrorKind, Event, Receipt};
use std::pin::Pin;
use std::task::{Context, Poll};
use strandline_core::{Coordinate, EventId, Sequence};
use strandline_segment::SyncHandle;

/// An append that was written and that may not be durable yet: what [`Store::submit`] gives.
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
        fn note_durable(&mut self, durable: Sequence);
    }

    impl Outcome for Receipt {
        fn ids(&self) -> Vec<EventId> {
            vec![self.id]
        }

        fn note_durable(&mut self, durable: Sequence) {
            self.durable = self.sequence < durable;
        }
    }

    impl Outcome for Vec<Receipt> {
        fn ids(&self) -> Vec<EventId> {
            self.iter().map(|receipt| receipt.id).collect()
        }

        fn note_durable(&mut self, durable: Sequence) {
            for receipt in self {
                receipt.note_durable(durable);
            }
        }
    }
}

/// What a ticket waits for, and the refusal that it gives then, if it was one.
struct Waits {
    end: Sequence,
    refusal: Option<Error>,
}

impl<R: Outcome> Ticket<R> {
    /// Returns when the append is visible and as durable as it asked. Syncs, if nobody else does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] with the ids if a sync failed. If the append was refused because of an
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
        if let Err(Poison { reason, .. }) = waited {
            let message = format!("{reason}; reopen the store and look for the event ids");
            return Err(Error::new(ErrorKind::Unknown, message).with_ids(outcome.ids()));
        }
        outcome.note_durable(self.pending.durable());
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

impl Store {
    /// Writes an event and returns at once, with a ticket to wait for its sync: so one thread keeps
    /// many appends in flight, and one sync serves them all.
    ///
    /// The event has its place among all others when this returns. If
    /// [`StoreOptions::in_flight_max`](crate::StoreOptions::in_flight_max) submits are not durable
    /// yet, this waits until one is; [`try_submit`](Self::try_submit) does not, and
    /// [`submit_async`](Self::submit_async) lets an executor go on meanwhile. Now and then, where a
    /// segment is full, it waits for the disk in any case.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append). What depends on an event that is not visible yet comes from the
    /// ticket.
    pub fn submit(&self, coordinate: &Coordinate, event: Event) -> Result<Ticket, Error> {
        self.submit_with(coordinate, event, AppendOptions::new())
    }

    /// Submits an event with options of its own.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub fn submit_with(
        &self,
        coordinate: &Coordinate,
        event: Event,
        options: AppendOptions<'_>,
    ) -> Result<Ticket, Error> {
        self.submit_one(coordinate, &event, &options, Full::Wait)
    }

    /// Submits an event unless too many are in flight.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit), and [`ErrorKind::Busy`] if
    /// [`StoreOptions::in_flight_max`](crate::StoreOptions::in_flight_max) submits are not durable
    /// yet.
    pub fn try_submit(&self, coordinate: &Coordinate, event: Event) -> Result<Ticket, Error> {
        self.submit_one(coordinate, &event, &AppendOptions::new(), Full::Refuse)
    }

    /// Submits the events of a batch, all of them or none.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit) and [`append_batch`](Self::append_batch).
    pub fn submit_batch(&self, batch: Batch) -> Result<Ticket<Vec<Receipt>>, Error> {
        self.submit_batch_with(batch, AppendOptions::new())
    }

    /// Submits the events of a batch with options of its own.
    ///
    /// # Errors
    ///
    /// As [`submit_batch`](Self::submit_batch).
    pub fn submit_batch_with(
        &self,
        batch: Batch,
        options: AppendOptions<'_>,
    ) -> Result<Ticket<Vec<Receipt>>, Error> {
        self.submit_all(&batch, &options, Full::Wait)
    }

    pub(crate) fn submit_all(
        &self,
        batch: &Batch,
        options: &AppendOptions<'_>,
        full: Full,
    ) -> Result<Ticket<Vec<Receipt>>, Error> {
        let limit = self.shared.options.payload_bytes_max;
        let prepared = self.prepare_batch(&batch.events, limit)?;
        check_batch(&prepared)?;
        let mut receipts = Vec::with_capacity(prepared.len());
        let mut give = |receipt| receipts.push(receipt);
        let waits = self.submit_prepared(&prepared, options, full, &mut give)?;
        Ok(self.ticket(waits, || Ok(receipts)))
    }

    pub(crate) fn submit_one(
        &self,
        coordinate: &Coordinate,
        event: &Event,
        options: &AppendOptions<'_>,
        full: Full,
    ) -> Result<Ticket, Error> {
        let prepared = self.prepare(coordinate, event)?;
        let mut given = None;
        let mut give = |receipt| given = Some(receipt);
        let waits = self.submit_prepared(&[prepared], options, full, &mut give)?;
        Ok(self.ticket(waits, || given.ok_or_else(Error::no_receipt)))
    }

    fn submit_prepared(
        &self,
        prepared: &[Prepared<'_>],
        options: &AppendOptions<'_>,
        full: Full,
        give: &mut dyn FnMut(Receipt),
    ) -> Result<Waits, Error> {
        // Before anything is written: without the thread, nobody would sync for a task.
        self.start_driver()?;
        let waits = match self.commit(prepared, options, full, give) {
            Ok(written) => Waits {
                end: self.unmet(written),
                refusal: None,
            },
            Err(error) if self.is_visible(error.decided_by()) => return Err(error),
            Err(error) => Waits {
                end: error.decided_by(),
                refusal: Some(error),
            },
        };
        if waits.end > Sequence::ZERO {
            self.ask_driver();
        }
        Ok(waits)
    }

    fn ticket<R: Outcome>(
        &self,
        waits: Waits,
        outcome: impl FnOnce() -> Result<R, Error>,
    ) -> Ticket<R> {
        Ticket {
            outcome: Some(waits.refusal.map_or_else(outcome, Err)),
            pending: Pending::new(self.group(), waits.end),
        }
    }
}
