//! `Snapshot`: everything that was visible at one moment.

use crate::ascending;
use crate::by_id::fingerprint;
use crate::columns::{Cell, cell};
use crate::query::Query;
use crate::runs::{first_row_from, sequence_of};
use crate::shared::{Parts, Shared};
use crate::{Names, Plan, RowView, Rows, block};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::sync::atomic::Ordering;
use strandline_core::{EventId, Region, Sequence};

/// Everything that was visible when it was taken: every answer is bounded by that, and the same
/// however often it is asked for, whatever is inserted meanwhile.
///
/// Taking and cloning one costs a few reference counts. It keeps the columns alive.
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
    pub(crate) shared: Arc<Shared>,
    visible: Sequence,
    rows: u32,
    parts: Parts,
}

impl Snapshot {
    pub(crate) fn take(shared: &Arc<Shared>) -> Self {
        // The watermark first: whatever part is taken later holds every row below it.
        let visible = shared.gate.visible();
        let (parts, inserted) = {
            let parts = shared.parts.read();
            // Relaxed: see `Shared::rows`.
            (parts.clone(), shared.rows.0.load(Ordering::Relaxed))
        };
        let rows = first_row_from(&parts.runs, inserted, visible.get());
        Self {
            shared: shared.clone(),
            visible,
            rows,
            parts,
        }
    }

    /// The watermark: the snapshot holds every event with a sequence below it.
    #[must_use]
    pub const fn visible(&self) -> Sequence {
        self.visible
    }

    /// How many events there are. O(1).
    #[must_use]
    pub fn len(&self) -> u64 {
        u64::from(self.rows)
    }

    /// Whether there is no event.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The event with this id. O(log events), without a lock.
    #[must_use]
    pub fn get(&self, id: EventId) -> Option<RowView<'_>> {
        let row = match ascending::find(&self.parts.chunks, self.rows, id) {
            Some(row) => row,
            None if self.parts.ids.is_empty() => return None,
            None => {
                let fingerprint = fingerprint(&self.shared.hasher, id);
                let is_it = |row| row < self.rows && self.cell(row).id() == id;
                self.parts.ids.find(fingerprint, is_it)?
            }
        };
        Some(RowView::new(self, row))
    }

    /// The newest event of an entity. O(log events of the entity).
    #[must_use]
    pub fn latest(&self, entity: &str) -> Option<RowView<'_>> {
        let row = self
            .shared
            .entities
            .get(entity)?
            .rows
            .last_below(self.rows)?;
        Some(RowView::new(self, row))
    }

    /// The event with this sequence. O(log gaps in the sequences).
    #[must_use]
    pub fn row_at(&self, sequence: Sequence) -> Option<RowView<'_>> {
        let row = self.first_row_from(sequence.get());
        (row < self.rows && self.sequence_of(row) == sequence).then(|| RowView::new(self, row))
    }

    /// Every event of an entity, in order.
    #[must_use]
    pub fn stream(&self, entity: &str) -> Rows<'_> {
        self.query(&Region::all().entity(entity))
    }

    /// The events in `region`, in sequence order, from both ends.
    ///
    /// Starts from whichever key leaves the fewest candidates; see [`explain`](Self::explain).
    #[must_use]
    pub fn query(&self, region: &Region) -> Rows<'_> {
        Rows::new(self, Query::compile(self, region))
    }

    /// How [`query`](Self::query) would go about `region`.
    #[must_use]
    pub fn explain(&self, region: &Region) -> Plan {
        Query::compile(self, region).plan
    }

    /// The entities whose names start with `prefix`, in order, each with how many events it has.
    #[must_use]
    pub fn entities(&self, prefix: &str) -> Names<'_> {
        Names::new(&self.shared.entities, self.rows, prefix)
    }

    /// The scopes whose names start with `prefix`, in order, each with how many events it has.
    #[must_use]
    pub fn scopes(&self, prefix: &str) -> Names<'_> {
        Names::new(&self.shared.scopes, self.rows, prefix)
    }

    /// The events with these sequences as a block: bytes that stand alone, for
    /// [`ReplayCursor::import`](crate::ReplayCursor::import). O(events exported).
    ///
    /// Holds the hash of an entity's last event in the range, where that is known: where it is the
    /// newest of the entity that was inserted.
    #[must_use]
    pub fn export(&self, sequences: Range<Sequence>) -> Vec<u8> {
        let start = self.first_row_from(sequences.start.get());
        let end = self.first_row_from(sequences.end.get()).max(start);
        block::export(self, start..end)
    }

    pub(crate) const fn rows(&self) -> u32 {
        self.rows
    }

    #[inline]
    pub(crate) fn cell(&self, row: u32) -> Cell<'_> {
        cell(&self.parts.chunks, row)
    }

    #[inline]
    pub(crate) fn sequence_of(&self, row: u32) -> Sequence {
        sequence_of(&self.parts.runs, row)
    }

    /// The first row after `row` whose sequence does not follow from those before it.
    pub(crate) fn run_end(&self, row: u32) -> u32 {
        let runs = &self.parts.runs;
        let next = runs.get(runs.partition_point(|run| run.first_row <= row));
        next.map_or(self.rows, |run| run.first_row)
    }

    pub(crate) fn first_row_from(&self, sequence: u64) -> u32 {
        first_row_from(&self.parts.runs, self.rows, sequence)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("visible", &self.visible)
            .field("len", &self.rows)
            .finish_non_exhaustive()
    }
}
