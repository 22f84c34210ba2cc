//! `Start`: where a cursor begins.

use crate::SavedPosition;
use strandline_core::Sequence;

/// Where a [`Cursor`](crate::Cursor) begins.
///
/// A [`SavedPosition`] is one, and so is an `Option` of it: the beginning, if none was saved yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// With the first event that there is.
    #[default]
    Beginning,
    /// With the first event that becomes visible after the cursor was made.
    Now,
    /// With the first event after this one, which is visible.
    After(Sequence),
    /// Where a reader was when it saved its position.
    Saved(SavedPosition),
}

impl From<SavedPosition> for Start {
    fn from(position: SavedPosition) -> Self {
        Self::Saved(position)
    }
}

impl From<&SavedPosition> for Start {
    fn from(position: &SavedPosition) -> Self {
        Self::Saved(*position)
    }
}

impl From<Option<SavedPosition>> for Start {
    fn from(position: Option<SavedPosition>) -> Self {
        position.map_or(Self::Beginning, Self::Saved)
    }
}
