//! `Snapshots`: the states of aggregates, each in a file, so that fewer events are read.
//!
//! A file says of which event its state is, by the hash of that. Whether the stream has it is asked by `fold`.

use crate::files::{Folder, Kept};
use cqrs_es::persist::PersistenceError;
use serde::{Deserialize, Serialize};
use strandline::{Coordinate, Durability, Hash, Store};
use strandline_core::sync::{Mutex, MutexGuard};

const FOLDER: &str = "snapshots";
/// How many snapshots can be written at a time.
const LANES: usize = 16;

/// Each file is written by one thread at a time, whichever repository it writes for.
static LANE: [Mutex<()>; LANES] = [const { Mutex::new(()) }; LANES];

/// What a state is of. The hash of an event is that of one aggregate's, so it says of which too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SnapshotHead {
    /// The clock of the last event that is in it.
    pub(super) clock: u32,
    /// The hash of that event, in which all before it are.
    pub(super) hash: Hash,
    /// What the framework counts: the first snapshot of an aggregate is 1.
    pub(super) number: u64,
}

/// The states of aggregates.
#[derive(Debug)]
pub(super) struct Snapshots(Folder);

impl Snapshots {
    pub(super) fn beside(store: &Store) -> Self {
        Self(Folder::beside(store, FOLDER, None))
    }

    /// The snapshot of an aggregate, if there is one that can be used.
    pub(super) fn read(&self, coordinate: &Coordinate) -> Option<Kept<SnapshotHead>> {
        let bytes = self.0.read(coordinate.entity()).ok().flatten()?;
        Kept::decode(bytes).ok()
    }

    /// Keeps a snapshot in place of the one that is there. Not synced: one that a power cut takes is made anew of
    /// the events.
    pub(super) fn write(
        &self,
        coordinate: &Coordinate,
        kept: Kept<SnapshotHead>,
    ) -> Result<(), PersistenceError> {
        let (entity, bytes) = (coordinate.entity(), kept.encode()?);
        let _lane = lane_of(entity);
        self.0.replace(entity, &bytes, Durability::Written)
    }

    /// Removes the snapshot of an aggregate.
    pub(super) fn remove(&self, coordinate: &Coordinate) -> Result<(), PersistenceError> {
        let _lane = lane_of(coordinate.entity());
        self.0.remove(coordinate.entity())
    }
}

/// The turn to write the file of an entity.
fn lane_of(entity: &str) -> Option<MutexGuard<'static, ()>> {
    let hash = Hash::of(entity.as_bytes());
    let [first, ..] = hash.as_bytes();
    LANE.get(usize::from(*first) % LANES).map(Mutex::lock)
}
