//! Pages: some events of a query, and where the next ones begin.

use super::snapshot::Snapshot;
use crate::{Error, ErrorKind, Order, Page, PageToken};
use strandline_core::{Query, Sequence};

impl Snapshot {
    /// The first page of a query: as many events as its [limit](Query::limit) says, all if it has none, and
    /// where the next page begins.
    ///
    /// ```
    /// use strandline::{Coordinate, Event, EventKind, Order, PageToken, Query, Region, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// for payload in [b"1", b"2", b"3"] {
    ///     store.append(&order, Event::bytes(EventKind::new(1, 1), *payload))?;
    /// }
    /// let query = Query::from(Region::all().scope("eu/payments")).limit(2);
    /// let first = store.snapshot().page(&query, Order::NewestFirst)?;
    /// let kept = first.next.ok_or("there are more")?.to_string();
    ///
    /// // Any time later, in any process.
    /// let token: PageToken = kept.parse()?;
    /// let last = store.snapshot().next_page(&query, &token)?;
    /// assert_eq!(last.events.len(), 1);
    /// assert_eq!(last.next, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn page(&self, query: impl Into<Query>, order: Order) -> Result<Page, Error> {
        self.page_of(query.into(), order)
    }

    /// The page that begins where another ended. Events that were appended, removed or redacted since change
    /// nothing of what it goes past: it has each event of the query after that place that is there now.
    ///
    /// # Errors
    ///
    /// As [`resumed`](Self::resumed) and [`get`](Self::get).
    pub fn next_page(&self, query: impl Into<Query>, token: &PageToken) -> Result<Page, Error> {
        self.page_of(self.resumed(query, token)?, token.order())
    }

    /// The rest of a query, from where a page ended: for whoever reads events as they come, which
    /// [`Order::NewestFirst`] asks for from the back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ForeignToken`] if the token is of another store, of another
    /// [epoch](crate::Store::epoch) of this one, or of an event that a power cut took, so that another one
    /// has its sequence. Begin with the first page.
    pub fn resumed(&self, query: impl Into<Query>, token: &PageToken) -> Result<Query, Error> {
        if token.epoch() != self.epoch {
            let message = format!(
                "the page token is of epoch {}, and the store is in epoch {}: it is another store, or was \
                 restored; begin with the first page",
                token.epoch(),
                self.epoch
            );
            return Err(Error::new(ErrorKind::ForeignToken, message));
        }
        let sequence = token.sequence();
        let row = self.index.row_at(sequence);
        if row.is_some_and(|row| !token.is_of(row.id())) {
            let message = format!(
                "event {sequence} is not the one that the page token is of, which was lost before it was \
                 durable; begin with the first page"
            );
            return Err(Error::new(ErrorKind::ForeignToken, message));
        }
        let query = query.into();
        Ok(match token.order() {
            Order::OldestFirst => query.after(sequence),
            Order::NewestFirst => query.before(sequence),
        })
    }

    /// Where a page ends whose last event has this sequence.
    #[must_use]
    pub fn token(&self, order: Order, last: Sequence) -> PageToken {
        let row = self.index.row_at(last);
        PageToken::new(self.epoch, order, last, row.map(|row| row.id()))
    }

    fn page_of(&self, query: Query, order: Order) -> Result<Page, Error> {
        let limit = query.events_max().unwrap_or(usize::MAX);
        let mut rows = self.rows(query.limit(limit.saturating_add(1)));
        let mut next_row = || match order {
            Order::OldestFirst => rows.next(),
            Order::NewestFirst => rows.next_back(),
        };
        let mut cursor = self.reader.cursor();
        let mut events = Vec::new();
        let mut last = None;
        while events.len() < limit {
            let Some(row) = next_row() else { break };
            events.push(cursor.read(row)?.into_owned());
            last = Some(row);
        }
        let cut = next_row().is_some();
        if let Some(damage) = self.damage().filter(|_| !cut) {
            return Err(damage);
        }
        let next = last.filter(|_| cut);
        let token = |sequence, id| PageToken::new(self.epoch, order, sequence, Some(id));
        Ok(Page {
            events,
            next: next.map(|row| token(row.sequence(), row.id())),
        })
    }
}
