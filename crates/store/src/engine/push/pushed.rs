//! `Pushed`: what a subscriber is given.

use super::room::Place;
use crate::StoredEvent;
use std::ops::{Deref, Range};
use std::sync::Arc;
use strandline_core::{Query, Sequence};

/// What a [`Subscription`](crate::Subscription) gives.
#[derive(Debug)]
pub enum Pushed {
    /// The next events.
    Events(PushedEvents),
    /// Events were left out, because the subscriber was too slow. Later ones follow.
    Lagged(Lagged),
}

/// Events of a subscription, in commit order: a slice of them, never empty.
///
/// They are shared by all subscribers with an equal query that are at the same place, and are not copied. A batch
/// counts as one that waits until it is looked at, or dropped.
#[derive(Debug)]
pub struct PushedEvents {
    events: Arc<[StoredEvent]>,
    until: Sequence,
    place: Place,
}

impl PushedEvents {
    pub(super) const fn new(events: Arc<[StoredEvent]>, until: Sequence, place: Place) -> Self {
        Self {
            events,
            until,
            place,
        }
    }

    /// It waits no more.
    pub(crate) fn leave(&self) {
        self.place.leave();
    }

    /// Every event of the query before this sequence was given, or is said to be left out: where a reader goes on.
    /// [`Snapshot::position`](crate::Snapshot::position) makes of it what can be saved.
    #[must_use]
    pub const fn until(&self) -> Sequence {
        self.until
    }

    /// The events, to be kept or handed on without a copy.
    #[must_use]
    pub fn to_shared(&self) -> Arc<[StoredEvent]> {
        self.place.leave();
        self.events.clone()
    }
}

impl Deref for PushedEvents {
    type Target = [StoredEvent];

    fn deref(&self) -> &[StoredEvent] {
        self.place.leave();
        &self.events
    }
}

impl<'a> IntoIterator for &'a PushedEvents {
    type Item = &'a StoredEvent;
    type IntoIter = std::slice::Iter<'a, StoredEvent>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Which events were left out: those of the query from one sequence up to another. They are in the log, and are
/// read from there.
///
/// ```
/// use strandline::{Coordinate, Delivery, Event, EventKind, Pushed, Query, Region, Start, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let paid = Query::from(Region::all().scope("eu/payments"));
/// let subscription = store.subscribe(&paid, Start::Now, 64)?;
/// for _ in 0..3 {
///     store.append(&order, Event::bytes(EventKind::new(1, 1), *b"paid"))?;
/// }
/// let mut seen = 0;
/// while seen < 3 {
///     match subscription.recv()? {
///         Pushed::Events(events) => seen += events.len(),
///         Pushed::Lagged(lagged) => {
///             for event in store.snapshot().query(lagged.missed(paid.clone())) {
///                 event?;
///                 seen += 1;
///             }
///         }
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lagged {
    /// The first sequence that was not looked at.
    pub resume_from: Sequence,
    /// The first one that is looked at again. All before it are visible, or durable, as the subscription asked.
    pub until: Sequence,
}

impl Lagged {
    /// The sequences, as [`Region::sequence`](crate::Region::sequence) takes them.
    #[must_use]
    pub const fn sequences(&self) -> Range<u64> {
        self.resume_from.get()..self.until.get()
    }

    /// The events of a query that were left out: that of the subscription, bounded.
    #[must_use]
    pub fn missed(&self, query: impl Into<Query>) -> Query {
        let query = query.into().before(self.until);
        match self.resume_from.get().checked_sub(1) {
            Some(before) => query.after(Sequence::new(before)),
            None => query,
        }
    }
}
