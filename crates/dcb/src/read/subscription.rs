//! `Subscription`: the events of a query, those that are there and those that come.

use super::{BATCH_BYTES, BATCH_EVENTS_MAX, bytes_of};
use crate::error::of_store;
use crate::event::of_stored;
use crate::position::last_before;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;
use strandline::{Cursor, Error, ErrorKind, Start, Store, StoredEvent};
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::{Clock, Query, Sequence, SystemClock};
use umadb_dcb::{DcbError, DcbResult, DcbSequencedEvent, DcbSubscriptionSync, StreamCancelHandle};

/// How long a wait goes on before it looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(100);

/// The events of a query in order, each once, from a position on: those that are there, and each as it comes. A
/// [cursor](strandline::Store::follow) of the store, so none is left out, however many write.
///
/// It keeps no store open: once that is closed or dropped, it ends with an error.
/// [`next_timeout`](DcbSubscriptionSync::next_timeout) and
/// [`next_batch_timeout`](DcbSubscriptionSync::next_batch_timeout) give [`DcbError::Timeout`] where nothing came, and
/// the subscription goes on.
pub struct Subscription {
    cursor: Cursor,
    store: Weak<Store>,
    ready: VecDeque<DcbSequencedEvent>,
    /// Comes after what is ready, and is the last.
    error: Option<DcbError>,
    is_at_end: bool,
    cancelled: Arc<AtomicBool>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Subscription");
        shown.field("next", &self.cursor.sequence());
        shown.finish_non_exhaustive()
    }
}

impl Subscription {
    pub(crate) fn new(store: &Arc<Store>, query: Query, after: Option<u64>) -> DcbResult<Self> {
        let visible = last_before(store.snapshot().visible()).unwrap_or(0);
        let (query, start) = match after.and_then(|after| after.checked_sub(1)) {
            None => (query, Start::Beginning),
            Some(sequence) if sequence < visible => (query, Start::After(Sequence::new(sequence))),
            // Nothing is there yet that could be given.
            Some(sequence) => (query.after(Sequence::new(sequence)), Start::Now),
        };
        let cursor = store.follow(query, start);
        Ok(Self {
            cursor: cursor.map_err(|error| of_store(&error))?,
            store: Arc::downgrade(store),
            ready: VecDeque::new(),
            error: None,
            is_at_end: false,
            cancelled: Arc::default(),
        })
    }

    /// A handle that ends the subscription from another thread, within a tenth of a second.
    #[must_use]
    pub fn cancel_handle(&self) -> StreamCancelHandle {
        let cancelled = Arc::clone(&self.cancelled);
        StreamCancelHandle::new(move || cancelled.store(true, Ordering::Relaxed))
    }

    /// The events that are there, `events_max` at most, and a batch ends with the event with which it has `bytes_max`.
    /// Empty if none is there yet, or it was cancelled; waits for nothing.
    ///
    /// # Errors
    ///
    /// Why it ends; what was read before that comes first.
    pub fn take_batch(
        &mut self,
        events_max: usize,
        bytes_max: usize,
    ) -> DcbResult<Vec<DcbSequencedEvent>> {
        if self.is_at_end || self.cancelled.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        if self.ready.is_empty() && self.error.is_none() {
            match self.cursor.try_next() {
                Ok(None) => return Ok(Vec::new()),
                Ok(Some(event)) => self.take_from(event, events_max, bytes_max),
                Err(error) => self.error = Some(of_store(&error)),
            }
        }
        let most = self.ready.len().min(events_max);
        match self.error.take() {
            Some(error) if most == 0 => {
                self.is_at_end = true;
                Err(error)
            }
            error => {
                self.error = error;
                Ok(self.ready.drain(..most).collect())
            }
        }
    }

    /// A future that is ready once there may be more than [`take_batch`](Self::take_batch) found. It needs no runtime.
    ///
    /// ```
    /// use strandline_dcb::{DcbStore, Subscription};
    /// use umadb_dcb::DcbError;
    ///
    /// async fn follow(store: &DcbStore) -> Result<(), DcbError> {
    ///     let mut events = store.subscribe(None, None)?;
    ///     loop {
    ///         for event in events.take_batch(100, 1 << 20)? {
    ///             println!("{}", event.position);
    ///         }
    ///         events.more().await?;
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `Io` if the store was closed, and what else ends a wait for events.
    pub fn more(&self) -> impl Future<Output = DcbResult<()>> + Send + 'static {
        let is_there = !self.ready.is_empty() || self.error.is_some();
        let waits = (!is_there).then(|| {
            let store = self.store.upgrade();
            store.map(|store| store.visible_past(self.cursor.sequence()))
        });
        async move {
            match waits {
                None => Ok(()),
                Some(None) => Err(dropped()),
                Some(Some(passed)) => passed.await.map(drop).map_err(|error| of_store(&error)),
            }
        }
    }

    /// Has something ready, or the error that is the last; `Timeout` if neither comes in time.
    fn fill(&mut self, timeout: Option<Duration>) -> DcbResult<()> {
        let clock = SystemClock::default();
        while self.ready.is_empty() {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(DcbError::CancelledByUser());
            }
            if let Some(error) = self.error.take() {
                self.is_at_end = true;
                return Err(error);
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(clock.elapsed()));
            let wait = left.map_or(LOOK, |left| left.min(LOOK));
            match self.cursor.next_timeout(wait) {
                Ok(None) if left.is_some_and(|left| left.is_zero()) => {
                    return Err(DcbError::Timeout());
                }
                Ok(None) => {}
                Ok(Some(event)) => self.take_from(event, BATCH_EVENTS_MAX, BATCH_BYTES),
                Err(error) => self.error = Some(of_store(&error)),
            }
        }
        Ok(())
    }

    /// Takes an event, and those after it that are there, a batch at most.
    fn take_from(&mut self, first: StoredEvent, events_max: usize, bytes_max: usize) {
        let mut next = Ok(Some(first));
        let mut bytes = 0;
        loop {
            let read = match next {
                Ok(None) => return,
                Ok(Some(event)) => self.read(&event),
                Err(error) => Err(of_store(&error)),
            };
            match read {
                Ok(event) => {
                    bytes += bytes_of(&event.event);
                    self.ready.push_back(event);
                }
                Err(error) => {
                    self.error = Some(error);
                    return;
                }
            }
            if self.ready.len() >= events_max || bytes >= bytes_max {
                return;
            }
            next = self.cursor.try_next();
        }
    }

    fn read(&self, event: &StoredEvent) -> DcbResult<DcbSequencedEvent> {
        let Some(store) = self.store.upgrade() else {
            return Err(dropped());
        };
        of_stored(event, store.kind_name(event.kind).as_deref())
    }

    fn one(&mut self, timeout: Option<Duration>) -> Option<DcbResult<DcbSequencedEvent>> {
        if self.is_at_end {
            return None;
        }
        if let Err(error) = self.fill(timeout) {
            self.is_at_end |= !matches!(error, DcbError::Timeout());
            return Some(Err(error));
        }
        self.ready.pop_front().map(Ok)
    }

    fn batch(&mut self, timeout: Option<Duration>) -> DcbResult<Vec<DcbSequencedEvent>> {
        if self.is_at_end && !self.cancelled.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        self.fill(timeout)?;
        Ok(std::mem::take(&mut self.ready).into())
    }
}

impl Iterator for Subscription {
    type Item = DcbResult<DcbSequencedEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.one(None)
    }
}

impl DcbSubscriptionSync for Subscription {
    fn next_batch(&mut self) -> DcbResult<Vec<DcbSequencedEvent>> {
        self.batch(None)
    }

    fn next_batch_timeout(&mut self, timeout: Duration) -> DcbResult<Vec<DcbSequencedEvent>> {
        self.batch(Some(timeout))
    }

    fn cancel(&mut self) {
        self.ready.clear();
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn next_timeout(&mut self, timeout: Duration) -> Option<DcbResult<DcbSequencedEvent>> {
        self.one(Some(timeout))
    }
}

fn dropped() -> DcbError {
    of_store(&Error::new(ErrorKind::Closed, "the store was dropped"))
}
