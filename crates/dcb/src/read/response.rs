//! `Response`: the events of one read, from one snapshot.

use super::{BATCH_BYTES, BATCH_EVENTS_MAX, bytes_of};
use crate::error::of_store;
use crate::event::of_ref;
use crate::position::{last_before, position_of};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use strandline::Snapshot;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::{Query, Sequence};
use umadb_dcb::{DcbError, DcbReadResponseSync, DcbResult, DcbSequencedEvent, StreamCancelHandle};

/// How many events are read at first; each time more, up to a batch, if they are taken.
const AHEAD_MIN: usize = 32;

/// The events of one read, as they are in one snapshot, read as they are taken: what
/// [`DcbStore::read_batches`](crate::DcbStore::read_batches) gives, and what a read through the trait is. It keeps the snapshot until it is
/// dropped, and with it the files of what a compaction removed meanwhile.
pub struct Response {
    snapshot: Snapshot,
    /// Without a limit.
    query: Query,
    backwards: bool,
    /// How many events are given at most, from the first on.
    limit: Option<usize>,
    /// How many were read.
    read: usize,
    /// The event that was read last.
    last: Option<Sequence>,
    /// Of a read with a limit, once it was asked for.
    head: Option<Option<u64>>,
    ready: VecDeque<DcbSequencedEvent>,
    /// Comes after what is ready.
    error: Option<DcbError>,
    ahead: usize,
    is_at_end: bool,
    has_failed: bool,
    cancelled: Arc<AtomicBool>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Response");
        shown.field("read", &self.read).field("last", &self.last);
        shown.finish_non_exhaustive()
    }
}

impl Response {
    pub(crate) fn new(
        snapshot: Snapshot,
        query: Query,
        backwards: bool,
        limit: Option<u32>,
    ) -> Self {
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Self {
            snapshot,
            query,
            backwards,
            limit,
            read: 0,
            last: None,
            head: None,
            ready: VecDeque::new(),
            error: None,
            ahead: AHEAD_MIN,
            is_at_end: false,
            has_failed: false,
            cancelled: Arc::default(),
        }
    }

    /// The next events, `events_max` at most, and a batch ends with the event with which it has `bytes_max`, as they
    /// are read. Empty once there is none left, or if it was cancelled.
    ///
    /// # Errors
    ///
    /// As an item of the iterator. What was read before the error comes first.
    pub fn take_batch(
        &mut self,
        events_max: usize,
        bytes_max: usize,
    ) -> DcbResult<Vec<DcbSequencedEvent>> {
        if self.is_cancelled() {
            return Ok(Vec::new());
        }
        self.fill(events_max, bytes_max);
        let most = self.ready.len().min(events_max);
        match self.error.take() {
            Some(error) if most == 0 => Err(error),
            error => {
                self.error = error;
                Ok(self.ready.drain(..most).collect())
            }
        }
    }

    /// Whether all was given, which it may notice one batch late.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let has_given_all = self.limit.is_some_and(|limit| self.read >= limit);
        let is_clean = self.error.is_none() && self.ready.is_empty();
        is_clean && (self.is_at_end || has_given_all || self.is_cancelled())
    }

    /// Reads ahead, `most` events at most, if there are some and none is ready.
    fn fill(&mut self, most: usize, bytes_max: usize) {
        if !self.ready.is_empty() || self.is_at_end {
            return;
        }
        let left = self.limit.map_or(usize::MAX, |limit| limit - self.read);
        let wanted = most.min(left);
        if wanted == 0 {
            // Without a limit the last event is followed by it.
            let damage = self.snapshot.damage().filter(|_| self.read > 0);
            self.end(damage.as_ref().map(of_store));
            return;
        }
        let query = self.query.clone().limit(wanted);
        let query = match (self.last, self.backwards) {
            (None, _) => query,
            (Some(last), false) => query.after(last),
            (Some(last), true) => query.before(last),
        };
        let mut events = self.snapshot.query(query);
        let mut bytes = 0;
        while self.ready.len() < wanted && bytes < bytes_max {
            let event = match self.backwards {
                true => events.next_back_ref(),
                false => events.next_ref(),
            };
            let Some(event) = event else {
                self.is_at_end = true;
                break;
            };
            let read = event.map_err(|error| of_store(&error));
            match read.and_then(|event| Ok((event.sequence(), of_ref(&event)?))) {
                Ok((sequence, event)) => {
                    bytes += bytes_of(&event.event);
                    self.last = Some(sequence);
                    self.ready.push_back(event);
                }
                Err(error) => {
                    drop(events);
                    self.end(Some(error));
                    break;
                }
            }
        }
        self.read += self.ready.len();
    }

    fn end(&mut self, error: Option<DcbError>) {
        self.is_at_end = true;
        self.has_failed = error.is_some();
        self.error = error;
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// The position of the last event that the limit leaves. O(limit), and no event is read.
    fn last_of_limit(&self, limit: usize) -> DcbResult<Option<u64>> {
        let rows = self.snapshot.rows(self.query.clone().limit(limit));
        let sequences = rows.map(|row| row.sequence());
        // The limit is counted from the end at which they are taken, so each is.
        let last = match self.backwards {
            true => sequences.rev().fold(None, |_, sequence| Some(sequence)),
            false => sequences.fold(None, |_, sequence| Some(sequence)),
        };
        let position = last.map(position_of);
        match self.snapshot.damage() {
            None => Ok(position),
            Some(damage) => Err(of_store(&damage)),
        }
    }
}

impl Iterator for Response {
    type Item = DcbResult<DcbSequencedEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_cancelled() {
            return None;
        }
        if self.ready.is_empty() {
            self.fill(self.ahead, BATCH_BYTES);
            self.ahead = (self.ahead * 2).min(BATCH_EVENTS_MAX);
        }
        match self.ready.pop_front() {
            Some(event) => Some(Ok(event)),
            None => self.error.take().map(Err),
        }
    }
}

impl DcbReadResponseSync for Response {
    fn head(&mut self) -> DcbResult<Option<u64>> {
        let Some(limit) = self.limit else {
            return Ok(last_before(self.snapshot.visible()));
        };
        if let Some(head) = self.head {
            return Ok(head);
        }
        let head = match self.is_at_end && !self.has_failed {
            true => self.last.map(position_of),
            false => self.last_of_limit(limit)?,
        };
        self.head = Some(head);
        Ok(head)
    }

    fn collect_with_head(&mut self) -> DcbResult<(Vec<DcbSequencedEvent>, Option<u64>)> {
        let events: DcbResult<Vec<_>> = self.by_ref().collect();
        Ok((events?, self.head()?))
    }

    fn next_batch(&mut self) -> DcbResult<Vec<DcbSequencedEvent>> {
        self.take_batch(BATCH_EVENTS_MAX, BATCH_BYTES)
    }

    fn cancel(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn cancel_handle(&self) -> Option<StreamCancelHandle> {
        let cancelled = Arc::clone(&self.cancelled);
        let cancel = move || cancelled.store(true, Ordering::Relaxed);
        Some(StreamCancelHandle::new(cancel))
    }
}
