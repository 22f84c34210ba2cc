//! `Shared`: what the writer and the readers of one index have in common: the gate, and the list of
//! parts, which is replaced in one store.
//!
//! Adds no row and answers nothing. Knows the rooms below it: parts, live rows, blocks and the gate.

use crate::block::Block;
use crate::gate::SequenceGate;
use crate::live::{Live, LiveRows};
use crate::model::{BlockError, CacheShare, IndexLayout};
use crate::part::{Part, View};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::sync::{RwLock, RwLockWriteGuard, thread};

/// The common state. A thread holds the lock of `parts` alone.
pub(crate) struct Shared {
    pub(crate) gate: Arc<SequenceGate>,
    /// Replaced as a whole, in one store.
    parts: RwLock<Arc<Parts>>,
    /// What blocks may keep of coordinates that were asked for.
    coordinates: Arc<CacheShare>,
}

/// The parts of an index: sealed ones, oldest first, and the one that grows.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) sealed: Vec<Sealed>,
    pub(crate) live: Arc<Live>,
}

/// A part that takes no more rows.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) part: Part,
    /// How many rows all parts before it have.
    pub(crate) rows_before: u64,
    /// The sequence after that of the last row.
    pub(crate) end: Sequence,
}

impl Shared {
    pub(crate) fn new(layout: IndexLayout, coordinates: Arc<CacheShare>) -> Self {
        Self {
            gate: Arc::new(SequenceGate::new()),
            parts: RwLock::new(Arc::new(Parts {
                sealed: Vec::new(),
                live: Arc::new(Live::new(0, layout)),
            })),
            coordinates,
        }
    }

    pub(crate) fn parts(&self) -> Arc<Parts> {
        self.parts.read().clone()
    }

    /// Replaces the parts in one store.
    pub(crate) fn change_parts(&self, change: impl FnOnce(&mut Parts)) {
        let parts = self.parts.write();
        let mut next = Parts::clone(&parts);
        change(&mut next);
        drop(store(parts, next));
    }

    /// Adds a part before the live one: to the list itself where no snapshot has it, so that many
    /// blocks can be added to a store that is being opened without a copy of the list for each.
    pub(crate) fn add_part(&self, part: Part) {
        if let Part::Block(view) = &part {
            view.block.keep_within(&self.coordinates);
        }
        let mut parts = self.parts.write();
        match Arc::get_mut(&mut parts) {
            Some(own) => own.push(part),
            None => {
                drop(parts);
                self.change_parts(|parts| parts.push(part));
            }
        }
    }

    /// Puts a block in the place of the sealed parts that have exactly its rows.
    pub(crate) fn replace(&self, block: Block) -> Result<(), BlockError> {
        let sequences = block.sequences();
        let other_rows = || BlockError::OtherRows {
            first: sequences.start,
            end: sequences.end,
        };
        // Rows of a replay that goes on may still be undone.
        if sequences.end > self.gate.visible() {
            return Err(other_rows());
        }
        block.keep_within(&self.coordinates);
        let parts = self.parts.write();
        let range = parts.covering(&sequences, block.rows());
        let range = range.ok_or_else(other_rows)?;
        let mut next = Parts::clone(&parts);
        let rows_before = next
            .sealed
            .get(range.start)
            .map_or(0, |sealed| sealed.rows_before);
        let sealed = Sealed {
            end: sequences.end,
            part: Part::Block(View::whole(Arc::new(block))),
            rows_before,
        };
        next.sealed.splice(range, [sealed]);
        exchange(parts, next);
        Ok(())
    }

    /// Puts each block in the place of the sealed rows of these sequences. A block that has rows of
    /// them and others is split: views of it stay for the others.
    pub(crate) fn replace_all(
        &self,
        blocks: Vec<(Range<Sequence>, Block)>,
    ) -> Result<(), BlockError> {
        let parts = self.parts.write();
        let mut next = Parts::clone(&parts);
        for (sequences, block) in blocks {
            block.keep_within(&self.coordinates);
            if sequences.end > self.gate.visible() || !next.shrink(&sequences, block) {
                return Err(BlockError::OtherRows {
                    first: sequences.start,
                    end: sequences.end,
                });
            }
        }
        let mut rows_before = 0;
        for sealed in &mut next.sealed {
            sealed.rows_before = rows_before;
            rows_before += u64::from(sealed.part.rows());
        }
        exchange(parts, next);
        Ok(())
    }
}

/// Puts `next` in the place of the parts, and gives those before it, to be let go of without the lock.
fn store(mut parts: RwLockWriteGuard<'_, Arc<Parts>>, next: Parts) -> Arc<Parts> {
    std::mem::replace(&mut *parts, Arc::new(next))
}

/// Puts `next` in the place of the parts, of which sealed ones may be gone.
fn exchange(parts: RwLockWriteGuard<'_, Arc<Parts>>, next: Parts) {
    let frees_rows = next.sealed_live() < parts.sealed_live();
    let before = store(parts, next);
    // Blocks are let go of in no time, whoever is last.
    if frees_rows {
        wait_for_others(&before);
    }
    drop(before);
}

/// How often whoever replaced live rows looks whether others have let go of them. Few: where processors are
/// busy it may take milliseconds until a look returns, and others may wait for this one.
#[cfg(not(strandline_loom))]
const LOOKS: usize = 16;
#[cfg(strandline_loom)]
const LOOKS: usize = 0;
/// How long a look lasts, in turns that do nothing: microseconds.
const TURNS: u32 = 256;

/// Waits for the writer and those who read for a moment: who is last to let go of the parts frees all rows
/// that live in them, which takes milliseconds. A snapshot that is kept is not waited for.
fn wait_for_others(before: &Arc<Parts>) {
    for () in std::iter::repeat_n((), LOOKS) {
        for _ in 0..TURNS {
            if Arc::strong_count(before) == 1 {
                return;
            }
            std::hint::spin_loop();
        }
        thread::yield_now();
    }
}

impl Parts {
    /// Puts a block, or nothing if it is empty, in the place of the sealed rows within `sequences`;
    /// says whether those are whole parts, or rows of blocks, that may have its rows. Of parts after
    /// them, how many rows are before them is not right then.
    fn shrink(&mut self, sequences: &Range<Sequence>, block: Block) -> bool {
        self.split(sequences.start);
        self.split(sequences.end);
        let below = |bound: Sequence| self.sealed.partition_point(|sealed| sealed.end <= bound);
        let range = below(sequences.start)..below(sequences.end);
        let parts = self.sealed.get(range.clone()).unwrap_or_default();
        let begins = |part: &Part| part.sequence_of(0);
        let are_whole = parts
            .first()
            .is_none_or(|first| begins(&first.part) >= sequences.start);
        // What comes after them must not reach into the range.
        let live = Part::Live(self.live_rows());
        let next = self.sealed.get(range.end).map_or(&live, |next| &next.part);
        let ends = next.rows() == 0 || begins(next) >= sequences.end;
        let held: u64 = parts
            .iter()
            .map(|sealed| u64::from(sealed.part.rows()))
            .sum();
        let (rows, own) = (u64::from(block.rows()), block.sequences());
        let is_within = own.start >= sequences.start && own.end <= sequences.end;
        if !are_whole || !ends || rows > held || (rows > 0 && !is_within) {
            return false;
        }
        let sealed = (block.rows() > 0).then(|| Sealed {
            end: own.end,
            part: Part::Block(View::whole(Arc::new(block))),
            rows_before: 0,
        });
        self.sealed.splice(range, sealed);
        true
    }

    /// Makes two views of the block that has rows before the sequence `at` and from it on, if one has.
    fn split(&mut self, at: Sequence) {
        let place = self.sealed.partition_point(|sealed| sealed.end <= at);
        let Some(sealed) = self.sealed.get(place) else {
            return;
        };
        let Part::Block(view) = &sealed.part else {
            return;
        };
        let row = sealed.part.first_row_from(at.get(), view.rows());
        if row == 0 || row == view.rows() {
            return;
        }
        let (before, after) = view.split(row);
        let views = [before, after].map(|view| Sealed {
            end: view.sequences().end,
            part: Part::Block(view),
            rows_before: sealed.rows_before,
        });
        self.sealed.splice(place..=place, views);
    }

    /// How many sealed parts are live rows. O(parts).
    fn sealed_live(&self) -> usize {
        let is_live = |sealed: &&Sealed| matches!(sealed.part, Part::Live(_));
        self.sealed.iter().filter(is_live).count()
    }

    /// How many rows the sealed parts have.
    pub(crate) fn sealed_rows(&self) -> u64 {
        self.sealed.last().map_or(0, |last| {
            last.rows_before.saturating_add(u64::from(last.part.rows()))
        })
    }

    /// Adds a sealed part after all others.
    pub(crate) fn push(&mut self, part: Part) {
        self.sealed.push(Sealed {
            rows_before: self.sealed_rows(),
            end: part.end(),
            part,
        });
    }

    /// Which sealed parts have exactly the rows with these sequences.
    fn covering(&self, sequences: &Range<Sequence>, rows: u32) -> Option<Range<usize>> {
        let start = self
            .sealed
            .partition_point(|sealed| sealed.end <= sequences.start);
        let end = self
            .sealed
            .partition_point(|sealed| sealed.end <= sequences.end);
        let parts = self.sealed.get(start..end)?;
        let (first, last) = (parts.first()?, parts.last()?);
        let held: u64 = parts
            .iter()
            .map(|sealed| u64::from(sealed.part.rows()))
            .sum();
        let same = held == u64::from(rows)
            && last.end == sequences.end
            && first.part.sequence_of(0) == sequences.start;
        same.then_some(start..end)
    }

    /// The part that grows, as it is now.
    pub(crate) fn live_rows(&self) -> LiveRows {
        LiveRows::take(self.live.clone())
    }
}
