//! `StrandlineEventStore`: the `EventStore` of disintegrate.

use crate::coding::Form;
use crate::question::question;
use crate::stream::EventStream;
use crate::{Error, Position};
use async_trait::async_trait;
use disintegrate::{Event, EventStore, PersistedEvent, StreamItem, StreamQuery};
use disintegrate_serde::Serde;
use futures::stream::{BoxStream, StreamExt};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use strandline::{
    AppendCondition, AppendOptions, ErrorKind, PayloadEncoding, Query, Receipt, Store,
};

/// The [`EventStore`] of disintegrate, on a store of Strandline that may be used for other things too.
///
/// An event's name is the name of its kind, its domain identifiers are tags (`account_id:42`), and its id is its
/// [`Position`]. Events of one append are visible together, and durable as the store has it: by default, they are
/// on disk when `append` returns.
///
/// `append` refuses with [`Error::Concurrency`] if one event that the query finds came after the version. To
/// look for it costs nothing where nothing was appended since, and otherwise grows with what was appended since
/// and has one of the query's tags.
///
/// It needs no runtime. Reading reads the disk on the thread of whoever polls, 256 events at a time, where
/// they are not in the page cache; appending checks, encodes and writes there, and waits for the disk elsewhere.
///
/// ```
/// use disintegrate::{DecisionMaker, Event, EventSourcedStateStore, EventStore, NoSnapshot};
/// use disintegrate::serde::json::Json;
/// use futures::{StreamExt, executor::block_on};
/// use serde::{Deserialize, Serialize};
/// use std::sync::Arc;
/// use strandline::Store;
/// use strandline_disintegrate::StrandlineEventStore;
///
/// #[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
/// enum AccountEvent {
///     Opened { #[id] account_id: i64 },
///     Deposited { #[id] account_id: i64, cents: i64 },
/// }
///
/// # let dir = tempfile::tempdir()?;
/// let store = Arc::new(Store::open(dir.path().join("bank.strand"))?);
/// let events = StrandlineEventStore::new(&store, Json::<AccountEvent>::default());
/// block_on(async {
///     let opened = vec![AccountEvent::Opened { account_id: 42 }];
///     let appended = events.append_without_validation(opened).await?;
///     assert_eq!(appended[0].id().get(), 1);
///     let query = disintegrate::query!(AccountEvent; account_id == 42);
///     let found: Vec<_> = events.stream(&query).collect().await;
///     assert_eq!(found.len(), 2, "the event, and the end");
///     Ok::<(), Box<dyn std::error::Error>>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StrandlineEventStore<E, S> {
    store: Arc<Store>,
    serde: S,
    form: Form<E>,
}

impl<E: Event, S> StrandlineEventStore<E, S> {
    /// On a store, with what makes bytes of events.
    pub fn new(store: &Arc<Store>, serde: S) -> Self {
        Self {
            store: Arc::clone(store),
            serde,
            form: Form::default(),
        }
    }

    /// Keeps events in this scope, and sees those of this scope alone. Default: `disintegrate`.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.form.scope = scope.into();
        self
    }

    /// In which entity an event is, which has a chain of hashes and is read fastest. Default: the domain
    /// identifier that is declared first, as `account_id:42`; the event's name where it has none.
    #[must_use]
    pub fn entity(mut self, entity: fn(&E) -> String) -> Self {
        self.form.entity = entity;
        self
    }

    /// How payloads are encoded, for whoever reads the store otherwise: [`PayloadEncoding::JSON`] with a serializer of
    /// JSON, so that tools show it. Default: [`PayloadEncoding::RAW`].
    #[must_use]
    pub const fn encoding(mut self, encoding: PayloadEncoding) -> Self {
        self.form.encoding = encoding;
        self
    }

    /// Reads on without events whose payload was removed on request. Default: reading one fails with
    /// [`Error::Redacted`], since a state without it may be wrong.
    #[must_use]
    pub const fn skip_redacted(mut self) -> Self {
        self.form.skips_redacted = true;
        self
    }

    /// The store.
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(crate) const fn form(&self) -> &Form<E> {
        &self.form
    }

    pub(crate) const fn serde(&self) -> &S {
        &self.serde
    }
}

impl<E: Event, S: Serde<E>> StrandlineEventStore<E, S> {
    async fn write(
        &self,
        events: Vec<E>,
        options: AppendOptions<'_>,
    ) -> Result<Vec<PersistedEvent<Position, E>>, Error>
    where
        E: Clone,
    {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let batch = self.form.batch(&self.store, &self.serde, events.clone())?;
        // Written, and then durable.
        let ticket = self.store.submit_batch_async_with(batch, options).await?;
        let receipts = ticket.await?;
        let positions = receipts
            .iter()
            .map(|receipt: &Receipt| Position::of(receipt.sequence));
        let persisted = positions.zip(events);
        Ok(persisted
            .map(|(position, event)| PersistedEvent::new(position, event))
            .collect())
    }

    /// Refuses a version that the store has not come to, which no event could be found to be after.
    fn check_version(&self, version: Position) -> Result<(), Error> {
        let end = Position::before(self.store.snapshot().visible());
        match version > end {
            true => Err(Error::AheadOfStore { version, end }),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl<E, S> EventStore<Position, E> for StrandlineEventStore<E, S>
where
    E: Event + Send + Sync,
    S: Serde<E> + Send + Sync,
{
    type Error = Error;

    fn stream<'a, Q>(
        &'a self,
        query: &'a StreamQuery<Position, Q>,
    ) -> BoxStream<'a, Result<StreamItem<Position, Q>, Error>>
    where
        Q: TryFrom<E> + Event + 'static + Clone + Send + Sync,
        <Q as TryFrom<E>>::Error: StdError + 'static + Send + Sync,
    {
        let question = question(query, &self.form.scope, None);
        let snapshot = self.store.snapshot();
        EventStream::new(&self.form, &self.serde, question, snapshot).boxed()
    }

    async fn append<Q>(
        &self,
        events: Vec<E>,
        query: StreamQuery<Position, Q>,
        version: Position,
    ) -> Result<Vec<PersistedEvent<Position, E>>, Error>
    where
        E: Clone + 'async_trait,
        Q: Event + 'static + Clone + Send + Sync,
    {
        self.check_version(version)?;
        let question = question(&query, &self.form.scope, Some(version));
        if events.is_empty() {
            return self.is_unchanged(question);
        }
        let condition = AppendCondition::since(version.next()).none_in(question);
        let options = AppendOptions::new().condition(&condition);
        let written = self.write(events, options).await;
        written.map_err(|error| match error {
            Error::Store(error) if error.kind() == ErrorKind::ConditionFailed => Error::Concurrency,
            error => error,
        })
    }

    async fn append_without_validation(
        &self,
        events: Vec<E>,
    ) -> Result<Vec<PersistedEvent<Position, E>>, Error>
    where
        E: Clone + 'async_trait,
    {
        self.write(events, AppendOptions::new()).await
    }
}

impl<E: Event, S> StrandlineEventStore<E, S> {
    /// What an append of nothing answers.
    fn is_unchanged(&self, question: Query) -> Result<Vec<PersistedEvent<Position, E>>, Error> {
        match self.store.snapshot().query(question).next() {
            Some(Ok(_)) => Err(Error::Concurrency),
            // Where an index is damaged, nobody knows.
            Some(Err(error)) => Err(error.into()),
            None => Ok(Vec::new()),
        }
    }
}

impl<E, S: Clone> Clone for StrandlineEventStore<E, S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            serde: self.serde.clone(),
            form: self.form.clone(),
        }
    }
}

impl<E, S> fmt::Debug for StrandlineEventStore<E, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StrandlineEventStore")
            .field("store", &self.store)
            .field("scope", &self.form.scope)
            .finish_non_exhaustive()
    }
}
