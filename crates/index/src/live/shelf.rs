//! `Shelf`: values by number, added by one thread, read by any without a lock, and never moved.
//!
//! Boards of 64 values, and levels of boards that double. So a reader needs no copy of a list that
//! grows, and the writer never moves what is there. Nothing is ever removed. What the values are, it does
//! not know.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use strandline_core::sync::atomic::{AtomicU32, Ordering};

/// Values on a board.
#[cfg(not(strandline_loom))]
const BOARD: u32 = 64;
#[cfg(strandline_loom)]
const BOARD: u32 = 1;
/// Level `n` has `2^n` boards, so these have one for each number of 32 bits.
#[cfg(not(strandline_loom))]
const LEVELS: usize = 27;
/// Few, since loom gives a thread a small stack.
#[cfg(strandline_loom)]
const LEVELS: usize = 4;

type Board<T> = Arc<[OnceLock<T>]>;
type Level<T> = Box<[OnceLock<Board<T>>]>;

/// Values, numbered in the order they came in.
pub(crate) struct Shelf<T> {
    levels: [OnceLock<Level<T>>; LEVELS],
    len: AtomicU32,
}

/// Where a number is: its level, the board there, and the place on that.
struct Spot {
    level: usize,
    board: usize,
    at: usize,
}

impl Spot {
    fn of(number: u32) -> Self {
        let board = u64::from(number / BOARD) + 1;
        let level = board.ilog2();
        let first = 1_u64 << level;
        Self {
            level: level as usize,
            // Less than 2^32.
            board: usize::try_from(board - first).unwrap_or(usize::MAX),
            at: number.checked_rem(BOARD).unwrap_or_default() as usize,
        }
    }
}

fn empty<T>(count: usize) -> impl Iterator<Item = OnceLock<T>> {
    (0..count).map(|_| OnceLock::new())
}

impl<T> Shelf<T> {
    pub(crate) fn new() -> Self {
        Self {
            levels: [const { OnceLock::new() }; LEVELS],
            len: AtomicU32::new(0),
        }
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> u32 {
        // Acquire: partner of the release in `push`, so that each of them is there.
        self.len.load(Ordering::Acquire)
    }

    /// The value with a number. O(1), and no lock.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        let spot = Spot::of(number);
        self.board(&spot)?.get(spot.at)?.get()
    }

    /// The value with a number, to keep. O(1).
    pub(crate) fn kept(&self, number: u32) -> Option<Kept<T>> {
        let spot = Spot::of(number);
        let board = self.board(&spot)?;
        board.get(spot.at)?.get()?;
        Some(Kept {
            board: board.clone(),
            at: spot.at,
        })
    }

    #[inline]
    fn board(&self, spot: &Spot) -> Option<&Board<T>> {
        self.levels.get(spot.level)?.get()?.get(spot.board)?.get()
    }

    /// Adds a value, and gives its number; nothing if that would not be below `most`. O(1), but for the
    /// first of a level, which is O(values / 64). One thread alone may call it.
    pub(crate) fn push(&self, value: T, most: u32) -> Option<u32> {
        // Relaxed: nobody else stores it.
        let number = self.len.load(Ordering::Relaxed);
        if number >= most {
            return None;
        }
        let spot = Spot::of(number);
        let level = self
            .levels
            .get(spot.level)?
            .get_or_init(|| empty(1 << spot.level).collect());
        let board = level
            .get(spot.board)?
            .get_or_init(|| empty(BOARD as usize).collect());
        board.get(spot.at)?.set(value).ok()?;
        // Release: who sees the count finds the value.
        self.len.store(number.saturating_add(1), Ordering::Release);
        Some(number)
    }
}

/// A value of a shelf, which is there as long as this is.
pub(crate) struct Kept<T> {
    board: Board<T>,
    at: usize,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self {
            board: self.board.clone(),
            at: self.at,
        }
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    #[inline]
    #[expect(
        clippy::expect_used,
        reason = "it was there when this was made, and nothing takes a value away"
    )]
    fn deref(&self) -> &T {
        let value = self.board.get(self.at).and_then(OnceLock::get);
        value.expect("a value that is kept")
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn values_stay_at_their_numbers_while_more_are_added() {
        let shelf = Shelf::new();
        assert_eq!(shelf.get(0), None);
        let mut kept = Vec::new();
        for number in 0..10_000_u32 {
            assert_eq!(shelf.push(number * 3, 10_000), Some(number));
            assert_eq!(shelf.len(), number + 1);
            if number % 100 == 0 {
                kept.push(shelf.kept(number).unwrap());
            }
        }
        for number in 0..10_000 {
            assert_eq!(shelf.get(number), Some(&(number * 3)));
        }
        assert_eq!(shelf.push(7, 10_000), None, "no more than that");
        assert_eq!(shelf.get(10_000), None);
        assert!(shelf.kept(10_000).is_none());
        assert!(shelf.get(u32::MAX).is_none());
        drop(shelf);
        for (number, kept) in (0..).step_by(100).zip(kept) {
            assert_eq!(*kept, number * 3);
        }
    }
}
