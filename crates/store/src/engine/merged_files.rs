//! `MergedFiles`: the merged files of the index that are in use, and what became of merging.

use super::merge_failures::MergeFailures;
use super::merged_runs::{OwnRuns, Run};
use crate::model::IndexFileName;
use crate::rows::LogSlot;
use crate::rows::merged::MergedSegment;
use strandline_core::Hlc;
use strandline_core::sync::thread::ThreadId;
use strandline_segment::{LogView, SegmentId};

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
    pub(crate) runs: OwnRuns,
}

impl UsedFile {
    /// The newest clock reading up to the end of a segment, if the file says that.
    pub(crate) fn newest_at(&self, segment: SegmentId) -> Option<Hlc> {
        (self.name.last == segment).then_some(self.newest)
    }
}

/// What is known of the merge that is being done.
#[derive(Debug)]
pub(super) struct AtWork {
    pub(super) thread: ThreadId,
    /// The first and the last of its segments, once it is known which they are.
    pub(super) ends: Option<(SegmentId, SegmentId)>,
    pub(super) is_cancelled: bool,
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

    /// The sealed segments of a view in their runs, oldest first. O(runs · log runs), and what those cost of
    /// files that are new, or of all once segments were rewritten.
    pub(crate) fn runs(&mut self, view: &LogView) -> Vec<Run> {
        let files = self.used.iter_mut().enumerate();
        let mut of_files: Vec<Run> = files
            .flat_map(|(at, file)| file.runs.of(at, file.name, &file.segments, view).to_vec())
            .collect();
        of_files.sort_unstable_by_key(|run| run.ids);
        let mut runs = Vec::with_capacity(of_files.len() + FANOUT);
        let mut next = SegmentId::FIRST;
        for run in of_files {
            let before = view
                .infos_from(next)
                .take_while(|info| info.id() < run.ids.0);
            runs.extend(before.filter_map(|info| Run::of(info, None)));
            next = run.ids.1.next().unwrap_or(run.ids.1);
            runs.push(run);
        }
        let after = view.infos_from(next);
        runs.extend(after.filter_map(|info| Run::of(info, None)));
        runs
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

    /// Whether a file is in use, and not to be removed.
    pub(super) fn uses(&self, name: IndexFileName) -> bool {
        let mut used = self.used.iter();
        used.any(|file| file.name == name && !file.is_gone)
    }

    /// Takes a file in use in place of those that have its segments, and gives the names of those that
    /// have none any more.
    pub(crate) fn take(&mut self, file: UsedFile) -> Vec<IndexFileName> {
        // Also those between its ends that are no more: a rewriting merged them with others.
        let taken = file.name.first..=file.name.last;
        for other in &mut self.used {
            if other.name.first <= *taken.end() && *taken.start() <= other.name.last {
                let is_left = |segment: &MergedSegment| !taken.contains(&segment.id);
                other.segments.retain(is_left);
                other.runs = OwnRuns::default();
            }
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

    /// Lets go of files none of whose segments is in the log as it was, and gives the names of those that are there:
    /// they are of no use, not to an opening either. O(files), and the rewritten segments that they begin with.
    pub(crate) fn let_go_of_useless(&mut self, view: &LogView) -> Vec<IndexFileName> {
        self.let_go(|own| view.info(own.id).is_some_and(|info| own.is(info)))
    }

    fn let_go(&mut self, is_current: impl Fn(&MergedSegment) -> bool) -> Vec<IndexFileName> {
        let is_useless = |file: &UsedFile| !file.is_gone && !file.segments.iter().any(&is_current);
        let useless = self.used.iter().filter(|file| is_useless(file));
        let names = useless.map(|file| file.name).collect();
        self.used.retain(|file| !is_useless(file));
        names
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
    use std::collections::BTreeMap;
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
                        runs: OwnRuns::default(),
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
            // Another file may have taken what was left of one that was rewritten in part.
            let is_current =
                |own: &MergedSegment| self.segments.get(&own.id.get()) == Some(&own.generation);
            let useless = self.files.let_go(is_current);
            self.remove(&useless);
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
                let file = used.find(|file| file.name == *name);
                let of_use = file.is_some_and(|file| {
                    let mut segments = file.segments.iter();
                    segments.any(|own| self.segments[&own.id.get()] == own.generation)
                });
                assert!(of_use, "{name} is left over");
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

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests_of_runs {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::path::Path;
    use std::sync::Arc;
    use strandline_core::fs::MemFs;
    use strandline_core::{Hash, Hlc, Random, Sequence};
    use strandline_segment::{
        CommitBuffer, LogOptions, LogReader, LogWriter, SegmentInfo, UncheckedLog,
    };

    struct Log {
        writer: LogWriter,
        reader: LogReader,
        random: Random,
    }

    impl Log {
        fn new() -> Self {
            let (fs, dir) = (Arc::new(MemFs::new()), Path::new("/log"));
            let (options, random) = (LogOptions::default(), Random::from_seed(1));
            let log = UncheckedLog::create(fs, dir, options, &random).unwrap();
            let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
            let (writer, reader, _) = scanned.unwrap().into_writer(&random).unwrap();
            Self {
                writer,
                reader,
                random,
            }
        }

        fn seal(&mut self) {
            let mut commit = CommitBuffer::default();
            commit.push(&Hash::of(b"a"), |out| out.push(b'a'));
            let sequence = self.writer.position().sequence;
            self.writer.append(&mut commit, sequence, sequence).unwrap();
            self.writer.rotate(&self.random).unwrap();
        }

        fn sealed(&self) -> Vec<SegmentInfo> {
            let view = self.reader.view();
            let sealed = view.infos().filter(|info| info.is_sealed());
            sealed.copied().collect()
        }

        /// Writes adjacent segments anew, in one.
        fn rewrite(&mut self, first: SegmentId, last: SegmentId) {
            let rewrite = self.writer.merge(first..=last, &self.random).unwrap();
            let written = rewrite.write(|record, out| {
                out.extend_from_slice(record.body);
                Ok::<_, Infallible>(())
            });
            let switched = self.writer.switch_to(vec![written.unwrap()]).unwrap();
            let _ = switched.show();
        }
    }

    /// Each segment asked whether a file has it, and those joined that stand together.
    fn plain(files: &MergedFiles, infos: &[SegmentInfo]) -> Vec<Run> {
        let mut all = BTreeMap::new();
        for (at, file) in files.used.iter().enumerate() {
            all.extend(file.segments.iter().map(|own| (own.id, (at, *own))));
        }
        let file_of = |info: &SegmentInfo| {
            let (at, own) = all.get(&info.id())?;
            own.is(info).then_some(*at)
        };
        let together =
            |a: &SegmentInfo, b: &SegmentInfo| file_of(a).is_some() && file_of(a) == file_of(b);
        let runs = infos.chunk_by(together).map(|run| Run {
            ids: (run[0].id(), run[run.len() - 1].id()),
            sequences: run[0].start().sequence..run[run.len() - 1].end().unwrap().sequence,
            segments: run.len(),
            file: file_of(&run[0]),
        });
        runs.collect()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Seal(usize),
        Merge(usize, usize),
        Rewrite(usize, usize),
        /// A rewriting that was not told of, or was.
        Forget,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (1..8_usize).prop_map(Step::Seal),
            3 => (any::<usize>(), 1..12_usize).prop_map(|(at, count)| Step::Merge(at, count)),
            2 => (any::<usize>(), 1..4_usize).prop_map(|(at, count)| Step::Rewrite(at, count)),
            1 => Just(Step::Forget),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whatever is kept of them, and whatever was rewritten or merged since.
        #[test]
        fn runs_are_those_of_each_segment(steps in proptest::collection::vec(step(), 1..24)) {
            let mut log = Log::new();
            let mut files = MergedFiles::default();
            let mut gone = Vec::new();
            for step in steps {
                let sealed = log.sealed();
                let chosen = |at: usize, count: usize| {
                    let at = at % sealed.len().max(1);
                    sealed.get(at..sealed.len().min(at + count)).unwrap_or_default()
                };
                match step {
                    Step::Seal(count) => (0..count).for_each(|_| log.seal()),
                    Step::Merge(at, count) => {
                        let infos = chosen(at, count);
                        let Some((first, last)) = infos.first().zip(infos.last()) else { continue };
                        let segments = infos.iter().filter_map(|info| MergedSegment::of(info, 1));
                        let segments = segments.collect();
                        let name = IndexFileName {
                            first: first.id(),
                            last: last.id(),
                            generation: files.next_generation(0),
                        };
                        files.take(UsedFile {
                            name,
                            segments,
                            newest: Hlc::default(),
                            is_gone: false,
                            runs: OwnRuns::default(),
                        });
                    }
                    Step::Rewrite(at, count) => {
                        let infos = chosen(at, count);
                        let Some((first, last)) = infos.first().zip(infos.last()) else { continue };
                        log.rewrite(first.id(), last.id());
                        gone.extend(infos.iter().skip(1).map(SegmentInfo::id));
                    }
                    Step::Forget => files.forget(&std::mem::take(&mut gone)),
                }
                let expected = plain(&files, &log.sealed());
                let view = log.reader.view();
                prop_assert_eq!(files.runs(&view), expected.clone());
                prop_assert_eq!(files.runs(&view), expected);
            }
        }
    }
}
