//! `FrameScanner`: the frames of a segment, one after the other, each checked.

use crate::file::SegmentFile;
use crate::format::COMMIT_BYTES_MAX;
use crate::frame::{FRAME_HEADER_BYTES, Frame, FrameHeader, MAGIC};
use crate::{FRAME_ALIGNMENT, LogError, LogPosition};
use std::ops::Range;
use strandline_core::Sequence;

/// How much is read at once.
const READ_BYTES: usize = 1 << 20;
/// How much is read at once around what cannot be read.
const BLOCK_BYTES: usize = 512;
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

/// A piece of a segment file in memory.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    pub(crate) segment: &'a SegmentFile,
    /// Nothing is read from here on.
    pub(crate) until: u64,
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte in the file.
    start: u64,
    /// How much is read at least, where there is as much.
    read_bytes: usize,
    /// Stretches that could not be read, if that is no error: they are taken for zeros.
    unreadable: Option<Vec<Range<u64>>>,
}

impl<'a> Window<'a> {
    pub(crate) const fn new(segment: &'a SegmentFile, until: u64) -> Self {
        Self {
            segment,
            until,
            buffer: Vec::new(),
            start: 0,
            read_bytes: READ_BYTES,
            unreadable: None,
        }
    }

    /// Goes on past what cannot be read, which is zeros then.
    pub(crate) fn be_patient(&mut self) {
        self.unreadable = Some(Vec::new());
    }

    /// What could not be read, in the order in which it was met.
    pub(crate) fn take_unreadable(&mut self) -> Vec<Range<u64>> {
        self.unreadable
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Up to `count` bytes from `offset`, fewer at the end.
    pub(crate) fn bytes(&mut self, offset: u64, count: usize) -> Result<&[u8], LogError> {
        let left = usize::try_from(self.until.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = count.min(left);
        let buffered = self.start + self.buffer.len() as u64;
        if offset < self.start || offset + count as u64 > buffered {
            self.buffer.clear();
            self.buffer.resize(count.max(self.read_bytes).min(left), 0);
            match (
                self.segment.read(&mut self.buffer, offset),
                &mut self.unreadable,
            ) {
                (Err(_), Some(unreadable)) => {
                    let wanted = count.max(self.read_bytes).min(left);
                    self.buffer.resize(wanted, 0);
                    read_blocks(self.segment, &mut self.buffer, offset, unreadable);
                }
                (read, _) => read?,
            }
            self.start = offset;
        }
        Ok(self.buffered(offset, count))
    }

    /// What is in memory from `offset` on, at least `least` bytes of it, fewer at the end. Whoever moves
    /// through a file with this reads it once, however small the steps.
    pub(crate) fn rest(&mut self, offset: u64, least: usize) -> Result<&[u8], LogError> {
        self.bytes(offset, least)?;
        Ok(self.buffered(offset, usize::MAX))
    }

    fn buffered(&self, offset: u64, count: usize) -> &[u8] {
        let from = offset.checked_sub(self.start);
        let from = from
            .and_then(|from| usize::try_from(from).ok())
            .unwrap_or(usize::MAX);
        let rest = self.buffer.get(from..).unwrap_or_default();
        rest.get(..count).unwrap_or(rest)
    }
}

/// Fills a buffer block by block, and notes the blocks that cannot be read, which are zeros.
fn read_blocks(
    segment: &SegmentFile,
    buffer: &mut [u8],
    start: u64,
    unreadable: &mut Vec<Range<u64>>,
) {
    let mut offset = start;
    for block in buffer.chunks_mut(BLOCK_BYTES) {
        let end = offset + block.len() as u64;
        let mut bytes = vec![0; block.len()];
        match segment.read(&mut bytes, offset) {
            Ok(()) => {
                let read = bytes.len();
                block
                    .get_mut(..read)
                    .unwrap_or_default()
                    .copy_from_slice(&bytes);
            }
            Err(_) => match unreadable.last_mut() {
                Some(last) if last.end >= offset => last.end = last.end.max(end),
                _ => unreadable.push(offset..end),
            },
        }
        offset = end;
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
