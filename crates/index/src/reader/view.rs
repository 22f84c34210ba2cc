//! `RowView`: one event of a snapshot, read from the columns when asked. Finds none.

use crate::model::{BlockError, Claim};
use crate::part::Part;
use std::fmt;
use strandline_core::{ClockKey, Coordinate, EventId, EventKind, Sequence};

/// One event of a snapshot. Copies nothing: each method reads its column, in O(1) unless it says
/// otherwise.
#[derive(Clone, Copy)]
pub struct RowView<'s> {
    part: &'s Part,
    row: u32,
}

impl<'s> RowView<'s> {
    #[inline]
    pub(crate) const fn new(part: &'s Part, row: u32) -> Self {
        Self { part, row }
    }

    /// Id.
    #[must_use]
    #[inline]
    pub fn id(self) -> EventId {
        self.part.id(self.row)
    }

    /// Place in the global commit order. O(log gaps in the sequences).
    #[must_use]
    #[inline]
    pub fn sequence(self) -> Sequence {
        self.part.sequence_of(self.row)
    }

    /// What happened.
    #[must_use]
    #[inline]
    pub fn kind(self) -> EventKind {
        self.part.kind(self.row)
    }

    /// When, in milliseconds since 1970.
    #[must_use]
    pub fn wall_ms(self) -> u64 {
        self.part.wall_ms(self.row)
    }

    /// Place in the entity's stream.
    #[must_use]
    #[inline]
    pub fn clock(self) -> u32 {
        self.part.clock(self.row)
    }

    /// Where the event is stored, as it was inserted.
    #[must_use]
    #[inline]
    pub fn position(self) -> u64 {
        self.part.position(self.row)
    }

    /// What the event belongs to; its own id by default.
    #[must_use]
    pub fn correlation(self) -> EventId {
        self.part
            .link(self.row)
            .map_or_else(|| self.id(), |link| link.correlation)
    }

    /// What caused the event.
    #[must_use]
    pub fn causation(self) -> Option<EventId> {
        self.part.link(self.row)?.causation
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

    /// What was found damaged in the block that the row is of, and could not be made anew: what the
    /// row says may then be wrong, and it may not be what was asked for.
    #[must_use]
    #[inline]
    pub fn damage(self) -> Option<&'s BlockError> {
        match self.part {
            Part::Live(_) => None,
            Part::Block(view) => view.damage_to_row(self.row),
        }
    }

    /// What is to be held against the log, if a block says what the row does. O(1).
    #[must_use]
    pub fn claim(self) -> Option<Claim> {
        self.part.claim()
    }

    /// Entity and scope. One reference count, but for the first time that a block is asked for it.
    ///
    /// Of a block that is damaged and could not be made anew, both may be `?`; the `damage` of the
    /// snapshot says so.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the names are allowed ones")]
    pub fn coordinate(self) -> Coordinate {
        let number = self.part.coordinate_number(self.row);
        self.part
            .coordinate(number)
            .unwrap_or_else(|| Coordinate::new("?", "?").expect("allowed names"))
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
