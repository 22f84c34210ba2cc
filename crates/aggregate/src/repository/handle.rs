//! `Repository`: what it is made of.

use crate::kept::{Hot, Saved};
use crate::sealing::Sealing;
use crate::{Aggregate, SnapshotCounts, Snapshots};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use strandline::{Coordinate, Error, ErrorKind, Registry, Store};
use strandline_core::Random;

/// The aggregates of one kind in a store: loads them, and executes commands on them.
///
/// Share it between threads by reference or in an `Arc`; every method takes `&self`. It holds no lock while
/// something of the caller's runs.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use std::sync::Arc;
/// # use strandline::{EventEnum, EventPayload, Store};
/// # use strandline_aggregate::{Aggregate, Repository};
/// # #[derive(Serialize, Deserialize, EventPayload)]
/// # #[event(kind(0x1, 0x001), name = "counted")]
/// # struct Counted { by: u64 }
/// # #[derive(EventEnum)]
/// # enum CounterEvent { Counted(Counted) }
/// #[derive(Clone, Default)]
/// struct Counter { count: u64 }
///
/// impl Aggregate for Counter {
///     // ..
///     # const NAME: &'static str = "counter";
///     # type Event = CounterEvent;
///     # type Command = u64;
///     # type Error = std::convert::Infallible;
///     fn decide(&self, by: &u64) -> Result<Vec<CounterEvent>, Self::Error> {
///         Ok(vec![Counted { by: *by }.into()])
///     }
///     fn evolve(&mut self, CounterEvent::Counted(counted): &CounterEvent) {
///         self.count += counted.by;
///     }
/// }
///
/// # let dir = tempfile::tempdir()?;
/// let store = Arc::new(Store::open(dir.path().join("counts.strand"))?);
/// let counters = Repository::<Counter>::new(&store)?;
/// let done = counters.execute("visits", &2)?;
/// assert_eq!((done.state.count, done.version), (2, Some(0)));
/// counters.execute("visits", &3)?;
///
/// assert_eq!(counters.load("visits")?.state.count, 5);
/// assert_eq!(counters.load_at("visits", 0)?.state.count, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Repository<A: Aggregate> {
    pub(super) store: Arc<Store>,
    pub(super) registry: Registry<A::Event>,
    pub(super) random: Random,
    pub(super) hot: Option<Hot<A>>,
    pub(super) saved: Option<Saved<A>>,
    pub(super) sealing: Option<Arc<dyn Sealing>>,
}

impl<A: Aggregate> Repository<A> {
    /// The aggregates of a store, which may be open to read only. Keeps it open. Reads nothing.
    ///
    /// # Errors
    ///
    /// As [`Aggregate::registry`]; [`ErrorKind::Io`] if the system gives no random bytes.
    pub fn new(store: &Arc<Store>) -> Result<Self, Error> {
        Ok(Self {
            store: store.clone(),
            registry: A::registry()?,
            random: random()?,
            hot: None,
            saved: None,
            sealing: None,
        })
    }

    /// Seals each event that is appended with the key of its entity or scope, and opens what is sealed with `opener`, of
    /// the same keys. Default: nothing is sealed, and a sealed event is an [`ErrorKind::Sealed`].
    ///
    /// Saved states are sealed with the key too, so nothing of them can be read once that was forgotten; one that was
    /// saved before without it is not used, and the next one takes its place. What is kept in memory is let go of at the
    /// next use. Of an event whose key was forgotten [`Aggregate::evolve_without`] is told
    /// ([`Gone::Forgotten`](crate::Gone::Forgotten)), unless the registry has a value for it ([`Registry::gone_as`]); and
    /// nothing is executed on the entity until another key was made. Attributes of commands and their ids are not sealed.
    #[cfg(feature = "seal")]
    #[must_use]
    pub fn sealed(
        mut self,
        sealer: Arc<strandline_seal::Sealer>,
        opener: strandline_seal::Opener,
    ) -> Self {
        self.registry = self.registry.opening(Arc::new(opener.clone()));
        self.sealing = Some(Arc::new(crate::sealing::Keys { sealer, opener }));
        self
    }

    /// Keeps the states that were used last in memory, so many at most and at least 2: what is executed on one of
    /// these reads only what is new of it. Default: none.
    ///
    /// Takes that many states, their names, and some 100 bytes for each.
    #[must_use]
    pub fn with_cache(mut self, states_max: usize) -> Self {
        self.hot = Some(Hot::new(states_max));
        self
    }

    /// Saves states in files beside the store, and loads from them: then a load reads only what came since. Default:
    /// none.
    ///
    /// A state is saved by the call that loads it or executes on it, which waits for that: a file is written, and not
    /// synced. A file that is damaged, of another version, or not of the log as it is, costs a load from the first
    /// event and nothing else. So does one that a process cannot read or write; [`snapshot_counts`](Self::snapshot_counts)
    /// says so. A store opened to read only uses files and writes none.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use std::sync::Arc;
    /// # use strandline::{EventEnum, EventPayload, Store};
    /// # use strandline_aggregate::{Aggregate, Repository, Snapshots};
    /// # #[derive(Serialize, Deserialize, EventPayload)]
    /// # #[event(kind(0x1, 0x001), name = "counted")]
    /// # struct Counted { by: u64 }
    /// # #[derive(EventEnum)]
    /// # enum CounterEvent { Counted(Counted) }
    /// #[derive(Clone, Default, Serialize, Deserialize)]
    /// struct Counter { count: u64 }
    /// # impl Aggregate for Counter {
    /// #     const NAME: &'static str = "counter";
    /// #     type Event = CounterEvent;
    /// #     type Command = u64;
    /// #     type Error = std::convert::Infallible;
    /// #     fn decide(&self, by: &u64) -> Result<Vec<CounterEvent>, Self::Error> {
    /// #         Ok(vec![Counted { by: *by }.into()])
    /// #     }
    /// #     fn evolve(&mut self, CounterEvent::Counted(counted): &CounterEvent) {
    /// #         self.count += counted.by;
    /// #     }
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// let store = Arc::new(Store::open(dir.path().join("counts.strand"))?);
    /// let snapshots = Snapshots::of_version(1).every(10);
    /// let counters = Repository::<Counter>::new(&store)?.with_snapshots(snapshots.clone());
    /// for _ in 0..25 {
    ///     counters.execute("visits", &1)?;
    /// }
    /// assert_eq!(counters.snapshot_counts().saved, 2);
    ///
    /// // Another process goes on from the newer one.
    /// let counters = Repository::<Counter>::new(&store)?.with_snapshots(snapshots);
    /// assert_eq!(counters.load("visits")?.state.count, 25);
    /// assert_eq!(counters.snapshot_counts().used, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_snapshots(mut self, snapshots: Snapshots) -> Self
    where
        A: Serialize + DeserializeOwned,
    {
        self.saved = Some(Saved::new(self.store.fs(), self.store.dir(), snapshots));
        self
    }

    /// What became of saved states.
    #[must_use]
    pub fn snapshot_counts(&self) -> SnapshotCounts {
        self.saved.as_ref().map(Saved::counts).unwrap_or_default()
    }

    /// Forgets what is kept of an aggregate beside the log, in memory and in its file: after events of it were
    /// redacted, for a kept state has what was in them. Another repository has a memory of its own, and
    /// who executes something meanwhile may keep the state anew.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the id makes no name; [`ErrorKind::Io`] if the file cannot be removed.
    pub fn forget(&self, id: &str) -> Result<(), Error> {
        let coordinate = coordinate::<A>(id)?;
        let entity = coordinate.entity();
        if let Some(hot) = &self.hot {
            hot.take(entity);
        }
        let Some(saved) = &self.saved else {
            return Ok(());
        };
        saved.remove(entity).map_err(|error| {
            let message = format!("the saved state of {entity} cannot be removed");
            Error::new(ErrorKind::Io, message).with_source(error)
        })
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }
}

impl<A: Aggregate> fmt::Debug for Repository<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository")
            .field("of", &A::NAME)
            .field("store", &self.store.dir())
            .finish_non_exhaustive()
    }
}

/// The source of chance for retries.
pub(super) fn random() -> Result<Random, Error> {
    Random::from_os().map_err(|error| {
        Error::new(ErrorKind::Io, "the system gives no random bytes").with_source(error)
    })
}

/// The entity and scope of the aggregate with an id.
pub(super) fn coordinate<A: Aggregate>(id: &str) -> Result<Coordinate, Error> {
    A::coordinate(id).map_err(|error| {
        let message = format!("{id:?} is refused as the id of a {}", A::NAME);
        Error::new(ErrorKind::InvalidInput, message).with_source(error)
    })
}
