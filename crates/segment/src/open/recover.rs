//! Recovery: reading the frames, and deciding what a bad one means.
//!
//! A bad frame in a sealed segment is corruption. In the last one it is a torn tail if nothing
//! proves that the log was durable past it, and corruption otherwise. Proof is the
//! `durable_through` of any valid frame header, before it or after it, what the caller knows, what
//! the manifest says, and the end of the segments before. What stands after a bad frame is proof at most, never data.

use super::beside::{Look, Since};
use super::log::UncheckedLog;
use super::repairs::Repairs;
use crate::error::{LogError, ScanError};
use crate::files::SegmentFile;
use crate::format::{Frame, LogPosition, MANIFEST_FILE, SegmentId};
use crate::read::{LogReader, LogView};
use crate::scan::{FrameScanner, HeadersAfter, NOTES_MISSING, Step, not_listed, visit_sealed};
use std::fmt;
use strandline_core::Sequence;

/// The end of the log that a crash tore: bytes after the last whole commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub segment: SegmentId,
    /// Where the torn bytes begin.
    pub offset: u32,
    /// How many there are.
    pub bytes: u64,
    /// Sequence after the last whole commit.
    pub sequence: Sequence,
    /// Whole frames that stand after the bad one and continue nothing.
    pub frames_after_gap: u64,
    /// What is wrong at the offset.
    pub reason: &'static str,
}

impl fmt::Display for TornTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ends torn at offset {}, after sequence {}: {} bytes, {} whole frames among them, \
             were never durable ({})",
            self.segment.file_name(),
            self.offset,
            self.sequence,
            self.bytes,
            self.frames_after_gap,
            self.reason
        )
    }
}

/// A log whose frames were read; what opening for writing would repair is known.
#[derive(Debug)]
pub struct ScannedLog {
    pub(crate) log: UncheckedLog,
    pub(crate) end: LogPosition,
    proven_durable: Sequence,
    pub(crate) torn_tail: Option<TornTail>,
    /// Where the part of the last segment begins that is not proven durable.
    pub(crate) unproven_from: LogPosition,
    /// Where the file changed while it was read, if that was noticed.
    pub(crate) changed_at: Option<u32>,
    /// What was done to the directory so far.
    pub(crate) repairs: Repairs,
}

impl UncheckedLog {
    /// Reads every frame from `from`, or from the start, and hands it to `visit`, oldest first.
    /// Changes nothing.
    ///
    /// Another process may write meanwhile: then whole commits are read up to what was seen of it.
    ///
    /// `proven_durable` says up to which sequence the caller knows the log durable.
    ///
    /// Memory: the largest frame, or 1 MiB.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] for damage that no crash explains, [`LogError::LogBehind`] if the log
    /// ends before `from` or `proven_durable` or is another log there, [`LogError::Io`], and what
    /// `visit` returns.
    pub fn scan<E>(
        self,
        from: Option<LogPosition>,
        proven_durable: Sequence,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<ScannedLog, ScanError<E>> {
        let mut position = self.start(from)?;
        let mut proven = proven_durable;
        if let Some(durable) = &self.durable {
            self.check_position(durable)?;
            proven = proven.max(durable.sequence);
        }
        let mut segments = self.manifest.segments.iter().zip(&self.files).peekable();
        while let Some((info, file)) = segments.next() {
            if info.id() < position.segment {
                continue;
            }
            if position.segment != info.id() {
                position = info.start();
            }
            let Some(end) = info.end else {
                drop(segments);
                return self.scan_last(position, proven, visit);
            };
            visit_sealed(file, position, &end, &mut visit)?;
            // A segment is synced before it is sealed.
            proven = proven.max(end.sequence);
        }
        Err(LogError::corrupt(MANIFEST_FILE, 0, "no segment is active").into())
    }

    /// The position to read from, checked against the log.
    fn start(&self, from: Option<LogPosition>) -> Result<LogPosition, LogError> {
        let first = self.manifest.segments.first().map(|info| info.start());
        let Some(from) = from.or(first) else {
            return Err(LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment"));
        };
        if self.find(from.segment).is_none() {
            // What is left of it stands elsewhere.
            return Err(not_listed(&from, Sequence::ZERO));
        }
        self.check_position(&from).map(|()| from)
    }

    fn scan_last<E>(
        self,
        start: LogPosition,
        mut proven: Sequence,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<ScannedLog, ScanError<E>> {
        let file = self.active()?.1.clone();
        let mut scanner = FrameScanner::new(&file, start, file.readable_bytes()?);
        let durable = self.durable_offset();
        // The starts of frames, each with what proves it durable, while nothing does.
        let mut unproven: std::collections::VecDeque<(Sequence, LogPosition)> = Default::default();
        let mut look: Option<Look> = None;
        let mut changed_at = None;
        let bad = loop {
            match scanner.next()? {
                Step::Frame(frame) => {
                    proven = proven.max(frame.durable_through());
                    unproven.push_back((frame.proven_by(), frame.start()));
                    while unproven
                        .front()
                        .is_some_and(|(by, start)| *by <= proven || start.offset < durable)
                    {
                        unproven.pop_front();
                    }
                    visit(&frame).map_err(ScanError::Visit)?;
                    let end = u64::from(frame.end().offset);
                    if let Some(look) = look.take() {
                        changed_at = Some(look.offset);
                        // A writer may be at work for ever; what was seen of it is enough.
                        scanner.stop_at(end.max(look.after.end));
                    }
                }
                Step::End => {
                    changed_at = look.map(|look| look.offset).or(changed_at);
                    break None;
                }
                Step::Bad(reason) => {
                    let offset = scanner.position().offset;
                    let look = match &mut look {
                        Some(look) => look,
                        None => {
                            let after = scanner.headers_after()?;
                            proven = proven.max(after.durable_through);
                            look.insert(Look::new(offset, after, &self.options))
                        }
                    };
                    if !look.again() && !look.last_once_sealed(self.since(&scanner.position())?) {
                        break Some((reason, look.after));
                    }
                    scanner.look_again(file.readable_bytes()?);
                }
            }
        };
        let end = scanner.position();
        let torn_tail = match bad {
            None => None,
            Some((reason, after)) => {
                let corrupt = scanner.corrupt(reason)?;
                self.judge(&file, (end, corrupt), proven, reason, after)?
            }
        };
        if end.sequence < proven || end.offset < durable {
            let durable = self.durable.map(|durable| durable.sequence);
            let expected = proven.max(durable.unwrap_or_default());
            return Err(log_behind(&file, end.sequence, expected).into());
        }
        let unproven_from = unproven.front().map_or(end, |(_, start)| *start);
        Ok(ScannedLog {
            log: self,
            end,
            proven_durable: proven,
            torn_tail,
            unproven_from,
            changed_at,
            repairs: Repairs::default(),
        })
    }

    /// Where the part of the active segment ends that is known durable whatever its frames say.
    fn durable_offset(&self) -> u32 {
        self.durable.map_or(0, |durable| durable.offset)
    }

    /// What the bad frame at `end`, which is this error if it is damage, means, after it was looked at again:
    /// a torn tail, nothing if the segment was sealed there or carried over meanwhile, or corruption.
    fn judge(
        &self,
        file: &SegmentFile,
        (end, corrupt): (LogPosition, LogError),
        proven: Sequence,
        reason: &'static str,
        after: HeadersAfter,
    ) -> Result<Option<TornTail>, LogError> {
        let offset = u64::from(end.offset);
        if end.sequence < proven || end.offset < self.durable_offset() {
            return Err(corrupt);
        }
        match self.since(&end)? {
            Since::SealedLater => Err(corrupt),
            // What is there now belongs to a log that goes on in another file.
            Since::Carried | Since::SealedHere => Ok(None),
            Since::Active => Ok(Some(TornTail {
                segment: file.id,
                offset: end.offset,
                bytes: file.readable_bytes()?.saturating_sub(offset),
                sequence: end.sequence,
                frames_after_gap: after.frames,
                reason,
            })),
        }
    }
}

impl ScannedLog {
    /// Where the log ends: after its last whole commit.
    #[must_use]
    pub const fn end(&self) -> LogPosition {
        self.end
    }

    /// Sequences below this one are proven durable by what was read.
    #[must_use]
    pub const fn proven_durable(&self) -> Sequence {
        self.proven_durable
    }

    /// The torn tail, if there is one.
    #[must_use]
    pub const fn torn_tail(&self) -> Option<&TornTail> {
        self.torn_tail.as_ref()
    }

    /// A view of the log as far as it was read.
    #[must_use]
    pub fn view(&self) -> LogView {
        if let Some(last) = self.log.files.last() {
            last.set_written_end(self.end.offset);
        }
        let (infos, files) = (self.log.manifest.segments.clone(), self.log.files.clone());
        LogReader::new(infos, files, self.log.open_files.clone(), None).view()
    }

    /// A reader of the whole commits. Changes nothing.
    #[must_use]
    pub fn into_reader(self) -> LogReader {
        if let Some(last) = self.log.files.last() {
            last.set_written_end(self.end.offset);
        }
        // What is written after this is not seen, so nothing is mapped ahead.
        let mapped_bytes = self.log.options.mapped_bytes().map(|_| 0);
        LogReader::new(
            self.log.manifest.segments,
            self.log.files,
            self.log.open_files,
            mapped_bytes,
        )
    }
}

/// The error of a log that ends before what is known durable.
fn log_behind(file: &SegmentFile, found: Sequence, expected: Sequence) -> LogError {
    // Then it is its place that says that it ends before what was durable.
    let is_notes_alone = found >= expected;
    LogError::LogBehind {
        file: file.name(),
        expected_sequence: expected.get(),
        found_sequence: found.get(),
        reason: match is_notes_alone {
            true => NOTES_MISSING,
            false => "commits that were durable are not there",
        },
        is_notes_alone,
    }
}
