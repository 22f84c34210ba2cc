//! `Request`: what a person asks of a consumer, in one of its partitions.

use serde::{Deserialize, Serialize};
use strandline::SavedPosition;

/// What is asked of the worker that holds a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Request {
    /// Handle no more events with this key until it is replayed or discarded.
    Park {
        /// The entity, or the text of the correlation.
        key: String,
        /// Why.
        reason: String,
    },
    /// Handle what is parked with this key, in order; of all keys, if none is given.
    Replay {
        /// The entity, or the text of the correlation.
        key: Option<String>,
    },
    /// Give up the first of the parked events with this key, the one that failed, and handle the others.
    Skip {
        /// The entity, or the text of the correlation.
        key: String,
    },
    /// Give up the parked events with this key; those that come from now on are handled.
    Discard {
        /// The entity, or the text of the correlation.
        key: String,
    },
    /// Go on from another position: from the beginning, if none is given.
    Reset {
        /// Where to go on.
        to: Option<SavedPosition>,
    },
}

impl Request {
    /// What is asked, in a word.
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::Park { .. } => "park",
            Self::Replay { .. } => "replay",
            Self::Skip { .. } => "skip",
            Self::Discard { .. } => "discard",
            Self::Reset { .. } => "reset",
        }
    }
}
