//! `Repository`: what it is made of.

use crate::Aggregate;
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
