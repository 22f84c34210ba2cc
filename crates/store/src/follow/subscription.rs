//! `Subscription`: the events of a query, pushed by a thread of the store.

use super::cursor::{AHEAD_BYTES, AHEAD_MAX, Cursor};
use super::pull::Pull;
use super::reading::Reading;
use super::source::Source;
use crate::engine::news::{News, Over};
use crate::engine::push::{Batches, FeedKey, Pushed, Seat};
use crate::{Error, ErrorKind, StoredEvent};
use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError, never};
use std::iter::FusedIterator;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::KeepsWakeUp;
use strandline_core::{Query, Region, Sequence};
use strandline_index::RowView;

/// How many sequences are looked through in one step at most: a query of few events is not to keep others waiting
/// for theirs.
const SPAN: u64 = 1 << 16;

/// How many batches of a subscription may wait at most.
pub const SUBSCRIPTION_CAPACITY_MAX: usize = 1 << 16;

/// The events of a query in commit order, pushed as they come: what
/// [`Store::subscribe`](crate::Store::subscribe) and [`Cursor::subscribe`] give.
///
/// One thread of the store reads for all subscriptions. Those with an equal query and an equal
/// [`Delivery`](crate::Delivery) that are at the same place share each read and each batch. Nobody waits for a
/// subscriber: no append, and no other subscriber.
///
/// # Slow subscribers
///
/// A subscription begins with what is there already. While it catches up and no room is left, reading for it
/// rests until half of its room is free: nothing is left out. Once it has caught up it is live, and from then on one
/// that has no room for the next batch lags: it is given [`Pushed::Lagged`] once half of its room is free, and what
/// comes then. What was left out is in the log, and
/// [`Lagged::missed`](crate::Lagged::missed) says what it is. So everything that is given together with everything
/// that is said to be left out is the query, in order and once.
///
/// # Memory
///
/// A batch has 256 events at most, whose payloads have less than 256 KiB without that of the last one. `capacity`
/// batches wait at most, shared where others have the same. A batch waits until it is received here; one that was
/// taken from [`receiver`](Self::receiver), until it is looked at or dropped. So with a capacity of 64, the payloads
/// that wait have 16 MiB at most and the last event of each batch. A live batch may have one event, so a capacity is
/// also how many appends may come while the subscriber does something else.
///
/// # Cost
///
/// Subscriptions that are at the newest event cost next to nothing while events of others come: what has come is looked
/// at once for all of them, those that name their entities are found by it, and only the ones that may have an event
/// among it read. Where appends come so fast that more are there when a batch was given, or come one after the other for nobody,
/// the thread rests 100 µs between two looks: batches become longer then, and an event comes up to some 200 µs later.
///
/// # The end
///
/// Dropping a subscription ends it at once. A live one of a store that is closed was given everything up to the end,
/// or is told what was left out; one that still catches up was given what comes before the place where its last batch
/// [ended](crate::PushedEvents::until). When the store is closed or dropped, or writing has stopped, what is in
/// the channel can still be taken, and then [`recv`](Self::recv) fails with the reason, as a [`Cursor`] does; so
/// it does where an event cannot be read. In a fork of the process that opened the store nothing is received, and
/// [`receiver`](Self::receiver) is not to be used there.
///
/// ```
/// use strandline::{Coordinate, ErrorKind, Event, EventKind, Pushed, Region, Start, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let event = |text: &str| Event::bytes(EventKind::new(1, 1), text.as_bytes());
/// store.append(&order, event("placed"))?;
///
/// let subscription = store.subscribe(Region::all().scope("eu/payments"), Start::Beginning, 64)?;
/// store.append(&order, event("paid"))?;
/// let mut seen = Vec::new();
/// while seen.len() < 2 {
///     match subscription.recv()? {
///         Pushed::Events(events) => {
///             for event in &events {
///                 seen.push(event.payload()?.to_vec());
///             }
///         }
///         Pushed::Lagged(lagged) => println!("too slow, see {:?} in the log", lagged.sequences()),
///     }
/// }
/// assert_eq!(seen, [b"placed".as_slice(), b"paid"]);
/// store.close()?;
/// assert_eq!(subscription.recv().unwrap_err().kind(), ErrorKind::Closed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Subscription {
    receiver: Receiver<Pushed>,
    seat: Arc<Seat>,
    news: Arc<News>,
}

impl Cursor {
    /// Has the events pushed, from where the cursor is, by a thread of the store, which is there from the first
    /// subscription on; see [`Subscription`]. `capacity` batches may wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] unless `capacity` is from 1 to [`SUBSCRIPTION_CAPACITY_MAX`], and if the cursor
    /// [leaves events out](Self::only): who shares what is read has all of it.
    /// [`ErrorKind::Closed`] once the store is closed, [`ErrorKind::LockLost`] in a fork of the process that opened
    /// it, and [`ErrorKind::Io`] if the system gives no thread.
    pub fn subscribe(self, capacity: usize) -> Result<Subscription, Error> {
        let places = u32::try_from(capacity).ok();
        let is_fine = (1..=SUBSCRIPTION_CAPACITY_MAX).contains(&capacity);
        let Some(places) = places.filter(|_| is_fine) else {
            let message =
                format!("{capacity} batches cannot wait; 1 to {SUBSCRIPTION_CAPACITY_MAX} can");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        let next = self.sequence();
        let (source, query, delivery) = self.into_parts()?;
        source.check_open()?;
        source.start_lookout()?;
        let (source, query) = (Arc::new(source), Arc::new(query));
        let key = FeedKey {
            query: query.clone(),
            mark: delivery.mark(),
        };
        let read = Box::new(QueryBatches {
            source: source.clone(),
            query,
            pull: Pull::new(next),
        });
        let (receiver, seat) = source.hub().subscribe(key, read, places)?;
        Ok(Subscription {
            receiver,
            seat,
            news: source.news().clone(),
        })
    }
}

impl Subscription {
    /// What comes next, once it does.
    ///
    /// # Errors
    ///
    /// Once what was pushed before is taken: [`ErrorKind::Closed`] if the store is closed or dropped,
    /// [`ErrorKind::Poisoned`] if writing has stopped and every event was given that is visible, or durable;
    /// [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] if an event could not be read. In a store opened to read
    /// only also as [`Store::refresh`](crate::Store::refresh). Such an error is the end: [`Cursor`]s go on
    /// from where the last batch [ended](crate::PushedEvents::until). [`ErrorKind::LockLost`] in a fork of the
    /// process that opened the store.
    pub fn recv(&self) -> Result<Pushed, Error> {
        if let Some(pushed) = self.try_recv()? {
            return Ok(pushed);
        }
        let _keeps = KeepsWakeUp::default();
        match self.receiver.recv() {
            Ok(pushed) => Ok(received(pushed)),
            Err(_) => Err(self.reason()),
        }
    }

    /// As [`recv`](Self::recv); none if nothing comes for that time.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Option<Pushed>, Error> {
        if let Some(pushed) = self.try_recv()? {
            return Ok(Some(pushed));
        }
        let _keeps = KeepsWakeUp::default();
        match self.receiver.recv_timeout(timeout) {
            Ok(pushed) => Ok(Some(received(pushed))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.reason()),
        }
    }

    /// What comes next, if it is there.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn try_recv(&self) -> Result<Option<Pushed>, Error> {
        // First, and without a lock: one may be held by a thread that a fork does not have.
        self.news.check_process()?;
        match self.receiver.try_recv() {
            Ok(pushed) => Ok(Some(received(pushed))),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(self.reason()),
        }
    }

    /// All that comes, up to the end, which is an error.
    pub const fn iter(&self) -> SubscriptionIter<'_> {
        SubscriptionIter {
            subscription: self,
            is_over: false,
        }
    }

    /// The channel, for `crossbeam_channel::select!` together with others (of version 0.5). It is disconnected at
    /// the end, and [`error`](Self::error) says why. A clone of it gives nothing more once the subscription is
    /// dropped.
    #[must_use]
    pub const fn receiver(&self) -> &Receiver<Pushed> {
        &self.receiver
    }

    /// Why nothing more is pushed; none while that is not so. What was pushed before can still be taken.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.seat.over().cloned().map(Error::from)
    }

    fn reason(&self) -> Error {
        self.error().unwrap_or_else(|| Over::panicked().into())
    }
}

/// It waits no more once it is with the subscriber.
fn received(pushed: Pushed) -> Pushed {
    if let Pushed::Events(events) = &pushed {
        events.leave();
    }
    pushed
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let receiver = std::mem::replace(&mut self.receiver, never());
        if self.news.is_in_this_process() {
            drop(receiver);
            self.seat.leave();
        } else {
            // The lock of the channel may be held by a thread that a fork does not have.
            std::mem::forget(receiver);
        }
    }
}

/// What a [`Subscription`] gives, up to the first error, which is the end.
#[derive(Debug)]
#[must_use = "an iterator gives nothing unless it is asked"]
pub struct SubscriptionIter<'a> {
    subscription: &'a Subscription,
    is_over: bool,
}

impl Iterator for SubscriptionIter<'_> {
    type Item = Result<Pushed, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let received = self.subscription.recv();
        self.is_over = received.is_err();
        Some(received)
    }
}

impl FusedIterator for SubscriptionIter<'_> {}

impl<'a> IntoIterator for &'a Subscription {
    type Item = Result<Pushed, Error>;
    type IntoIter = SubscriptionIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The events of a query, batch by batch, for subscribers.
#[derive(Debug)]
struct QueryBatches {
    source: Arc<Source>,
    query: Arc<Query>,
    pull: Pull,
}

impl Batches for QueryBatches {
    fn next(&self) -> Sequence {
        self.pull.next()
    }

    fn step(&mut self, watermark: Sequence) -> Result<Vec<StoredEvent>, Over> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        let reach = self.pull.next().checked_add(SPAN).unwrap_or(watermark);
        let mut reading = Reading {
            source: &self.source,
            query: &self.query,
            watermark: || watermark.min(reach),
            most: AHEAD_MAX,
            taken: 0,
            take: |read: &mut crate::read::EventCursor, row: RowView<'_>| {
                let event = read.read(row)?.into_owned();
                bytes += event.payload().map_or(0, <[u8]>::len);
                events.push(event);
                Ok(match bytes < AHEAD_BYTES {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                })
            },
        };
        let stepped = self.pull.step(&mut reading);
        stepped.map_err(|error| Over::from(&error))?;
        Ok(events)
    }

    fn at(&self, next: Sequence) -> Box<dyn Batches> {
        Box::new(Self {
            source: self.source.clone(),
            query: self.query.clone(),
            pull: Pull::new(next),
        })
    }

    fn skip_to(&mut self, next: Sequence) {
        self.pull = Pull::new(next);
    }

    fn rows(&self, sequences: Range<Sequence>, look: &mut dyn FnMut(RowView<'_>)) -> bool {
        let snapshot = self.source.snapshot();
        let all = Region::all().sequence(sequences.start.get()..sequences.end.get());
        snapshot.rows(all).for_each(look);
        snapshot.damage_since(sequences.start).is_none()
    }
}
