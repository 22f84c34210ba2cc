//! `Store::epoch`: which course of its log a store is on.

use super::Store;
use crate::Epoch;

impl Store {
    /// Which course of its log the store is on: another after each restore, and after a backup was
    /// opened to write. A rotation, compaction, backup or reopening changes nothing. A store that is copied by
    /// other means, such as `cp` or a snapshot of the file system, has the same epoch in each copy: put stores
    /// back with [`restore`](crate::maintenance::restore()).
    ///
    /// A [`SavedPosition`](crate::SavedPosition) knows its epoch, and more. Who saves a sequence to go on from saves it
    /// with the epoch, and begins anew if the epoch is
    /// another when it comes back: a restored store gives sequences to other events than those that
    /// were read. Save none past what is durable ([`Stats::durable`](crate::Stats::durable); all that is
    /// visible is, where every append asks for [`Durability::Synced`](crate::Durability::Synced)), for a
    /// power cut takes the rest, and its sequences are given again in the same epoch.
    ///
    /// ```
    /// use strandline::fs::{Fs, OsFs};
    /// use strandline::maintenance::{CopyMode, Existing, backup, restore};
    /// use strandline::{Coordinate, Epoch, Error, Event, EventKind, Region, Sequence, Store};
    /// # use std::ops::ControlFlow;
    /// # use std::sync::Arc;
    ///
    /// /// How many events there are, and which of them are counted.
    /// #[derive(Default)]
    /// struct Counted { events: u64, position: Option<(Epoch, Sequence)> }
    ///
    /// impl Counted {
    ///     fn catch_up(&mut self, store: &Store) -> Result<(), Error> {
    ///         if self.position.is_some_and(|(epoch, _)| epoch != store.epoch()) {
    ///             *self = Self::default(); // The store was put back: begin anew.
    ///         }
    ///         let from = self.position.map_or(Sequence::ZERO, |(_, next)| next);
    ///         let now = store.snapshot();
    ///         self.events += now.query(Region::all().sequence(from.get()..)).count() as u64;
    ///         self.position = Some((store.epoch(), now.visible()));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # let temporary = tempfile::tempdir()?;
    /// # let (dir, copy) = (temporary.path().join("orders.strand"), temporary.path().join("backup"));
    /// # let fs: Arc<dyn Fs> = Arc::new(OsFs);
    /// # let mut go_on = |_| ControlFlow::Continue(());
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// let event = || Event::bytes(EventKind::new(1, 1), *b"x");
    /// let store = Store::open(&dir)?;
    /// store.append(&order, event())?;
    /// backup(&fs, &dir, &copy, CopyMode::Copy, &mut go_on)?;
    /// store.append(&order, event())?;
    /// let mut counted = Counted::default();
    /// counted.catch_up(&store)?;
    /// assert_eq!(counted.events, 2);
    /// store.close()?;
    ///
    /// restore(&fs, &copy, &dir, Existing::MoveAside, &mut go_on)?;
    /// let store = Store::open(&dir)?;
    /// for _ in 0..2 {
    ///     store.append(&order, event())?;
    /// }
    /// counted.catch_up(&store)?;
    /// assert_eq!(counted.events, 3, "the position alone would have passed over one");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.shared().epoch
    }
}
