//! `Position`: the id of an event, as disintegrate has it.

use serde::{Deserialize, Serialize};
use std::fmt;
use strandline::Sequence;

/// Where an event is in the store: its sequence and one, so that the default, 0, is before every event.
///
/// Positions rise in the order in which events were appended, and have gaps.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// A position from a number that was kept elsewhere.
    #[must_use]
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Of the event with this sequence.
    pub(crate) const fn of(sequence: Sequence) -> Self {
        Self(sequence.get().saturating_add(1))
    }

    /// Of the last event before this sequence, which is the first one after the position.
    pub(crate) const fn before(sequence: Sequence) -> Self {
        Self(sequence.get())
    }

    /// The first sequence after this position.
    pub(crate) const fn next(self) -> Sequence {
        Sequence::new(self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
