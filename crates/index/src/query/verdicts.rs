//! `Verdicts`: whether coordinates pass, remembered, so that each is asked about few times. Asks no names.

/// Of so many coordinates, all are remembered at once.
const FEW: usize = 1 << 10;
/// Of more, that many which were asked about last, until one of so many was asked about.
const RECENT: usize = 1 << 8;
const SHARE: usize = 16;

/// Whether a coordinate passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Unknown,
    Passes,
    Fails,
}

/// Verdicts on coordinates. What it takes is in proportion to what was asked about, however many
/// coordinates there are.
#[derive(Default)]
pub(super) struct Verdicts {
    /// Of every coordinate, once that pays.
    all: Vec<Verdict>,
    /// Before: of some that were asked about, by the lowest bits of their number.
    recent: Vec<Option<(u32, bool)>>,
    asked: usize,
}

impl Verdicts {
    /// The verdict on a coordinate of `count`: as it is remembered, or as `ask` says.
    pub(super) fn get(
        &mut self,
        coordinate: u32,
        count: usize,
        ask: impl FnOnce() -> bool,
    ) -> bool {
        if self.all.is_empty() {
            if count > FEW && self.asked < count / SHARE {
                return self.recent(coordinate, ask);
            }
            self.all = vec![Verdict::Unknown; count];
        }
        let Some(verdict) = self.all.get_mut(coordinate as usize) else {
            return ask();
        };
        if *verdict == Verdict::Unknown {
            *verdict = if ask() {
                Verdict::Passes
            } else {
                Verdict::Fails
            };
        }
        *verdict == Verdict::Passes
    }

    fn recent(&mut self, coordinate: u32, ask: impl FnOnce() -> bool) -> bool {
        if self.recent.is_empty() {
            self.recent = vec![None; RECENT];
        }
        let slot = self.recent.get_mut(coordinate as usize % RECENT);
        if let Some(Some((own, passes))) = &slot
            && *own == coordinate
        {
            return *passes;
        }
        self.asked += 1;
        let passes = ask();
        if let Some(slot) = slot {
            *slot = Some((coordinate, passes));
        }
        passes
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn verdicts_are_those_that_were_given(
            count in 1..40_000_usize,
            asked in proptest::collection::vec(any::<u32>(), 0..6000),
            near in any::<bool>(),
        ) {
            let mut verdicts = Verdicts::default();
            let passes = |coordinate: u32| coordinate % 3 == 1;
            for number in asked {
                let all = u32::try_from(if near { count.min(300) } else { count }).unwrap();
                let coordinate = number % all;
                let found = verdicts.get(coordinate, count, || passes(coordinate));
                prop_assert_eq!(found, passes(coordinate));
            }
        }
    }

    #[test]
    fn a_look_at_few_of_many_coordinates_takes_little() {
        let count = 1 << 24;
        let mut verdicts = Verdicts::default();
        for coordinate in (0..1000).map(|number| number * 7919) {
            verdicts.get(coordinate, count, || true);
        }
        assert!(verdicts.all.is_empty());
        assert_eq!(verdicts.recent.len(), RECENT);
    }

    #[test]
    fn whoever_looks_at_all_coordinates_again_and_again_asks_about_each_hardly_twice() {
        let (count, mut asked) = (1 << 16, 0);
        let mut verdicts = Verdicts::default();
        for coordinate in (0..10).flat_map(|_| 0..1 << 16) {
            verdicts.get(coordinate, count, || {
                asked += 1;
                false
            });
        }
        assert!(asked <= count + count / SHARE, "{asked}");
    }
}
