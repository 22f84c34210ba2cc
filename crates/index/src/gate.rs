//! `SequenceGate`: which sequences are assigned, and which of them readers may see.
//!
//! Two counters and no data: whoever owns the data fills it in between reserving and publishing. Knows
//! the room `model` alone.

use crate::model::{BOUND_MAX, IndexError};
use std::fmt;
use strandline_core::Sequence;
use strandline_core::sync::atomic::{AtomicU64, Ordering};

/// Set in `visible` once the gate is frozen, so that one atomic decides between a freeze and an
/// advance that meet.
const FROZEN: u64 = BOUND_MAX + 1;

/// Assigns sequences, and says up to which of them everything is visible.
///
/// An event is visible exactly if its sequence is below [`visible`](Self::visible).
/// `visible <= allocated`, and neither ever goes back. Every operation takes constant time.
///
/// ```
/// use strandline_core::Sequence;
/// use strandline_index::SequenceGate;
///
/// let gate = SequenceGate::new();
/// assert_eq!(gate.reserve(2)?, Sequence::ZERO);
/// assert_eq!(gate.visible(), Sequence::ZERO, "reserved is not visible");
/// gate.publish(Sequence::new(2));
/// assert_eq!(gate.visible(), Sequence::new(2));
/// gate.freeze();
/// assert!(!gate.advance_to(Sequence::new(2)));
/// # Ok::<(), strandline_index::IndexError>(())
/// ```
pub struct SequenceGate {
    allocated: AtomicU64,
    visible: AtomicU64,
}

impl SequenceGate {
    /// Largest exclusive upper bound of sequences.
    pub const BOUND_MAX: Sequence = Sequence::new(BOUND_MAX);

    /// A gate with nothing assigned and nothing visible.
    #[must_use]
    pub fn new() -> Self {
        Self {
            allocated: AtomicU64::new(0),
            visible: AtomicU64::new(0),
        }
    }

    /// Assigns `count` sequences and returns the first.
    ///
    /// Only the writer of an index should: a sequence that is never filled is a gap.
    ///
    /// # Errors
    ///
    /// [`IndexError::SequencesExhausted`] if they would not stay below 2^63.
    pub fn reserve(&self, count: u64) -> Result<Sequence, IndexError> {
        let bounded = |allocated: u64| {
            allocated
                .checked_add(count)
                .filter(|next| *next <= BOUND_MAX)
        };
        // Relaxed: the counter orders no data; whoever publishes learnt of it from the writer.
        self.allocated
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, bounded)
            .map(Sequence::new)
            .map_err(|allocated| IndexError::SequencesExhausted {
                requested: count,
                allocated: Sequence::new(allocated),
            })
    }

    /// The next sequence to assign. Never below a `visible` that was loaded before it.
    #[must_use]
    pub fn allocated(&self) -> Sequence {
        Sequence::new(self.allocated.load(Ordering::Relaxed))
    }

    /// The watermark: everything with a sequence below it is visible, and complete.
    #[must_use]
    pub fn visible(&self) -> Sequence {
        // Acquire: partner of the release in `publish` and `advance_to`.
        Sequence::new(self.visible.load(Ordering::Acquire) & !FROZEN)
    }

    /// Makes everything below `up_to` visible: for a single publisher.
    ///
    /// # Panics
    ///
    /// If `up_to` exceeds what is allocated or is below what is visible, or if the gate is frozen;
    /// in release builds too.
    pub fn publish(&self, up_to: Sequence) {
        self.assert_allocated(up_to);
        let mut current = self.visible.load(Ordering::Relaxed);
        loop {
            assert!(current & FROZEN == 0, "the gate is frozen at {self:?}");
            assert!(
                up_to.get() >= current,
                "publishing up to {up_to} would go back from {current}"
            );
            // Release: partner of the acquire in `visible`.
            let swapped = self.visible.compare_exchange(
                current,
                up_to.get(),
                Ordering::Release,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return,
                Err(now) => current = now,
            }
        }
    }

    /// Makes everything below `up_to` visible, if it is not yet: for publishers that race.
    ///
    /// Returns whether the gate still moves. A frozen gate returns false and does nothing, even
    /// where `up_to` was visible before.
    ///
    /// # Panics
    ///
    /// If `up_to` exceeds what is allocated, in release builds too.
    pub fn advance_to(&self, up_to: Sequence) -> bool {
        self.assert_allocated(up_to);
        let mut current = self.visible.load(Ordering::Relaxed);
        loop {
            if current & FROZEN != 0 {
                return false;
            }
            if current >= up_to.get() {
                return true;
            }
            // Release: partner of the acquire in `visible`. Whoever advances knows, by the lock
            // under which the rows were filled, of every row below `up_to`; and a
            // read-modify-write continues the release sequences of the advances before it.
            let swapped = self.visible.compare_exchange(
                current,
                up_to.get(),
                Ordering::Release,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return true,
                Err(now) => current = now,
            }
        }
    }

    /// Stops the watermark for good: after this returns, `visible` never moves.
    pub fn freeze(&self) {
        // Release: continues the release sequence of the value it keeps.
        self.visible.fetch_or(FROZEN, Ordering::Release);
    }

    /// Whether the gate is frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.visible.load(Ordering::Acquire) & FROZEN != 0
    }

    /// Raises the allocator to `next`, if it is below.
    ///
    /// # Panics
    ///
    /// If `next` is not below 2^63.
    pub(crate) fn restore(&self, next: Sequence) {
        assert!(next.get() <= BOUND_MAX, "sequence {next} is not below 2^63");
        self.allocated.fetch_max(next.get(), Ordering::Relaxed);
    }

    fn assert_allocated(&self, up_to: Sequence) {
        let allocated = self.allocated();
        assert!(
            up_to <= allocated,
            "publishing up to {up_to} exceeds the {allocated} allocated"
        );
    }
}

impl Default for SequenceGate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SequenceGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequenceGate")
            .field("visible", &self.visible())
            .field("allocated", &self.allocated())
            .field("frozen", &self.is_frozen())
            .finish()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    fn gate(allocated: u64, visible: u64) -> SequenceGate {
        let gate = SequenceGate::new();
        gate.reserve(allocated).unwrap();
        gate.publish(Sequence::new(visible));
        gate
    }

    #[test]
    fn both_counters_start_at_0() {
        let gate = SequenceGate::new();
        assert_eq!(gate.allocated(), Sequence::ZERO);
        assert_eq!(gate.visible(), Sequence::ZERO);
    }

    #[test]
    fn reserve_advances_allocated_and_returns_the_first() {
        let gate = SequenceGate::new();
        assert_eq!(gate.reserve(3), Ok(Sequence::new(0)));
        assert_eq!(gate.reserve(1), Ok(Sequence::new(3)));
        assert_eq!(gate.allocated(), Sequence::new(4));
        assert_eq!(gate.visible(), Sequence::ZERO);
    }

    #[test]
    fn reserve_refuses_to_reach_2_to_the_63() {
        let gate = gate(5, 0);
        assert!(gate.reserve(u64::MAX).is_err());
        assert!(gate.reserve(BOUND_MAX - 4).is_err());
        assert_eq!(gate.allocated(), Sequence::new(5), "nothing changed");
        assert_eq!(gate.reserve(BOUND_MAX - 5), Ok(Sequence::new(5)));
        assert!(gate.reserve(1).is_err());
        gate.publish(gate.allocated());
        assert_eq!(gate.visible(), Sequence::new(BOUND_MAX));
    }

    #[test]
    #[should_panic(expected = "exceeds the 2 allocated")]
    fn publish_refuses_to_exceed_allocated() {
        gate(2, 0).publish(Sequence::new(3));
    }

    #[test]
    #[should_panic(expected = "would go back")]
    fn publish_refuses_to_go_back() {
        gate(2, 2).publish(Sequence::new(1));
    }

    #[test]
    #[should_panic(expected = "frozen")]
    fn publish_refuses_a_frozen_gate() {
        let gate = gate(2, 1);
        gate.freeze();
        gate.publish(Sequence::new(2));
    }

    #[test]
    fn advance_to_never_goes_back_and_stops_when_frozen() {
        let gate = gate(5, 3);
        assert!(gate.advance_to(Sequence::new(2)));
        assert_eq!(gate.visible(), Sequence::new(3));
        assert!(gate.advance_to(Sequence::new(4)));
        gate.freeze();
        assert!(!gate.advance_to(Sequence::new(5)));
        assert_eq!(gate.visible(), Sequence::new(4), "the mark is masked");
    }

    #[test]
    #[should_panic(expected = "exceeds the 1 allocated")]
    fn advance_to_refuses_to_exceed_allocated() {
        gate(1, 0).advance_to(Sequence::new(2));
    }

    #[test]
    fn restore_only_raises_the_allocator() {
        let gate = gate(5, 0);
        gate.restore(Sequence::new(3));
        assert_eq!(gate.allocated(), Sequence::new(5));
        gate.restore(Sequence::new(9));
        assert_eq!(gate.allocated(), Sequence::new(9));
    }
}
