//! `Wakers`: tasks that wait for a sync without a thread of their own.

use std::task::Waker;
use strandline_core::Sequence;

/// Names a task among those that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WakerKey(u64);

/// The wakers of the tasks that wait for everything below some sequence to be durable.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    next: u64,
    waiting: Vec<(WakerKey, Sequence, Waker)>,
}

impl Wakers {
    /// Lets a task wait, under a new key or the one it has. Gives the waker that it had under it,
    /// which is to be dropped without a lock: that may run code of the caller's.
    pub(super) fn set(
        &mut self,
        key: &mut Option<WakerKey>,
        end: Sequence,
        waker: Waker,
    ) -> Option<Waker> {
        let own = *key.get_or_insert_with(|| {
            self.next += 1;
            WakerKey(self.next)
        });
        for (key, _, before) in &mut self.waiting {
            if *key == own {
                return Some(std::mem::replace(before, waker));
            }
        }
        self.waiting.push((own, end, waker));
        None
    }

    /// Forgets a task that no longer waits.
    pub(super) fn remove(&mut self, key: WakerKey) -> Option<Waker> {
        let place = self.waiting.iter().position(|(own, ..)| *own == key)?;
        Some(self.waiting.swap_remove(place).2)
    }

    /// Takes out the wakers of those for whom everything is durable; of everyone, if nothing more
    /// will be.
    pub(super) fn take(&mut self, durable: Sequence, everyone: bool) -> Vec<Waker> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        self.waiting
            .extract_if(.., |(_, end, _)| everyone || *end <= durable)
            .map(|(.., waker)| waker)
            .collect()
    }
}
