//! `Snapshot`: everything that was visible at one moment. Looks events up one by one; what gives many
//! is beside it and above it.

use super::view::RowView;
use crate::block::{Block, HashedName};
use crate::model::{BlockError, IndexLayout};
use crate::part::Part;
use crate::search::partition;
use crate::shared::{Parts, Sealed, Shared};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use strandline_core::{EventId, Sequence};

/// Everything that was visible when it was taken: every answer is bounded by that, and the same
/// however often it is asked for, whatever is inserted, sealed or replaced meanwhile.
///
/// Taking and cloning one costs a few reference counts. It keeps the rows alive.
///
/// ```
/// use strandline_core::{Coordinate, EventId, EventKind, Region};
/// use strandline_index::{Row, channel};
///
/// let (mut writer, reader) = channel();
/// let coordinate = writer.intern(&Coordinate::new("order:1", "eu")?)?;
/// let mut append = |clock: u32| {
///     let id = EventId::from_u128(clock.into());
///     let sequence = writer.reserve(1)?;
///     writer.insert(&Row {
///         sequence, id, coordinate, clock,
///         kind: EventKind::new(1, 1), wall_ms: 0, position: 0,
///         correlation: id, causation: None, hash: None,
///     })?;
///     writer.publish(writer.gate().allocated());
///     Ok::<(), strandline_index::IndexError>(())
/// };
/// append(0)?;
/// let before = reader.snapshot();
/// append(1)?;
/// assert_eq!(before.stream("order:1").count(), 1);
/// let region = Region::all().entity_prefix("order:").clock(1..);
/// assert_eq!(reader.snapshot().query(&region).count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    visible: Sequence,
    parts: Arc<Parts>,
    live: Part,
    /// How many sealed parts are visible as a whole; of the part after them the first `bound` rows
    /// are visible, and of parts after that none.
    whole: usize,
    bound: u32,
}

impl Snapshot {
    pub(super) fn take(shared: &Shared) -> Self {
        // The watermark first: whatever part is taken later holds every row below it.
        let visible = shared.gate.visible();
        Self::bounded(shared, visible)
    }

    /// Every row below `visible`, which was loaded before this is called.
    pub(crate) fn bounded(shared: &Shared, visible: Sequence) -> Self {
        let parts = shared.parts();
        let live = Part::Live(parts.live_rows());
        Self::of(parts, live, visible)
    }

    fn of(parts: Arc<Parts>, live: Part, visible: Sequence) -> Self {
        // From the newest on: all but a few are wholly visible.
        let beyond = parts.sealed.iter().rev();
        let beyond = beyond.take_while(|sealed| sealed.end > visible).count();
        let whole = parts.sealed.len() - beyond;
        let partial = parts.sealed.get(whole).map_or(&live, |sealed| &sealed.part);
        let bound = partial.first_row_from(visible.get(), partial.rows());
        Self {
            visible,
            live,
            whole,
            bound,
            parts,
        }
    }

    /// The watermark: the snapshot holds every event with a sequence below it.
    #[must_use]
    pub const fn visible(&self) -> Sequence {
        self.visible
    }

    /// The same without the events from `end` on: as it was when that was the watermark. Past the
    /// watermark it is this snapshot. O(parts).
    ///
    /// What was removed since is not in it, and where `end` is not the end of a batch, a part of that is.
    #[must_use]
    pub fn snapshot_at(&self, end: Sequence) -> Self {
        Self::of(self.parts.clone(), self.live.clone(), end.min(self.visible))
    }

    /// Where the events end that happened at `wall_ms` or before, in milliseconds since 1970: the sequence
    /// of the first one that happened later, or the watermark. O(log parts + log rows of a part).
    ///
    /// It is found by search, for times never go back from event to event, as a store gives them. Where they
    /// do, it is the sequence of some event that happened later.
    #[must_use]
    pub fn sequence_at(&self, wall_ms: u64) -> Sequence {
        let is_later = |at: usize, row: u32| self.part(at).wall_ms(row) > wall_ms;
        let count = u32::try_from(self.part_count()).unwrap_or(u32::MAX);
        let at = partition(count, |at| {
            // Without rows it can only be the last one.
            let last = self.bound_of(at).checked_sub(1);
            last.is_some_and(|last| !is_later(at, last))
        });
        let at = at as usize;
        let bound = self.bound_of(at);
        let row = partition(bound, |row| {
            u32::try_from(row).is_ok_and(|row| !is_later(at, row))
        });
        match row < bound {
            true => self.part(at).sequence_of(row),
            false => self.visible,
        }
    }

    /// How many events there are. O(1).
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows_before(self.whole) + u64::from(self.bound)
    }

    /// Whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event with this id. O(log events) in the part that has it, without a lock; parts whose
    /// ids lie elsewhere cost a comparison.
    #[must_use]
    pub fn get(&self, id: EventId) -> Option<RowView<'_>> {
        (0..self.part_count()).rev().find_map(|at| {
            let row = self.part(at).find(id, self.bound_of(at))?;
            Some(self.view(at, row))
        })
    }

    /// The newest event of an entity. Expected O(1) for each part, from the newest to the one that has
    /// it, and O(log events of the entity) there where it has later ones that are not visible.
    #[must_use]
    pub fn latest(&self, entity: &str) -> Option<RowView<'_>> {
        let entity = HashedName::new(entity);
        self.ask_for_entity(&entity);
        (0..self.part_count()).rev().find_map(|at| {
            let row = self.part(at).last_of(&entity, self.bound_of(at))?;
            Some(self.view(at, row))
        })
    }

    /// Before all parts are looked through for an entity: their memory is waited for together.
    pub(crate) fn ask_for_entity(&self, entity: &HashedName<'_>) {
        for at in 0..self.part_count() {
            if let Part::Block(view) = self.part(at) {
                view.block.ask_for_entity(entity);
            }
        }
    }

    /// The event with this sequence. O(log parts + log gaps in the sequences).
    #[must_use]
    pub fn row_at(&self, sequence: Sequence) -> Option<RowView<'_>> {
        let at = self.part_from(sequence.get());
        if at >= self.part_count() {
            return None;
        }
        let (part, bound) = (self.part(at), self.bound_of(at));
        let row = part.first_row_from(sequence.get(), bound);
        let found = row < bound && part.sequence_of(row) == sequence;
        found.then(|| self.view(at, row))
    }

    /// The blocks, oldest first, each once, also if several parts have rows of it.
    pub fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
        let mut had = HashSet::new();
        self.views()
            .filter(move |block| had.insert(Arc::as_ptr(block)))
    }

    /// The sealed parts that are visible as a whole.
    pub(super) fn whole(&self) -> &[Sealed] {
        self.parts.sealed.get(..self.whole).unwrap_or_default()
    }

    /// The block of each part that is of one.
    fn views(&self) -> impl Iterator<Item = &Arc<Block>> {
        let sealed = self.parts.sealed.iter();
        sealed.filter_map(|sealed| sealed.part.block())
    }

    /// What was found damaged in a block and could not be made anew, if anything was.
    ///
    /// Answers may then lack events. O(blocks).
    #[must_use]
    pub fn damage(&self) -> Option<&BlockError> {
        self.views().find_map(|block| block.damage())
    }

    /// As [`damage`](Self::damage), of the blocks with events from the sequence `since` on.
    #[must_use]
    pub fn damage_since(&self, since: Sequence) -> Option<&BlockError> {
        let parts = (self.part_from(since.get())..self.part_count()).map(|at| self.part(at));
        parts
            .filter_map(Part::block)
            .find_map(|block| block.damage())
    }

    /// Whether a block that has some of these sequences was found damaged, and could not be made anew. O(log parts)
    /// where they are of one part.
    #[must_use]
    pub fn is_damaged_within(&self, first: Sequence, last: Sequence) -> bool {
        let parts = self.part_from(first.get())..=self.part_from(last.get());
        let mut parts = parts.filter(|at| *at < self.part_count());
        parts.any(|at| {
            let block = self.part(at).block();
            block.is_some_and(|block| block.damage().is_some())
        })
    }

    /// How many parts have visible rows, or might.
    pub(crate) const fn part_count(&self) -> usize {
        self.whole + 1
    }

    #[inline]
    pub(crate) fn part(&self, at: usize) -> &Part {
        self.parts
            .sealed
            .get(at)
            .map_or(&self.live, |sealed| &sealed.part)
    }

    /// The event of a row of a part.
    #[inline]
    pub(crate) fn view(&self, at: usize, row: u32) -> RowView<'_> {
        RowView::new(self.part(at), row)
    }

    /// How many rows of a part are visible.
    #[inline]
    pub(crate) fn bound_of(&self, at: usize) -> u32 {
        match at.cmp(&self.whole) {
            std::cmp::Ordering::Less => self.part(at).rows(),
            std::cmp::Ordering::Equal => self.bound,
            std::cmp::Ordering::Greater => 0,
        }
    }

    /// How the part that grows finds kinds and scopes.
    pub(super) fn layout(&self) -> IndexLayout {
        self.parts.live.layout
    }

    pub(super) fn bounded_parts(&self) -> impl Iterator<Item = (&Part, u32)> {
        (0..self.part_count()).map(|at| (self.part(at), self.bound_of(at)))
    }

    /// The first part that has a row with this sequence or a later one, visible or not.
    pub(crate) fn part_from(&self, sequence: u64) -> usize {
        self.parts
            .sealed
            .partition_point(|sealed| sealed.end.get() <= sequence)
    }

    fn rows_before(&self, at: usize) -> u64 {
        match self.parts.sealed.get(at) {
            Some(sealed) => sealed.rows_before,
            None => self.parts.sealed_rows(),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("visible", &self.visible)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
