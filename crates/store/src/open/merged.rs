//! Merged files of the index at an opening: which there are, which of their segments are still what they
//! were made of, and what is left over. Takes their rows; those of other segments come from footers.

use crate::engine::merged_files::UsedFile;
use crate::engine::merged_runs::OwnRuns;
use crate::model::IndexFileName;
use crate::rows::merged::MergedSegment;
use crate::rows::merged_file::{self, no_merged_file};
use crate::rows::{LogSlot, RemovedHeads, RemovedInSegments, Replay, Summary};
use crate::{Error, ErrorKind, OpenPath, OpenReport};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline_core::Hlc;
use strandline_core::fs::{EntryKind, Fs, TEMPORARY_SUFFIX};
use strandline_index::Block;
use strandline_segment::{SegmentInfo, UncheckedLog};

/// Where the files of a store are, and how they are read.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) fs: &'a Arc<dyn Fs>,
    pub(super) dir: &'a Path,
    pub(super) mapped: bool,
    pub(super) slot: &'a LogSlot,
}

/// A file that is whole, and has segments that are what it was made of.
struct Candidate {
    name: IndexFileName,
    newest: Hlc,
    segments: Vec<MergedSegment>,
    summary: Summary,
    heads: RemovedHeads,
    block: Arc<Block>,
    /// By place in the log, which of its segments are what they were.
    current: Vec<usize>,
    /// The segments whose rows were taken from it.
    used: Vec<MergedSegment>,
}

/// The merged files that there are.
#[derive(Default)]
pub(super) struct MergedFound {
    candidates: Vec<Candidate>,
    /// By place in the log, the file that is to have the rows of a segment.
    of: BTreeMap<usize, usize>,
    /// Names of files that are of no use.
    left_over: Vec<String>,
}

/// What an opening has of merged files, once it has taken their rows.
#[derive(Debug, Default)]
pub(super) struct MergedTaken {
    pub(super) used: Vec<UsedFile>,
    /// Names of files that are of no use, and are removed by whoever may.
    pub(super) left_over: Vec<String>,
}

impl MergedFound {
    /// Finds the files that can be used: of those that overlap the one that stands for the most segments.
    /// If none is to be used, all are left over. O(files + segments).
    ///
    /// # Errors
    ///
    /// `Io` if the directory cannot be listed.
    pub(super) fn find(
        place: Place<'_>,
        log: &UncheckedLog,
        is_used: bool,
        report: &mut OpenReport,
    ) -> Result<Self, Error> {
        let listed = place.fs.list_names(place.dir);
        let listed = listed.map_err(|error| Error::io("list", place.dir, error))?;
        let mut found = Self::default();
        for entry in listed {
            let whole = entry.name.strip_suffix(TEMPORARY_SUFFIX);
            let name = IndexFileName::parse(whole.unwrap_or(&entry.name));
            let Some(name) = name else {
                continue;
            };
            if entry.kind != EntryKind::File {
                report.notices.push(format!(
                    "{} is {}, and was passed over: remove it, or move it away",
                    entry.name,
                    no_merged_file(entry.kind)
                ));
                continue;
            }
            if whole.is_some() || !is_used {
                found.left_over.push(entry.name);
                continue;
            }
            match Candidate::open(place, name, log) {
                Ok(candidate) if candidate.current.is_empty() => {
                    found.left_over.push(entry.name);
                }
                Ok(candidate) => found.candidates.push(candidate),
                // Another process has replaced it, or it cannot be read now.
                Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => {}
                Err(error) => {
                    report.notices.push(passed_over(name, &error));
                    if error.kind() != ErrorKind::Io {
                        found.left_over.push(entry.name);
                    }
                }
            }
        }
        found.share_out();
        Ok(found)
    }

    /// Gives each segment to the largest file that has it.
    fn share_out(&mut self) {
        let order = |one: &Candidate| (one.current.len(), one.name.generation);
        self.candidates.sort_by_key(|one| Reverse(order(one)));
        for (file, candidate) in self.candidates.iter().enumerate() {
            for at in &candidate.current {
                self.of.entry(*at).or_insert(file);
            }
        }
    }

    /// How many of the segments from one on are taken from one file in a row, if that one is; and takes
    /// their rows. None if they cannot be, and their footers are to be used.
    pub(super) fn take(
        &mut self,
        infos: &[SegmentInfo],
        at: usize,
        replay: &mut Replay<'_>,
        report: &mut OpenReport,
    ) -> Option<usize> {
        let file = *self.of.get(&at)?;
        let end = (at..).find(|at| self.of.get(at) != Some(&file))?;
        let run = infos.get(at..end)?;
        let candidate = self.candidates.get_mut(file)?;
        match candidate.take(run, replay) {
            Ok(rows) => {
                report.events_from_merged += rows;
                if report.path == OpenPath::Scan {
                    report.path = OpenPath::Footers;
                }
                Some(end)
            }
            Err(error) => {
                report.notices.push(passed_over(candidate.name, &error));
                self.of.retain(|_, of| *of != file);
                None
            }
        }
    }

    /// Ends with what was taken, and the heads of removed events of that. The sealed segments are in the index.
    pub(super) fn finish(
        self,
        removed: &mut RemovedInSegments,
        replay: &mut Replay<'_>,
        report: &mut OpenReport,
    ) -> MergedTaken {
        let mut left_over = self.left_over;
        let mut used = Vec::new();
        for candidate in self.candidates {
            if candidate.used.is_empty() {
                left_over.push(candidate.name.to_string());
                continue;
            }
            report.merged_used += 1;
            // Its last segment may have been rewritten since, and have no footer.
            replay.observe(candidate.newest);
            let ids = candidate.used.iter().map(|segment| segment.id).collect();
            removed.set_merged(ids, candidate.heads);
            // What was removed since is in it still.
            let is_gone = candidate.current.len() < candidate.segments.len();
            if is_gone {
                left_over.push(candidate.name.to_string());
            }
            used.push(UsedFile {
                name: candidate.name,
                segments: candidate.used,
                newest: candidate.newest,
                is_gone,
                runs: OwnRuns::default(),
            });
        }
        MergedTaken { used, left_over }
    }
}

impl Candidate {
    fn open(place: Place<'_>, name: IndexFileName, log: &UncheckedLog) -> Result<Self, Error> {
        let files = (place.fs, place.dir);
        let opened = merged_file::open(files, name, log.identity(), place.mapped, place.slot)?;
        let infos = log.segments();
        let place_of = |segment: &MergedSegment| {
            let at = infos
                .binary_search_by_key(&segment.id, SegmentInfo::id)
                .ok()?;
            segment.is(infos.get(at)?).then_some(at)
        };
        Ok(Self {
            current: opened.head.segments.iter().filter_map(place_of).collect(),
            name,
            newest: opened.head.newest,
            segments: opened.head.segments,
            summary: opened.summary,
            heads: opened.heads,
            block: Arc::new(opened.block),
            used: Vec::new(),
        })
    }

    /// Takes the rows of segments that follow each other in the log, and says how many.
    fn take(&mut self, run: &[SegmentInfo], replay: &mut Replay<'_>) -> Result<u64, Error> {
        let contradicts = || {
            let message = "its block and its list of segments contradict each other";
            Error::new(ErrorKind::Corrupt, message)
        };
        let of = |info: &SegmentInfo| {
            let at = self.segments.binary_search_by_key(&info.id(), |own| own.id);
            at.ok().and_then(|at| Some((at, *self.segments.get(at)?)))
        };
        let own: Option<Vec<_>> = run.iter().map(of).collect();
        let own = own.ok_or_else(contradicts)?;
        let ends = own.first().zip(own.last()).ok_or_else(contradicts)?;
        let ((first, from), (last, to)) = ends;
        let is_end = last + 1 == self.segments.len();
        let before = self
            .segments
            .iter()
            .take(*first)
            .map(|segment| segment.rows);
        let start = before.sum::<u32>();
        let rows: u32 = own.iter().map(|(_, segment)| segment.rows).sum();
        let wanted = start..start.saturating_add(rows);
        // Once a segment was rewritten, the block cannot be made anew.
        if self.current.len() < self.segments.len() {
            self.block.check_all()?;
        }
        // What it says of sequences is looked at before anything is taken: of a file that is damaged
        // there, footers are read.
        if rows > 0 && self.block.rows_within(&(from.first..to.end)) != wanted {
            return Err(self
                .block
                .damage()
                .map_or_else(contradicts, |damage| Error::from(damage.clone())));
        }
        // It says what the reading is where it ends, which events before that need not have reached.
        let newest = is_end.then_some(self.newest);
        replay.view(self.block.clone(), wanted, newest)?;
        replay.learn(&self.summary);
        self.used
            .extend(own.into_iter().map(|(_, segment)| segment));
        Ok(rows.into())
    }
}

fn passed_over(name: IndexFileName, error: &Error) -> String {
    format!("the merged file {name} of the index cannot be used, and was passed over: {error}")
}

impl MergedTaken {
    /// Removes what is of no use.
    pub(super) fn remove_left_over(&self, (fs, dir): (&dyn Fs, &Path), report: &mut OpenReport) {
        for name in &self.left_over {
            match fs.remove_file(&dir.join(name)) {
                Ok(()) => report.removed.push(name.clone()),
                Err(error) => {
                    let notice = format!("{name} is of no use and cannot be removed: {error}");
                    report.notices.push(notice);
                }
            }
        }
    }
}
