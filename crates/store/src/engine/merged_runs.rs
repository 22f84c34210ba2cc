//! `Run`: adjacent segments whose rows one merged file has, and how the runs of a file are kept.

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

impl OwnRuns {
    /// Those of the file at this place, with this name and these segments. O(1) if they are kept, else O(segments
    /// between its ends).
    pub(super) fn of(
        &mut self,
        at: usize,
        name: IndexFileName,
        segments: &[MergedSegment],
        view: &LogView,
    ) -> &[Run] {
        let rewritings = view.rewritings();
        let kept = self.0.take().filter(|(when, _)| *when == rewritings);
        let made = || (rewritings, made_runs(name, segments, view));
        let (_, runs) = self.0.insert(kept.unwrap_or_else(made));
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
