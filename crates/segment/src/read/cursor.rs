//! `RecordCursor`: records in order, with few reads. Each is checked alone, and not that none is missing.

use super::segment::ReadSegment;
use super::view::{LogView, claimed_bytes, parse};
use crate::error::LogError;
use crate::files::SegmentFile;
use crate::format::{RecordPosition, RecordRef};
use std::sync::Arc;

/// How much is read where nothing says that more is wanted.
const WINDOW_BYTES_LEAST: usize = 1 << 10;
/// How much is read at most.
const WINDOW_BYTES_MOST: usize = 1 << 20;

/// Reads records that come in order, forward or backward. A mapped segment is read where it is, any
/// other through a window of the file that grows while records are near each other and shrinks
/// while they are not.
#[derive(Debug)]
pub struct RecordCursor {
    view: LogView,
    segment: Option<Arc<ReadSegment>>,
    window: Window,
}

/// A piece of a file.
#[derive(Debug)]
struct Window {
    bytes: Vec<u8>,
    /// Offset of the first byte in the file.
    start: u64,
    /// How much is read next.
    reach_bytes: usize,
}

impl LogView {
    /// For many records in order: reads ahead while they follow each other.
    #[must_use]
    pub fn cursor(&self) -> RecordCursor {
        RecordCursor::new(self.clone())
    }
}

impl RecordCursor {
    const fn new(view: LogView) -> Self {
        Self {
            view,
            segment: None,
            window: Window {
                bytes: Vec::new(),
                start: 0,
                reach_bytes: WINDOW_BYTES_LEAST,
            },
        }
    }

    /// Brings what is mapped of the record at `position` into the cache of the processor, and waits for nothing:
    /// for who is going to read several that are far from each other.
    #[inline]
    pub fn ask_for(&self, position: RecordPosition) {
        if let Ok(segment) = self.view.segment(position.segment) {
            segment.ask_for(position.offset);
        }
    }

    /// The record at `position`, checked. No read if its segment is mapped or the window has it.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if there is no such record or it was damaged, [`LogError::Io`].
    #[inline]
    pub fn read(&mut self, position: RecordPosition) -> Result<RecordRef<'_>, LogError> {
        let segment = match self.segment.take() {
            Some(segment) if segment.file.id == position.segment => segment,
            _ => {
                self.window.bytes.clear();
                self.view.segment(position.segment)?.clone()
            }
        };
        let segment = self.segment.insert(segment);
        match segment.mapped(position.offset) {
            Some(bytes) => parse(&segment.file, position, bytes),
            None => self.window.read(&segment.file, position),
        }
    }
}

impl Window {
    fn read(
        &mut self,
        file: &SegmentFile,
        position: RecordPosition,
    ) -> Result<RecordRef<'_>, LogError> {
        let offset = u64::from(position.offset);
        self.fill(file, position, offset)?;
        parse(file, position, self.held(offset).unwrap_or_default())
    }

    /// Makes the window hold the whole record.
    fn fill(
        &mut self,
        file: &SegmentFile,
        position: RecordPosition,
        offset: u64,
    ) -> Result<(), LogError> {
        if let Some(held) = self.held(offset) {
            match RecordRef::claimed_bytes(held) {
                Some(_) if claimed_bytes(file, position, held)? <= held.len() => return Ok(()),
                _ => {}
            }
        }
        let start = self.next_start(offset);
        self.load(file, start, offset)?;
        let held = self.held(offset).unwrap_or_default();
        let claimed = claimed_bytes(file, position, held)?;
        if claimed > held.len() {
            self.bytes.clear();
            self.bytes.resize(claimed, 0);
            self.start = offset;
            file.read_written(&mut self.bytes, offset)?;
        }
        Ok(())
    }

    fn held(&self, offset: u64) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..)
    }

    /// Where to read from: at the record going forward, well before it going backward. The window
    /// grows if the record is near the one before it, and shrinks if not.
    fn next_start(&mut self, offset: u64) -> u64 {
        let reach = self.reach_bytes as u64;
        let end = self.start + self.bytes.len() as u64;
        let is_forward = offset >= self.start && offset <= end + reach;
        let is_backward = offset < self.start && offset + reach >= self.start;
        if self.bytes.is_empty() || !(is_forward || is_backward) {
            self.reach_bytes = WINDOW_BYTES_LEAST;
            return offset;
        }
        self.reach_bytes = (self.reach_bytes * 2).min(WINDOW_BYTES_MOST);
        if is_forward {
            offset
        } else {
            // Keep room for the record itself, which may end where the old window began.
            let back = self.reach_bytes - WINDOW_BYTES_LEAST;
            offset.saturating_sub(back as u64)
        }
    }

    fn load(&mut self, file: &SegmentFile, start: u64, offset: u64) -> Result<(), LogError> {
        let before = usize::try_from(offset - start).unwrap_or(0);
        self.bytes.clear();
        self.bytes
            .resize(self.reach_bytes.max(before + WINDOW_BYTES_LEAST), 0);
        self.start = start;
        file.read_written(&mut self.bytes, start)
    }
}
