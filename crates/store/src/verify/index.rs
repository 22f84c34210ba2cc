//! `Indexes`: holds the indexes of each segment against its frames, on a thread beside the one that
//! reads the log.
//!
//! An index block is a function of its rows, so the block that the frames give is built, and what is on
//! the disk, and what this process uses, is compared with it byte by byte. At most two segments' rows
//! are in memory: those that are compared and those that are read.

use super::checkpoint::{self, StoredCheckpoint};
use super::merged::{Lists, MergedRows, StoredMerged};
use super::problem::Problem;
use super::rows::{SUMMARY_DIFFERS, SegmentRows};
use crate::engine::Shared;
use crate::rows::{footer, heads, tree_section};
use crate::{Error, Snapshot};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::path::PathBuf;
use std::sync::Arc;
use strandline_core::fs::{Fs, is_of_failing_disk};
use strandline_core::sync::thread;
use strandline_core::{Hlc, Region, Sequence};
use strandline_index::{Block, BlockDifference, IndexLayout};
use strandline_segment::{LogError, Manifest, RecordPosition, SegmentInfo, footer_on_disk};

/// What is to be held against the rows of a segment.
#[derive(Debug)]
pub(super) enum Check {
    /// The footer in its file.
    Footer,
    /// A block of the index that this process has.
    Block(Arc<Block>),
    /// Rows of a merged file, or of a merged block that this process has.
    Merged(MergedRows),
    /// The rows of that index from a sequence on, which are in no block.
    Live(Sequence),
    /// A checkpoint whose position is where the rows end.
    Checkpoint(Arc<StoredCheckpoint>),
}

/// The rows of a segment up to where something was made of them, and what that is.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) rows: SegmentRows,
    pub(super) checks: Vec<Check>,
}

/// A clock reading that a file says no event before `end` is later than.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) file: String,
    pub(super) claimed: Hlc,
    pub(super) end: Sequence,
}

impl Reading {
    /// The problem of a reading that an event after it does not follow.
    pub(super) fn contradicted(self) -> Problem {
        let message = "its newest clock reading is not before that of the event which follows";
        Problem::of_index_file(&self.file, message)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) problems: Vec<Problem>,
    pub(super) readings: Vec<Reading>,
}

/// Compares until it is told that there is no more.
#[derive(Debug)]
pub(super) struct Indexes {
    jobs: Sender<Job>,
    worker: thread::JoinHandle<Result<Compared, Error>>,
}

impl Indexes {
    pub(super) fn start(
        shared: &Shared,
        snapshot: Snapshot,
        merged: Vec<Arc<StoredMerged>>,
    ) -> std::io::Result<Self> {
        // Whoever reads waits until a segment is taken.
        let (jobs, given) = bounded(0);
        let comparer = Comparer {
            fs: shared.options.fs.clone(),
            dir: shared.dir.clone(),
            snapshot,
            merged: merged
                .into_iter()
                .map(|file| (file, Some(Lists::default())))
                .collect(),
            now_ms_most: shared
                .options
                .clock
                .now_ms()
                .saturating_add(shared.options.drift_ms_max()),
            compared: Compared::default(),
        };
        let worker = thread::Builder::new()
            .name("strandline-verify-index".to_owned())
            .spawn(move || comparer.work(&given))?;
        Ok(Self { jobs, worker })
    }

    pub(super) fn compare(&self, job: Job) {
        // A worker that is gone has failed or panicked, and joining it says so.
        let _ = self.jobs.send(job);
    }

    /// Everything that was found, in the order of the segments.
    ///
    /// # Errors
    ///
    /// `Io` if a file could not be read.
    ///
    /// # Panics
    ///
    /// If the worker did.
    pub(super) fn finish(self) -> Result<Compared, Error> {
        let Self { jobs, worker } = self;
        drop(jobs);
        match worker.join() {
            Ok(compared) => compared,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

struct Comparer {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    snapshot: Snapshot,
    /// Merged files, each with the lists that the frames of its segments gave so far; none once frames of
    /// one could not be read.
    merged: Vec<(Arc<StoredMerged>, Option<Lists>)>,
    /// No clock reading is later than this, unless an event has it.
    now_ms_most: u64,
    compared: Compared,
}

/// The block that frames give, made once for each layout that is asked for.
struct Expected<'r> {
    rows: &'r SegmentRows,
    made: Vec<Block>,
}

impl Expected<'_> {
    fn block(&mut self, layout: IndexLayout) -> Result<&Block, Error> {
        let known = self.made.iter().position(|block| block.layout() == layout);
        let at = match known {
            Some(at) => at,
            None => {
                let bytes = self.rows.rows.build(layout, Vec::new())?;
                self.made.push(Block::open(Arc::new(bytes), None)?);
                self.made.len() - 1
            }
        };
        let missing = || Error::new(crate::ErrorKind::Corrupt, "a block was not made");
        self.made.get(at).ok_or_else(missing)
    }

    fn differences(&mut self, found: &Block) -> Result<Vec<BlockDifference>, Error> {
        Ok(found.differences(self.block(found.layout())?))
    }
}

impl Comparer {
    fn work(mut self, jobs: &Receiver<Job>) -> Result<Compared, Error> {
        for Job { rows, checks } in jobs {
            self.note_lists(&rows);
            if !rows.is_whole {
                continue;
            }
            let mut expected = Expected {
                rows: &rows,
                made: Vec::new(),
            };
            let before = self.compared.problems.len();
            for check in checks {
                match check {
                    Check::Footer => self.footer(&mut expected)?,
                    Check::Merged(merged) if merged.is_of_file() => {
                        self.merged(&mut expected, &merged)?;
                    }
                    Check::Checkpoint(stored) => self.checkpoint(&mut expected, &stored)?,
                    // What this process has may be what was just told of.
                    _ if self.compared.problems.len() > before => {}
                    Check::Block(block) => self.block(&mut expected, &block)?,
                    Check::Merged(merged) => self.merged(&mut expected, &merged)?,
                    Check::Live(from) => self.live(&rows, from),
                }
            }
        }
        for (stored, lists) in std::mem::take(&mut self.merged) {
            for message in stored.problems(lists, &self.snapshot.index) {
                self.problem(&stored.file, None, &message);
            }
        }
        Ok(self.compared)
    }

    /// Notes what the frames of a segment say beside rows, for the merged files that have it.
    fn note_lists(&mut self, rows: &SegmentRows) {
        let end = rows.info.end().unwrap_or(rows.info.start()).sequence;
        let mut readings = Vec::new();
        for (stored, lists) in &mut self.merged {
            let Some(at) = stored.head.find(&rows.info) else {
                continue;
            };
            match lists {
                Some(lists) if rows.is_whole => lists.add(rows),
                _ => *lists = None,
            }
            let is_last = at + 1 == stored.head.segments.len();
            if is_last && rows.is_whole {
                readings.push((stored.file.clone(), stored.head.newest));
            }
        }
        for (file, newest) in readings {
            self.reading(&file, Some(newest), rows.newest, end);
        }
    }

    fn merged(&mut self, expected: &mut Expected<'_>, merged: &MergedRows) -> Result<(), Error> {
        let own = match merged.alone() {
            Ok(own) => own,
            Err(reason) => {
                let message = format!(
                    "its rows of {} cannot be read: {reason}",
                    expected.rows.info.file_name()
                );
                self.problem(&merged.file, None, &message);
                return Ok(());
            }
        };
        let whose = match merged.is_of_file() {
            true => "it",
            false => "the merged index of it that is in use here",
        };
        let differences = expected.differences(&own)?;
        self.differ(&merged.file, whose, differences);
        Ok(())
    }

    fn problem(&mut self, file: &str, sequence: Option<Sequence>, message: &str) {
        let problem = Problem::of_index_file(file, message);
        self.compared.problems.push(problem.of_event(sequence));
    }

    fn differ(&mut self, file: &str, whose: &str, differences: Vec<BlockDifference>) {
        for difference in differences {
            let message = format!("{whose} differs from what the frames say in {difference}");
            self.problem(file, difference.sequence, &message);
        }
    }

    fn footer(&mut self, expected: &mut Expected<'_>) -> Result<(), Error> {
        let (rows, info) = (expected.rows, expected.rows.info);
        let file = info.file_name();
        let footer = match footer_on_disk(&*self.fs, &self.dir, &info) {
            // One that was not written yet costs time and says nothing.
            Ok(None) => return Ok(()),
            Ok(Some(footer)) => footer,
            Err(LogError::SegmentMissing { .. }) if self.is_replaced(&info) => return Ok(()),
            Err(error) if is_of_who_asks(&error) => return Err(error.into()),
            Err(error) => {
                self.problem(&file, None, &error.to_string());
                return Ok(());
            }
        };
        if !footer.is_intact() {
            self.problem(&file, None, "the checksum of its footer is wrong");
            return Ok(());
        }
        let stored = match footer::stored(&footer) {
            Ok(stored) => stored,
            Err(error) => {
                self.problem(&file, None, &format!("its footer is none: {error}"));
                return Ok(());
            }
        };
        if rows.summary.encode() != stored.summary {
            self.problem(&file, None, &format!("in its footer {SUMMARY_DIFFERS}"));
        }
        let is_list = |is_located| stored.heads == heads::encode_as(&rows.removed, is_located);
        if !is_list(true) && !is_list(false) {
            let message = "its footer's list of the streams whose newest event was removed differs \
                           from what the frames say";
            self.problem(&file, None, message);
        }
        // Where an earlier version wrote it, there is none.
        let tree = rows.tree.as_ref().map(tree_section::encode);
        if !stored.tree.is_empty() && tree.is_some_and(|tree| tree != stored.tree) {
            let message = "in its footer the nodes of the tree differ from what the frames say";
            self.problem(&file, None, message);
        }
        let end = info.end().unwrap_or(info.start()).sequence;
        self.reading(&file, Some(stored.newest), rows.newest, end);
        let differences = expected.differences(&stored.block)?;
        self.differ(&file, "its footer", differences);
        Ok(())
    }

    /// Whether the segment was rewritten since the log was taken, by this process or by another one
    /// that writes beside it.
    fn is_replaced(&self, info: &SegmentInfo) -> bool {
        let is_listed = |manifest: Manifest| {
            let mut listed = manifest.segments().iter();
            listed.any(|listed| listed.header() == info.header())
        };
        match Manifest::read(&*self.fs, &self.dir) {
            Ok(Some(manifest)) => !is_listed(manifest),
            _ => false,
        }
    }

    /// Holds the clock reading of a file against the latest of the events before it. It may be later:
    /// the clock also moves without an event.
    fn reading(&mut self, file: &str, claimed: Option<Hlc>, least: Option<Hlc>, end: Sequence) {
        if claimed < least {
            self.problem(
                file,
                None,
                "its newest clock reading is before that of an event",
            );
            return;
        }
        let Some(claimed) = claimed else {
            return;
        };
        if Some(claimed) > least && claimed.wall_ms() > self.now_ms_most {
            let message = "its newest clock reading is ahead of every event and of this machine's \
                           clock";
            self.problem(file, None, message);
        }
        self.compared.readings.push(Reading {
            file: file.to_owned(),
            claimed,
            end,
        });
    }

    fn checkpoint(
        &mut self,
        expected: &mut Expected<'_>,
        stored: &StoredCheckpoint,
    ) -> Result<(), Error> {
        let file = stored.file.as_str();
        let found = match stored.restored.stored() {
            Ok(found) => found,
            Err(error) => {
                self.problem(file, None, &error.to_string());
                return Ok(());
            }
        };
        let restored = &stored.restored;
        let end = restored.position.sequence;
        if found.number != end.get() || restored.allocated != end {
            self.problem(
                file,
                None,
                "its next sequence is not the one at its position",
            );
        }
        self.reading(file, restored.hlc, expected.rows.newest, end);
        if expected.rows.info.header().rewritings() > 0 {
            // It has rows of the segment before that was rewritten, and is not read any more.
            return Ok(());
        }
        let differences = expected.differences(&found.block)?;
        self.differ(file, "it", differences);
        let rows = expected.rows;
        if rows.summary.encode() != found.summary {
            self.problem(file, None, SUMMARY_DIFFERS);
        }
        if !checkpoint::has_names(found.names, rows, expected.block(found.block.layout())?) {
            self.problem(
                file,
                None,
                "its numbers of coordinates are not those of the frames",
            );
        }
        Ok(())
    }

    fn block(&mut self, expected: &mut Expected<'_>, block: &Block) -> Result<(), Error> {
        let file = expected.rows.info.file_name();
        let differences = expected.differences(block)?;
        self.differ(&file, "the index of it that is in use here", differences);
        Ok(())
    }

    /// Whether a record is at a place still, which was read there before it was carried into the next
    /// segment: a reader beside the process that carried it keeps the row that it has.
    fn was_carried(&self, from: u64, to: u64) -> bool {
        let (from, to) = (
            RecordPosition::from_bits(from),
            RecordPosition::from_bits(to),
        );
        let read = |at| self.snapshot.reader.log.read(at);
        from.segment < to.segment
            && matches!((read(from), read(to)), (Ok(before), Ok(now)) if before.digest == now.digest)
    }

    fn live(&mut self, rows: &SegmentRows, from: Sequence) {
        let index = &self.snapshot.index;
        let mut wrong = Vec::new();
        for row in rows.rows.first_row_from(from)..rows.rows.rows() {
            let sequence = rows.rows.sequence(row);
            if sequence >= index.visible() {
                break;
            }
            match index.row_at(sequence) {
                None => wrong.push((sequence, "the index does not have it")),
                Some(found) if rows.rows.is_row(row, found) => {}
                Some(found)
                    if rows.rows.is_event(row, found)
                        && self.was_carried(found.position(), rows.rows.position(row)) => {}
                Some(_) => wrong.push((sequence, "the index says something else of it")),
            }
        }
        for (tag, tagged) in rows.rows.tags() {
            for row in tagged {
                let sequence = rows.rows.sequence(*row);
                if sequence < from || sequence >= index.visible() {
                    continue;
                }
                let here = Region::all().sequence(sequence.get()..=sequence.get());
                if index.query(here.tag(tag)).count() != 1 {
                    wrong.push((sequence, "the index does not have a tag of it"));
                }
            }
        }
        let file = rows.info.file_name();
        for (sequence, message) in wrong {
            self.problem(&file, Some(sequence), message);
        }
    }
}

/// Whether a file could not be read for another reason than what is, or is not, on the disk.
fn is_of_who_asks(error: &LogError) -> bool {
    matches!(error, LogError::Io { source, .. } if !is_of_failing_disk(source))
}
