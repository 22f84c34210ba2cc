//! `Shared`: what the writer and the readers of one index have in common.

use crate::SequenceGate;
use crate::by_id::{IdHasher, IdTable};
use crate::columns::Chunk;
use crate::dictionary::Dictionary;
use crate::list::RowList;
use crate::{CoordinateId, runs::Run};
use std::collections::BTreeMap;
use std::sync::Arc;
use strandline_core::sync::atomic::AtomicU32;
use strandline_core::sync::{Map, RwLock};
use strandline_core::{Coordinate, EventKind};

/// A value with cache lines of its own: what the writer stores for each row is not to take a lock
/// beside it from the readers.
#[repr(align(128))]
pub(crate) struct OwnLine<T>(pub(crate) T);

/// The common state. A thread holds at most one of its locks at a time, but that the writer may
/// hold `parts` while it stores `rows`, and a reader while it loads it.
pub(crate) struct Shared {
    pub(crate) gate: Arc<SequenceGate>,
    /// Rows inserted, published or not. Loaded only under the lock of `parts`, so that no run that
    /// began later is counted into an earlier one.
    pub(crate) rows: OwnLine<AtomicU32>,
    pub(crate) parts: RwLock<Parts>,
    pub(crate) hasher: IdHasher,
    pub(crate) by_coordinate: Map<Coordinate, CoordinateId>,
    pub(crate) coordinates: RwLock<Vec<Coordinate>>,
    pub(crate) entities: Dictionary,
    pub(crate) scopes: Dictionary,
    pub(crate) kinds: RwLock<BTreeMap<EventKind, Arc<RowList>>>,
}

/// What a snapshot takes hold of. Each part is copied on growth if a snapshot has it.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) chunks: Arc<Vec<Chunk>>,
    pub(crate) runs: Arc<Vec<Run>>,
    pub(crate) ids: Arc<IdTable>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            gate: Arc::new(SequenceGate::new()),
            rows: OwnLine(AtomicU32::new(0)),
            parts: RwLock::new(Parts {
                chunks: Arc::new(Vec::new()),
                runs: Arc::new(Vec::new()),
                ids: Arc::new(IdTable::new()),
            }),
            hasher: IdHasher::default(),
            by_coordinate: Map::new(),
            coordinates: RwLock::new(Vec::new()),
            entities: Dictionary::new(),
            scopes: Dictionary::new(),
            kinds: RwLock::new(BTreeMap::new()),
        }
    }
}
