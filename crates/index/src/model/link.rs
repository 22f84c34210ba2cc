//! `Link`: what a row is linked to, where that is not the default. How links are kept is each part's
//! own.

use super::row::Row;
use strandline_core::EventId;

/// Links of one row, where they differ from the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) correlation: EventId,
    pub(crate) causation: Option<EventId>,
}

impl Row {
    pub(crate) fn link(&self) -> Option<Link> {
        (self.correlation != self.id || self.causation.is_some()).then_some(Link {
            correlation: self.correlation,
            causation: self.causation,
        })
    }
}
