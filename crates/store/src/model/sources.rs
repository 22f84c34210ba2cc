//! `Sources`: how far sources were gone through, as all of a store sees it. It grows with the writer, or with what
//! a read-only store reads of another process.

use super::tracked::Tracked;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::sync::RwLock;

/// The positions of sources. A thread holds its lock alone, and for no longer than a look.
#[derive(Default)]
pub(crate) struct Sources(RwLock<Table>);

/// By source, its positions: the newest that is visible, and those after it. Ascending, and so are the
/// sequences. One, but while events wait for a sync.
type Table = HashMap<Arc<str>, Vec<At>>;

#[derive(Debug, Clone, Copy)]
struct At {
    position: u64,
    sequence: Sequence,
}

impl At {
    fn of(self, source: &Arc<str>) -> Tracked {
        Tracked {
            source: source.clone(),
            position: self.position,
            sequence: self.sequence,
        }
    }
}

impl Sources {
    /// The newest position of a source, visible or not. Expected O(1).
    pub(crate) fn newest(&self, source: &str) -> Option<Tracked> {
        let table = self.0.read();
        let (source, all) = table.get_key_value(source)?;
        Some(all.last()?.of(source))
    }

    /// How many sources there are.
    pub(crate) fn len(&self) -> usize {
        self.0.read().len()
    }

    /// Takes positions, where they rise. `visible` is asked for under the lock.
    pub(crate) fn note<'n>(
        &self,
        positions: impl Iterator<Item = (&'n str, u64, Sequence)>,
        visible: impl Fn() -> Sequence,
    ) {
        let mut table = self.0.write();
        // Not before it: whoever looks has loaded a later one, under the lock too, and needs the newest below it.
        let visible = visible();
        for (source, position, sequence) in positions {
            let at = At { position, sequence };
            let Some(all) = table.get_mut(source) else {
                table.insert(source.into(), vec![at]);
                continue;
            };
            if all.last().is_some_and(|last| last.position >= position) {
                continue;
            }
            all.push(at);
            let seen = all.partition_point(|at| at.sequence < visible);
            all.drain(..seen.saturating_sub(1));
        }
    }

    /// The newest position of a source that is visible. O(events that wait for a sync) at most.
    pub(crate) fn seen(&self, source: &str, visible: impl Fn() -> Sequence) -> Option<Tracked> {
        let table = self.0.read();
        let visible = visible();
        let (source, all) = table.get_key_value(source)?;
        Some(newest_below(all, visible)?.of(source))
    }

    /// The newest visible position of each source that has one, by their names.
    pub(crate) fn all_seen(&self, visible: impl Fn() -> Sequence) -> Vec<Tracked> {
        let mut all: Vec<_> = {
            let table = self.0.read();
            let visible = visible();
            let seen = |(source, all): (_, &Vec<At>)| Some(newest_below(all, visible)?.of(source));
            table.iter().filter_map(seen).collect()
        };
        all.sort_by(|one, other| one.source.cmp(&other.source));
        all
    }
}

fn newest_below(all: &[At], visible: Sequence) -> Option<At> {
    let mut newest = all.iter().rev();
    newest.find(|at| at.sequence < visible).copied()
}

impl fmt::Debug for Sources {
    /// Under no lock: what is written to may be code of the caller's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a list of all that was noted, with a watermark that never goes back.
        #[test]
        fn what_is_seen_is_the_newest_below_the_watermark(
            steps in proptest::collection::vec((0..3_u64, 0..4_u64, 0..6_u64), 0..60),
        ) {
            let sources = Sources::default();
            let names = ["a", "b", "c"];
            let mut noted: Vec<(&str, u64, u64)> = Vec::new();
            let (mut next, mut visible) = (0, 0);
            for (source, more, shown) in steps {
                let source = names[usize::try_from(source).unwrap()];
                let last = noted.iter().rev().find(|(own, _, _)| *own == source);
                let position = last.map_or(0, |(_, position, _)| position + more);
                if last.is_none() || more > 0 {
                    noted.push((source, position, next));
                }
                let one = (source, position, Sequence::new(next));
                sources.note([one].into_iter(), || Sequence::new(visible));
                next += 1;
                visible = (visible + shown).min(next);
                let seen = |source: &str| {
                    let mut newest = noted.iter().rev();
                    newest.find(|(own, _, at)| *own == source && *at < visible)
                };
                for source in names {
                    let found = sources.seen(source, || Sequence::new(visible));
                    let found = found.map(|at| (at.position, at.sequence.get()));
                    prop_assert_eq!(found, seen(source).map(|(_, position, at)| (*position, *at)));
                    let newest = noted.iter().rev().find(|(own, _, _)| *own == source);
                    let found = sources.newest(source).map(|at| at.position);
                    prop_assert_eq!(found, newest.map(|(_, position, _)| *position));
                }
                let all = sources.all_seen(|| Sequence::new(visible));
                let expected = names.iter().filter(|source| seen(source).is_some());
                prop_assert!(all.iter().map(|at| &*at.source).eq(expected.copied()));
            }
            // What nobody can ask for any more is not kept.
            for source in names {
                let one = (source, u64::MAX, Sequence::new(next));
                sources.note([one].into_iter(), || Sequence::new(next));
                prop_assert!(sources.0.read().get(source).unwrap().len() <= 2);
            }
        }
    }
}
