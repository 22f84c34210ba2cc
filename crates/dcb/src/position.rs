//! Positions, from 1, and the sequences that they stand for, from 0.

use strandline_core::{Query, Sequence};

/// The position of the event with a sequence.
pub(crate) const fn position_of(sequence: Sequence) -> u64 {
    sequence.get().saturating_add(1)
}

/// The position of the last event before a watermark; none before the first event.
pub(crate) const fn last_before(watermark: Sequence) -> Option<u64> {
    match watermark.get() {
        0 => None,
        last => Some(last),
    }
}

/// The events of a query from a position on: from the position and later, or backwards, so that 0 has none.
pub(crate) fn from_on(query: Query, start: Option<u64>, backwards: bool) -> Query {
    match (start, backwards) {
        (None, _) | (Some(0 | 1), false) => query,
        (Some(start), false) => query.after(Sequence::new(start.saturating_sub(2))),
        (Some(start), true) => query.before(Sequence::new(start)),
    }
}
