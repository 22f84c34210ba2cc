//! Appending, and waiting until it is done.

use super::Store;
#[cfg(doc)]
use crate::ErrorKind;
use crate::append;
use crate::{AppendOptions, Batch, Error, Event, Receipt};
use strandline_core::Coordinate;
use strandline_segment::SegmentId;

impl Store {
    /// Appends an event, and returns when it is visible and as durable as the store's options ask.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`], [`ErrorKind::TooLarge`], [`ErrorKind::Conflict`],
    /// [`ErrorKind::KindConflict`], [`ErrorKind::TrackingConflict`], [`ErrorKind::WrongExpectedVersion`], [`ErrorKind::ConditionFailed`],
    /// [`ErrorKind::RefusedTime`], [`ErrorKind::Exhausted`], [`ErrorKind::ReadOnly`],
    /// [`ErrorKind::Poisoned`], [`ErrorKind::LockLost`] and [`ErrorKind::NotWritten`] mean that nothing was written. [`ErrorKind::Unknown`] means that only a
    /// reopen can tell.
    pub fn append(&self, coordinate: &Coordinate, event: Event) -> Result<Receipt, Error> {
        self.append_with(coordinate, event, AppendOptions::new())
    }

    /// Appends an event with options of its own.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_with(
        &self,
        coordinate: &Coordinate,
        event: Event,
        options: AppendOptions<'_>,
    ) -> Result<Receipt, Error> {
        append::append_one(&self.running, coordinate, &event, options)
    }

    /// Appends the events of a batch, all of them or none, and returns their receipts in order. Members
    /// that were appended before give their first receipts; see [`Batch`].
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); for an empty batch [`ErrorKind::InvalidInput`].
    pub fn append_batch(&self, batch: Batch) -> Result<Vec<Receipt>, Error> {
        self.append_batch_with(batch, AppendOptions::new())
    }

    /// Appends the events of a batch with options of its own.
    ///
    /// # Errors
    ///
    /// As [`append_batch`](Self::append_batch).
    pub fn append_batch_with(
        &self,
        batch: Batch,
        options: AppendOptions<'_>,
    ) -> Result<Vec<Receipt>, Error> {
        self.append_slice(&batch.events, options)
    }

    /// Appends events together, as those of a batch, and leaves them with the caller: who has to divide them
    /// or give them other times where they are refused needs no copy.
    ///
    /// # Errors
    ///
    /// As [`append_batch`](Self::append_batch).
    pub fn append_slice(
        &self,
        events: &[(Coordinate, Event)],
        options: AppendOptions<'_>,
    ) -> Result<Vec<Receipt>, Error> {
        self.append_events(events, options, self.shared().options.payload_bytes_max)
    }

    /// Appends events together, as a batch, with payloads of at most so many bytes, and leaves them with
    /// the caller.
    pub(crate) fn append_events(
        &self,
        events: &[(Coordinate, Event)],
        options: AppendOptions<'_>,
        payload_bytes_max: usize,
    ) -> Result<Vec<Receipt>, Error> {
        append::append_events(&self.running, events, options, payload_bytes_max)
    }

    /// Seals a segment if it is the active one.
    pub(crate) fn seal_segment(&self, segment: SegmentId) -> Result<(), Error> {
        self.running.seal_segment(segment)
    }
}
