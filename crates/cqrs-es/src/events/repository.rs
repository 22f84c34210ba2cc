//! `StrandlineEventRepository`: what the framework asks for its events.

use super::fold::{Fold, Folded, fold, no_state_of};
use super::replay;
use super::snapshots::{SnapshotHead, Snapshots};
use crate::files::Kept;
use crate::model::{Fault, Reading, coordinate, store_failed, to_event, unknown};
use cqrs_es::Aggregate;
use cqrs_es::persist::{
    EventUpcaster, PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent,
    SerializedSnapshot,
};
use serde_json::Value;
use std::sync::Arc;
use strandline::{AppendOptions, Batch, Coordinate, Durability, Region, Store};

/// The events and snapshots of aggregates in a [`Store`]: a
/// [`PersistedEventRepository`].
///
/// Aggregates of any number of types share a store, and may share it with whatever else appends to it. Cloning is
/// cheap. It keeps the store open.
///
/// # Appends
///
/// `persist` appends its events together, all or none, each expecting the one before it as the newest of its stream: of
/// two commands that were decided on the same state, one gets
/// [`OptimisticLockError`](PersistenceError::OptimisticLockError). It returns when the events are as durable as
/// [`durability`](Self::durability) says, and blocks no executor while it waits for the disk: other tasks share the
/// sync. What it does before that, encoding, hashing and one write to the cache of the system, it does where it is
/// polled: some microseconds, and what the JSON takes.
///
/// Where its future is dropped before it is ready, the events may be there. So they may after a `ConnectionError` in which
/// there is a [`strandline::Error`] of the kind [`Unknown`](strandline::ErrorKind::Unknown): a sync has failed, and once
/// the store is opened again the stream tells.
///
/// # Reads
///
/// Events are read where the future is polled, from mapped files: a fraction of a microsecond for each beside its JSON,
/// and the time of the disk for what is not in the cache. Who reads long streams that are cold does so on a thread for
/// blocking work. Replays have a thread of their own, and are of the moment when they are asked for.
///
/// # Snapshots
///
/// They are files beside the store: its name with `.cqrs` after it, folder `snapshots`. Whatever becomes of them costs
/// time alone: one that is missing, damaged or older is brought up to date with the events after it, and one of another
/// course of the store, as after a restore, is not taken. So they are not synced, and a `persist` whose snapshot could
/// not be written is one that succeeded ([`snapshot_failure`](Self::snapshot_failure) tells). Each costs its `persist` a
/// file that is read and one that is written, where it is polled.
///
/// The state in a snapshot is made of the events, by [`Aggregate::apply`], and not taken from the framework, which
/// applies the events of a command twice to what it hands over.
#[derive(Debug, Clone)]
pub struct StrandlineEventRepository {
    store: Arc<Store>,
    durability: Option<Durability>,
    reading: Reading,
    snapshots: Arc<Snapshots>,
    failure: Arc<strandline_core::sync::Mutex<Option<String>>>,
}

impl StrandlineEventRepository {
    /// The events in a store. One that was opened to read only will do for reading and replaying what was there when it
    /// was opened, or last [refreshed](Store::refresh).
    #[must_use]
    pub fn new(store: &Arc<Store>) -> Self {
        Self {
            store: store.clone(),
            durability: None,
            reading: Reading::default(),
            snapshots: Arc::new(Snapshots::beside(store)),
            failure: Arc::default(),
        }
    }

    /// When `persist` returns: once the events are on the disk, or once they are with the operating system, which is
    /// faster by the time of a sync, and a power cut may take what was acknowledged. Default: as the store was opened,
    /// and by default that is [`Durability::Synced`].
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// The upcasters of the aggregate, in their order, for the events that this repository folds into snapshots: those
    /// that `PersistedEventStore::with_upcasters` has. Default: none. Without them a snapshot after an event that has
    /// to be upcast is not made, and each load reads all events.
    #[must_use]
    pub fn upcasters(mut self, upcasters: Vec<Box<dyn EventUpcaster>>) -> Self {
        self.reading.upcasters = Arc::new(upcasters);
        self
    }

    /// Gives events whose payload was redacted, with `null` as the payload and no metadata, for an upcaster to make
    /// something of. Default: they are a `DeserializationError`, and so is the aggregate.
    #[must_use]
    pub const fn redacted_as_null(mut self) -> Self {
        self.reading.redacted_as_null = true;
        self
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Removes the snapshot of an aggregate, durably: to be done once an event of it was redacted, for what was in the
    /// payload may be in the state. The next one is made of the events that there are. Blocks.
    ///
    /// # Errors
    ///
    /// `ConnectionError` if the file system refuses; `UnknownError` if no aggregate can have the id.
    pub fn remove_snapshot<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<(), PersistenceError> {
        self.snapshots.remove(&coordinate(A::TYPE, aggregate_id)?)
    }

    /// Why a snapshot was not written the last time that one was not, through this repository or a clone of it. None if
    /// that has not happened.
    #[must_use]
    pub fn snapshot_failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// The events of an aggregate from a clock on.
    fn events_from<A: Aggregate>(
        &self,
        aggregate_id: &str,
        clock: u32,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let coordinate = coordinate(A::TYPE, aggregate_id)?;
        let now = self.store.snapshot();
        let mut events = match clock {
            0 => now.stream(coordinate.entity()),
            _ => now.query(Region::all().entity(coordinate.entity()).clock(clock..)),
        };
        let mut read = Vec::new();
        while let Some(event) = events.next_ref() {
            let event = event.map_err(store_failed)?;
            read.push(self.reading.event(&event, A::TYPE)?);
        }
        Ok(read)
    }

    /// The state of an aggregate as its events are now.
    fn fold<A: Aggregate>(&self, coordinate: &Coordinate) -> Result<Fold<A>, PersistenceError> {
        let kept = self.snapshots.read(coordinate);
        fold(&self.store.snapshot(), &self.reading, coordinate, kept)
    }

    fn batch<A: Aggregate>(&self, events: &[SerializedEvent]) -> Result<Batch, PersistenceError> {
        let mut batch = Batch::new();
        for event in events {
            if event.aggregate_type != A::TYPE {
                let (found, wanted) = (&event.aggregate_type, A::TYPE);
                let message =
                    format!("an event of a {found:?} is persisted as one of a {wanted:?}");
                return Err(unknown(Fault(message)));
            }
            let (coordinate, event) = to_event(&self.store, event)?;
            batch.add(&coordinate, event);
        }
        Ok(batch)
    }

    /// Keeps the state of an aggregate as the snapshot with a number.
    fn keep<A: Aggregate>(
        &self,
        aggregate_id: &str,
        number: usize,
    ) -> Result<(), PersistenceError> {
        let coordinate = coordinate(A::TYPE, aggregate_id)?;
        let Fold::State(folded) = self.fold::<A>(&coordinate)? else {
            return Ok(());
        };
        let head = SnapshotHead {
            clock: folded.clock,
            hash: folded.hash,
            number: u64::try_from(number).map_err(unknown)?,
        };
        let state = serde_json::to_vec(&folded.state).map_err(unknown)?;
        self.snapshots.write(&coordinate, Kept { head, state })
    }

    /// Whether the snapshot with a number follows the one that is there.
    fn follows<A: Aggregate>(
        &self,
        aggregate_id: &str,
        number: usize,
    ) -> Result<bool, PersistenceError> {
        let coordinate = coordinate(A::TYPE, aggregate_id)?;
        let kept = self.snapshots.read(&coordinate);
        let last = kept.map_or(0, |kept| kept.head.number);
        Ok(u64::try_from(number).ok() == last.checked_add(1))
    }
}

impl PersistedEventRepository for StrandlineEventRepository {
    async fn get_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.events_from::<A>(aggregate_id, 0)
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        match u32::try_from(last_sequence) {
            Ok(clock) => self.events_from::<A>(aggregate_id, clock),
            Err(_) => Ok(Vec::new()),
        }
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        let coordinate = coordinate(A::TYPE, aggregate_id)?;
        let (aggregate, clock, number) = match self.fold::<A>(&coordinate)? {
            Fold::NoEvents => return Ok(None),
            Fold::State(Folded {
                state,
                clock,
                number,
                ..
            }) => (serde_json::to_value(state)?, Some(clock), number),
            Fold::NotTaken { number } => (no_state_of::<A>()?, None, number),
        };
        let sequence = clock.map_or(Ok(0), |clock| usize::try_from(clock).map(|clock| clock + 1));
        Ok(Some(SerializedSnapshot {
            aggregate_id: aggregate_id.to_owned(),
            aggregate,
            current_sequence: sequence.map_err(unknown)?,
            current_snapshot: usize::try_from(number).map_err(unknown)?,
        }))
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        snapshot_update: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        let snapshot = snapshot_update.map(|(id, _, number)| (id, number));
        if events.is_empty() {
            return match snapshot {
                Some((id, number)) if self.follows::<A>(&id, number)? => {
                    self.keep::<A>(&id, number)
                }
                Some(_) => Err(PersistenceError::OptimisticLockError),
                None => Ok(()),
            };
        }
        let batch = self.batch::<A>(events)?;
        let options = match self.durability {
            Some(durability) => AppendOptions::new().durability(durability),
            None => AppendOptions::new(),
        };
        let ticket = self.store.submit_batch_async_with(batch, options);
        ticket
            .await
            .map_err(store_failed)?
            .await
            .map_err(store_failed)?;
        if let Some((id, number)) = snapshot
            && let Err(error) = self.keep::<A>(&id, number)
        {
            // The events are there, and the state can be made of them.
            *self.failure.lock() = Some(error.to_string());
        }
        Ok(())
    }

    async fn stream_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<ReplayStream, PersistenceError> {
        let coordinate = coordinate(A::TYPE, aggregate_id)?;
        let region = Region::all().entity(coordinate.entity());
        replay::stream(self.store.snapshot(), region, self.reading.clone(), A::TYPE)
    }

    /// In commit order, over all aggregates of the type: the order in which it all happened.
    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        let region = Region::all().scope(A::TYPE);
        replay::stream(self.store.snapshot(), region, self.reading.clone(), A::TYPE)
    }
}
