//! `MergedFiles`: the merged files of the index that are in use, and what became of merging.

use super::merge_at_work::AtWork;
use super::merge_failures::MergeFailures;
use crate::model::IndexFileName;
use crate::rows::LogSlot;
use crate::rows::merged::MergedSegment;
use std::collections::BTreeMap;
use strandline_core::Hlc;
use strandline_segment::{SegmentId, SegmentInfo};

/// How many parts of a tier are merged into one of the next.
pub(crate) const FANOUT: usize = 8;

/// The tier of a part that spans so many segments: the logarithm of that, to the base of [`FANOUT`].
pub(crate) fn tier(segments: usize) -> u32 {
    segments.max(1).ilog2() / FANOUT.ilog2()
}

/// A merged file whose rows the index uses.
#[derive(Debug, Clone)]
pub(crate) struct UsedFile {
    pub(crate) name: IndexFileName,
    /// Its segments whose rows are taken from it, as they were when it was made.
    pub(crate) segments: Vec<MergedSegment>,
    /// The newest clock reading up to the end of the last one that it was made of.
    pub(crate) newest: Hlc,
    /// Whether its name is removed: it holds what is removed from the log.
    pub(crate) is_gone: bool,
}

impl UsedFile {
    /// The newest clock reading up to the end of a segment, if the file says that.
    pub(crate) fn newest_at(&self, segment: SegmentId) -> Option<Hlc> {
        (self.name.last == segment).then_some(self.newest)
    }
}

/// The merged files of the index that are in use, and what became of merging.
#[derive(Debug, Default)]
pub(crate) struct MergedFiles {
    pub(crate) used: Vec<UsedFile>,
    /// By which files make anew what is damaged of them.
    pub(crate) log: LogSlot,
    /// How many merges were done since opening, and the bytes of the files that they wrote.
    pub(crate) merges: u64,
    pub(crate) bytes_written: u64,
    /// Merges that failed.
    pub(crate) failures: MergeFailures,
    /// The merge that is being done.
    pub(super) at_work: Option<AtWork>,
    /// Whether none may begin.
    pub(super) is_held: bool,
    /// The greatest generation that was given.
    generation: u32,
}

impl MergedFiles {
    /// Those that an opening took.
    pub(crate) fn new(used: Vec<UsedFile>, log: LogSlot) -> Self {
        Self {
            used,
            log,
            ..Self::default()
        }
    }

    /// By segment, the place of the file in use that has its rows.
    pub(crate) fn by_segment<'i>(
        &self,
        infos: impl Iterator<Item = &'i SegmentInfo>,
    ) -> BTreeMap<SegmentId, usize> {
        let of_file = |(at, file): (usize, &UsedFile)| {
            let own = file
                .segments
                .iter()
                .map(move |segment| (segment.id, (at, *segment)));
            own.collect::<Vec<_>>()
        };
        let all: BTreeMap<_, _> = self.used.iter().enumerate().flat_map(of_file).collect();
        let current = infos.filter_map(|info| {
            let (at, segment) = all.get(&info.id())?;
            segment.is(info).then_some((info.id(), *at))
        });
        current.collect()
    }

    /// A generation that no file has which is there, up to `listed`, or was since the store was opened.
    pub(crate) fn next_generation(&mut self, listed: u32) -> u32 {
        self.generation = self.generation.max(listed).wrapping_add(1);
        self.generation
    }

    /// How many files there are of each tier, by the segments whose rows they have.
    pub(crate) fn by_tier(&self) -> Vec<usize> {
        let mut counts = Vec::new();
        for file in &self.used {
            let tier = usize::try_from(tier(file.segments.len())).unwrap_or_default();
            if counts.len() <= tier {
                counts.resize(tier + 1, 0);
            }
            if let Some(count) = counts.get_mut(tier) {
                *count += 1;
            }
        }
        counts
    }

    /// Takes a file in use in place of those that have its segments, and gives the names of those that
    /// have none any more.
    pub(crate) fn take(&mut self, file: UsedFile) -> Vec<IndexFileName> {
        // Also those between its ends that are no more: a rewriting merged them with others.
        let taken = file.name.first..=file.name.last;
        for other in &mut self.used {
            other
                .segments
                .retain(|segment| !taken.contains(&segment.id));
        }
        let mut unused = Vec::new();
        self.used.retain(|other| {
            if other.segments.is_empty() && !other.is_gone {
                unused.push(other.name);
            }
            !other.segments.is_empty()
        });
        self.used.push(file);
        unused
    }

    /// Notes that segments were merged into others and are no more: no file has rows of them.
    pub(crate) fn forget(&mut self, segments: &[SegmentId]) {
        for file in &mut self.used {
            file.segments
                .retain(|segment| !segments.contains(&segment.id));
        }
    }

    /// Notes that segments were rewritten, of which events were removed: files that have their rows are
    /// to be removed, and are given.
    pub(crate) fn remove_those_of(&mut self, segments: &[SegmentId]) -> Vec<IndexFileName> {
        let is_one = |file: &&mut UsedFile| {
            let within = |id: &SegmentId| (file.name.first..=file.name.last).contains(id);
            !file.is_gone && segments.iter().any(within)
        };
        let files = self.used.iter_mut().filter(is_one);
        files
            .map(|file| {
                file.is_gone = true;
                file.name
            })
            .collect()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use strandline_core::Sequence;

    /// The segments that there are, each with its generation, and the files that merges made.
    #[derive(Debug, Default)]
    struct Model {
        segments: BTreeMap<u32, u32>,
        files: MergedFiles,
        /// Names of files that are in the directory.
        listed: Vec<IndexFileName>,
    }

    #[derive(Debug, Clone)]
    enum Step {
        Merge(usize, usize),
        Rewrite(usize, bool),
        MergeSegments(usize, usize),
        Seal(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let two = || (any::<usize>(), 1..9_usize);
        prop_oneof![
            4 => two().prop_map(|(at, count)| Step::Merge(at, count)),
            3 => (any::<usize>(), any::<bool>()).prop_map(|(at, removed)| Step::Rewrite(at, removed)),
            2 => two().prop_map(|(at, count)| Step::MergeSegments(at, count)),
            2 => (1..9_usize).prop_map(Step::Seal),
        ]
    }

    fn segment(id: u32, generation: u32) -> MergedSegment {
        MergedSegment {
            id: SegmentId::new(id),
            generation,
            mark: 0,
            first: Sequence::new(u64::from(id) * 10),
            end: Sequence::new(u64::from(id) * 10 + 10),
            rows: 1,
        }
    }

    impl Model {
        fn some(&self, at: usize, count: usize) -> Vec<u32> {
            let all: Vec<u32> = self.segments.keys().copied().collect();
            let at = at.checked_rem(all.len()).unwrap_or(0);
            all.into_iter().skip(at).take(count).collect()
        }

        fn remove(&mut self, names: &[IndexFileName]) {
            self.listed.retain(|name| !names.contains(name));
        }

        fn take(&mut self, step: &Step) {
            match *step {
                Step::Seal(count) => {
                    let next = self.segments.keys().last().map_or(1, |last| last + 1);
                    let new = (next..).take(count);
                    self.segments.extend(new.map(|id| (id, 0)));
                }
                Step::Merge(at, count) => {
                    let ids = self.some(at, count);
                    let Some((first, last)) = ids.first().zip(ids.last()) else {
                        return;
                    };
                    let name = IndexFileName {
                        first: SegmentId::new(*first),
                        last: SegmentId::new(*last),
                        generation: self.files.next_generation(0),
                    };
                    self.listed.push(name);
                    let own = ids.iter().map(|id| segment(*id, self.segments[id]));
                    let unused = self.files.take(UsedFile {
                        name,
                        segments: own.collect(),
                        newest: Hlc::default(),
                        is_gone: false,
                    });
                    self.remove(&unused);
                }
                Step::Rewrite(at, is_removed) => {
                    let ids = self.some(at, 1);
                    for id in &ids {
                        *self.segments.get_mut(id).unwrap() += 1;
                    }
                    if is_removed {
                        let ids: Vec<_> = ids.into_iter().map(SegmentId::new).collect();
                        let gone = self.files.remove_those_of(&ids);
                        self.remove(&gone);
                    }
                }
                Step::MergeSegments(at, count) => {
                    let ids = self.some(at, count);
                    let Some((first, others)) = ids.split_first() else {
                        return;
                    };
                    *self.segments.get_mut(first).unwrap() += 1;
                    self.segments.retain(|id, _| !others.contains(id));
                    let others: Vec<_> = others.iter().copied().map(SegmentId::new).collect();
                    self.files.forget(&others);
                }
            }
        }

        fn check(&self) {
            let mut of = BTreeMap::new();
            for file in &self.files.used {
                assert!(file.is_gone || self.listed.contains(&file.name), "{file:?}");
                for own in &file.segments {
                    assert_eq!(of.insert(own.id, file.name), None, "in two files");
                    assert!(self.segments.contains_key(&own.id.get()), "it is no more");
                }
            }
            for name in &self.listed {
                let mut used = self.files.used.iter();
                assert!(used.any(|file| file.name == *name), "{name} is left over");
            }
        }
    }

    proptest! {
        /// No file is left over, none is missed, and no segment is in two files, or in one after it is no more.
        #[test]
        fn files_in_use_are_those_that_there_are(steps in proptest::collection::vec(step(), 1..60)) {
            let mut model = Model::default();
            for step in &steps {
                model.take(step);
                model.check();
            }
        }
    }
}
