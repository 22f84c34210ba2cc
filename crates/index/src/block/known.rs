//! `KnownPieces`: which pieces of a block's sections were found intact. Looks at none.

use super::format::Section;
use std::ops::Range;
use std::sync::OnceLock;
use strandline_core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Once in so many looks at pieces that are known, others are checked too: by then the looks have cost more
/// than the check does, and once all of a section is known a look costs a load.
const LOOKS: u32 = 256;

/// For each section of a block that has several pieces, those that were found intact.
pub(super) type KnownPieces = [OnceLock<Option<Pieces>>; Section::COUNT];

/// The pieces of a section whose list of checksums is intact.
pub(super) struct Pieces {
    /// How many pieces the sections before have together.
    pub(super) first: usize,
    /// A bit for each piece: whether it was found intact. What is checked never changes, so a bit
    /// says nothing of other memory.
    found: Box<[AtomicU64]>,
    /// How many were not.
    left: AtomicUsize,
    /// Looks at pieces that were known.
    looks: AtomicU32,
    /// Those before were taken by [`Pieces::take_ahead`].
    ahead: AtomicUsize,
}

impl Pieces {
    pub(super) fn new(first: usize, pieces: usize) -> Self {
        let words = (0..pieces.div_ceil(u64::BITS as usize)).map(|_| AtomicU64::new(0));
        Self {
            first,
            found: words.collect(),
            left: AtomicUsize::new(pieces),
            looks: AtomicU32::new(0),
            ahead: AtomicUsize::new(0),
        }
    }

    /// The word of a piece, and its bit there.
    fn bit(&self, piece: usize) -> Option<(&AtomicU64, u64)> {
        let word = self.found.get(piece / u64::BITS as usize)?;
        Some((word, 1 << (piece % u64::BITS as usize)))
    }

    pub(super) fn is_intact(&self, piece: usize) -> bool {
        self.bit(piece)
            .is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Notes a piece that was found intact, and says whether all were.
    pub(super) fn note(&self, piece: usize) -> bool {
        let is_new = self
            .bit(piece)
            .is_some_and(|(word, bit)| word.fetch_or(bit, Ordering::Relaxed) & bit == 0);
        is_new && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// Counts a look at pieces that were known, and says whether more is to be checked now than what was asked
    /// for: once in many looks.
    pub(super) fn is_due(&self) -> bool {
        // Relaxed: a count.
        self.looks.fetch_add(1, Ordering::Relaxed) % LOOKS == LOOKS - 1
    }

    /// `count` pieces, in their order: each is given once.
    pub(super) fn take_ahead(&self, count: usize) -> Range<usize> {
        // Relaxed: nobody has to know what was taken.
        let start = self.ahead.fetch_add(count, Ordering::Relaxed);
        start..start.saturating_add(count)
    }
}
