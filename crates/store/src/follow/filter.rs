//! `RowFilter`: which events of its query a cursor leaves out, as their rows say.

use std::fmt;
use strandline_index::RowView;

/// What a caller says of each row: whether its event is given.
pub(super) struct RowFilter(Box<dyn Fn(RowView<'_>) -> bool + Send + Sync>);

impl RowFilter {
    pub(super) fn new(keep: impl Fn(RowView<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Box::new(keep))
    }

    /// Whether the event of a row is left out. None is left out by a row that is damaged: to read it says so.
    #[inline]
    pub(super) fn leaves_out(&self, row: RowView<'_>) -> bool {
        // First the filter: what a row says is checked when it is asked.
        !(self.0)(row) && row.damage().is_none()
    }
}

impl fmt::Debug for RowFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowFilter")
    }
}
