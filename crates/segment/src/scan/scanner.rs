//! `FrameScanner`: the frames of a segment, one after the other, each checked, up to the first that is not
//! right. What is past that is in `pieces`.

use super::window::{READ_BYTES, Window};
use crate::error::{LogError, ScanError};
use crate::files::SegmentFile;
use crate::format::{
    COMMIT_BYTES_MAX, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, FrameHeader, LogPosition, MAGIC,
    RUN_IN_OTHERS,
};
use strandline_core::Sequence;

/// How much is read of what is looked at again.
const LOOK_BYTES: usize = 4 << 10;

/// What stands at the scanner's position.
pub(crate) enum Step<'a> {
    /// A frame that is right.
    Frame(Frame<'a>),
    /// Nothing, or zeros to the end of the file.
    End,
    /// Something that is no frame, or not the one that belongs here.
    Bad(&'static str),
}

/// Reads frames in large pieces, from a position up to an offset.
#[derive(Debug)]
pub(crate) struct FrameScanner<'a> {
    position: LogPosition,
    window: Window<'a>,
}

impl<'a> FrameScanner<'a> {
    pub(crate) const fn new(segment: &'a SegmentFile, position: LogPosition, until: u64) -> Self {
        Self {
            position,
            window: Window::new(segment, until),
        }
    }

    /// Forgets what was read, and reads up to `until` from now on: the file may have changed.
    pub(crate) fn look_again(&mut self, until: u64) {
        self.window.until = until;
        self.window.buffer.clear();
        self.window.read_bytes = LOOK_BYTES;
    }

    /// Reads up to `until` at most from now on.
    pub(crate) fn stop_at(&mut self, until: u64) {
        self.window.until = self.window.until.min(until);
    }

    /// Where the next frame begins.
    pub(crate) const fn position(&self) -> LogPosition {
        self.position
    }

    /// The next frame. The position moves on only past one that is right.
    pub(crate) fn next(&mut self) -> Result<Step<'_>, LogError> {
        let start = self.position;
        let offset = u64::from(start.offset);
        let left = self.window.until.saturating_sub(offset);
        if left == 0 {
            return Ok(Step::End);
        }
        let salt = self.window.segment.salt;
        let header = self.window.bytes(offset, FRAME_HEADER_BYTES)?;
        if header.iter().all(|byte| *byte == 0) {
            return self.zeros_to_the_end(offset);
        }
        let header = match FrameHeader::decode(salt, start.offset, header) {
            Ok(header) => header,
            Err(reason) => return Ok(Step::Bad(reason)),
        };
        if header.is_run && !self.window.segment.has_runs {
            return Ok(Step::Bad(RUN_IN_OTHERS));
        }
        if u64::from(header.frame_bytes) > left || header.frame_bytes > COMMIT_BYTES_MAX {
            return Ok(Step::Bad("a frame is longer than what is left"));
        }
        let bytes = self.window.bytes(offset, header.frame_bytes as usize)?;
        let frame = Frame::unchecked(header, start, salt, bytes);
        if let Err(reason) = frame.check() {
            return Ok(Step::Bad(reason));
        }
        self.position = frame.end();
        self.window.read_bytes = READ_BYTES;
        // Made again from its parts: the borrow of the first one ended with the checks.
        let bytes = self.window.buffered(offset, header.frame_bytes as usize);
        Ok(Step::Frame(Frame::unchecked(header, start, salt, bytes)))
    }

    /// The error of the bad frame at the position: it is at the offset of the frame, and names the record
    /// that is not right, if it is one.
    pub(crate) fn corrupt(&mut self, reason: &str) -> Result<LogError, LogError> {
        let name = self.window.segment.name();
        let offset = u64::from(self.position.offset);
        let at = self.damaged_at()?;
        Ok(match at == offset {
            true => LogError::corrupt(name, offset, reason),
            false => {
                let reason = format!("{reason}, that of the record at offset {at}");
                LogError::corrupt(name, offset, reason)
            }
        })
    }

    /// Where the record begins that is not right in the frame at the position, or else the frame.
    fn damaged_at(&mut self) -> Result<u64, LogError> {
        let start = self.position;
        let offset = u64::from(start.offset);
        let salt = self.window.segment.salt;
        let header = self.window.bytes(offset, FRAME_HEADER_BYTES)?;
        let Ok(header) = FrameHeader::decode(salt, start.offset, header) else {
            return Ok(offset);
        };
        if header.frame_bytes > COMMIT_BYTES_MAX {
            return Ok(offset);
        }
        let bytes = self.window.bytes(offset, header.frame_bytes as usize)?;
        let frame = Frame::unchecked(header, start, salt, bytes);
        Ok(offset + frame.bad_record().unwrap_or(0) as u64)
    }

    fn zeros_to_the_end(&mut self, mut offset: u64) -> Result<Step<'_>, LogError> {
        while offset < self.window.until {
            let piece = self.window.bytes(offset, READ_BYTES)?;
            if piece.is_empty() {
                break;
            }
            if piece.iter().any(|byte| *byte != 0) {
                return Ok(Step::Bad("there are zeros, and bytes after them"));
            }
            offset += piece.len() as u64;
        }
        Ok(Step::End)
    }

    /// Searches everything after the position for frame headers that are right, in linear time.
    pub(crate) fn headers_after(&mut self) -> Result<HeadersAfter, LogError> {
        let mut found = HeadersAfter::default();
        let mut offset = u64::from(self.position.offset) + u64::from(FRAME_ALIGNMENT);
        while offset < self.window.until {
            let salt = self.window.segment.salt;
            let piece = self.window.bytes(offset, READ_BYTES)?;
            let searched = if piece.len() < READ_BYTES {
                piece.len()
            } else {
                piece.len() - FRAME_HEADER_BYTES
            };
            for at in (0..searched).step_by(FRAME_ALIGNMENT as usize) {
                let rest = piece.get(at..).unwrap_or_default();
                if !rest.starts_with(&MAGIC) {
                    continue;
                }
                let Ok(place) = u32::try_from(offset + at as u64) else {
                    break;
                };
                if let Ok(header) = FrameHeader::decode(salt, place, rest) {
                    found.frames += 1;
                    found.durable_through = found.durable_through.max(header.durable_through);
                    let end = u64::from(place) + u64::from(header.frame_bytes);
                    found.end = found.end.max(end);
                }
            }
            if searched == 0 {
                break;
            }
            offset += searched.next_multiple_of(FRAME_ALIGNMENT as usize) as u64;
        }
        Ok(found)
    }
}

/// What the search after a bad frame found: proof of durability, never data.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HeadersAfter {
    pub(crate) frames: u64,
    pub(crate) durable_through: Sequence,
    /// Where the last of the frames ends, as its header says; 0 if there is none.
    pub(crate) end: u64,
}

/// Hands every frame of a segment from `start` up to `until` to `visit`; a bad one is corruption.
pub(crate) fn visit_all<E>(
    file: &SegmentFile,
    start: LogPosition,
    until: u64,
    mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
) -> Result<LogPosition, ScanError<E>> {
    let mut scanner = FrameScanner::new(file, start, until);
    loop {
        match scanner.next()? {
            Step::Frame(frame) => visit(&frame).map_err(ScanError::Visit)?,
            Step::End => return Ok(scanner.position()),
            Step::Bad(reason) => {
                return Err(scanner.corrupt(reason)?.into());
            }
        }
    }
}

/// Hands every frame of a segment that is sealed at `end` to `visit`, from `start` on; they must end there.
pub(crate) fn visit_sealed<E>(
    file: &SegmentFile,
    start: LogPosition,
    end: &LogPosition,
    visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
) -> Result<(), ScanError<E>> {
    let reached = visit_all(file, start, u64::from(end.offset), visit)?;
    if reached == *end {
        return Ok(());
    }
    Err(LogError::corrupt(
        file.name(),
        u64::from(reached.offset),
        "the segment does not end as the MANIFEST says",
    )
    .into())
}

/// Where the frames of a file up to an offset end that are right.
pub(crate) fn frames_end(file: &SegmentFile, start: LogPosition, until: u64) -> LogPosition {
    let mut scanner = FrameScanner::new(file, start, until);
    while let Ok(Step::Frame(_)) = scanner.next() {}
    scanner.position()
}
