//! `DcbStore`: the handle, which is the trait. Delegates everything.

use crate::append::{append, append_async};
use crate::event::Places;
use crate::position::{from_on, last_before};
use crate::query::query_of;
use crate::read::{Response, Subscription};
use std::sync::Arc;
use strandline::Store;
use strandline_core::PayloadEncoding;
use umadb_dcb::{
    DcbAppendCondition, DcbEvent, DcbEventStoreSync, DcbQuery, DcbReadResponseSync, DcbResult,
    TrackingInfo,
};

/// A store as a `DcbEventStoreSync`.
///
/// Cheap to clone, and can be shared between threads. It reads every event of the store, and appends as durable as
/// the store's options say. A store that was opened to read only refuses appends, and shows what another process wrote
/// after [`Store::refresh`]. The README has what maps to what, and each error.
///
/// ```
/// use strandline::{PayloadEncoding, Store};
/// use strandline_dcb::DcbStore;
/// use umadb_dcb::{DcbEvent, DcbEventStoreSync};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("school.strand"))?;
/// let dcb = DcbStore::new(store).encoding(PayloadEncoding::JSON);
/// let event = DcbEvent::default().event_type("CourseDefined").tags(["course:3"]).data(*b"{}");
/// assert_eq!(dcb.append(vec![event], None, None)?, 1);
/// assert_eq!(dcb.head()?, Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct DcbStore {
    store: Arc<Store>,
    places: Places,
    encoding: PayloadEncoding,
}

impl DcbStore {
    /// A store as the trait; in an `Arc` if others have it too.
    #[must_use]
    pub fn new(store: impl Into<Arc<Store>>) -> Self {
        Self {
            store: store.into(),
            places: Places::default(),
            encoding: PayloadEncoding::RAW,
        }
    }

    /// Which entity and scope appended events have. Default: [`Places::Dcb`].
    #[must_use]
    pub fn places(mut self, places: Places) -> Self {
        self.places = places;
        self
    }

    /// What the data of appended events is, so that tools can show it: it is kept as it is, and not looked at. An event
    /// with metadata has an encoding of its own ([`ENVELOPE`](crate::ENVELOPE)). Default: raw.
    #[must_use]
    pub const fn encoding(mut self, encoding: PayloadEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Appends as [`append`](DcbEventStoreSync::append) does, from async code: a future that needs no runtime and
    /// blocks no executor while it waits for the disk, so that one sync serves all who wait. What it writes is written
    /// once it was polled until it waits; to drop it then takes nothing back.
    ///
    /// ```
    /// use strandline_dcb::DcbStore;
    /// use umadb_dcb::{DcbError, DcbEvent};
    ///
    /// async fn define(store: &DcbStore, course: &str) -> Result<u64, DcbError> {
    ///     let event = DcbEvent::default().event_type("CourseDefined").tags([course]);
    ///     store.append_async(vec![event], None, None).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`append`](DcbEventStoreSync::append).
    pub async fn append_async(
        &self,
        events: Vec<DcbEvent>,
        condition: Option<DcbAppendCondition>,
        tracking_info: Option<TrackingInfo>,
    ) -> DcbResult<u64> {
        let places = (&self.places, self.encoding);
        let (condition, tracking) = (condition.as_ref(), tracking_info.as_ref());
        append_async(&self.store, places, events, condition, tracking).await
    }

    /// Reads as [`read`](DcbEventStoreSync::read) does, and gives the events in batches of a size that the caller
    /// chooses.
    ///
    /// ```
    /// use strandline::Store;
    /// use strandline_dcb::DcbStore;
    /// use umadb_dcb::{DcbEvent, DcbEventStoreSync};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = DcbStore::new(Store::open(dir.path().join("school.strand"))?);
    /// store.append(vec![DcbEvent::default().event_type("CourseDefined"); 3], None, None)?;
    /// let mut events = store.read_batches(None, None, false, None);
    /// assert_eq!(events.take_batch(2, 1 << 20)?.len(), 2);
    /// assert_eq!(events.take_batch(2, 1 << 20)?.len(), 1);
    /// assert!(events.is_over() && events.take_batch(2, 1 << 20)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read_batches(
        &self,
        query: Option<DcbQuery>,
        start: Option<u64>,
        backwards: bool,
        limit: Option<u32>,
    ) -> Response {
        let query = query_of(&query.unwrap_or_default());
        let query = from_on(query, start, backwards);
        Response::new(self.store.snapshot(), query, backwards, limit)
    }

    /// The events of a query after a position, from the first on if none is given, and then each as it comes: once it
    /// is visible, which is once its append returns.
    ///
    /// ```
    /// use std::time::Duration;
    /// use strandline::Store;
    /// use strandline_dcb::DcbStore;
    /// use umadb_dcb::{DcbError, DcbEvent, DcbEventStoreSync, DcbSubscriptionSync};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = DcbStore::new(Store::open(dir.path().join("school.strand"))?);
    /// let append = |name| store.append(vec![DcbEvent::default().event_type(name)], None, None);
    /// append("CourseDefined")?;
    /// let mut events = store.subscribe(None, Some(1))?;
    /// let nothing = events.next_timeout(Duration::ZERO);
    /// assert!(matches!(nothing, Some(Err(DcbError::Timeout()))));
    /// append("CourseClosed")?;
    /// let closed = events.next().ok_or("it ended")??;
    /// assert_eq!((closed.position, &*closed.event.event_type), (2, "CourseClosed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Io` if the store was closed.
    pub fn subscribe(
        &self,
        query: Option<DcbQuery>,
        after: Option<u64>,
    ) -> DcbResult<Subscription> {
        let query = query_of(&query.unwrap_or_default());
        Subscription::new(&self.store, query, after)
    }
}

impl DcbEventStoreSync for DcbStore {
    fn read(
        &self,
        query: Option<DcbQuery>,
        start: Option<u64>,
        backwards: bool,
        limit: Option<u32>,
    ) -> DcbResult<Box<dyn DcbReadResponseSync + Send + 'static>> {
        Ok(Box::new(self.read_batches(query, start, backwards, limit)))
    }

    fn head(&self) -> DcbResult<Option<u64>> {
        Ok(last_before(self.store.snapshot().visible()))
    }

    fn get_tracking_info(&self, source: &str) -> DcbResult<Option<u64>> {
        let tracked = self.store.tracked(source);
        Ok(tracked.map(|tracked| tracked.position))
    }

    fn append(
        &self,
        events: Vec<DcbEvent>,
        condition: Option<DcbAppendCondition>,
        tracking_info: Option<TrackingInfo>,
    ) -> DcbResult<u64> {
        let places = (&self.places, self.encoding);
        let (condition, tracking) = (condition.as_ref(), tracking_info.as_ref());
        append(&self.store, places, events, condition, tracking)
    }
}
