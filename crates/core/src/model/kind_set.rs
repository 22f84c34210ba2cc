//! `KindSet`: several kinds at once, as ranges of their numbers.

use super::kind::{EventKind, KindFilter};
use std::sync::Arc;

/// The kinds from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KindRange {
    /// The kind with the least number.
    pub first: EventKind,
    /// The kind with the greatest number.
    pub last: EventKind,
}

impl KindRange {
    const ALL: Self = Self::of_bits(0, u16::MAX);

    const fn of_bits(first: u16, last: u16) -> Self {
        Self {
            first: EventKind::from_bits(first),
            last: EventKind::from_bits(last),
        }
    }

    /// The kinds that a filter takes; none if there are none.
    const fn of(filter: KindFilter) -> Option<Self> {
        match filter {
            KindFilter::Any => Some(Self::ALL),
            KindFilter::Exact(kind) => Some(Self {
                first: kind,
                last: kind,
            }),
            KindFilter::Category(category @ 0..16) => {
                // As `u16::from`, which is not for constants.
                let first = u16::from_be_bytes([category << 4, 0]);
                Some(Self::of_bits(first, first | 0x0FFF))
            }
            KindFilter::Category(_) => None,
        }
    }
}

/// Several kinds: which ones a [`Region`](crate::Region) takes.
///
/// ```
/// # use strandline_core::{EventKind, KindFilter, KindSet};
/// let (placed, paid) = (EventKind::new(1, 1), EventKind::new(1, 2));
/// let orders = KindSet::of([KindFilter::Category(1), KindFilter::Exact(EventKind::new(2, 7))]);
/// let others = orders.without(&KindSet::of([paid]));
/// assert!(others.contains(placed) && !others.contains(paid));
/// assert_eq!(others.ranges().len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KindSet(Ranges);

/// Ascending, and no two of them touch, so that equal sets are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Ranges {
    None,
    /// Nearly every set; to copy it allocates nothing.
    One(KindRange),
    /// Two or more.
    Several(Arc<[KindRange]>),
}

impl KindSet {
    /// Every kind.
    pub const ALL: Self = Self(Ranges::One(KindRange::ALL));
    /// No kind.
    pub const NONE: Self = Self(Ranges::None);

    /// The kinds that any of the filters takes: kinds, and categories.
    #[must_use]
    pub fn of(filters: impl IntoIterator<Item = impl Into<KindFilter>>) -> Self {
        let ranges = filters.into_iter().map(Into::into);
        let mut ranges: Vec<_> = ranges.filter_map(KindRange::of).collect();
        ranges.sort_unstable_by_key(|range| range.first);
        ranges.dedup_by(|next, range| {
            let touches = u32::from(next.first.bits()) <= u32::from(range.last.bits()) + 1;
            if touches {
                range.last = range.last.max(next.last);
            }
            touches
        });
        Self::from_ranges(&ranges)
    }

    /// The kinds of this set that are not in the other. O(ranges of both).
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        let mut left = Vec::new();
        let mut others = other.ranges();
        for range in self.ranges() {
            let last = u32::from(range.last.bits());
            let mut first = u32::from(range.first.bits());
            while let Some((next, rest)) = others.split_first() {
                let out = u32::from(next.first.bits())..u32::from(next.last.bits()) + 1;
                if out.start > last {
                    break;
                }
                left.extend(between(first, out.start));
                first = first.max(out.end);
                if out.end > last {
                    // It may take from the next range too.
                    break;
                }
                others = rest;
            }
            left.extend(between(first, last + 1));
        }
        Self::from_ranges(&left)
    }

    fn from_ranges(ranges: &[KindRange]) -> Self {
        Self(match ranges {
            [] => Ranges::None,
            [one] => Ranges::One(*one),
            several => Ranges::Several(several.into()),
        })
    }

    /// The kinds as ranges, ascending; between two of them is at least one kind.
    #[must_use]
    pub fn ranges(&self) -> &[KindRange] {
        match &self.0 {
            Ranges::None => &[],
            Ranges::One(one) => std::slice::from_ref(one),
            Ranges::Several(several) => several,
        }
    }

    /// Whether a kind is one of the set. O(log ranges).
    #[must_use]
    #[inline]
    pub fn contains(&self, kind: EventKind) -> bool {
        match &self.0 {
            Ranges::None => false,
            Ranges::One(one) => one.first <= kind && kind <= one.last,
            Ranges::Several(several) => {
                let at = several.partition_point(|range| range.last < kind);
                several.get(at).is_some_and(|range| range.first <= kind)
            }
        }
    }

    /// Whether every kind is one of the set.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::ALL
    }

    /// Whether no kind is one of the set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, Ranges::None)
    }
}

impl From<KindFilter> for KindSet {
    fn from(filter: KindFilter) -> Self {
        Self(KindRange::of(filter).map_or(Ranges::None, Ranges::One))
    }
}

/// The kinds with numbers from `first` to before `end`, if there are any.
fn between(first: u32, end: u32) -> Option<KindRange> {
    let (first, last) = (first, end.checked_sub(1)?);
    let bits = |number: u32| u16::try_from(number).ok();
    (first <= last).then_some(KindRange::of_bits(bits(first)?, bits(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filters() -> impl Strategy<Value = Vec<KindFilter>> {
        let edges = vec![0, 1, 0x0FFF, 0x1000, 0x1001, 0x1002, 0x1FFF, 0xF000, 0xFFFF];
        let kind = prop_oneof![prop::sample::select(edges), any::<u16>()];
        let filter = prop_oneof![
            1 => Just(KindFilter::Any),
            2 => (0..18_u8).prop_map(KindFilter::Category),
            6 => kind.prop_map(|bits| KindFilter::Exact(EventKind::from_bits(bits))),
        ];
        prop::collection::vec(filter, 0..6)
    }

    proptest! {
        // Each looks at every kind there is.
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn sets_hold_what_filters_take(taken in filters(), out in filters()) {
            let (set, other) = (KindSet::of(taken.clone()), KindSet::of(out.clone()));
            let rest = set.without(&other);
            for bits in 0..=u16::MAX {
                let kind = EventKind::from_bits(bits);
                let is_in = |filters: &[KindFilter]| filters.iter().any(|own| own.matches(kind));
                prop_assert_eq!(set.contains(kind), is_in(&taken));
                prop_assert_eq!(rest.contains(kind), is_in(&taken) && !is_in(&out));
            }
            for set in [&set, &rest] {
                let apart = |pair: &[KindRange]| pair[0].last.bits() + 1 < pair[1].first.bits();
                prop_assert!(set.ranges().windows(2).all(apart));
                prop_assert!(set.ranges().iter().all(|range| range.first <= range.last));
                prop_assert_eq!(set.is_empty(), set.ranges().is_empty());
                let same = KindSet::from_ranges(set.ranges());
                prop_assert_eq!(&same, set);
            }
        }
    }

    #[test]
    fn a_filter_is_the_set_of_what_it_takes() {
        assert_eq!(KindSet::from(KindFilter::Any), KindSet::ALL);
        assert_eq!(KindSet::from(KindFilter::Category(16)), KindSet::NONE);
        assert_eq!(KindSet::of([KindFilter::Any; 2]), KindSet::ALL);
        assert_eq!(KindSet::of(Vec::<EventKind>::new()), KindSet::NONE);
        assert!(KindSet::ALL.without(&KindSet::ALL).is_empty());
        assert!(KindSet::ALL.without(&KindSet::NONE).is_all());
    }
}
