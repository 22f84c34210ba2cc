//! The small numbers that stand for names while an index grows. Which name has which is not here.

/// An entity and a scope together, as the growing part of an index numbers them.
///
/// Holds until the next [`seal`](crate::IndexWriter::seal); a number of an earlier part is told
/// apart and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CoordinateId {
    part: u32,
    number: u32,
}

impl CoordinateId {
    pub(crate) const fn new(part: u32, number: u32) -> Self {
        Self { part, number }
    }

    /// The number: dense, from 0 in each part, in the order of interning.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.number
    }

    /// The number, if the coordinate is of this part.
    pub(crate) const fn number_in(self, part: u32) -> Option<u32> {
        if self.part == part {
            Some(self.number)
        } else {
            None
        }
    }
}

/// An entity, as the growing part of an index numbers it. Holds as long as a [`CoordinateId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(u32);

impl EntityId {
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number: dense, from 0 in each part.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}
