//! `Wakers`: tasks that wait for a sync without a thread of their own.

use std::collections::BTreeMap;
use std::task::Waker;
use strandline_core::Sequence;

/// Names a task among those that wait, in the order in which they are woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WakerKey {
    end: Sequence,
    number: u64,
}

/// The wakers of the tasks that wait for everything below some sequence to be durable.
///
/// A waker is code of the caller's, also when it is dropped: none is cloned, dropped or woken in here.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    next: u64,
    waiting: BTreeMap<WakerKey, Waker>,
}

impl Wakers {
    /// Lets a task wait, under a new key or the one it has. Gives the waker that it had under it.
    /// O(log n).
    pub(super) fn set(
        &mut self,
        key: &mut Option<WakerKey>,
        end: Sequence,
        waker: Waker,
    ) -> Option<Waker> {
        let own = *key.get_or_insert_with(|| {
            self.next += 1;
            let number = self.next;
            WakerKey { end, number }
        });
        self.waiting.insert(own, waker)
    }

    /// Forgets a task that no longer waits. O(log n).
    pub(super) fn remove(&mut self, key: WakerKey) -> Option<Waker> {
        self.waiting.remove(&key)
    }

    /// Whether anybody waits.
    pub(super) fn has_any(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How many wait.
    #[cfg(all(test, strandline_loom))]
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes out the wakers of those for whom everything is durable, in order; of everyone, if nothing
    /// more will be. O(log n) for each that it gives.
    pub(super) fn take(&mut self, durable: Sequence, everyone: bool) -> Vec<Waker> {
        let mut taken = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            if !everyone && first.key().end > durable {
                break;
            }
            taken.push(first.remove());
        }
        taken
    }
}
