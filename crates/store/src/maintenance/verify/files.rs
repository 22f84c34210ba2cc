//! `verify_files`: how much of a store is good that does not open.

use super::kept::{Kept, Verified};
use crate::maintenance::damaged::{DamagedStore, Durable, Names, all_left_over};
use crate::maintenance::progress::{Meter, OnProgress};
use crate::verify::{LogCheck, Problem, ProblemKind, events_in};
use crate::{Error, ErrorKind, Sequence};
use std::path::Path;
use strandline_core::Hash;
use strandline_core::fs::Fs;
use strandline_segment::{Examiner, Piece, SegmentInfo};

/// Verifies the files of the store in `dir` as they are, whether or not it opens: every checksum and chain
/// as far as something of them is left, and that everything is there which a checkpoint, the MANIFEST or a
/// frame shows durable. Changes nothing.
///
/// It does not look at footers and at what records of removals say, and finds no receipts: for that a store
/// is opened, and [`verify`](crate::maintenance::verify()) does it. Receipts that were kept are mismatches, since they
/// were not checked.
///
/// ```
/// use strandline::maintenance::{Kept, unwatched, verify_files};
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
/// store.close()?;
///
/// let fs = strandline::fs::OsFs;
/// let verified = verify_files(&fs, &path, &Kept::default(), &mut unwatched)?;
/// assert_eq!(verified.report.good(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::NotFound`] if there is nothing of a store in `dir`, [`ErrorKind::InvalidInput`] if sealed segments of
/// it are in a bucket, [`ErrorKind::Io`] if the directory or a file cannot be read for another reason than a failing disk, [`ErrorKind::Cancelled`]. What is wrong is
/// no error: it is in the report, and so is what the disk does not give back.
pub fn verify_files(
    fs: &dyn Fs,
    dir: &Path,
    kept: &Kept,
    on_progress: OnProgress<'_>,
) -> Result<Verified, Error> {
    let mut meter = Meter::events(None, on_progress);
    meter.report()?;
    let store = DamagedStore::find(fs, dir)?;
    let check = LogCheck::start(Box::new(|_, _| None), Hash::ZERO)
        .map_err(|error| Error::io("start a thread to verify", dir, error))?;
    let mut files = Files {
        store: &store,
        check,
        head: kept.head,
        head_at: None,
        durable: store.evidence.durable.clone(),
        absent: store.absent().copied().collect(),
        infos: Vec::new(),
    };
    for name in &store.files.chosen {
        files.file(name, &mut meter)?;
    }
    let mut verified = files.finish();
    verified.notices.extend(all_left_over(fs, dir));
    if !kept.receipts.is_empty() {
        let message = "receipts were not checked: the store does not open";
        verified.mismatches.push(message.to_owned());
    }
    if kept.head.is_some() && verified.head_at.is_none() {
        let message = "no commit that can be read has the log hash that was kept: it may be that of one that is \
            damaged, or that a compaction removed with its hash";
        verified.mismatches.push(message.to_owned());
    }
    meter.finish()?;
    Ok(verified)
}

struct Files<'a> {
    store: &'a DamagedStore<'a>,
    check: LogCheck<'a>,
    head: Option<Hash>,
    head_at: Option<Sequence>,
    durable: Durable,
    /// The segments that have no file and were not told of yet.
    absent: Vec<SegmentInfo>,
    /// The segments that were read.
    infos: Vec<SegmentInfo>,
}

impl Files<'_> {
    fn file(&mut self, name: &str, meter: &mut Meter<'_>) -> Result<(), Error> {
        let examiner = match self.store.examiner(name) {
            Ok(Some(examiner)) => examiner,
            Ok(None) => return Ok(()),
            // What the disk does not give back of one file says nothing of the others.
            Err(error) if error.kind() == ErrorKind::Io && !error.is_of_failing_disk() => {
                return Err(error);
            }
            Err(error) => {
                self.wrong_file(name, error.to_string());
                return Ok(());
            }
        };
        let info = self.info(&examiner);
        let newest = self.check.end(Some(info.start().sequence));
        self.durable.take(info.start().sequence, name);
        self.gone(info.start().sequence, name);
        self.check.begin(&info, newest);
        if let Some(problem) = examiner.file_problem() {
            self.wrong_file(name, problem.to_string());
        }
        let names = Names::of(&examiner, self.store.evidence.checkpoint.as_ref());
        self.check
            .look_up(Box::new(move |at, record| names.in_rows(at, record)));
        self.infos.push(info);
        examiner.patient().pieces(|piece| {
            match &piece {
                Piece::Frame { frame, .. } => {
                    self.durable.take(frame.durable_through(), name);
                    if Some(frame.header().log_hash) == self.head {
                        self.head_at = Some(frame.end().sequence);
                    }
                }
                Piece::BrokenFrame { header, .. } => {
                    self.durable.take(header.durable_through, name);
                }
                _ => {}
            }
            self.check.piece(&info, &piece);
            meter.add(events_in(&piece))
        })?;
        Ok(())
    }

    /// What is known of a segment.
    fn info(&self, examiner: &Examiner) -> SegmentInfo {
        let listed = self.store.evidence.manifest.as_ref();
        let listed = listed.and_then(|listed| {
            let mut listed = listed.segments().iter();
            listed.find(|info| info.header() == examiner.header())
        });
        listed.copied().unwrap_or_else(|| examiner.info())
    }

    /// Notes that everything before `to` was there, as the file `shown` shows: what is lost of it was in
    /// segments that have no file, or nothing else is known of it.
    fn gone(&mut self, to: Sequence, shown: &str) {
        let absent = &mut self.absent;
        self.check.gone(to, |gone| {
            let all = std::mem::take(absent).into_iter();
            let (within, others): (Vec<_>, _) =
                all.partition(|info| gone.contains(&info.start().sequence.get()));
            *absent = others;
            match within.as_slice() {
                [] => (
                    shown.to_owned(),
                    format!("{shown} shows that events before {to} were there"),
                ),
                [first, ..] => (first.file_name(), is_missing(&within)),
            }
        });
    }

    fn wrong_file(&mut self, name: &str, message: String) {
        let problem = Problem::new(ProblemKind::Log, message);
        self.check.told(problem.in_file(Some(name.to_owned())));
    }

    fn finish(mut self) -> Verified {
        let Durable { before, shown_by } = std::mem::take(&mut self.durable);
        self.check.end(Some(before));
        self.gone(before, &shown_by.unwrap_or_default());
        for info in std::mem::take(&mut self.absent) {
            self.wrong_file(&info.file_name(), is_missing(&[info]));
        }
        for notice in &self.store.evidence.notices {
            let problem = Problem::new(ProblemKind::Index, notice.clone());
            self.check.told(problem);
        }
        let infos = self.infos;
        let report = self.check.finish(|sequence| {
            let mut newest_first = infos.iter().rev();
            let of = newest_first.find(|info| info.start().sequence <= sequence);
            of.map(SegmentInfo::file_name)
        });
        Verified {
            report,
            head_at: self.head_at,
            mismatches: Vec::new(),
            notices: Vec::new(),
        }
    }
}

/// That the files of segments are missing.
fn is_missing(absent: &[SegmentInfo]) -> String {
    let first = absent
        .first()
        .map(SegmentInfo::file_name)
        .unwrap_or_default();
    match absent {
        [] | [_] => format!("{first} is missing, the MANIFEST lists it"),
        [.., last] => format!(
            "{} segments are missing that the MANIFEST lists, {first} to {}",
            absent.len(),
            last.file_name()
        ),
    }
}
