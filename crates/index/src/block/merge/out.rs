//! `Out`: the sections of a merged block as they are written, a piece at a time; and where the caller is
//! asked whether to go on. What is in them is elsewhere.

use super::sink::{MergeError, MergeSink};
use crate::block::format::{
    ALIGNMENT, HEADER_BYTES, Header, PASS_ENTRIES, PIECE_BYTES, Place, Section, packed_bytes,
    piece_checksum, section_checksum, width_of,
};
use std::ops::ControlFlow;

/// The caller is asked after so many numbers or bytes.
const WORK: u64 = 1 << 20;
/// So many bytes are written at a time: of a whole number of pieces.
const CHUNK_BYTES: usize = 1 << 16;
/// Work is counted after so many numbers.
const STEP: u64 = 1 << 14;

/// How far a merge is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct MergeProgress {
    /// How many bytes were written.
    pub bytes: u64,
}

/// What a caller of a merge is asked again and again: whether to go on.
pub(super) type GoOn<'o> = &'o mut dyn FnMut(MergeProgress) -> ControlFlow<()>;

/// The sections so far.
pub(super) struct Out<'o> {
    sink: &'o mut dyn MergeSink,
    go_on: GoOn<'o>,
    pub(super) header: Header,
    /// How many entries of a table are sorted at a time.
    pub(super) pass_entries: u32,
    /// Those of the pieces of the sections that are done, and of the one that is written.
    checksums: Vec<u8>,
    section: Section,
    /// Where in `checksums` those of the section begin, and where in the block its bytes do.
    first_checksum: usize,
    start: usize,
    /// Where in the block the bytes that are not written yet begin, and those.
    at: usize,
    chunk: Vec<u8>,
    work: u64,
}

impl<'o> Out<'o> {
    pub(super) fn new(
        sink: &'o mut dyn MergeSink,
        go_on: GoOn<'o>,
        header: Header,
    ) -> Result<Self, MergeError> {
        sink.begin(HEADER_BYTES)?;
        Ok(Self {
            sink,
            go_on,
            header,
            pass_entries: PASS_ENTRIES,
            checksums: Vec::new(),
            section: Section::EntityEnds,
            first_checksum: 0,
            start: HEADER_BYTES,
            at: HEADER_BYTES,
            chunk: Vec::with_capacity(CHUNK_BYTES),
            work: 0,
        })
    }

    /// Counts work, and asks the caller.
    pub(super) fn worked(&mut self, work: u64) -> Result<(), MergeError> {
        self.work += work;
        if self.work < WORK {
            return Ok(());
        }
        self.work = 0;
        let bytes = (self.at + self.chunk.len()) as u64;
        match (self.go_on)(MergeProgress { bytes }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(MergeError::Cancelled),
        }
    }

    /// Numbers of a section that are looked at twice: for the least and the greatest, and to write
    /// them. There must be as many as the counts say.
    pub(super) fn numbers<I: Iterator<Item = u64>>(
        &mut self,
        section: Section,
        numbers: impl Fn() -> I,
    ) -> Result<(), MergeError> {
        let (mut least, mut most, mut count) = (u64::MAX, 0, 0_u64);
        numbers().try_for_each(|number| {
            least = least.min(number);
            most = most.max(number);
            count += 1;
            self.each(count)
        })?;
        self.numbers_within(section, (least.min(most), most), numbers())
    }

    /// Numbers of a section that are between two of them.
    pub(super) fn numbers_within(
        &mut self,
        section: Section,
        (least, most): (u64, u64),
        mut numbers: impl Iterator<Item = u64>,
    ) -> Result<(), MergeError> {
        let wrong = MergeError::Contradiction {
            what: "numbers in a section",
        };
        let expected = self.header.counts.numbers(section).map_or(0, u64::from);
        if expected == 0 {
            return match numbers.next() {
                None => self.end(section, (0, 0)),
                Some(_) => Err(wrong),
            };
        }
        let mut packing = self.packing(width_of(least, most));
        let mut beyond = false;
        numbers.try_for_each(|number| {
            beyond |= number < least || number > most;
            if packing.count == expected {
                return Err(MergeError::Contradiction {
                    what: "numbers in a section",
                });
            }
            packing.push(number.wrapping_sub(least))
        })?;
        if packing.count != expected || beyond {
            return Err(wrong);
        }
        packing.finish(section, expected, least)
    }

    /// Begins numbers of `width` bits.
    pub(super) const fn packing<'p>(&'p mut self, width: u8) -> Packing<'p, 'o> {
        Packing {
            out: self,
            width,
            pending: 0,
            held: 0,
            count: 0,
        }
    }

    /// Counts one of many numbers.
    #[inline]
    pub(super) fn each(&mut self, count: u64) -> Result<(), MergeError> {
        if count.is_multiple_of(STEP) {
            self.worked(STEP)
        } else {
            Ok(())
        }
    }

    #[inline]
    fn word(&mut self, word: u64) -> Result<(), MergeError> {
        self.chunk.extend_from_slice(&word.to_le_bytes());
        if self.chunk.len() >= CHUNK_BYTES {
            self.end_chunk()?;
        }
        Ok(())
    }

    /// Bytes of the section that is written; a section of bytes ends with [`end_bytes`](Self::end_bytes).
    pub(super) fn bytes(&mut self, mut bytes: &[u8]) -> Result<(), MergeError> {
        while !bytes.is_empty() {
            let room = CHUNK_BYTES.saturating_sub(self.chunk.len());
            let (now, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.chunk.extend_from_slice(now);
            if self.chunk.len() >= CHUNK_BYTES {
                self.end_chunk()?;
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Ends a section of bytes, with zeros up to a multiple of 8.
    pub(super) fn end_bytes(&mut self, section: Section) -> Result<(), MergeError> {
        let length = self.chunk.len().next_multiple_of(ALIGNMENT);
        self.chunk.resize(length, 0);
        self.end(section, (0, 0))
    }

    fn end_chunk(&mut self) -> Result<(), MergeError> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let before = (self.at - self.start) / PIECE_BYTES;
        for (piece, bytes) in (before..).zip(self.chunk.chunks(PIECE_BYTES)) {
            let checksum = piece_checksum(self.section, piece, bytes);
            self.checksums.extend_from_slice(&checksum.0.to_le_bytes());
        }
        self.sink.write(&self.chunk)?;
        self.at += self.chunk.len();
        let work = self.chunk.len() as u64;
        self.chunk.clear();
        self.worked(work)
    }

    /// Ends the section that is written, which `section` is: all its bytes are there, with zeros up to a
    /// multiple of 8.
    pub(super) fn end(
        &mut self,
        section: Section,
        (base, width): (u64, u8),
    ) -> Result<(), MergeError> {
        debug_assert_eq!(section, self.section, "sections in order");
        self.end_chunk()?;
        let checksums = self.checksums.get(self.first_checksum..);
        let place = Place {
            start: self.start,
            bytes: self.at - self.start,
            checksum: section_checksum(section, checksums.unwrap_or_default()),
            base,
            width,
        };
        if let Some(own) = self.header.places.get_mut(section.at()) {
            *own = place;
        }
        self.first_checksum = self.checksums.len();
        self.start = self.at;
        let next = Section::ALL.get(section.at() + 1);
        self.section = next.copied().unwrap_or(section);
        Ok(())
    }

    /// A section that is left out.
    pub(super) fn leave_out(&mut self, section: Section) -> Result<(), MergeError> {
        self.end(section, (0, 0))
    }

    /// Writes the checksums of all pieces, and the header; and says how long the block is.
    pub(super) fn finish(mut self) -> Result<u64, MergeError> {
        let checksums = std::mem::take(&mut self.checksums);
        for chunk in checksums.chunks(CHUNK_BYTES) {
            self.sink.write(chunk)?;
        }
        let section = Section::PieceChecksums;
        let place = Place {
            start: self.start,
            bytes: checksums.len(),
            checksum: section_checksum(section, &checksums),
            base: 0,
            width: 0,
        };
        if let Some(own) = self.header.places.get_mut(section.at()) {
            *own = place;
        }
        self.sink.write_header_at_start(&self.header.encode())?;
        Ok((self.start + checksums.len()) as u64)
    }
}

/// Numbers of one width, as they are written.
pub(super) struct Packing<'p, 'o> {
    out: &'p mut Out<'o>,
    width: u8,
    /// Bits that do not fill a word yet.
    pending: u128,
    held: u32,
    count: u64,
}

impl Packing<'_, '_> {
    /// Writes a number, which has no more bits than the width.
    #[inline]
    pub(super) fn push(&mut self, number: u64) -> Result<(), MergeError> {
        self.count += 1;
        self.pending |= u128::from(number) << self.held;
        self.held += u32::from(self.width);
        if self.held >= u64::BITS {
            let [low, high] = halves(self.pending);
            self.out.word(low)?;
            self.pending = high.into();
            self.held -= u64::BITS;
        }
        self.out.each(self.count)
    }

    /// Ends the section, which has `count` numbers less `base`: what is left, and zeros.
    pub(super) fn finish(self, section: Section, count: u64, base: u64) -> Result<(), MergeError> {
        let Self { out, width, .. } = self;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let end = out.start.saturating_add(packed_bytes(count, width));
        if self.held > 0 {
            let [low, _] = halves(self.pending);
            out.word(low)?;
        }
        while out.at + out.chunk.len() < end {
            out.word(0)?;
        }
        out.end(section, (base, width))
    }
}

/// The lower and the upper half.
fn halves(number: u128) -> [u64; 2] {
    let bytes = number.to_le_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    let word = |at: usize| words.get(at).map_or(0, |word| u64::from_le_bytes(*word));
    [word(0), word(1)]
}
