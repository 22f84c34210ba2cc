//! `Recent`: values within a budget, of which the one that was used longest ago goes first. Holds no bytes of
//! its own and knows no file.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Values by key, with what each counts for.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    bytes_max: u64,
    bytes: u64,
    /// Counts uses.
    now: u64,
    values: HashMap<K, Entry<V>>,
    /// Keys by their last use.
    by_use: BTreeMap<u64, K>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: u64,
    used: u64,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            now: 0,
            values: HashMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// How many bytes there are at most.
    pub(super) const fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Has another budget from now on, and gives the keys of those that had to go.
    pub(super) fn set_bytes_max(&mut self, bytes_max: u64) -> Vec<K> {
        self.bytes_max = bytes_max;
        self.shrink()
    }

    /// How many bytes the values count for together.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The value of a key, which is used by this.
    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        self.now += 1;
        let entry = self.values.get_mut(key)?;
        if let Some(key) = self.by_use.remove(&entry.used) {
            self.by_use.insert(self.now, key);
        }
        entry.used = self.now;
        Some(&entry.value)
    }

    /// Adds a value and gives the keys of those that had to go; its own if it is greater than the budget.
    pub(super) fn insert(&mut self, key: K, value: V, bytes: u64) -> Vec<K> {
        if bytes > self.bytes_max {
            return vec![key];
        }
        self.remove(&key);
        self.now += 1;
        self.by_use.insert(self.now, key.clone());
        let used = self.now;
        self.values.insert(key, Entry { value, bytes, used });
        self.bytes += bytes;
        self.shrink()
    }

    /// Takes away those that have no room, and gives their keys.
    fn shrink(&mut self) -> Vec<K> {
        let mut gone = Vec::new();
        while self.bytes > self.bytes_max {
            let Some((_, key)) = self.by_use.pop_first() else {
                break;
            };
            if let Some(entry) = self.values.remove(&key) {
                self.bytes = self.bytes.saturating_sub(entry.bytes);
            }
            gone.push(key);
        }
        gone
    }

    /// Takes a value away, and says whether there was one.
    pub(super) fn remove(&mut self, key: &K) -> bool {
        let Some(entry) = self.values.remove(key) else {
            return false;
        };
        self.by_use.remove(&entry.used);
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        true
    }

    /// Takes away those that are not to be kept, and gives their keys. O(values).
    pub(super) fn retain(&mut self, is_kept: impl Fn(&K) -> bool) -> Vec<K> {
        let gone = self.values.keys().filter(|key| !is_kept(key));
        let gone: Vec<K> = gone.cloned().collect();
        for key in &gone {
            self.remove(key);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Beside a list in the order of uses.
        #[test]
        fn keeps_what_was_used_last(
            budget in 0..40_u64,
            calls in proptest::collection::vec((0..4_u8, 0..12_u8, 0..20_u64), 0..80),
        ) {
            let mut recent = Recent::new(budget);
            let mut plain: Vec<(u8, u64)> = Vec::new();
            for (call, key, bytes) in calls {
                let at = plain.iter().position(|(own, _)| *own == key);
                match call {
                    0 | 1 => {
                        let gone = recent.insert(key, bytes, bytes);
                        if bytes > budget {
                            prop_assert_eq!(gone, [key]);
                            continue;
                        }
                        at.map(|at| plain.remove(at));
                        plain.push((key, bytes));
                        let mut expected = Vec::new();
                        while plain.iter().map(|(_, bytes)| bytes).sum::<u64>() > budget {
                            expected.push(plain.remove(0).0);
                        }
                        prop_assert_eq!(gone, expected);
                    }
                    2 => {
                        prop_assert_eq!(recent.get(&key), at.map(|at| &plain[at].1));
                        if let Some(at) = at {
                            let entry = plain.remove(at);
                            plain.push(entry);
                        }
                    }
                    _ => {
                        let mut gone = recent.retain(|own| own % 3 != key % 3);
                        gone.sort_unstable();
                        let mut expected: Vec<_> = plain.iter().map(|(own, _)| *own)
                            .filter(|own| own % 3 == key % 3).collect();
                        expected.sort_unstable();
                        prop_assert_eq!(gone, expected);
                        plain.retain(|(own, _)| own % 3 != key % 3);
                    }
                }
                prop_assert_eq!(recent.bytes(), plain.iter().map(|(_, bytes)| bytes).sum::<u64>());
                prop_assert!(recent.bytes() <= recent.bytes_max());
            }
        }
    }
}
