//! `Order`: names that come in no order, put in order by whoever asks for it.
//!
//! Sorted runs of numbers whose lengths fall by half at least. Who asks sorts what came since the last
//! time, and merges it with the runs that are no longer (Bentley and Saxe, 1980), so that each name is
//! merged O(log names) times, and there are O(log names) runs. Who adds names neither sorts nor waits.

use crate::search::sort_by_text;
use std::sync::Arc;
use strandline_core::sync::Mutex;

/// Numbers of names, by name.
pub(crate) struct Order(Mutex<Runs>);

#[derive(Default)]
struct Runs {
    /// Numbers below it are in a run.
    len: u32,
    runs: Vec<Run>,
}

/// Numbers whose names ascend.
pub(crate) type Run = Arc<[u32]>;

impl Order {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Runs::default()))
    }

    /// Runs that have each number below `len` once, and may have more. O(n log n) in the numbers that no
    /// run had, and amortized O(log names) for each of them.
    ///
    /// `name` gives the name of each number below `len`. It is called under a lock that only others who
    /// ask for the order wait for.
    pub(crate) fn runs<'n>(&self, len: u32, name: impl Fn(u32) -> &'n str) -> Vec<Run> {
        let mut runs = self.0.lock();
        if runs.len < len {
            let mut new: Vec<u32> = (runs.len..len).collect();
            sort_by_text(&mut new, |number| name(number).as_bytes());
            while let Some(last) = runs.runs.pop_if(|last| last.len() < new.len() * 2) {
                new = merge(&last, &new, &name);
            }
            runs.runs.push(new.into());
            runs.len = len;
        }
        runs.runs.clone()
    }
}

/// The numbers of both, by name.
fn merge<'n>(left: &[u32], right: &[u32], name: impl Fn(u32) -> &'n str) -> Vec<u32> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut lefts, mut rights) = (left.iter().copied(), right.iter().copied());
    let (mut left, mut right) = (lefts.next(), rights.next());
    while let (Some(a), Some(b)) = (left, right) {
        if name(a) <= name(b) {
            merged.push(a);
            left = lefts.next();
        } else {
            merged.push(b);
            right = rights.next();
        }
    }
    merged.extend(left.into_iter().chain(lefts));
    merged.extend(right.into_iter().chain(rights));
    merged
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_sorted_few_and_have_each_name_once(
            names in proptest::collection::vec("[ab]{0,3}", 0..200),
            asked in proptest::collection::vec(0..200_u32, 0..50),
        ) {
            let count = u32::try_from(names.len()).unwrap();
            let mut asked: Vec<_> = asked.iter().map(|len| (*len).min(count)).collect();
            asked.sort_unstable();
            let order = Order::new();
            for len in asked.into_iter().chain([count]) {
                let name = |number: u32| names[number as usize].as_str();
                let runs = order.runs(len, name);
                for run in &runs {
                    prop_assert!(run.is_sorted_by_key(|number| name(*number)));
                }
                prop_assert!(runs.is_sorted_by(|a, b| a.len() >= b.len() * 2));
                let mut all: Vec<_> = runs.iter().flat_map(|run| run.iter().copied()).collect();
                all.sort_unstable();
                prop_assert!(all.into_iter().eq(0..len));
            }
        }
    }
}
