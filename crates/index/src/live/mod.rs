//! Live rows: the part of an index that grows, in columns that readers read beside the writer.
//!
//! Numbers of rows, coordinates, entities and scopes begin anew in each part. Holds what the writer
//! and the readers of one part share, and how it is read; what the writer alone knows, and how rows are
//! added, is not here. Knows the rooms `search` and `model`.

pub(crate) mod ascending;
pub(crate) mod by_id;
pub(crate) mod chunk;
pub(crate) mod coordinates;
pub(crate) mod dictionary;
pub(crate) mod find;
pub(crate) mod hashed;
pub(crate) mod linked;
pub(crate) mod list;
pub(crate) mod order;
pub(crate) mod own_line;
pub(crate) mod shelf;

use crate::model::{CoordinateId, IndexLayout, NameSort, TileMask};
use crate::search::{Run, first_row_from, run_end, sequence_of};
use by_id::{IdHasher, IdTable};
use chunk::{Cell, Chunk, cell};
use coordinates::CoordinateTable;
use dictionary::{Dictionary, Entry};
use find::find;
use linked::Linked;
use list::RowList;
use own_line::OwnLine;
use shelf::Shelf;
use std::collections::BTreeMap;
use std::sync::Arc;
use strandline_core::sync::RwLock;
use strandline_core::sync::atomic::{AtomicU32, Ordering};
use strandline_core::{Coordinate, EventId, EventKind, Sequence};

/// What the writer and the readers of one part have in common. A thread holds at most one of its
/// locks at a time, but that the writer may hold `growth` while it stores `rows`, and a reader while
/// it loads it.
pub(crate) struct Live {
    /// Number of the part in its index: no two parts share one.
    pub(crate) number: u32,
    pub(crate) layout: IndexLayout,
    /// Rows inserted, published or not. Loaded only under the lock of `growth`, so that no run that
    /// began later is counted into an earlier one.
    pub(crate) rows: OwnLine<AtomicU32>,
    pub(crate) growth: RwLock<Growth>,
    pub(crate) hasher: IdHasher,
    pub(crate) coordinates: CoordinateTable,
    pub(crate) entities: Dictionary,
    pub(crate) scopes: Dictionary,
    pub(crate) tags: Dictionary,
    /// Numbered by first use. Empty in [`IndexLayout::Columns`], and the lists are but in
    /// [`IndexLayout::Postings`].
    pub(crate) kinds: RwLock<BTreeMap<EventKind, Entry>>,
    /// The rows of kinds, by their numbers.
    pub(crate) kind_lists: Shelf<RowList>,
    pub(crate) linked: RwLock<Linked>,
}

impl Live {
    /// The names of a sort.
    pub(crate) const fn names(&self, sort: NameSort) -> &Dictionary {
        match sort {
            NameSort::Entity => &self.entities,
            NameSort::Scope => &self.scopes,
            NameSort::Tag => &self.tags,
        }
    }

    /// The number of a coordinate. Expected O(1).
    pub(crate) fn lookup(&self, coordinate: &Coordinate) -> Option<CoordinateId> {
        let hash = self.coordinates.hash(coordinate);
        let number = self.coordinates.find(coordinate, hash)?;
        Some(CoordinateId::new(self.number, number))
    }
}

/// What a snapshot takes hold of. Each member is copied on growth if a snapshot has it.
#[derive(Clone)]
pub(crate) struct Growth {
    pub(crate) chunks: Arc<Vec<Chunk>>,
    pub(crate) runs: Arc<Vec<Run>>,
    pub(crate) ids: Arc<IdTable>,
}

impl Live {
    pub(crate) fn new(number: u32, layout: IndexLayout) -> Self {
        let hasher = IdHasher::default();
        Self {
            number,
            layout,
            rows: OwnLine(AtomicU32::new(0)),
            growth: RwLock::new(Growth {
                chunks: Arc::new(Vec::new()),
                runs: Arc::new(Vec::new()),
                ids: Arc::new(IdTable::new()),
            }),
            coordinates: CoordinateTable::new(hasher.clone()),
            entities: Dictionary::new(hasher.clone()),
            scopes: Dictionary::new(hasher.clone()),
            tags: Dictionary::new(hasher.clone()),
            hasher,
            kinds: RwLock::new(BTreeMap::new()),
            kind_lists: Shelf::new(),
            linked: RwLock::new(Linked::default()),
        }
    }
}

/// The rows that a part had at one moment.
#[derive(Clone)]
pub(crate) struct LiveRows {
    pub(crate) live: Arc<Live>,
    pub(crate) growth: Growth,
    pub(crate) rows: u32,
}

impl LiveRows {
    /// Everything inserted until now.
    pub(crate) fn take(live: Arc<Live>) -> Self {
        let (growth, rows) = {
            let growth = live.growth.read();
            // Relaxed: see `Live::rows`.
            (growth.clone(), live.rows.0.load(Ordering::Relaxed))
        };
        Self { live, growth, rows }
    }

    #[inline]
    pub(crate) fn cell(&self, row: u32) -> Cell<'_> {
        cell(&self.growth.chunks, row)
    }

    #[inline]
    pub(crate) fn sequence_of(&self, row: u32) -> Sequence {
        sequence_of(&self.growth.runs, row)
    }

    /// The first of `bound` rows whose sequence is `sequence` or later; `bound` if there is none.
    pub(crate) fn first_row_from(&self, sequence: u64, bound: u32) -> u32 {
        first_row_from(&self.growth.runs, bound, sequence)
    }

    /// The first row after `row` whose sequence does not follow from those before it.
    pub(crate) fn run_end(&self, row: u32) -> u32 {
        run_end(&self.growth.runs, self.rows, row)
    }

    /// The row with this id among the first `bound`.
    pub(crate) fn find(&self, id: EventId, bound: u32) -> Option<u32> {
        let Growth { chunks, ids, .. } = &self.growth;
        find(chunks, ids, &self.live.hasher, bound, id)
    }

    /// What the tile of 64 rows has.
    pub(crate) fn tile(&self, tile: u32) -> TileMask {
        chunk::tile(&self.growth.chunks, tile)
    }
}
