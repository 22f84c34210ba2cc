//! `Snapshot`: the store as it was at one moment, and the queries on it.

use super::ahead::Ahead;
use super::reader::{EventCursor, Reader};
use crate::meter::{Read, Reading};
use crate::{Error, EventRef, StoredEvent};
use std::iter::FusedIterator;
use strandline_core::{Epoch, EventId, Query, Sequence};
use strandline_index::{Causes, Names, Plan, Rows};

/// The store as it was at one moment: every read through it sees the same events, whatever is
/// appended meanwhile.
///
/// Cheap to take (a load and a reference count) and to clone; holds no lock.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) index: strandline_index::Snapshot,
    pub(crate) reader: Reader,
    /// The identity of the log.
    pub(crate) log: [u8; 16],
    /// What sequences count in.
    pub(crate) epoch: Epoch,
}

impl Snapshot {
    /// The watermark: events with sequences below it are in the snapshot.
    #[must_use]
    pub fn visible(&self) -> Sequence {
        self.index.visible()
    }

    /// The store as it was when `end` was its watermark: this snapshot without the events from there on.
    /// Past the watermark it is this snapshot.
    ///
    /// Events that were removed or redacted since are not in it either. An `end` that is not that of an
    /// append, as that of [`sequence_at`](Self::sequence_at) need not be, may leave a part of a batch.
    /// O(parts of the index).
    ///
    /// ```
    /// # use strandline::{Coordinate, Event, EventKind, Store};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(dir.path().join("orders.strand"))?;
    /// # let order = Coordinate::new("order:1042", "eu/payments")?;
    /// # let event = || Event::bytes(EventKind::new(1, 1), *b"x");
    /// let first = store.append(&order, event())?;
    /// store.append(&order, event())?;
    /// let now = store.snapshot();
    /// let then = now.as_of(first.hlc.wall_ms() - 1);
    /// assert!(then.is_empty() && then.latest("order:1042")?.is_none());
    /// let after_first = first.sequence.checked_add(1).ok_or("too many")?;
    /// assert_eq!(now.snapshot_at(after_first).len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn snapshot_at(&self, end: Sequence) -> Self {
        Self {
            index: self.index.snapshot_at(end),
            ..self.clone()
        }
    }

    /// Where the events end that happened at `wall_ms` or before, in milliseconds since 1970: the sequence of
    /// the first one that happened later, or the watermark. Found by search, as times never go back.
    ///
    /// That of events which a compaction removed does not count. Read [`damage`](Self::damage) afterwards
    /// where it matters.
    #[must_use]
    pub fn sequence_at(&self, wall_ms: u64) -> Sequence {
        self.index.sequence_at(wall_ms)
    }

    /// The store as it was at a time: its events that happened at `wall_ms` or before, in milliseconds since
    /// 1970. [`snapshot_at`](Self::snapshot_at) the sequence at that time.
    #[must_use]
    pub fn as_of(&self, wall_ms: u64) -> Self {
        self.snapshot_at(self.sequence_at(wall_ms))
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.index.len()
    }

    /// Whether there are no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The event with this id. One index lookup and one read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) or [`ErrorKind::Io`](crate::ErrorKind::Io)
    /// from reading it.
    pub fn get(&self, id: EventId) -> Result<Option<StoredEvent>, Error> {
        self.reader.metrics.read(Read::Get);
        match self.index.get(id) {
            Some(row) => self.reader.read(row).map(Some),
            None => self.absent(),
        }
    }

    /// What `read` makes of the event with this id, which is not copied.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_with<T>(
        &self,
        id: EventId,
        read: impl FnOnce(EventRef<'_>) -> T,
    ) -> Result<Option<T>, Error> {
        self.reader.metrics.read(Read::Get);
        match self.index.get(id) {
            Some(row) => self.reader.read_with(row, read).map(Some),
            None => self.absent(),
        }
    }

    /// The newest event of an entity, if it has one: the head of its chain.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn latest(&self, entity: &str) -> Result<Option<StoredEvent>, Error> {
        self.reader.metrics.read(Read::Latest);
        match self.index.latest(entity) {
            Some(row) => self.reader.read(row).map(Some),
            None => self.absent(),
        }
    }

    /// The events of an entity, oldest first; `.rev()` for newest first.
    #[must_use]
    pub fn stream(&self, entity: &str) -> Events<'_> {
        Events {
            ahead: Ahead::several(),
            ..self.events(self.index.stream(entity), Read::Stream)
        }
    }

    /// The events of a query in commit order, of a region or of any of several, each once; `.rev()` for
    /// newest first.
    ///
    /// The cost is that of the events returned, plus what the most selective filter of each region leaves
    /// for the others to refuse.
    ///
    /// ```
    /// # use strandline::{Coordinate, Event, EventKind, Query, Region, Store};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(dir.path().join("courses.strand"))?;
    /// # let course = Coordinate::new("course:3", "school")?;
    /// const SUBSCRIBED: EventKind = EventKind::new(0x1, 0x001);
    /// let event = Event::bytes(SUBSCRIBED, *b"x").tagged("course:3").tagged("student:7");
    /// store.append(&course, event)?;
    /// let either = Query::any_of([Region::all().tag("course:3"), Region::all().tag("student:7")]);
    /// let now = store.snapshot();
    /// assert_eq!(now.query(&either).count(), 1);
    /// assert_eq!(now.query(either.limit(10)).rev().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn query(&self, query: impl Into<Query>) -> Events<'_> {
        self.events(self.index.query(self.resolved(query)), Read::Query)
    }

    /// The headers of a query, as far as the index has them: no event is read from disk.
    ///
    /// Some may be missing if [`damage`](Self::damage) says so afterwards.
    #[must_use]
    pub fn rows(&self, query: impl Into<Query>) -> Rows<'_> {
        self.reader.metrics.read(Read::Rows);
        self.index.query(self.resolved(query))
    }

    /// The entities whose names start with `prefix`, in the order of their names, with how many
    /// events each has.
    #[must_use]
    pub fn entities(&self, prefix: &str) -> Names<'_> {
        self.index.entities(prefix)
    }

    /// The scopes whose names start with `prefix`, in the order of their names, with how many
    /// events each has.
    #[must_use]
    pub fn scopes(&self, prefix: &str) -> Names<'_> {
        self.index.scopes(prefix)
    }

    /// How [`query`](Self::query) would go about a region, or each of several, part by part, for people to
    /// read.
    #[must_use]
    pub fn explain(&self, query: impl Into<Query>) -> Plan {
        self.index.explain(self.resolved(query))
    }

    /// The headers of an event, of what caused it, of what caused that, and so on.
    #[must_use]
    pub fn causes(&self, id: EventId) -> Causes<'_> {
        self.index.causes(id)
    }

    /// The error of what the index has lost: the index of a sealed segment was found damaged, and the
    /// segment too, so that it could not be rebuilt. None in a sound store.
    ///
    /// Reads of events give this error where they may lack some; headers and names do not.
    #[must_use]
    pub fn damage(&self) -> Option<Error> {
        self.index.damage().cloned().map(Error::from)
    }

    /// As [`damage`](Self::damage), of events from a sequence on.
    pub(crate) fn damage_since(&self, since: Sequence) -> Option<Error> {
        self.index.damage_since(since).cloned().map(Error::from)
    }

    /// The answer where the index has no event: none, unless it may have lost some.
    pub(super) fn absent<T>(&self) -> Result<Option<T>, Error> {
        match self.damage() {
            Some(damage) => Err(damage),
            None => Ok(None),
        }
    }

    /// The tags that start with `prefix`, in the order of their names, with how many events each has.
    #[must_use]
    pub fn tags(&self, prefix: &str) -> Names<'_> {
        self.index.tags(prefix)
    }

    /// A query in which names of kinds stand for those that have them.
    #[inline]
    fn resolved(&self, query: impl Into<Query>) -> Query {
        let mut query = query.into();
        query.resolve_kinds(|name| self.reader.kinds.kind(name));
        query
    }

    fn events<'a>(&'a self, rows: Rows<'a>, read: Read) -> Events<'a> {
        Events {
            snapshot: self,
            rows,
            ahead: Ahead::nothing(),
            cursor: self.reader.cursor(),
            told: false,
            reading: self.reader.metrics.reading(read),
        }
    }
}

/// The events of a stream or query, read as they are asked for.
///
/// An event that cannot be read is an error in its place; those after it can still be read. Where the
/// index has lost events, there is an error after the last one; see [`Snapshot::damage`].
///
/// As an iterator it gives owned events. To look at events without copying their payloads:
///
/// ```
/// # use strandline::{Coordinate, Event, EventKind, Store};
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::open(dir.path().join("orders.strand"))?;
/// # let order = Coordinate::new("order:1042", "eu/payments")?;
/// # store.append(&order, Event::bytes(EventKind::new(1, 1), *b"four"))?;
/// let now = store.snapshot();
/// let mut bytes = 0;
/// let mut events = now.stream("order:1042");
/// while let Some(event) = events.next_ref() {
///     bytes += event?.payload()?.len();
/// }
/// assert_eq!(bytes, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Events<'a> {
    snapshot: &'a Snapshot,
    rows: Rows<'a>,
    /// Of which these were taken and not given.
    ahead: Ahead<'a>,
    cursor: EventCursor,
    /// Whether it was said that events may be missing.
    told: bool,
    /// Counts those that were given.
    reading: Reading,
}

impl Events<'_> {
    /// The error after the last event, if some may be missing; once.
    fn last_error(&mut self) -> Option<Error> {
        if self.told {
            return None;
        }
        let damage = self.snapshot.damage()?;
        self.told = true;
        Some(damage)
    }

    /// The next event, where it was read: its payload is borrowed until the next call.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::get`].
    pub fn next_ref(&mut self) -> Option<Result<EventRef<'_>, Error>> {
        match self.ahead.next(&mut self.rows, &self.cursor) {
            Some(row) => {
                self.reading.add();
                Some(self.cursor.read(row))
            }
            None => self.last_error().map(Err),
        }
    }

    /// The next event from the back, as [`next_ref`](Self::next_ref).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn next_back_ref(&mut self) -> Option<Result<EventRef<'_>, Error>> {
        let row = self.rows.next_back();
        match row.or_else(|| self.ahead.next_back()) {
            Some(row) => {
                self.reading.add();
                Some(self.cursor.read(row))
            }
            None => self.last_error().map(Err),
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Result<StoredEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_ref()?.map(EventRef::into_owned))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.rows.size_hint();
        let taken = self.ahead.len();
        (least + taken, most.map(|most| most.saturating_add(taken)))
    }

    fn count(self) -> usize {
        self.ahead.len() + self.rows.count()
    }
}

impl DoubleEndedIterator for Events<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        Some(self.next_back_ref()?.map(EventRef::into_owned))
    }
}

impl FusedIterator for Events<'_> {}
