//! `Chunk`: the columns of a fixed number of rows, as arrays of atomics.
//!
//! Cells are written and read relaxed. What orders them is the gate: a writer fills the cells of a
//! row before it publishes, and a reader loads the watermark before it reads any.

use crate::{CoordinateId, Row};
use std::sync::Arc;
use strandline_core::sync::RwLock;
use strandline_core::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
use strandline_core::{EventId, EventKind};

/// Rows in a chunk.
#[cfg(not(strandline_loom))]
pub(crate) const CHUNK_ROWS: usize = 4096;
#[cfg(strandline_loom)]
pub(crate) const CHUNK_ROWS: usize = 2;

/// Set in the coordinate cell of a row that has an entry in `links`.
const LINKED: u32 = 1 << 31;

/// Most coordinates, entities or scopes: their numbers leave the highest bit free.
pub(crate) const NAMES_MAX: u32 = LINKED;

/// Links of one row, where they differ from the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) correlation: EventId,
    pub(crate) causation: Option<EventId>,
}

/// The columns of `CHUNK_ROWS` rows: 42 bytes a row, and the links of the few that have any.
pub(crate) struct Chunk {
    id_high: Box<[AtomicU64]>,
    id_low: Box<[AtomicU64]>,
    coordinate: Box<[AtomicU32]>,
    kind: Box<[AtomicU16]>,
    wall_ms: Box<[AtomicU64]>,
    clock: Box<[AtomicU32]>,
    position: Box<[AtomicU64]>,
    /// Slots ascend.
    links: RwLock<Vec<(usize, Link)>>,
}

impl Chunk {
    pub(crate) fn new() -> Self {
        let wide = || (0..CHUNK_ROWS).map(|_| AtomicU64::new(0)).collect();
        let narrow = || (0..CHUNK_ROWS).map(|_| AtomicU32::new(0)).collect();
        Self {
            id_high: wide(),
            id_low: wide(),
            coordinate: narrow(),
            kind: (0..CHUNK_ROWS).map(|_| AtomicU16::new(0)).collect(),
            wall_ms: wide(),
            clock: narrow(),
            position: wide(),
            links: RwLock::new(Vec::new()),
        }
    }

    /// Forgets the links from `slot` on, whose rows are rolled back.
    pub(crate) fn truncate_links(&self, slot: usize) {
        let mut links = self.links.write();
        let kept = links.partition_point(|(at, _)| *at < slot);
        links.truncate(kept);
    }
}

/// One row of a chunk.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    chunk: &'a Chunk,
    slot: usize,
}

/// The cell of `row`.
///
/// # Panics
///
/// If `chunks` end before it: rows are bounded before they are read.
pub(crate) fn cell(chunks: &[Arc<Chunk>], row: u32) -> Cell<'_> {
    let row = row as usize;
    Cell {
        chunk: in_bounds::<Arc<Chunk>>(chunks, row / CHUNK_ROWS),
        slot: row % CHUNK_ROWS,
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "a row beyond the chunks is a bug of this crate and must not read another row"
)]
fn in_bounds<T>(items: &[T], at: usize) -> &T {
    &items[at]
}

/// The high and the low half of an id.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are what is wanted"
)]
pub(crate) const fn halves(id: EventId) -> (u64, u64) {
    ((id.as_u128() >> 64) as u64, id.as_u128() as u64)
}

impl Cell<'_> {
    pub(crate) fn id(self) -> EventId {
        let high = in_bounds(&self.chunk.id_high, self.slot).load(Ordering::Relaxed);
        let low = in_bounds(&self.chunk.id_low, self.slot).load(Ordering::Relaxed);
        EventId::from_u128(u128::from(high) << 64 | u128::from(low))
    }

    pub(crate) fn coordinate(self) -> CoordinateId {
        let bits = in_bounds(&self.chunk.coordinate, self.slot).load(Ordering::Relaxed);
        CoordinateId::new(bits & !LINKED)
    }

    pub(crate) fn kind(self) -> EventKind {
        EventKind::from_bits(in_bounds(&self.chunk.kind, self.slot).load(Ordering::Relaxed))
    }

    pub(crate) fn wall_ms(self) -> u64 {
        in_bounds(&self.chunk.wall_ms, self.slot).load(Ordering::Relaxed)
    }

    pub(crate) fn clock(self) -> u32 {
        in_bounds(&self.chunk.clock, self.slot).load(Ordering::Relaxed)
    }

    pub(crate) fn position(self) -> u64 {
        in_bounds(&self.chunk.position, self.slot).load(Ordering::Relaxed)
    }

    /// The links of the row; `None` where they are the default.
    pub(crate) fn link(self) -> Option<Link> {
        let bits = in_bounds(&self.chunk.coordinate, self.slot).load(Ordering::Relaxed);
        if bits & LINKED == 0 {
            return None;
        }
        let links = self.chunk.links.read();
        let at = links.binary_search_by_key(&self.slot, |(slot, _)| *slot);
        at.ok().and_then(|at| links.get(at)).map(|(_, link)| *link)
    }

    pub(crate) fn set_id(self, id: EventId) {
        let (high, low) = halves(id);
        in_bounds(&self.chunk.id_high, self.slot).store(high, Ordering::Relaxed);
        in_bounds(&self.chunk.id_low, self.slot).store(low, Ordering::Relaxed);
    }

    /// Fills every column but the id. Rows of a chunk are filled in ascending order.
    pub(crate) fn set(self, values: &Values, link: Option<Link>) {
        let mut coordinate = values.coordinate.get();
        if let Some(link) = link {
            self.chunk.links.write().push((self.slot, link));
            coordinate |= LINKED;
        }
        in_bounds(&self.chunk.coordinate, self.slot).store(coordinate, Ordering::Relaxed);
        in_bounds(&self.chunk.kind, self.slot).store(values.kind.bits(), Ordering::Relaxed);
        in_bounds(&self.chunk.wall_ms, self.slot).store(values.wall_ms, Ordering::Relaxed);
        in_bounds(&self.chunk.clock, self.slot).store(values.clock, Ordering::Relaxed);
        in_bounds(&self.chunk.position, self.slot).store(values.position, Ordering::Relaxed);
    }
}

/// The columns of one row, but for id and links.
pub(crate) struct Values {
    pub(crate) coordinate: CoordinateId,
    pub(crate) kind: EventKind,
    pub(crate) wall_ms: u64,
    pub(crate) clock: u32,
    pub(crate) position: u64,
}

impl Row {
    pub(crate) const fn values(&self) -> Values {
        Values {
            coordinate: self.coordinate,
            kind: self.kind,
            wall_ms: self.wall_ms,
            clock: self.clock,
            position: self.position,
        }
    }

    pub(crate) fn link(&self) -> Option<Link> {
        (self.correlation != self.id || self.causation.is_some()).then_some(Link {
            correlation: self.correlation,
            causation: self.causation,
        })
    }
}
