//! Reading live.

use super::Store;
use crate::{Cursor, Error, Start, Subscription};
#[cfg(doc)]
use crate::{Delivery, ErrorKind};
use strandline_core::Query;

impl Store {
    /// The events of a query in commit order, those that are there and then each as it comes; see [`Cursor`].
    ///
    /// They are given as soon as they are visible; [`Cursor::at`] asks for [`Delivery::Durable`].
    ///
    /// ```
    /// use strandline::{Coordinate, Event, EventKind, Region, SavedPosition, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
    ///
    /// let saved: Option<SavedPosition> = None; // As `text.trim().parse()?` reads it from a file.
    /// let mut cursor = store.follow(Region::all(), saved)?;
    /// while let Some(event) = cursor.try_next()? {
    ///     println!("{} {}", event.sequence, event.kind);
    /// }
    /// let kept = cursor.position()?.to_string();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ForeignPosition`] if a saved position is not of this store as it is, and
    /// [`Error::refused_position`] says why and from where one may go on. [`ErrorKind::InvalidInput`] for a query
    /// with a limit, or if the event to begin after is not visible. [`ErrorKind::LockLost`] in a fork of the process
    /// that opened the store. In a store opened to read only as [`refresh`](Self::refresh).
    pub fn follow(&self, query: impl Into<Query>, from: impl Into<Start>) -> Result<Cursor, Error> {
        Cursor::new(self.shared(), query.into(), &from.into())
    }

    /// Has the events of a query pushed in commit order, those that are there and then each as it comes, once it is
    /// visible; see [`Subscription`]. `capacity` batches of 256 events or 256 KiB may wait.
    ///
    /// The same as [`Cursor::subscribe`] of what [`follow`](Self::follow) gives:
    /// `store.follow(query, from)?.at(Delivery::Durable).subscribe(64)?` pushes what is durable.
    ///
    /// # Errors
    ///
    /// As [`follow`](Self::follow) and [`Cursor::subscribe`].
    pub fn subscribe(
        &self,
        query: impl Into<Query>,
        from: impl Into<Start>,
        capacity: usize,
    ) -> Result<Subscription, Error> {
        self.follow(query, from)?.subscribe(capacity)
    }
}
