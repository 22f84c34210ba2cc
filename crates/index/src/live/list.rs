//! `RowList`: the rows of one key, ascending.
//!
//! Only ever appended to (rolled-back rows were never visible), so positions stay valid and a
//! reader can copy a piece, let go of the lock, and come back. What the key is, it does not know.
//!
//! Most keys of a part have one row where entities are many: a list of one is in place, without an
//! allocation.

use std::ops::Range;
use strandline_core::Hash;
use strandline_core::sync::RwLock;

/// Rows of one entity, scope or kind, and the clock and the hash of the last where they are known.
pub(crate) struct RowList(RwLock<State>);

struct State {
    rows: Listed,
    clock: u32,
    hash: Option<Hash>,
}

/// Rows, ascending.
enum Listed {
    None,
    One(u32),
    /// Never empty.
    Many(Vec<u32>),
}

impl Listed {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::None => &[],
            Self::One(row) => std::slice::from_ref(row),
            Self::Many(rows) => rows,
        }
    }

    fn last(&self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::One(row) => Some(*row),
            Self::Many(rows) => rows.last().copied(),
        }
    }

    fn push(&mut self, row: u32) {
        match self {
            Self::None => *self = Self::One(row),
            Self::One(first) => {
                let mut rows = Vec::with_capacity(4);
                rows.extend([*first, row]);
                *self = Self::Many(rows);
            }
            Self::Many(rows) => rows.push(row),
        }
    }

    fn truncate(&mut self, kept: usize) {
        match self {
            _ if kept == 0 => *self = Self::None,
            Self::Many(rows) => rows.truncate(kept),
            Self::None | Self::One(_) => {}
        }
    }
}

/// The last row of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListHead {
    pub(crate) row: u32,
    /// Its clock; meaningless in a list of a scope or a kind.
    pub(crate) clock: u32,
    pub(crate) hash: Option<Hash>,
}

impl State {
    fn head(&self) -> Option<ListHead> {
        self.rows.last().map(|row| ListHead {
            row,
            clock: self.clock,
            hash: self.hash,
        })
    }

    fn below(&self, bound: u32) -> usize {
        // Most readers ask for nearly all.
        let rows = self.rows.as_slice();
        match rows.last() {
            Some(last) if *last < bound => rows.len(),
            _ => rows.partition_point(|row| *row < bound),
        }
    }
}

impl RowList {
    pub(crate) fn new() -> Self {
        Self(RwLock::new(State {
            rows: Listed::None,
            clock: 0,
            hash: None,
        }))
    }

    /// Appends a row.
    pub(crate) fn push(&self, head: ListHead) {
        let mut state = self.0.write();
        state.rows.push(head.row);
        state.clock = head.clock;
        state.hash = head.hash;
    }

    /// Appends a row to a list of which nobody asks the head.
    pub(crate) fn push_row(&self, row: u32) {
        self.0.write().rows.push(row);
    }

    /// The last row, visible or not.
    pub(crate) fn head(&self) -> Option<ListHead> {
        self.0.read().head()
    }

    /// The clock of the last row, visible or not. Does not look at the rows, which may be a miss of the
    /// cache.
    pub(crate) fn last_clock(&self) -> Option<u32> {
        let state = self.0.read();
        (!matches!(state.rows, Listed::None)).then_some(state.clock)
    }

    /// Drops the rows from `bound` on; `hash` is that of the last row that stays, and `clock_of`
    /// gives its clock.
    pub(crate) fn truncate(
        &self,
        bound: u32,
        hash: Option<Hash>,
        clock_of: impl FnOnce(u32) -> u32,
    ) {
        let mut state = self.0.write();
        let kept = state.below(bound);
        if kept < state.rows.as_slice().len() {
            state.rows.truncate(kept);
            state.clock = state.rows.last().map_or(0, clock_of);
            state.hash = hash;
        }
    }

    /// How many rows are below `bound`. O(log rows).
    pub(crate) fn count_below(&self, bound: u32) -> usize {
        self.0.read().below(bound)
    }

    /// The last row below `bound`. O(log rows).
    pub(crate) fn last_below(&self, bound: u32) -> Option<u32> {
        let state = self.0.read();
        let at = state.below(bound).checked_sub(1)?;
        state.rows.as_slice().get(at).copied()
    }

    /// The positions of the rows within `rows`. O(log rows).
    pub(crate) fn positions(&self, rows: &Range<u32>) -> Range<usize> {
        let state = self.0.read();
        let end = state.below(rows.end);
        let start = match rows.start {
            0 => 0,
            start => state.below(start).min(end),
        };
        start..end
    }

    /// The first of `positions` for which `before` does not hold; it holds for all up to one.
    /// O(log rows).
    pub(crate) fn partition(
        &self,
        positions: &Range<usize>,
        before: impl Fn(u32) -> bool,
    ) -> usize {
        let state = self.0.read();
        let rows = state
            .rows
            .as_slice()
            .get(positions.clone())
            .unwrap_or_default();
        positions.start + rows.partition_point(|row| before(*row))
    }

    /// What `read` makes of the rows at `positions`, under the lock.
    pub(crate) fn read(&self, positions: &Range<usize>, read: impl FnOnce(&[u32])) {
        let state = self.0.read();
        read(
            state
                .rows
                .as_slice()
                .get(positions.clone())
                .unwrap_or_default(),
        );
    }
}
