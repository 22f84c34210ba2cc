//! `RemovedInSegments`: the streams that end in a removed event, by the segments that say so: in one list
//! each, or in one for all of a merged file. What a list is made of is in `removed`.

use super::heads::{HeadMap, MergedHeads, RemovedHead};
use super::removed::RemovedHeads;
use crate::trace;
use crate::{Error, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Region, Sequence};
use strandline_index::Snapshot;
use strandline_segment::SegmentId;

/// A list, and the segments that it counts for, which ascend.
#[derive(Debug, Clone)]
struct Lists {
    of: Vec<SegmentId>,
    heads: Arc<RemovedHeads>,
}

impl Lists {
    fn has(&self, segment: SegmentId) -> bool {
        self.of.binary_search(&segment).is_ok()
    }
}

/// The heads of all segments: no more lists than the index has parts.
#[derive(Debug, Default)]
pub(crate) struct RemovedInSegments {
    /// Of one segment each, oldest first.
    single: Vec<(SegmentId, Arc<RemovedHeads>)>,
    /// Of several each; no segment is in two of them, nor in one of these and among the others.
    merged: Vec<Lists>,
}

impl RemovedInSegments {
    /// Notes what a segment has, in place of what it had. O(segments of a list that has it).
    pub(crate) fn set(&mut self, segment: SegmentId, heads: Option<RemovedHeads>) {
        self.forget_merged(&[segment]);
        let at = self.single.binary_search_by_key(&segment, |(id, _)| *id);
        match (at, heads) {
            (Ok(at), Some(heads)) => {
                if let Some(own) = self.single.get_mut(at) {
                    own.1 = Arc::new(heads);
                }
            }
            (Ok(at), None) => drop(self.single.remove(at)),
            (Err(at), Some(heads)) => self.single.insert(at, (segment, Arc::new(heads))),
            (Err(_), None) => {}
        }
    }

    /// Notes what segments have, which ascend, in place of what each of them had. O(lists), and the segments
    /// of those lists that have some between the first and the last: this is called under the commit lock.
    pub(crate) fn set_merged(&mut self, of: Vec<SegmentId>, heads: RemovedHeads) {
        let Some((first, last)) = of.first().zip(of.last()) else {
            return;
        };
        let below = |bound: SegmentId| self.single.partition_point(|(id, _)| *id < bound);
        let own = below(*first)..last.next().map_or(self.single.len(), below);
        let left = self.single.get(own.clone()).unwrap_or_default().iter();
        let left = left.filter(|(id, _)| of.binary_search(id).is_err());
        let left: Vec<_> = left.cloned().collect();
        self.single.splice(own, left);
        self.forget_merged(&of);
        let heads = Arc::new(heads);
        self.merged.push(Lists { of, heads });
    }

    /// The first segment of each list of a merged file that turned out to be damaged.
    pub(crate) fn damaged(&self) -> impl Iterator<Item = SegmentId> {
        let damaged = self.merged.iter().filter(|list| list.heads.is_damaged());
        damaged.filter_map(|list| list.of.first().copied())
    }

    /// Notes that lists say nothing any more of segments, which ascend.
    fn forget_merged(&mut self, segments: &[SegmentId]) {
        let Some((first, last)) = segments.first().zip(segments.last()) else {
            return;
        };
        for list in &mut self.merged {
            let has_some = list.of.first().is_some_and(|own| own <= last)
                && list.of.last().is_some_and(|own| own >= first);
            if has_some {
                list.of.retain(|id| segments.binary_search(id).is_err());
            }
        }
        self.merged.retain(|list| !list.of.is_empty());
    }

    /// What was read from the frames of a segment.
    pub(crate) fn map_of(&self, segment: SegmentId) -> HeadMap {
        let mut all = self.single.iter();
        match all
            .find(|(id, _)| *id == segment)
            .map(|(_, heads)| &**heads)
        {
            Some(RemovedHeads::Map(map)) => map.clone(),
            _ => HeadMap::new(),
        }
    }

    /// The lists of segments, which ascend, as they are now. O(lists + segments).
    pub(crate) fn of(&self, segments: &[SegmentId]) -> HeadsOf {
        let is_one = |id: &SegmentId| segments.binary_search(id).is_ok();
        let single = self.single.iter().filter(|(id, _)| is_one(id));
        let single = single.map(|(id, heads)| Lists {
            of: vec![*id],
            heads: heads.clone(),
        });
        let merged = self.merged.iter().filter_map(|list| {
            let of: Vec<_> = list.of.iter().copied().filter(is_one).collect();
            let heads = list.heads.clone();
            (!of.is_empty()).then_some(Lists { of, heads })
        });
        HeadsOf(single.chain(merged).collect())
    }

    /// The newest of an entity in the segments from `first` on, or in all, and its segment; where its record
    /// is only if that has to confirm it. O(log entities) for each list.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a list is damaged and its segment too.
    pub(crate) fn find_since(
        &self,
        entity: &str,
        first: Option<SegmentId>,
    ) -> Result<Option<(SegmentId, RemovedHead)>, Error> {
        let is_asked = |segment: SegmentId| first.is_none_or(|first| segment >= first);
        let mut newest: Option<(SegmentId, RemovedHead)> = None;
        let single = self.single.iter().rev();
        for (segment, heads) in single.take_while(|(segment, _)| is_asked(*segment)) {
            if let Some((_, head)) = heads.find(entity)? {
                newest = Some((*segment, head));
                break;
            }
        }
        let merged = self.merged.iter();
        for list in merged.filter(|list| list.of.last().copied().is_some_and(is_asked)) {
            // A segment that was rewritten since has a list of its own, which says the same or more.
            if let Some((Some(segment), head)) = list.heads.find(entity)?
                && list.has(segment)
                && is_asked(segment)
                && newest.is_none_or(|(_, known)| known.clock < head.clock)
            {
                newest = Some((segment, head));
            }
        }
        Ok(newest)
    }
}

/// The lists of some segments as they were at one moment.
#[derive(Debug)]
pub(crate) struct HeadsOf(Vec<Lists>);

impl HeadsOf {
    /// The newest head of each entity. Takes memory for all of them: their names, and some 120 bytes each; for
    /// no more than `most` and those of one list.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a list is damaged and its segment too; `TooLarge` if there are more than `most`.
    pub(crate) fn newest(&self, most: usize) -> Result<MergedHeads, Error> {
        let _held = trace::hold();
        let mut heads = MergedHeads::new();
        for list in &self.0 {
            let own = list.of.first().copied().unwrap_or(SegmentId::FIRST);
            list.heads.add_to(&mut heads, own, |id| list.has(id))?;
            if heads.len() > most {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!("more than {most} streams end in a removed event there"),
                ));
            }
        }
        Ok(heads)
    }
}

/// Leaves of heads those that no event with these sequences is newer than.
pub(crate) fn retain_newest(
    heads: &mut MergedHeads,
    index: &Snapshot,
    sequences: &Range<Sequence>,
) {
    let Range { start, end } = sequences;
    heads.retain(|entity, (_, head)| {
        let region = Region::all()
            .entity(&**entity)
            .sequence(start.get()..end.get());
        let newest = index.query(&region).next_back();
        newest.is_none_or(|row| row.clock() < head.clock)
    });
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use strandline_core::Hash;

    /// Of a merge all heads are in memory at once.
    #[test]
    fn more_heads_than_may_be_are_refused() {
        let mut removed = RemovedInSegments::default();
        for segment in 1..=3 {
            let head = RemovedHead {
                clock: segment,
                sequence: Sequence::new(segment.into()),
                hash: Hash::ZERO,
                place: None,
            };
            let names = ["of all".to_owned(), format!("of {segment}")];
            let map = names.map(|name| (name.into_boxed_str(), head));
            let heads = RemovedHeads::Map(map.into());
            removed.set(SegmentId::new(segment), Some(heads));
        }
        let lists = removed.of(&[1, 2, 3].map(SegmentId::new));
        assert_eq!(lists.newest(4).unwrap().len(), 4);
        assert_eq!(lists.newest(3).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Set(u32, bool),
        Merged(Vec<u32>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let ids = proptest::collection::btree_set(1..40_u32, 1..10);
        prop_oneof![
            (1..40_u32, any::<bool>()).prop_map(|(id, is_some)| Step::Set(id, is_some)),
            ids.prop_map(|ids| Step::Merged(ids.into_iter().collect())),
        ]
    }

    proptest! {
        /// Each segment is in one list: the newest that it was told of with.
        #[test]
        fn a_segment_is_in_the_list_that_it_got_last(
            steps in proptest::collection::vec(step(), 1..60),
        ) {
            let mut heads = RemovedInSegments::default();
            let mut plain = BTreeMap::<u32, Arc<RemovedHeads>>::new();
            for step in steps {
                let of_none = RemovedHeads::Map(HeadMap::new());
                match step {
                    Step::Set(id, is_some) => {
                        heads.set(SegmentId::new(id), is_some.then_some(of_none));
                        plain.remove(&id);
                        let own = heads.single.iter().find(|(own, _)| own.get() == id);
                        plain.extend(own.map(|(_, list)| (id, list.clone())));
                        prop_assert_eq!(own.is_some(), is_some);
                    }
                    Step::Merged(ids) => {
                        let of = ids.iter().copied().map(SegmentId::new).collect();
                        heads.set_merged(of, of_none);
                        let list = &heads.merged.last().unwrap().heads;
                        plain.extend(ids.iter().map(|id| (*id, list.clone())));
                    }
                }
                let single = heads.single.iter().map(|(id, list)| (*id, list));
                let merged = heads.merged.iter();
                let merged = merged.flat_map(|list| list.of.iter().map(|id| (*id, &list.heads)));
                let mut found: Vec<_> = single.chain(merged).collect();
                found.sort_by_key(|(id, _)| *id);
                prop_assert_eq!(found.len(), plain.len());
                let same = found.iter().zip(&plain);
                for ((id, list), (own, expected)) in same {
                    prop_assert!(id.get() == *own && Arc::ptr_eq(list, expected));
                }
                prop_assert!(heads.single.is_sorted_by_key(|(id, _)| *id));
                prop_assert!(heads.merged.iter().all(|list| !list.of.is_empty()));
            }
        }
    }
}
