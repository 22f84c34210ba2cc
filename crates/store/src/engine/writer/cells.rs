//! `Cells`: places by the hashes of their names, in open addressing. Compares no name.

/// No place.
const NONE: u32 = u32::MAX;
/// Fewest cells, once there are any.
const CELLS_MIN: usize = 64;

/// Places by hash, in a power of two of cells, of which at most three quarters are in use.
#[derive(Debug, Default)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    used: usize,
}

/// A part of a name's hash and its place, or `NONE`.
#[derive(Debug, Clone, Copy)]
struct Cell {
    hash: u32,
    place: u32,
}

const EMPTY: Cell = Cell {
    hash: 0,
    place: NONE,
};

impl Cells {
    /// What a place takes at most, once there are more than a few: three eighths of the cells are in use at
    /// least.
    pub(super) const BYTES: usize = size_of::<Cell>() * 8 / 3;

    /// How many places there are.
    #[cfg(all(test, not(strandline_loom)))]
    pub(super) const fn len(&self) -> usize {
        self.used
    }

    /// Brings the cell where a hash belongs into the cache of the processor, and waits for nothing.
    #[inline]
    pub(super) fn ask_for(&self, hash: u64) {
        let mask = self.cells.len().wrapping_sub(1);
        let home = self.cells.get(at(short(hash)) & mask);
        std::hint::black_box(home.map(|cell| cell.place));
    }

    /// The place with a hash for which `is_it` holds. Expected O(1).
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = short(hash);
        let mask = self.cells.len().checked_sub(1)?;
        let mut at = at(hash) & mask;
        loop {
            let cell = self.cells.get(at)?;
            if cell.place == NONE {
                return None;
            }
            if cell.hash == hash && is_it(cell.place) {
                return Some(cell.place);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a place, which is not there. Expected O(1), but where the cells are doubled.
    pub(super) fn insert(&mut self, hash: u64, place: u32) {
        self.used += 1;
        if self.used.saturating_mul(4) > self.cells.len().saturating_mul(3) {
            let count = self.cells.len().saturating_mul(2).max(CELLS_MIN);
            let before = std::mem::replace(&mut self.cells, vec![EMPTY; count]);
            for cell in before.into_iter().filter(|cell| cell.place != NONE) {
                self.put(cell);
            }
        }
        let hash = short(hash);
        self.put(Cell { hash, place });
    }

    /// Puts a cell into the first empty one from where its hash belongs; there is one.
    fn put(&mut self, cell: Cell) {
        let mask = self.cells.len().saturating_sub(1);
        let mut at = at(cell.hash) & mask;
        while let Some(own) = self.cells.get_mut(at) {
            if own.place == NONE {
                *own = cell;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Takes a place out, and moves those up that stand behind it only because of it (Knuth, The Art of
    /// Computer Programming 6.4, algorithm R). Expected O(1).
    pub(super) fn remove(&mut self, hash: u64, place: u32) {
        let mask = self.cells.len().saturating_sub(1);
        let mut hole = at(short(hash)) & mask;
        loop {
            match self.cells.get(hole) {
                Some(own) if own.place == place => break,
                Some(own) if own.place != NONE => hole = (hole + 1) & mask,
                _ => return,
            }
        }
        let mut next = (hole + 1) & mask;
        while let Some(moved) = self.cells.get(next).copied() {
            if moved.place == NONE {
                break;
            }
            let home = at(moved.hash) & mask;
            // Whether its home is not between the hole and where it stands.
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(hole) & mask {
                if let Some(own) = self.cells.get_mut(hole) {
                    *own = moved;
                }
                hole = next;
            }
            next = (next + 1) & mask;
        }
        if let Some(own) = self.cells.get_mut(hole) {
            *own = EMPTY;
        }
        self.used = self.used.saturating_sub(1);
    }
}

fn short(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

/// Numbers of 32 bits fit the machines that this runs on.
fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
