//! `Cursor`: the events of a query in commit order, those that are there and those that come.

use super::delivery::Delivery;
use super::filter::RowFilter;
use super::pull::Pull;
use super::reading::Reading;
use super::source::Source;
use super::start::Start;
use crate::engine::Shared;
#[cfg(feature = "stream")]
use crate::engine::news::Awaited;
use crate::read::EventCursor;
use crate::{Error, ErrorKind, EventRef, SavedPosition, StoredEvent};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::{Clock, Query, Sequence, SystemClock};
use strandline_index::RowView;

/// How many events are read before they are asked for: few at first, more if they are taken.
const AHEAD_MIN: usize = 8;
pub(super) const AHEAD_MAX: usize = 256;
/// Of which payloads no more are read ahead, in bytes.
pub(super) const AHEAD_BYTES: usize = 256 << 10;
/// How many are looked at in one go where some are left out.
const LOOKED_AT_MAX: usize = 4096;
/// How long a wait without a limit waits at once.
const LONG: Duration = Duration::from_secs(3600);

/// The events of a query in commit order: first those that are there, then each as it comes.
///
/// Every event of the query is given once, and none is left out, however many write at the same time: what is
/// visible is everything below a watermark, and no event appears below it later. An event that a compaction
/// removes before the cursor has come to it is not given; one whose payload is redacted is given without it.
/// Up to 256 events are read ahead of those that are asked for, and are given as they were read.
///
/// Its [position](Self::position) moves over events that are not of the query, so a cursor that finds nothing for
/// long goes on where it was, and not where it found something last. Saved and given back to
/// [`Store::follow`](crate::Store::follow) as [`Start::Saved`], it is held against the log.
///
/// A cursor belongs to nobody: it borrows no store, can be sent to another thread, and keeps no store open. Once the
/// store is closed or dropped, what asks for events fails with [`ErrorKind::Closed`]. It keeps no snapshot between calls, so
/// nothing that a compaction frees is held by one that waits.
///
/// ```
/// use std::{thread, time::Duration};
/// use strandline::{Coordinate, Event, EventKind, Region, Start, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let event = |text: &str| Event::bytes(EventKind::new(1, 1), text.as_bytes());
/// store.append(&order, event("placed"))?;
///
/// let mut cursor = store.follow(Region::all().scope("eu/payments"), Start::Beginning)?;
/// let follower = thread::spawn(move || {
///     let placed = cursor.next()?;
///     let paid = cursor.next()?;
///     let nothing = cursor.next_timeout(Duration::from_millis(1))?;
///     assert!(nothing.is_none());
///     Ok::<_, strandline::Error>((placed, paid, cursor.position()?))
/// });
/// store.append(&order, event("paid"))?;
/// let (placed, paid, position) = follower.join().map_err(|_| "it panicked")??;
/// assert_eq!(placed.payload()?, b"placed");
/// assert_eq!(paid.payload()?, b"paid");
///
/// // Any time later, in any process: nothing is left, until something comes.
/// let mut cursor = store.follow(Region::all().scope("eu/payments"), position)?;
/// assert_eq!(cursor.try_next()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cursor {
    source: Source,
    query: Query,
    filter: Option<RowFilter>,
    delivery: Delivery,
    pull: Pull,
    /// Events that were read and not given yet.
    ready: VecDeque<StoredEvent>,
    ahead: usize,
    /// The position that was given last.
    saved: Option<SavedPosition>,
}

impl Cursor {
    pub(crate) fn new(shared: &Arc<Shared>, query: Query, start: &Start) -> Result<Self, Error> {
        if query.events_max().is_some() {
            let message = "a query with a limit has an end, and a cursor has none";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let source = Source::new(shared);
        source.check_open()?;
        source.refresh()?;
        let snapshot = source.snapshot();
        let next = match start {
            Start::Beginning => Sequence::ZERO,
            Start::Now => snapshot.visible(),
            Start::Saved(saved) => snapshot.verify_position(saved)?,
            Start::After(sequence) if *sequence < snapshot.visible() => {
                sequence.checked_add(1).unwrap_or(*sequence)
            }
            Start::After(sequence) => {
                let message = format!("event {sequence} is not visible in this store");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        };
        Ok(Self {
            source,
            query,
            filter: None,
            delivery: Delivery::default(),
            pull: Pull::new(next),
            ready: VecDeque::new(),
            ahead: AHEAD_MIN,
            saved: None,
        })
    }

    /// Gives events when they are visible, the default, or durable.
    ///
    /// ```
    /// # use strandline::{AppendOptions, Coordinate, Delivery, Durability, Event, EventKind, Region, Start, Store};
    /// # let dir = tempfile::tempdir()?;
    /// # let options = strandline::StoreOptions::new().no_background_sync();
    /// # let store = options.open(dir.path().join("orders.strand"))?;
    /// # let order = Coordinate::new("order:1042", "eu/payments")?;
    /// let mut cursor = store.follow(Region::all(), Start::Now)?.at(Delivery::Durable);
    /// let written = AppendOptions::new().durability(Durability::Written);
    /// store.append_with(&order, Event::bytes(EventKind::new(1, 1), *b"x"), written)?;
    /// assert!(cursor.try_next()?.is_none());
    /// store.sync()?;
    /// assert!(cursor.try_next()?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn at(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Gives only those events of the query whose rows `keep` says yes to: for what a query cannot say, such as one
    /// part of the entities of many. The others are passed over, and nothing of them is read from disk.
    ///
    /// Where events are handed on, those that are left out are among the `max` that are looked at and in the number
    /// that is given, so that a call ends. `keep` is asked of a row once or more often, and is to say the same each time.
    ///
    /// ```
    /// # use strandline::{Coordinate, Event, EventKind, Region, Start, Store};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(dir.path().join("orders.strand"))?;
    /// for entity in ["order:1", "order:2", "order:4"] {
    ///     store.append(&Coordinate::new(entity, "eu")?, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
    /// }
    /// let even = |entity: &str| entity.ends_with(['0', '2', '4', '6', '8']);
    /// let cursor = store.follow(Region::all(), Start::Beginning)?;
    /// let mut cursor = cursor.only(move |row| even(row.coordinate().entity()));
    /// let events = cursor.try_batch(10)?;
    /// assert_eq!(events.len(), 2);
    /// assert_eq!(cursor.position()?.sequence().get(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn only(mut self, keep: impl Fn(RowView<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.unread();
        self.filter = Some(RowFilter::new(keep));
        self
    }

    /// The next event, once there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the store is closed; [`ErrorKind::Poisoned`] once writing has stopped and
    /// every event was given that is visible, or durable; [`ErrorKind::LockLost`] in a fork of the process that
    /// opened the store. [`ErrorKind::Corrupt`] and [`ErrorKind::Io`] if an event
    /// cannot be read: the cursor stays before it, and the call may be repeated. In a store opened to read only
    /// also as [`Store::refresh`](crate::Store::refresh).
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator has an end, and no errors of its own"
    )]
    pub fn next(&mut self) -> Result<StoredEvent, Error> {
        loop {
            if let Some(event) = self.next_timeout(LONG)? {
                return Ok(event);
            }
        }
    }

    /// The next event, once there is one; none if there is none after `timeout`. To look for what is there may
    /// take longer than that, where many events are not of the query.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<StoredEvent>, Error> {
        let is_there = !self.ready.is_empty() || self.wait_ready(timeout)?;
        debug_assert_eq!(is_there, !self.ready.is_empty());
        Ok(self.ready.pop_front())
    }

    /// The next event, if it is there.
    ///
    /// In a store opened to read only it looks whether another process has written some, if there is none.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    #[inline]
    pub fn try_next(&mut self) -> Result<Option<StoredEvent>, Error> {
        if self.ready.is_empty() && !self.fill(self.ahead)? {
            return Ok(None);
        }
        Ok(self.ready.pop_front())
    }

    /// The next events, `max` at most, once there is one; none if there is none after `timeout`, or if `max` is 0.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next). Events that were read before one that cannot be are given first.
    pub fn next_batch(&mut self, max: usize, timeout: Duration) -> Result<Vec<StoredEvent>, Error> {
        if max > 0 && self.ready.is_empty() && !self.wait_ready(timeout)? {
            return Ok(Vec::new());
        }
        self.try_batch(max)
    }

    /// The next events that are there, `max` at most.
    ///
    /// # Errors
    ///
    /// As [`next_batch`](Self::next_batch).
    pub fn try_batch(&mut self, max: usize) -> Result<Vec<StoredEvent>, Error> {
        let mut batch = Vec::new();
        while batch.len() < max {
            if self.ready.is_empty() {
                let most = max - batch.len();
                match self.fill(most.min(AHEAD_MAX)) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) if batch.is_empty() => return Err(error),
                    // It comes again with the next call.
                    Err(_) => break,
                }
            }
            let most = self.ready.len().min(max - batch.len());
            batch.extend(self.ready.drain(..most));
        }
        Ok(batch)
    }

    /// Hands the next events that are there to `read`, `max` at most, and copies none of them; gives how many.
    ///
    /// If `read` panics, the events of the call come again.
    ///
    /// ```
    /// # use strandline::{Coordinate, Event, EventKind, Region, Start, Store};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(dir.path().join("orders.strand"))?;
    /// # let order = Coordinate::new("order:1042", "eu/payments")?;
    /// # store.append(&order, Event::bytes(EventKind::new(1, 1), *b"four"))?;
    /// let mut cursor = store.follow(Region::all(), Start::Beginning)?;
    /// let mut bytes = 0;
    /// while cursor.try_batch_with(1000, |event| bytes += event.payload().map_or(0, <[u8]>::len))? > 0 {}
    /// assert_eq!(bytes, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next); events before one that cannot be read were handed on.
    pub fn try_batch_with(
        &mut self,
        max: usize,
        mut read: impl FnMut(EventRef<'_>),
    ) -> Result<usize, Error> {
        self.unread();
        self.pull(max, |events, row| {
            read(events.read(row)?);
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Hands the headers of the next events that are there to `read`, `max` at most, as far as the index has them;
    /// gives how many. No event is read from disk.
    ///
    /// If `read` panics, the headers of the call come again.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), but for what reads events.
    pub fn try_rows_with(
        &mut self,
        max: usize,
        mut read: impl FnMut(RowView<'_>),
    ) -> Result<usize, Error> {
        self.unread();
        self.pull(max, |_, row| {
            read(row);
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The sequence of what is looked at next: every event of the query before it was given.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        let ready = self.ready.front();
        ready.map_or(self.pull.next(), |event| event.sequence)
    }

    /// Where the cursor is, to be saved: after the last event that was given, and after all that follow it and
    /// are not of the query, as far as they were looked at.
    ///
    /// O(log events), and the header of a commit is read; of seven the first time, and of some of them now and then.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] from reading that. Once the store is closed, the position is given
    /// too, so that whoever was told can save it.
    pub fn position(&mut self) -> Result<SavedPosition, Error> {
        let next = self.sequence();
        if let Some(saved) = self.saved.filter(|saved| saved.sequence() == next) {
            return Ok(saved);
        }
        let snapshot = self.source.snapshot();
        let position = snapshot.position_after(next, self.saved.as_ref())?;
        self.saved = Some(position);
        Ok(position)
    }

    /// What it reads, of what, and up to which watermark.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it leaves events out.
    pub(super) fn into_parts(self) -> Result<(Source, Query, Delivery), Error> {
        match self.filter {
            Some(_) => {
                let message =
                    "a cursor that leaves events out has nothing to share with subscribers";
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
            None => Ok((self.source, self.query, self.delivery)),
        }
    }

    /// A task's wait for the next event, or for one that is not of the query.
    #[cfg(feature = "stream")]
    pub(super) fn awaited(&self) -> Result<Awaited, Error> {
        self.source.awaited(self.delivery, self.pull.next())
    }

    /// Reads events ahead, once there are some; false if there are none after `timeout`.
    fn wait_ready(&mut self, timeout: Duration) -> Result<bool, Error> {
        let clock = SystemClock::default();
        while !self.fill(self.ahead)? {
            let left = timeout.checked_sub(clock.elapsed());
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                return Ok(false);
            };
            self.source.wait(self.delivery, self.pull.next(), left)?;
        }
        Ok(true)
    }

    /// Reads events ahead that are there, `most` at most; false if there are none.
    fn fill(&mut self, most: usize) -> Result<bool, Error> {
        let mut ready = std::mem::take(&mut self.ready);
        let mut bytes = 0;
        // What is left out is to fill no room.
        let looked_at = match self.filter {
            Some(_) => LOOKED_AT_MAX,
            None => most,
        };
        let filled = loop {
            let filled = self.pull(looked_at, |events, row| {
                let event = events.read(row)?.into_owned();
                bytes += event.payload().map_or(0, <[u8]>::len);
                ready.push_back(event);
                Ok(match bytes < AHEAD_BYTES && ready.len() < most {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                })
            });
            match filled {
                Ok(count) if count > 0 && ready.is_empty() => {}
                filled => break filled.map(|_| !ready.is_empty()),
            }
        };
        self.ready = ready;
        self.ahead = match &filled {
            Ok(true) => (self.ahead * 2).min(AHEAD_MAX),
            Ok(false) | Err(_) => AHEAD_MIN,
        };
        filled
    }

    /// Goes back to before what was read and not given.
    fn unread(&mut self) {
        if !self.ready.is_empty() {
            self.pull = Pull::new(self.sequence());
            self.ready.clear();
        }
    }

    /// Hands events that are there to `take`, but for those that are left out, and gives how many were looked at,
    /// `most` at most: 0 if it has come to the watermark without any.
    fn pull(
        &mut self,
        most: usize,
        mut take: impl FnMut(&mut EventCursor, RowView<'_>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<usize, Error> {
        if most == 0 {
            return Ok(0);
        }
        let filter = self.filter.as_ref();
        let take = |events: &mut EventCursor, row: RowView<'_>| match filter
            .is_some_and(|filter| filter.leaves_out(row))
        {
            true => Ok(ControlFlow::Continue(())),
            false => take(events, row),
        };
        let mut reading = Reading {
            source: &self.source,
            query: &self.query,
            watermark: || self.source.watermark(self.delivery),
            most,
            taken: 0,
            take,
        };
        let mut is_refreshed = false;
        loop {
            self.source.check_open()?;
            let has_moved = self.pull.step(&mut reading)?;
            if reading.taken > 0 {
                return Ok(reading.taken);
            }
            if has_moved {
                continue;
            }
            if !is_refreshed {
                self.source.refresh()?;
                is_refreshed = true;
            }
            // Fails if nothing more comes.
            let next = self.pull.next();
            if !self.source.wait(self.delivery, next, Duration::ZERO)? {
                return Ok(0);
            }
        }
    }
}
