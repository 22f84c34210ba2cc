//! `Coordinates`: the coordinates of the part that grew at some moment, by number, for any thread. Gives no
//! numbers.

use crate::live::Live;
use crate::model::CoordinateId;
use std::fmt;
use std::sync::Arc;
use strandline_core::Coordinate;

/// The coordinates that were interned between two seals, by number.
///
/// [`IndexWriter::coordinates`](crate::IndexWriter::coordinates) gives those since the last seal.
#[derive(Clone)]
pub struct Coordinates(Arc<Live>);

impl Coordinates {
    pub(super) const fn new(live: Arc<Live>) -> Self {
        Self(live)
    }

    /// The coordinate with a number; none for one of another part. One reference count.
    #[must_use]
    pub fn get(&self, id: CoordinateId) -> Option<Coordinate> {
        let number = id.number_in(self.0.number)?;
        self.0.coordinates.get(number).cloned()
    }
}

impl fmt::Debug for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinates").finish_non_exhaustive()
    }
}
