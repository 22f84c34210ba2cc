//! `Chunk`: the columns of a fixed number of live rows, as arrays of atomics.
//!
//! Cells are written and read relaxed. What orders them is the gate: a writer fills the cells of a
//! row before it publishes, and a reader loads the watermark before it reads any.

use crate::model::{IndexLayout, Link, Row, TILE_ROWS, TileMask};
use std::sync::Arc;
use strandline_core::sync::RwLock;
use strandline_core::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering};
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

/// Bits of a word of `unordered`.
const WORD_ROWS: usize = 64;

/// The columns of `CHUNK_ROWS` rows: 42 bytes a row, a bit, and the links of the few that have any.
#[derive(Clone)]
pub(crate) struct Chunk {
    /// The greatest id of all rows before the chunk. Here, so that a search over chunks follows no
    /// pointers.
    greatest_before: Option<EventId>,
    columns: Arc<Columns>,
}

struct Columns {
    /// A bit for each row whose id is not above all before it, and whether there is any.
    unordered: Box<[AtomicU64]>,
    has_unordered: AtomicBool,
    /// The high and the low half, side by side for searches.
    ids: Box<[[AtomicU64; 2]]>,
    coordinate: Box<[AtomicU32]>,
    kind: Box<[AtomicU16]>,
    wall_ms: Box<[AtomicU64]>,
    clock: Box<[AtomicU32]>,
    position: Box<[AtomicU64]>,
    /// Kinds and scopes of each tile; none but in [`IndexLayout::Tiles`].
    tiles: Box<[[AtomicU64; 2]]>,
    /// Slots ascend.
    links: RwLock<Vec<(usize, Link)>>,
}

impl Chunk {
    pub(crate) fn new(greatest_before: Option<EventId>, layout: IndexLayout) -> Self {
        let wide = || (0..CHUNK_ROWS).map(|_| AtomicU64::new(0)).collect();
        let narrow = || (0..CHUNK_ROWS).map(|_| AtomicU32::new(0)).collect();
        let columns = Columns {
            unordered: (0..CHUNK_ROWS.div_ceil(WORD_ROWS))
                .map(|_| AtomicU64::new(0))
                .collect(),
            has_unordered: AtomicBool::new(false),
            ids: (0..CHUNK_ROWS)
                .map(|_| [AtomicU64::new(0), AtomicU64::new(0)])
                .collect(),
            coordinate: narrow(),
            kind: (0..CHUNK_ROWS).map(|_| AtomicU16::new(0)).collect(),
            wall_ms: wide(),
            clock: narrow(),
            position: wide(),
            tiles: match layout {
                IndexLayout::Tiles => (0..CHUNK_ROWS.div_ceil(TILE_ROWS as usize))
                    .map(|_| [AtomicU64::new(0), AtomicU64::new(0)])
                    .collect(),
                IndexLayout::Postings | IndexLayout::Columns => Box::default(),
            },
            links: RwLock::new(Vec::new()),
        };
        Self {
            greatest_before,
            columns: Arc::new(columns),
        }
    }

    /// The greatest id of all rows before the chunk.
    pub(crate) const fn greatest_before(&self) -> Option<EventId> {
        self.greatest_before
    }

    /// Whether the id of any row is not above all before it.
    pub(crate) fn has_unordered(&self) -> bool {
        self.columns.has_unordered.load(Ordering::Relaxed)
    }

    /// The last slot up to `slot` whose id is above that of every row before. O(chunk / 64).
    pub(crate) fn last_ascending(&self, slot: u32) -> Option<u32> {
        const BITS: u32 = u64::BITS;
        let mut wanted = u64::MAX >> (BITS - 1 - slot % BITS);
        for at in (0..=slot / BITS).rev() {
            let word = in_bounds(&self.columns.unordered, at as usize);
            let ascending = !word.load(Ordering::Relaxed) & wanted;
            if let Some(bit) = ascending.checked_ilog2() {
                return Some(at * BITS + bit);
            }
            wanted = u64::MAX;
        }
        None
    }

    /// The cell of a slot.
    pub(crate) fn cell(&self, slot: u32) -> Cell<'_> {
        Cell {
            columns: &self.columns,
            slot: slot as usize,
        }
    }

    /// Forgets the links from `slot` on, whose rows are rolled back.
    pub(crate) fn truncate_links(&self, slot: usize) {
        let mut links = self.columns.links.write();
        let kept = links.partition_point(|(at, _)| *at < slot);
        links.truncate(kept);
    }
}

/// One row of a chunk.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    columns: &'a Columns,
    slot: usize,
}

/// The cell of `row`.
///
/// # Panics
///
/// If `chunks` end before it: rows are bounded before they are read.
pub(crate) fn cell(chunks: &[Chunk], row: u32) -> Cell<'_> {
    let row = row as usize;
    Cell {
        columns: &in_bounds(chunks, row / CHUNK_ROWS).columns,
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
        let [high, low] = in_bounds(&self.columns.ids, self.slot);
        let high = u128::from(high.load(Ordering::Relaxed));
        let low = u128::from(low.load(Ordering::Relaxed));
        EventId::from_u128(high << 64 | low)
    }

    /// The number of the coordinate in the part.
    pub(crate) fn coordinate(self) -> u32 {
        let bits = in_bounds(&self.columns.coordinate, self.slot).load(Ordering::Relaxed);
        bits & !LINKED
    }

    pub(crate) fn kind(self) -> EventKind {
        EventKind::from_bits(in_bounds(&self.columns.kind, self.slot).load(Ordering::Relaxed))
    }

    pub(crate) fn wall_ms(self) -> u64 {
        in_bounds(&self.columns.wall_ms, self.slot).load(Ordering::Relaxed)
    }

    pub(crate) fn clock(self) -> u32 {
        in_bounds(&self.columns.clock, self.slot).load(Ordering::Relaxed)
    }

    pub(crate) fn position(self) -> u64 {
        in_bounds(&self.columns.position, self.slot).load(Ordering::Relaxed)
    }

    /// The links of the row; `None` where they are the default.
    pub(crate) fn link(self) -> Option<Link> {
        let bits = in_bounds(&self.columns.coordinate, self.slot).load(Ordering::Relaxed);
        if bits & LINKED == 0 {
            return None;
        }
        let links = self.columns.links.read();
        let at = links.binary_search_by_key(&self.slot, |(slot, _)| *slot);
        at.ok().and_then(|at| links.get(at)).map(|(_, link)| *link)
    }

    const fn bit(self) -> u64 {
        1 << (self.slot % WORD_ROWS)
    }

    /// Notes the id, and whether it is above that of every row before.
    pub(crate) fn set_id(self, id: EventId, ascends: bool) {
        let word = in_bounds(&self.columns.unordered, self.slot / WORD_ROWS);
        let others = word.load(Ordering::Relaxed) & !self.bit();
        let bit = if ascends { 0 } else { self.bit() };
        word.store(others | bit, Ordering::Relaxed);
        if !ascends {
            self.columns.has_unordered.store(true, Ordering::Relaxed);
        }
        let (high, low) = halves(id);
        let [to_high, to_low] = in_bounds(&self.columns.ids, self.slot);
        to_high.store(high, Ordering::Relaxed);
        to_low.store(low, Ordering::Relaxed);
    }

    /// Fills every column but the id. Rows of a chunk are filled in ascending order.
    pub(crate) fn set(self, values: &Values, link: Option<Link>) {
        let mut coordinate = values.coordinate;
        if let Some(link) = link {
            self.columns.links.write().push((self.slot, link));
            coordinate |= LINKED;
        }
        in_bounds(&self.columns.coordinate, self.slot).store(coordinate, Ordering::Relaxed);
        in_bounds(&self.columns.kind, self.slot).store(values.kind.bits(), Ordering::Relaxed);
        in_bounds(&self.columns.wall_ms, self.slot).store(values.wall_ms, Ordering::Relaxed);
        in_bounds(&self.columns.clock, self.slot).store(values.clock, Ordering::Relaxed);
        in_bounds(&self.columns.position, self.slot).store(values.position, Ordering::Relaxed);
        if let Some([kinds, scopes]) = self.columns.tiles.get(self.slot / TILE_ROWS as usize) {
            // Only the writer stores. A bit of a later row makes a scan look at the tile in vain.
            let add = |word: &AtomicU64, bit| {
                word.store(word.load(Ordering::Relaxed) | bit, Ordering::Relaxed);
            };
            add(kinds, TileMask::bit(values.kind_number));
            add(scopes, TileMask::bit(values.scope));
        }
    }
}

/// What a tile has; everything where there are no tiles.
pub(crate) fn tile(chunks: &[Chunk], tile: u32) -> TileMask {
    let row = tile as usize * TILE_ROWS as usize;
    let chunk = in_bounds(chunks, row / CHUNK_ROWS);
    let at = row % CHUNK_ROWS / TILE_ROWS as usize;
    match chunk.columns.tiles.get(at) {
        Some([kinds, scopes]) => TileMask {
            kinds: kinds.load(Ordering::Relaxed),
            scopes: scopes.load(Ordering::Relaxed),
        },
        None => TileMask::ANY,
    }
}

/// The columns of one row, but for id and links.
pub(crate) struct Values {
    pub(crate) coordinate: u32,
    pub(crate) scope: u32,
    pub(crate) kind: EventKind,
    pub(crate) kind_number: u32,
    pub(crate) wall_ms: u64,
    pub(crate) clock: u32,
    pub(crate) position: u64,
}

impl Row {
    /// The columns of the row, whose scope and kind have these numbers.
    pub(crate) const fn values(&self, scope: u32, kind_number: u32) -> Values {
        Values {
            coordinate: self.coordinate.get(),
            scope,
            kind: self.kind,
            kind_number,
            wall_ms: self.wall_ms,
            clock: self.clock,
            position: self.position,
        }
    }
}
