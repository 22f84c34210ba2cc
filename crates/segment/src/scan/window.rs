//! `Window`: a piece of a segment file in memory, which is read once, however small the steps are. Says
//! nothing of what stands in it.

use crate::error::LogError;
use crate::files::SegmentFile;
use std::ops::Range;

/// How much is read at once.
pub(super) const READ_BYTES: usize = 1 << 20;
/// How much is read at once around what cannot be read.
const BLOCK_BYTES: usize = 512;

/// A piece of a segment file in memory.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    pub(crate) segment: &'a SegmentFile,
    /// Nothing is read from here on.
    pub(crate) until: u64,
    pub(super) buffer: Vec<u8>,
    /// Offset of the buffer's first byte in the file.
    start: u64,
    /// How much is read at least, where there is as much.
    pub(super) read_bytes: usize,
    /// Stretches that could not be read where that is no error: they are taken for zeros.
    unreadable: Vec<Range<u64>>,
    forgives: Forgives,
}

/// Which failures to read are no errors.
pub(crate) type Forgives = fn(&LogError) -> bool;

impl<'a> Window<'a> {
    pub(crate) const fn new(segment: &'a SegmentFile, until: u64) -> Self {
        Self {
            segment,
            until,
            buffer: Vec::new(),
            start: 0,
            read_bytes: READ_BYTES,
            unreadable: Vec::new(),
            forgives: |_| false,
        }
    }

    /// Goes on past what cannot be read, which is zeros then, where that is forgiven.
    pub(crate) const fn be_patient(&mut self, forgives: Forgives) {
        self.forgives = forgives;
    }

    /// What could not be read, in the order in which it was met.
    pub(crate) fn take_unreadable(&mut self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.unreadable)
    }

    /// Up to `count` bytes from `offset`, fewer at the end.
    pub(crate) fn bytes(&mut self, offset: u64, count: usize) -> Result<&[u8], LogError> {
        let left = usize::try_from(self.until.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = count.min(left);
        let buffered = self.start + self.buffer.len() as u64;
        if offset < self.start || offset + count as u64 > buffered {
            self.buffer.clear();
            self.buffer.resize(count.max(self.read_bytes).min(left), 0);
            match self.segment.read(&mut self.buffer, offset) {
                Err(error) if (self.forgives)(&error) => {
                    let wanted = count.max(self.read_bytes).min(left);
                    self.buffer.resize(wanted, 0);
                    self.read_blocks(offset)?;
                }
                read => read?,
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

    pub(super) fn buffered(&self, offset: u64, count: usize) -> &[u8] {
        let from = offset.checked_sub(self.start);
        let from = from
            .and_then(|from| usize::try_from(from).ok())
            .unwrap_or(usize::MAX);
        let rest = self.buffer.get(from..).unwrap_or_default();
        rest.get(..count).unwrap_or(rest)
    }

    /// Fills the buffer from `start` on block by block, and notes the blocks that cannot be read, which are zeros.
    fn read_blocks(&mut self, start: u64) -> Result<(), LogError> {
        let mut offset = start;
        for block in self.buffer.chunks_mut(BLOCK_BYTES) {
            let end = offset + block.len() as u64;
            let mut bytes = vec![0; block.len()];
            match self.segment.read(&mut bytes, offset) {
                Ok(()) => {
                    let read = block.get_mut(..bytes.len()).unwrap_or_default();
                    read.copy_from_slice(&bytes);
                }
                Err(error) if !(self.forgives)(&error) => return Err(error),
                Err(_) => match self.unreadable.last_mut() {
                    Some(last) if last.end >= offset => last.end = last.end.max(end),
                    _ => self.unreadable.push(offset..end),
                },
            }
            offset = end;
        }
        Ok(())
    }
}
