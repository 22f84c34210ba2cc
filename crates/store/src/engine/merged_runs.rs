//! `Run`: adjacent segments whose rows one merged file has, and how the runs of a file are kept.

use super::merged_files::UsedFile;
use crate::model::IndexFileName;
use crate::rows::merged::MergedSegment;
use std::ops::Range;
use strandline_core::Sequence;
use strandline_segment::{LogView, SegmentId, SegmentInfo};

/// The runs of a file, kept while no segment is rewritten and no other file takes any: each of its segments
/// has to be looked at for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnRuns(Option<(u64, Vec<Run>)>);

/// Adjacent sealed segments whose rows one file has, or one segment whose rows none has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) ids: (SegmentId, SegmentId),
    pub(crate) sequences: Range<Sequence>,
    pub(crate) segments: usize,
    /// The place of the file among those in use.
    pub(crate) file: Option<usize>,
}

impl Run {
    /// Of a segment, if it is sealed.
    pub(super) fn of(info: &SegmentInfo, file: Option<usize>) -> Option<Self> {
        Some(Self {
            ids: (info.id(), info.id()),
            sequences: info.start().sequence..info.end()?.sequence,
            segments: 1,
            file,
        })
    }

    fn append(&mut self, next: &Self) {
        self.ids.1 = next.ids.1;
        self.sequences.end = next.sequences.end;
        self.segments += next.segments;
    }
}

impl UsedFile {
    /// Its runs. O(1) if they are kept, else O(segments between its ends).
    pub(super) fn own_runs(&mut self, view: &LogView, at: usize) -> &[Run] {
        let rewritings = view.rewritings();
        let kept = self.runs.0.take().filter(|(when, _)| *when == rewritings);
        let (_, runs) = self.runs.0.insert(
            kept.unwrap_or_else(|| (rewritings, made_runs(self.name, &self.segments, view))),
        );
        // Other files may have gone from before it.
        runs.iter_mut().for_each(|run| run.file = Some(at));
        runs
    }
}

/// The runs of a file with this name and these segments, as a view has them.
fn made_runs(name: IndexFileName, segments: &[MergedSegment], view: &LogView) -> Vec<Run> {
    let is_own = |info: &SegmentInfo| {
        let at = segments.binary_search_by_key(&info.id(), |segment| segment.id);
        let own = at.ok().and_then(|at| segments.get(at));
        own.is_some_and(|segment| segment.is(info))
    };
    let mut runs = Vec::<Run>::new();
    // Whether the segment before is of the file.
    let mut is_within = false;
    let infos = view.infos_from(name.first);
    for info in infos.take_while(|info| info.id() <= name.last) {
        let own = is_own(info).then(|| Run::of(info, None)).flatten();
        let goes_on = is_within;
        is_within = own.is_some();
        match (own, runs.last_mut().filter(|_| goes_on)) {
            (Some(own), Some(run)) => run.append(&own),
            (Some(own), None) => runs.push(own),
            (None, _) => {}
        }
    }
    runs
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use crate::engine::MergedFiles;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::path::Path;
    use std::sync::Arc;
    use strandline_core::fs::MemFs;
    use strandline_core::{Hash, Hlc, Random};
    use strandline_segment::{CommitBuffer, LogOptions, LogReader, LogWriter, UncheckedLog};

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
