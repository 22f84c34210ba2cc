//! `Held`: what somebody holds of a store that the driver goes on with.

use crate::expect::Contents;
use strandline::Snapshot;

/// A snapshot that somebody holds, and what it showed.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) snapshot: Snapshot,
    pub(super) contents: Contents,
    /// Whether its process is another than the one that writes, and outlives it.
    pub(super) is_beside: bool,
}
