//! `Parked`: an entity whose events are not handled until a person has looked at it.

use serde::{Deserialize, Serialize};
use strandline_core::Sequence;

/// Longest key of what is parked, in bytes: as long as the name of an entity can be.
pub const KEY_BYTES_MAX: usize = strandline_core::NAME_BYTES_MAX;

/// Longest reason that is kept, in bytes; what is longer is cut.
pub const REASON_BYTES_MAX: usize = 1024;

/// An entity, or a correlation, whose events are not handled until it is replayed or discarded.
///
/// All its events from [`first`](Self::first) on up to the position of the partition are parked. They are not kept
/// here: they are read from the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The entity, or the text of the correlation.
    pub key: String,
    /// The first of its events that is parked.
    pub first: Sequence,
    /// What the handler said of it last, or who parked it and why. At most [`REASON_BYTES_MAX`] bytes.
    pub reason: String,
    /// How often the first event was tried.
    pub tries: u32,
    /// When it was parked, in milliseconds since 1970.
    pub at_ms: u64,
    /// How many of its events are parked, as far as the worker has seen them.
    pub count: u64,
    /// Whether it is to be replayed, and the worker has not finished with that.
    pub replay: bool,
}

/// As much of a text as is kept as a reason.
pub(crate) fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
    }
    text
}

impl Parked {
    /// What is parked now, with a reason that is cut to [`REASON_BYTES_MAX`].
    #[must_use]
    pub fn new(
        key: impl Into<String>,
        first: Sequence,
        reason: impl Into<String>,
        at_ms: u64,
    ) -> Self {
        Self {
            key: key.into(),
            first,
            reason: cut(reason.into(), REASON_BYTES_MAX),
            tries: 0,
            at_ms,
            count: 0,
            replay: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_letters() {
        let long = "ä".repeat(REASON_BYTES_MAX);
        let parked = Parked::new("a", Sequence::ZERO, long, 0);
        assert_eq!(parked.reason.len(), REASON_BYTES_MAX);
        assert_eq!(cut("xä".to_owned(), 2), "x");
        assert_eq!(cut("ä".to_owned(), 0), "");
    }
}
