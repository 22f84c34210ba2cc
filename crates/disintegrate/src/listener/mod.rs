//! Listeners: what is called for each event, with its position kept under its name.
//!
//! `Listeners` runs them, `listen` is the loop of one. It knows the event store and the crate of named positions.

mod config;
mod error;
mod held;
mod listen;

pub use config::{AbortRetry, ListenerConfig, Retry, RetryAction};
pub use error::{ListenerError, ListenerErrorKind};

use crate::{Error, Position, StrandlineEventStore};
use disintegrate::{Event, EventListener};
use disintegrate_serde::Serde;
use futures::future::{BoxFuture, FutureExt, pending, try_join_all};
use held::Stop;
use listen::Listener;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use strandline_live::Live;

/// Makes the future of a listener, which ends when another one does.
type Start = Box<dyn FnOnce(Stop) -> BoxFuture<'static, Result<(), ListenerError>> + Send>;

/// Calls [`EventListener`]s for the events of their queries: those that are there, and those that come.
///
/// Each goes on from where it was under its [`id`](EventListener::id), in this process or the next one. An event is
/// handled at least once: the position is saved after every [`save_every`](ListenerConfig::save_every) events and
/// where none waits, so events may be handled again after a crash, and none is left out; past events that are not of the
/// query it is saved within about a second. An event is
/// given once it is durable. Where several processes run the same listener, one of them handles events, and another
/// goes on when that one is gone (`strandline_live` says how).
///
/// It needs no runtime: [`run`](Self::run) is a future for whichever one there is. It reads the store, and saves
/// positions, on the thread of whoever polls it; spawn it apart from tasks that may not wait for the disk.
///
/// ```
/// # use async_trait::async_trait;
/// # use disintegrate::{Event, EventListener, EventStore, PersistedEvent, StreamQuery};
/// # use disintegrate::serde::json::Json;
/// # use serde::{Deserialize, Serialize};
/// # use std::sync::{Arc, atomic::{AtomicI64, Ordering}};
/// # use strandline::Store;
/// use strandline_disintegrate::{ListenerConfig, Listeners, Position, StrandlineEventStore};
///
/// #[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
/// enum AccountEvent {
///     Deposited { #[id] account_id: i64, cents: i64 },
/// }
///
/// struct Total {
///     query: StreamQuery<Position, AccountEvent>,
///     cents: Arc<AtomicI64>,
/// }
///
/// #[async_trait]
/// impl EventListener<Position, AccountEvent> for Total {
///     type Error = std::convert::Infallible;
///
///     fn id(&self) -> &'static str {
///         "total"
///     }
///
///     fn query(&self) -> &StreamQuery<Position, AccountEvent> {
///         &self.query
///     }
///
///     async fn handle(&self, event: PersistedEvent<Position, AccountEvent>) -> Result<(), Self::Error> {
///         let AccountEvent::Deposited { cents, .. } = event.into_inner();
///         self.cents.fetch_add(cents, Ordering::Relaxed);
///         Ok(())
///     }
/// }
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Arc::new(Store::open(dir.path().join("bank.strand"))?);
/// # futures::executor::block_on(async {
/// let events = StrandlineEventStore::new(&store, Json::<AccountEvent>::default());
/// events.append_without_validation(vec![AccountEvent::Deposited { account_id: 1, cents: 500 }]).await?;
///
/// let cents = Arc::new(AtomicI64::new(0));
/// let total = Total { query: disintegrate::query!(AccountEvent), cents: Arc::clone(&cents) };
/// let seen = Arc::clone(&cents);
/// let enough = async move { while seen.load(Ordering::Relaxed) < 500 { futures_timer::Delay::new(std::time::Duration::from_millis(1)).await } };
/// Listeners::new(&events)?.register(total, ListenerConfig::new()).run_until(enough).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "listeners are called while `run` is polled"]
pub struct Listeners<E: Event, S> {
    events: StrandlineEventStore<E, S>,
    live: Live,
    starts: Vec<Start>,
}

impl<E, S> Listeners<E, S>
where
    E: Event + Send + Sync + 'static,
    S: Serde<E> + Clone + Send + Sync + 'static,
{
    /// With positions in the directory beside the store, `<store>.live`.
    ///
    /// # Errors
    ///
    /// [`Error::Live`] if the directory cannot be used.
    pub fn new(events: &StrandlineEventStore<E, S>) -> Result<Self, Error> {
        Ok(Self::with(events, Live::open(events.store())?))
    }

    /// With positions in another directory.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn new_in(
        events: &StrandlineEventStore<E, S>,
        dir: impl Into<PathBuf>,
    ) -> Result<Self, Error> {
        Ok(Self::with(events, Live::open_in(events.store(), dir)?))
    }

    fn with(events: &StrandlineEventStore<E, S>, live: Live) -> Self {
        Self {
            events: events.clone(),
            live,
            starts: Vec::new(),
        }
    }

    /// Adds a listener.
    pub fn register<Q, L, R>(mut self, listener: L, config: ListenerConfig<R>) -> Self
    where
        Q: TryFrom<E> + Event + Clone + Send + Sync + 'static,
        <Q as TryFrom<E>>::Error: StdError + Send + Sync + 'static,
        L: EventListener<Position, Q> + 'static,
        L::Error: fmt::Display + Send + Sync + 'static,
        R: Retry<L::Error> + Send + Sync + 'static,
    {
        let listener = Listener {
            events: self.events.clone(),
            live: self.live.clone(),
            listener,
            config,
        };
        let start = move |stop| listener.run::<Q>(stop).boxed();
        self.starts.push(Box::new(start));
        self
    }

    /// Calls the listeners until one of them gives up.
    ///
    /// The others are dropped then, and go on where they were at the next start.
    ///
    /// # Errors
    ///
    /// Which listener ended, where, and why.
    pub async fn run(self) -> Result<(), ListenerError> {
        self.run_until(pending()).await
    }

    /// As [`run`](Self::run), until `stop` is over: then each listener handles its event to the end, saves its
    /// position and ends.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ListenerError> {
        let stop = stop.boxed().shared();
        let starts = self.starts.into_iter();
        let running = starts.map(|start| start(stop.clone()));
        try_join_all(running).await.map(|_| ())
    }
}

impl<E: Event, S> fmt::Debug for Listeners<E, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Listeners")
            .field("events", &self.events)
            .field("listeners", &self.starts.len())
            .finish_non_exhaustive()
    }
}
