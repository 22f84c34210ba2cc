//! `Assigned`: what an event is given at its commit.

use strandline_core::{EventId, Hash, Hlc};
use strandline_index::CoordinateId;

/// What an event is given at its commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assigned {
    pub(super) id: EventId,
    pub(super) coordinate: Option<CoordinateId>,
    /// The local number of the coordinate.
    pub(super) local: u32,
    pub(super) clock: u32,
    pub(super) hlc: Hlc,
    pub(super) hash: Hash,
    pub(super) correlation: EventId,
    pub(super) causation: Option<EventId>,
}
