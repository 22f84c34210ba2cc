//! Names of kinds.

use super::Store;
#[cfg(doc)]
use crate::ErrorKind;
use crate::{Error, ErrorKind as Kind};
use std::sync::Arc;
use strandline_core::{EventKind, check_name};

impl Store {
    /// The kind with a name, for events whose types are texts: found, or made. One that is made is of the
    /// category [`MADE_KINDS_CATEGORY`](crate::MADE_KINDS_CATEGORY), which has 4,096.
    ///
    /// The store keeps the name with the first event of the kind, and again in each segment in which it is
    /// used; from then on the two belong together for good, whatever is compacted or redacted, and in every
    /// backup. A kind that was made and of which no event was appended is forgotten when the store is closed.
    ///
    /// ```
    /// use strandline::{Coordinate, Event, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let placed = store.kind("org.example.order.placed")?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// store.append(&order, Event::json(placed, &"a table")?)?;
    ///
    /// assert_eq!(store.kind("org.example.order.placed")?, placed);
    /// assert_eq!(store.kind_name(placed).as_deref(), Some("org.example.order.placed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if it is no name: 1 to 255 bytes without a control character.
    /// [`ErrorKind::ReadOnly`] if there is none and the store was opened to read only;
    /// [`ErrorKind::Exhausted`] if every kind of the category has a name or events.
    pub fn kind(&self, name: &str) -> Result<EventKind, Error> {
        let shared = self.shared();
        if let Some(known) = shared.kinds.kind(name) {
            return Ok(known);
        }
        let name = &checked(name)?;
        shared.check_poison()?;
        let mut writer = shared.writer()?.lock();
        let kind = writer.kind_or_new(name)?;
        // Before an event of it can be seen.
        shared.kinds.learn([(kind, name)].into_iter());
        drop(writer);
        Ok(kind)
    }

    /// Gives a kind the name that it has from now on, for good: for kinds whose events were appended
    /// without one, say. It is written with the next event of the kind. Nothing changes if it has that name.
    ///
    /// [`Event::typed`](crate::Event::typed) and [`Event::with_kind_name`](crate::Event::with_kind_name) do
    /// so by themselves.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::KindConflict`] if the kind has another name, or the name is another kind's.
    /// [`ErrorKind::InvalidInput`] if it is no name, or the kind is reserved; [`ErrorKind::ReadOnly`].
    pub fn name_kind(&self, kind: EventKind, name: &str) -> Result<(), Error> {
        let shared = self.shared();
        if kind.is_reserved() {
            let message = format!("kind {kind} is reserved for the store");
            return Err(Error::new(Kind::InvalidInput, message));
        }
        let name = &checked(name)?;
        shared.check_poison()?;
        let mut writer = shared.writer()?.lock();
        if writer.kinds.name(kind, name)? {
            // Before an event of it can be seen.
            shared.kinds.learn([(kind, name)].into_iter());
        }
        drop(writer);
        Ok(())
    }

    /// The name of a kind, if it has one.
    #[must_use]
    pub fn kind_name(&self, kind: EventKind) -> Option<Arc<str>> {
        self.shared().kinds.name(kind)
    }
}

fn checked(name: &str) -> Result<Arc<str>, Error> {
    match check_name("name of a kind", name) {
        Ok(()) => Ok(name.into()),
        Err(error) => {
            let message = "the name of a kind is refused";
            Err(Error::new(Kind::InvalidInput, message).with_source(error))
        }
    }
}
