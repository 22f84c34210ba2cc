//! Submitting: appends that are waited for later, by a thread or by a task.

use super::Store;
use crate::append::{Full, submit_all, submit_one};
use crate::{AppendOptions, Batch, Error, ErrorKind, Event, Receipt, Submit, Ticket};
use strandline_core::Coordinate;

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
        submit_one(&self.running, coordinate, &event, &options, Full::Wait)
    }

    /// Submits an event unless too many are in flight.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit), and [`ErrorKind::Busy`] if
    /// [`StoreOptions::in_flight_max`](crate::StoreOptions::in_flight_max) submits are not durable
    /// yet, or the event begins a segment and what is in the last one waits to be replicated.
    pub fn try_submit(&self, coordinate: &Coordinate, event: Event) -> Result<Ticket, Error> {
        submit_one(
            &self.running,
            coordinate,
            &event,
            &AppendOptions::new(),
            Full::Refuse,
        )
        .inspect_err(|error| {
            // One that waits for room is refused so, and tries again.
            if error.kind() == ErrorKind::Busy {
                self.shared().metrics.refused(error);
            }
        })
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
        submit_all(&self.running, &batch, &options, Full::Wait)
    }

    /// Submits an event from async code: as [`submit`](Self::submit), and where that waits for room
    /// among what is in flight, this lets the executor go on. The order of events is that in which
    /// their futures are ready.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit), from the future.
    pub fn submit_async(&self, coordinate: &Coordinate, event: Event) -> Submit<'_> {
        self.submit_async_with(coordinate, event, AppendOptions::new())
    }

    /// Submits an event from async code with options of its own.
    ///
    /// # Errors
    ///
    /// As [`submit_async`](Self::submit_async).
    pub fn submit_async_with<'a>(
        &'a self,
        coordinate: &Coordinate,
        event: Event,
        options: AppendOptions<'a>,
    ) -> Submit<'a> {
        let coordinate = coordinate.clone();
        Submit::new(&self.running, move |running| {
            submit_one(running, &coordinate, &event, &options, Full::Refuse)
        })
    }

    /// Submits the events of a batch from async code, all of them or none.
    ///
    /// # Errors
    ///
    /// As [`submit_batch`](Self::submit_batch), from the future.
    pub fn submit_batch_async(&self, batch: Batch) -> Submit<'_, Vec<Receipt>> {
        self.submit_batch_async_with(batch, AppendOptions::new())
    }

    /// Submits the events of a batch from async code with options of its own.
    ///
    /// # Errors
    ///
    /// As [`submit_batch_async`](Self::submit_batch_async).
    pub fn submit_batch_async_with<'a>(
        &'a self,
        batch: Batch,
        options: AppendOptions<'a>,
    ) -> Submit<'a, Vec<Receipt>> {
        Submit::new(&self.running, move |running| {
            submit_all(running, &batch, &options, Full::Refuse)
        })
    }
}
