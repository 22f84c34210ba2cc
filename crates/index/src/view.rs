//! `RowView`: one event of a snapshot, read from the columns when asked.

use crate::{CoordinateId, RowNumber, Snapshot};
use std::fmt;
use strandline_core::{ClockKey, Coordinate, EventId, EventKind, Sequence};

/// One event of a snapshot. Copies nothing: each method reads its column, in O(1) unless it says
/// otherwise.
#[derive(Clone, Copy)]
pub struct RowView<'s> {
    snapshot: &'s Snapshot,
    row: u32,
}

impl<'s> RowView<'s> {
    pub(crate) const fn new(snapshot: &'s Snapshot, row: u32) -> Self {
        Self { snapshot, row }
    }

    /// Position in the index.
    #[must_use]
    pub const fn row_number(self) -> RowNumber {
        RowNumber::new(self.row)
    }

    /// Id.
    #[must_use]
    #[inline]
    pub fn id(self) -> EventId {
        self.snapshot.cell(self.row).id()
    }

    /// Place in the global commit order. O(log gaps in the sequences).
    #[must_use]
    #[inline]
    pub fn sequence(self) -> Sequence {
        self.snapshot.sequence_of(self.row)
    }

    /// What happened.
    #[must_use]
    #[inline]
    pub fn kind(self) -> EventKind {
        self.snapshot.cell(self.row).kind()
    }

    /// When, in milliseconds since 1970.
    #[must_use]
    pub fn wall_ms(self) -> u64 {
        self.snapshot.cell(self.row).wall_ms()
    }

    /// Place in the entity's stream.
    #[must_use]
    #[inline]
    pub fn clock(self) -> u32 {
        self.snapshot.cell(self.row).clock()
    }

    /// Where the event is stored, as it was inserted.
    #[must_use]
    #[inline]
    pub fn position(self) -> u64 {
        self.snapshot.cell(self.row).position()
    }

    /// What the event belongs to; its own id by default.
    #[must_use]
    pub fn correlation(self) -> EventId {
        let cell = self.snapshot.cell(self.row);
        cell.link()
            .map_or_else(|| cell.id(), |link| link.correlation)
    }

    /// What caused the event.
    #[must_use]
    pub fn causation(self) -> Option<EventId> {
        self.snapshot.cell(self.row).link()?.causation
    }

    /// Whether the event belongs to something other than itself.
    #[must_use]
    pub fn is_correlated(self) -> bool {
        self.correlation() != self.id()
    }

    /// Whether the event was caused by the event `id`.
    #[must_use]
    pub fn is_caused_by(self, id: EventId) -> bool {
        self.causation() == Some(id)
    }

    /// Whether no cause was given.
    #[must_use]
    pub fn is_root_cause(self) -> bool {
        self.causation().is_none()
    }

    /// The key that orders the event in its stream.
    #[must_use]
    pub fn clock_key(self) -> ClockKey {
        ClockKey {
            wall_ms: self.wall_ms(),
            clock: self.clock(),
            id: self.id(),
        }
    }

    /// Number of the coordinate in this index.
    #[must_use]
    pub fn coordinate_id(self) -> CoordinateId {
        self.snapshot.cell(self.row).coordinate()
    }

    /// Entity and scope. One reference count.
    ///
    /// # Panics
    ///
    /// Never: a visible row has a coordinate of its index.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a coordinate is interned before a row of it is inserted"
    )]
    pub fn coordinate(self) -> Coordinate {
        let at = self.coordinate_id().position();
        let coordinates = self.snapshot.shared.coordinates.read();
        let coordinate = coordinates.get(at).cloned();
        coordinate.expect("a visible row has a coordinate of its index")
    }
}

impl fmt::Debug for RowView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowView")
            .field("sequence", &self.sequence())
            .field("id", &self.id())
            .field("coordinate", &self.coordinate())
            .field("kind", &self.kind())
            .field("clock", &self.clock())
            .finish_non_exhaustive()
    }
}
