//! `Projection` and `EntityProjection`: what a caller writes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use strandline::{EventRef, Query};

/// Why an event was not applied. `?` makes one of any error.
pub type ApplyError = Box<dyn std::error::Error + Send + Sync>;

/// A fold over the events of a query: one state, which each event changes.
///
/// The state is kept in memory, and saved with the position after the last event that is in it, as one file that is
/// replaced as a whole. So each event is in it once, whenever the process ends.
///
/// What [`apply`](Self::apply) makes of an event depends on nothing but the state and the event: a state that is made
/// anew is to be the same one.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use std::{collections::BTreeMap, sync::Arc, time::Duration};
/// use strandline::{Coordinate, Event, EventKind, EventRef, Query, Region, Store};
/// use strandline_live::{ApplyError, Live, Projection};
///
/// const ORDERED: EventKind = EventKind::new(1, 1);
///
/// /// How many pieces of each product were ordered.
/// struct Ordered;
///
/// impl Projection for Ordered {
///     const VERSION: u32 = 1;
///     type State = BTreeMap<String, u64>;
///
///     fn query(&self) -> Query {
///         Region::all().kind(ORDERED).into()
///     }
///
///     fn apply(&self, pieces: &mut Self::State, event: &EventRef<'_>) -> Result<(), ApplyError> {
///         let (product, count): (String, u64) = event.payload_json()?;
///         *pieces.entry(product).or_default() += count;
///         Ok(())
///     }
/// }
///
/// # let dir = tempfile::tempdir()?;
/// let store = Arc::new(Store::open(dir.path().join("shop.strand"))?);
/// let live = Live::open(&store)?;
/// let ordered = live.projection("ordered", Ordered).start()?;
/// let order = Coordinate::new("order:1042", "shop")?;
/// let receipt = store.append(&order, Event::json(ORDERED, &("tea", 2))?)?;
/// assert!(ordered.wait_until(&receipt, Duration::from_secs(60))?);
/// assert_eq!(ordered.read(|pieces| pieces["tea"])?, 2);
/// ordered.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Projection: Send + Sync + 'static {
    /// Of the state and of what is made of events. With another one the state is made anew, from the first event on.
    ///
    /// Raise it whenever saved states are not what [`apply`](Self::apply) would make now, or cannot be read any more.
    const VERSION: u32;

    /// What is made of the events. Written as MessagePack, structs as maps with their field names.
    type State: Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Which events are applied. It has no limit.
    fn query(&self) -> Query;

    /// Applies the next event.
    ///
    /// The payload of an event may be redacted; what that means is for the projection to say. An event that a
    /// compaction removed is not applied to a state that is made anew.
    ///
    /// # Errors
    ///
    /// Whatever keeps the event from being applied. The projection stops before it, and the states that are saved
    /// are of before it.
    fn apply(&self, state: &mut Self::State, event: &EventRef<'_>) -> Result<(), ApplyError>;
}

/// A fold with a state for each entity, applied in parallel over them.
///
/// As [`Projection`], but an event changes the state of its entity alone. Entities are divided into partitions, each
/// with a thread and a file of its own.
pub trait EntityProjection: Send + Sync + 'static {
    /// As [`Projection::VERSION`].
    const VERSION: u32;

    /// What is made of the events of one entity. Entities of which there is no event have none.
    type State: Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Which events are applied. It has no limit.
    fn query(&self) -> Query;

    /// Applies the next event of an entity.
    ///
    /// # Errors
    ///
    /// As [`Projection::apply`]. One entity stops its partition.
    fn apply(&self, state: &mut Self::State, event: &EventRef<'_>) -> Result<(), ApplyError>;
}
