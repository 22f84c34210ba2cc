//! `Hot`: states in memory, a bounded number of them.

use super::held::Held;
use std::collections::HashMap;
use strandline_core::sync::Mutex;

/// The states that were used last, in memory.
///
/// In two halves: what is used goes into the young one, and when that is full it becomes the old one, which is
/// forgotten. So each use costs the same, and what was used within the last half stays.
#[derive(Debug)]
pub(crate) struct Hot<A> {
    half: usize,
    halves: Mutex<Halves<A>>,
}

#[derive(Debug)]
struct Halves<A> {
    young: HashMap<Box<str>, Held<A>>,
    old: HashMap<Box<str>, Held<A>>,
}

impl<A> Hot<A> {
    /// Room for so many states, at least 2.
    pub(crate) fn new(states_max: usize) -> Self {
        Self {
            half: (states_max / 2).max(1),
            halves: Mutex::new(Halves {
                young: HashMap::new(),
                old: HashMap::new(),
            }),
        }
    }

    /// The state of an entity, which stays.
    pub(crate) fn get(&self, entity: &str) -> Option<Held<A>> {
        let mut halves = self.halves.lock();
        if let Some(held) = halves.young.get(entity) {
            return Some(held.clone());
        }
        let (name, held) = halves.old.remove_entry(entity)?;
        let found = held.clone();
        let forgotten = halves.put(name, held, self.half);
        // A caller's code runs where states are dropped.
        drop(halves);
        drop(forgotten);
        Some(found)
    }

    /// The state of an entity, which goes: whoever changes it need not copy it then.
    pub(crate) fn take(&self, entity: &str) -> Option<Held<A>> {
        let mut halves = self.halves.lock();
        let young = halves.young.remove(entity);
        let old = halves.old.remove(entity);
        drop(halves);
        young.or(old)
    }

    /// Keeps a state, in the place of an older one. One that is there and newer stays.
    pub(crate) fn keep(&self, entity: &str, held: Held<A>) {
        let mut halves = self.halves.lock();
        let other = halves.young.remove(entity);
        let other = other.or_else(|| halves.old.remove(entity));
        let (kept, gone) = match other {
            Some(other) if other.version() > held.version() => (other, Some(held)),
            other => (held, other),
        };
        let forgotten = halves.put(entity.into(), kept, self.half);
        drop(halves);
        drop((gone, forgotten));
    }

    /// How many states there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let halves = self.halves.lock();
        halves.young.len() + halves.old.len()
    }
}

impl<A> Halves<A> {
    /// Puts a state into the young half; if that is full, it becomes the old one first, and what was that is given.
    fn put(
        &mut self,
        entity: Box<str>,
        held: Held<A>,
        half: usize,
    ) -> Option<HashMap<Box<str>, Held<A>>> {
        let is_full = self.young.len() >= half;
        let forgotten = is_full.then(|| {
            let young = std::mem::take(&mut self.young);
            std::mem::replace(&mut self.old, young)
        });
        self.young.insert(entity, held);
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::super::held::Head;
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use strandline::Hash;

    fn held(clock: u32) -> Held<u32> {
        let hash = Hash::ZERO;
        Held {
            state: Arc::new(clock),
            head: Some(Head { clock, hash }),
            saved: 0,
            key: None,
        }
    }

    #[test]
    fn what_was_used_last_stays() {
        let hot = Hot::new(4);
        for number in 0..100 {
            hot.keep(&number.to_string(), held(number));
            assert!(hot.len() <= 4);
            assert!(hot.get(&number.to_string()).is_some());
            hot.keep("often", held(0));
        }
        assert!(hot.get("often").is_some() && hot.get("50").is_none());
    }

    #[test]
    fn the_newer_state_stays() {
        let hot = Hot::new(4);
        for clock in [3, 5, 4] {
            hot.keep("a", held(clock));
        }
        assert_eq!(*hot.get("a").unwrap().state, 5);
        assert_eq!(*hot.take("a").unwrap().state, 5);
        assert!(hot.take("a").is_none() && hot.len() == 0);
    }

    proptest! {
        /// Whatever is there is the newest of its entity since it was taken.
        #[test]
        fn it_is_bounded_and_never_gives_another(
            steps in proptest::collection::vec((0..3_u8, 0..6_u8, 0..50_u32), 0..200),
            states_max in 0..6_usize,
        ) {
            let hot = Hot::new(states_max);
            let mut newest = [None; 6];
            for (step, entity, clock) in steps {
                let name = entity.to_string();
                let known = &mut newest[usize::from(entity)];
                match step {
                    0 => {
                        hot.keep(&name, held(clock));
                        // It may have been forgotten, and then a lower one is the newest.
                        *known = hot.get(&name).map(|held| *held.state);
                        prop_assert!(*known >= Some(clock));
                    }
                    1 => {
                        let taken = hot.take(&name).map(|held| *held.state);
                        prop_assert!(taken.is_none() || taken == *known);
                        *known = None;
                    }
                    _ => {
                        let got = hot.get(&name).map(|held| *held.state);
                        prop_assert!(got.is_none() || got == *known);
                    }
                }
                prop_assert!(hot.len() <= states_max.max(2));
            }
        }
    }
}
