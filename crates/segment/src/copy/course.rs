//! `Earlier`: what the target of a copy holds, and whether the log has all of it.
//!
//! The log hash chains commits, so a log that has a commit which ends with this sequence and this hash
//! has everything that was before it. Offsets may be others: what was carried over or rewritten since
//! stands elsewhere.

use crate::error::{At, LogError};
use crate::files::SegmentFile;
use crate::format::{LogPosition, Manifest, SegmentHeader, SegmentId, SegmentInfo};
use crate::open::UncheckedLog;
use crate::scan::{FrameScanner, Step, check_frame_before, frames_end};
use crate::write::is_unused;
use std::ops::Range;
use std::path::Path;
use strandline_core::fs::{EntryKind, Fs, OpenMode};
use strandline_core::{Epoch, Sequence};

/// What is in the target of a copy.
pub(super) struct Earlier {
    /// The manifest of the copy that is there.
    pub(super) manifest: Option<Manifest>,
    /// Header and end of its active segment, if there is that and nothing else in its file.
    active: Option<(SegmentHeader, LogPosition)>,
    /// Positions that it has or had, its end among them.
    had: Vec<LogPosition>,
}

/// Where a position is in a log.
enum Place {
    Found,
    /// The log ends before it, at this sequence.
    Beyond(Sequence),
    /// Within a run, where the log has no hash: it had been durable, and was removed.
    InRun,
    /// The log has other commits there.
    OnOtherCourse,
}

impl Earlier {
    /// Looks at a target; one that is missing holds nothing.
    pub(super) fn read(
        fs: &dyn Fs,
        to: &Path,
        own: &Manifest,
        known: Option<LogPosition>,
    ) -> Result<Self, LogError> {
        let manifest = Manifest::read(fs, to)?;
        let mut had: Vec<_> = known.into_iter().collect();
        let mut active = None;
        match &manifest {
            Some(earlier) => {
                if earlier.identity != own.identity {
                    return Err(refused("the target is a copy of another log".to_owned()));
                }
                had.extend(earlier.synced);
                if let Some(last) = earlier.segments.last() {
                    let (end, is_alone) = read_end(fs, to, last);
                    had.push(end);
                    active = is_alone.then_some((last.header, end));
                }
            }
            None => had.extend(interrupted(fs, to, own)?),
        }
        Ok(Self {
            manifest,
            active,
            had,
        })
    }

    /// Whether the copy that is there lists a file of this name.
    pub(super) fn lists(&self, name: &str) -> bool {
        let segments = self.manifest.iter().flat_map(|one| &one.segments);
        segments.into_iter().any(|info| info.file_name() == name)
    }

    /// Whether that file is of its active segment.
    pub(super) fn lists_as_active(&self, name: &str) -> bool {
        let last = self.manifest.as_ref().and_then(|one| one.segments.last());
        last.is_some_and(|last| last.file_name() == name)
    }

    /// The header of its active segment, if that has the same frames as one that starts and ends so.
    pub(super) fn active_until(
        &self,
        own: &SegmentHeader,
        end: &LogPosition,
    ) -> Option<SegmentHeader> {
        let (header, _) = self.active.filter(|(_, here)| here == end)?;
        (header.start() == own.start()).then_some(header)
    }

    /// Whether what is there is of this course of the log, as far as it says.
    fn is_of(&self, epoch: Epoch) -> bool {
        self.manifest.as_ref().is_none_or(|one| one.epoch == epoch)
    }

    /// Checks that the log has all that was copied.
    pub(super) fn check(&self, log: &UncheckedLog) -> Result<(), LogError> {
        for had in &self.had {
            match place_of(log, had)? {
                Place::Found => {}
                // A copy that was opened to write is of another epoch.
                Place::InRun if self.is_of(log.manifest.epoch) => {}
                Place::Beyond(end) => return Err(shorter(had, end)),
                Place::OnOtherCourse | Place::InRun => {
                    return Err(refused(format!(
                        "the copy there goes another way than the log before sequence {}: it was \
                         written to after it was copied, or the log was put back by a restore and \
                         went on otherwise",
                        had.sequence
                    )));
                }
            }
        }
        match &self.manifest {
            Some(earlier) => check_manifest(&log.manifest, earlier),
            None => Ok(()),
        }
    }

    /// Checks that a new copy does not end before what was there.
    pub(super) fn check_end(&self, end: &LogPosition) -> Result<(), LogError> {
        let last = self.had.iter().max_by_key(|had| had.sequence);
        match last {
            Some(had) if had.sequence > end.sequence => Err(shorter(had, end.sequence)),
            _ => Ok(()),
        }
    }
}

fn refused(reason: String) -> LogError {
    LogError::OtherTarget { reason }
}

fn shorter(had: &LogPosition, end: Sequence) -> LogError {
    refused(format!(
        "the copy there ends at sequence {} and would end at {end}: the log has lost its end, or was \
         put back by a restore",
        had.sequence
    ))
}

/// Checks that an earlier manifest is one that this log had, as far as it says.
fn check_manifest(own: &Manifest, earlier: &Manifest) -> Result<(), LogError> {
    let is_written = || {
        let reason = "the target was written to after it was copied, or the log was put back since";
        Err(refused(reason.to_owned()))
    };
    // Numbers of another epoch are counted otherwise: what was opened to write and not written has one more.
    if earlier.epoch == own.epoch && earlier.number > own.number {
        return is_written();
    }
    for own in &own.segments {
        let is_other_course = earlier.segment(own.id()).is_some_and(|other| {
            // Rewritten more often than here: it would get back what was removed from it.
            other.header.rewritings() > own.header.rewritings()
                || other.header.generation == own.header.generation && other.header != own.header
        });
        if is_other_course {
            return is_written();
        }
    }
    Ok(())
}

/// Where the active segment of a copy ends, and whether its file does; where it begins if it cannot be
/// read.
fn read_end(fs: &dyn Fs, to: &Path, last: &SegmentInfo) -> (LogPosition, bool) {
    match SegmentFile::open(fs, to, &last.header, OpenMode::Read) {
        Ok(file) => {
            let until = file.readable_bytes().unwrap_or_default();
            let end = frames_end(&file, last.start(), until);
            let is_alone = file.len().is_ok_and(|bytes| bytes == u64::from(end.offset));
            (end, is_alone)
        }
        Err(_) => (last.start(), false),
    }
}

/// Where the segments end that a directory without a manifest has, which a call that was interrupted
/// left. They are taken for no more than that: each is of this log.
fn interrupted(fs: &dyn Fs, to: &Path, own: &Manifest) -> Result<Vec<LogPosition>, LogError> {
    let entries = match fs.list(to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("list", to)?,
    };
    let mut ends = Vec::new();
    for entry in entries {
        let is_segment = SegmentId::parse_file_name(&entry.name).is_some();
        if entry.kind != EntryKind::File || !is_segment {
            continue;
        }
        let path = to.join(&entry.name);
        if is_unused(fs, &path, &own.identity)? {
            continue;
        }
        let Some((header, file)) = SegmentFile::open_own(fs, &path, &own.identity)? else {
            return Err(refused(format!(
                "the target has no manifest, and {} there is no segment of this log",
                entry.name
            )));
        };
        let is_sealed_here = |info: &SegmentInfo| info.header == header && info.is_sealed();
        if !own.segments.iter().any(is_sealed_here) {
            ends.push(frames_end(&file, header.start(), file.readable_bytes()?));
        }
    }
    Ok(ends)
}

/// Looks for a commit that ends with the sequence and the log hash of a position: where it was first,
/// then in all that may have it.
fn place_of(log: &UncheckedLog, had: &LogPosition) -> Result<Place, LogError> {
    let same = |at: &LogPosition| at.is_same_place(had);
    if let Some((info, file)) = log.find(had.segment)
        && info.end.is_none_or(|end| had.offset <= end.offset)
        && check_frame_before(file, info, had).is_ok()
    {
        return Ok(Place::Found);
    }
    let mut reached = Sequence::ZERO;
    for (info, file) in log.manifest.segments.iter().zip(&log.files) {
        let start = info.start();
        if same(&start) || info.end.as_ref().is_some_and(same) {
            return Ok(Place::Found);
        }
        reached = reached.max(info.end.unwrap_or(start).sequence);
        if start.sequence > had.sequence || info.end.is_some_and(|end| end.sequence < had.sequence)
        {
            continue;
        }
        let until = match info.end {
            Some(end) => u64::from(end.offset),
            None => file.readable_bytes()?,
        };
        let mut scanner = FrameScanner::new(file, start, until);
        loop {
            match scanner.next()? {
                Step::Frame(frame) => {
                    let end = frame.end();
                    if same(&end) {
                        return Ok(Place::Found);
                    }
                    reached = reached.max(end.sequence);
                    let is_within =
                        |run: Range<Sequence>| run.start < had.sequence && had.sequence < run.end;
                    if frame.run().is_some_and(is_within) {
                        return Ok(Place::InRun);
                    }
                    if end.sequence > had.sequence {
                        return Ok(Place::OnOtherCourse);
                    }
                }
                Step::Bad(reason) if info.is_sealed() => {
                    let offset = u64::from(scanner.position().offset);
                    return Err(LogError::corrupt(file.name(), offset, reason));
                }
                Step::End | Step::Bad(_) => break,
            }
        }
    }
    Ok(match reached < had.sequence {
        true => Place::Beyond(reached),
        false => Place::OnOtherCourse,
    })
}
