//! Holding rows of an index against rows that were given to a [`BlockBuilder`]. Blocks are compared with
//! each other elsewhere.

use super::view::RowView;
use crate::block::{BlockBuilder, Source};

impl BlockBuilder {
    /// Whether a row of an index says the same as a row here, its tags apart.
    #[must_use]
    pub fn is_row(&self, row: u32, found: RowView<'_>) -> bool {
        self.is_event(row, found) && found.position() == self.position(row)
    }

    /// Whether a row of an index says the same as a row here, its tags and where the event is apart.
    #[must_use]
    pub fn is_event(&self, row: u32, found: RowView<'_>) -> bool {
        let link = self.link(row);
        row < self.rows()
            && found.sequence() == self.sequence(row)
            && found.id() == self.id(row)
            && found.kind() == self.kind(row)
            && found.wall_ms() == self.wall_ms(row)
            && found.clock() == self.clock(row)
            && found.correlation() == link.map_or_else(|| self.id(row), |link| link.correlation)
            && found.causation() == link.and_then(|link| link.causation)
            && self.with_names(self.coordinate_number(row), |entity, scope| {
                let found = found.coordinate();
                (entity, scope) == (found.entity(), found.scope())
            }) == Some(true)
    }
}
