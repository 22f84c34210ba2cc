//! A merged file of the index: the block of the rows of several adjacent segments, and what it was made
//! of. When one is made, and which, is decided above.
//!
//! All numbers are little-endian:
//!
//! | field | bytes |
//! |---|---|
//! | magic `STRNDIDX` | 8 |
//! | version, 1 | 4 |
//! | number of segments | 4 |
//! | identity of the log | 16 |
//! | wall_ms of the newest clock reading | 8 |
//! | its counter | 4 |
//! | length of the summary, a multiple of 8 | 4 |
//! | length of the list of removed heads, a multiple of 8 | 8 |
//! | length of the block | 8 |
//! | for each segment, in the order of the log: its number, its generation | 8 |
//! | — checksum, with no salt at offset 0, of the header that its file begins with, and of where it ends | 8 |
//! | — the sequence of its first event, and the one after its last | 16 |
//! | — how many rows are of it | 4 |
//! | — zeros | 4 |
//! | checksum of the bytes before, with no salt, at offset 0 | 8 |
//! | summary, see there: [`summary`](super::summary): of all of its segments | any |
//! | list of removed heads, whose entries tell of segments, see [`heads`](super::heads) | any |
//! | index block | the rest |
//!
//! A file counts for each of its segments that is still the one it was made of. Summary, list and block
//! have checksums of their own, so that each is checked where it is used.

use super::heads::{self, MergedHeads};
use super::summary::Summary;
use crate::{Error, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::fs::{FsFile, Mapping};
use strandline_core::{Hlc, Salt, Sequence};
use strandline_segment::{LogIdentity, SegmentId, SegmentInfo};

const MAGIC: &[u8; 8] = b"STRNDIDX";
const VERSION: u32 = 1;
const FIXED_BYTES: usize = 64;
const SEGMENT_BYTES: usize = 40;
const CHECKSUM_BYTES: usize = 8;
const ALIGNMENT: usize = 8;

/// A segment that a merged file was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MergedSegment {
    pub(crate) id: SegmentId,
    pub(crate) generation: u32,
    /// Checksum of its header and of where it ends: no other file has it.
    pub(crate) mark: u64,
    pub(crate) first: Sequence,
    pub(crate) end: Sequence,
    pub(crate) rows: u32,
}

impl MergedSegment {
    /// A sealed segment with so many rows; none if it is active.
    pub(crate) fn of(info: &SegmentInfo, rows: u32) -> Option<Self> {
        Some(Self {
            id: info.id(),
            generation: info.header().generation,
            mark: mark(info)?,
            first: info.start().sequence,
            end: info.end()?.sequence,
            rows,
        })
    }

    /// Whether it is this segment, neither rewritten nor carried nor ended elsewhere.
    pub(crate) fn is(&self, info: &SegmentInfo) -> bool {
        Self::of(info, self.rows).as_ref() == Some(self)
    }
}

/// The checksum of the header of a sealed segment and of its end. Two courses of one log share the
/// header of a segment that was active when they parted, and no log hash after it.
fn mark(info: &SegmentInfo) -> Option<u64> {
    let mut bytes = info.header().encode();
    info.end()?.encode(&mut bytes);
    Some(Salt::NONE.checksum(0, &bytes).0)
}

/// What a merged file has before its summary, its list and its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MergedHead {
    pub(crate) identity: LogIdentity,
    /// At least one, ascending.
    pub(crate) segments: Vec<MergedSegment>,
    pub(crate) newest: Hlc,
    /// Where the summary is.
    pub(crate) summary: Range<usize>,
    /// Where the list of removed heads is.
    pub(crate) heads: Range<usize>,
    /// Where the block is.
    pub(crate) block: Range<usize>,
}

impl MergedHead {
    /// What is to stand before a block of `block_bytes`, summary and list with it, and what that says.
    ///
    /// # Errors
    ///
    /// `Io` if something is longer than can be.
    pub(crate) fn begin(
        identity: LogIdentity,
        segments: Vec<MergedSegment>,
        newest: Hlc,
        (heads, summary): (&MergedHeads, &Summary),
        block_bytes: usize,
    ) -> Result<(Self, Vec<u8>), Error> {
        let too_long = || {
            Error::new(
                ErrorKind::Io,
                "a merged file of the index would be too long",
            )
        };
        let (list, summary) = (heads::encode_merged(heads), summary.encode());
        let begin = head_bytes(segments.len()).ok_or_else(too_long)?;
        let start = begin.checked_add(summary.len()).ok_or_else(too_long)?;
        let middle = start.checked_add(list.len()).ok_or_else(too_long)?;
        let end = middle.checked_add(block_bytes).ok_or_else(too_long)?;
        let head = Self {
            identity,
            segments,
            newest,
            summary: begin..start,
            heads: start..middle,
            block: middle..end,
        };
        let mut bytes = head.encode()?;
        bytes.extend_from_slice(&summary);
        bytes.extend_from_slice(&list);
        Ok((head, bytes))
    }

    fn encode(&self) -> Result<Vec<u8>, Error> {
        let count = u32::try_from(self.segments.len())
            .map_err(|_| Error::new(ErrorKind::Io, "too many segments for a merged file"))?;
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes);
        out.bytes(MAGIC);
        out.u32(VERSION);
        out.u32(count);
        out.bytes(&self.identity);
        out.u64(self.newest.wall_ms());
        out.u32(self.newest.counter());
        let summary = u32::try_from(self.summary.len());
        out.u32(
            summary
                .map_err(|_| Error::new(ErrorKind::Io, "too long a summary for a merged file"))?,
        );
        out.u64(self.heads.len() as u64);
        out.u64(self.block.len() as u64);
        for segment in &self.segments {
            out.u32(segment.id.get());
            out.u32(segment.generation);
            out.u64(segment.mark);
            out.u64(segment.first.get());
            out.u64(segment.end.get());
            out.u32(segment.rows);
            out.u32(0);
        }
        let checksum = Salt::NONE.checksum(0, &bytes);
        Writer::new(&mut bytes).u64(checksum.0);
        Ok(bytes)
    }

    /// Reads and checks what a file of these bytes begins with. O(segments).
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is not whole, of a later version, or does not fit the length of the file.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        decode(bytes, bytes.len()).map_err(no_file)
    }

    /// As [`decode`](Self::decode), reading nothing of the file but that. Gives its length too.
    ///
    /// # Errors
    ///
    /// As there, and `Io`.
    pub(crate) fn read(file: &dyn FsFile) -> Result<(Self, u64), Error> {
        let io = |error| Error::new(ErrorKind::Io, "cannot read it").with_source(error);
        let length = file.len().map_err(io)?;
        let mut fixed = [0; FIXED_BYTES];
        let read = file.read_up_to(&mut fixed, 0).map_err(io)?;
        let mut reader = Reader::new(fixed.get(12..read).unwrap_or_default());
        let count = reader.u32("number of segments").map_err(no_file)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let whole = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = head_bytes(count).filter(|bytes| *bytes <= whole);
        let bytes =
            bytes.ok_or_else(|| no_file(reader.invalid("number of segments", "cannot be")))?;
        let mut head = vec![0; bytes];
        let read = file.read_up_to(&mut head, 0).map_err(io)?;
        head.truncate(read);
        Ok((decode(&head, whole).map_err(no_file)?, length))
    }

    /// Where a segment stands among its own, if that is one that it was made of. O(log segments).
    pub(crate) fn find(&self, info: &SegmentInfo) -> Option<usize> {
        let at = self.segments.binary_search_by_key(&info.id(), |own| own.id);
        let at = at.ok()?;
        self.segments.get(at)?.is(info).then_some(at)
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        self.segments.iter().map(|one| u64::from(one.rows)).sum()
    }
}

fn head_bytes(segments: usize) -> Option<usize> {
    let entries = segments.checked_mul(SEGMENT_BYTES)?;
    entries.checked_add(FIXED_BYTES + CHECKSUM_BYTES)
}

fn no_file(error: DecodeError) -> Error {
    Error::new(ErrorKind::Corrupt, "it is no whole merged file of an index").with_source(error)
}

/// Reads what a file of `length` bytes begins with, of which `bytes` has that at least.
fn decode(bytes: &[u8], length: usize) -> Result<MergedHead, DecodeError> {
    let mut reader = Reader::new(bytes);
    if &reader.array::<8>("magic")? != MAGIC {
        return Err(reader.invalid("magic", "is another one"));
    }
    if reader.u32("version")? != VERSION {
        return Err(reader.invalid("version", "is not known"));
    }
    let count = reader.u32("number of segments")?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let start = head_bytes(count).filter(|start| *start <= bytes.len() && count > 0);
    let start = start.ok_or_else(|| reader.invalid("number of segments", "cannot be"))?;
    let covered = bytes.get(..start - CHECKSUM_BYTES).unwrap_or_default();
    let mut after = Reader::new(bytes.get(covered.len()..start).unwrap_or_default());
    if Salt::NONE.checksum(0, covered).0 != after.u64("checksum")? {
        return Err(reader.invalid("checksum", "is wrong"));
    }
    let identity = reader.array("identity")?;
    let (wall_ms, counter) = (reader.u64("wall_ms")?, reader.u32("HLC counter")?);
    let newest = Hlc::new(wall_ms, counter)
        .map_err(|_| reader.invalid("wall_ms", "needs more than 48 bits"))?;
    let summary = reader.u32("length of the summary")?;
    let (heads, block) = (
        reader.u64("length of the heads")?,
        reader.u64("length of the block")?,
    );
    let (heads, block) = (usize::try_from(heads), usize::try_from(block));
    let begin = start;
    let summary = usize::try_from(summary).ok();
    let start = summary.and_then(|summary| begin.checked_add(summary));
    let start = start.ok_or_else(|| reader.invalid("lengths", "are not those of the file"))?;
    let middle = heads.ok().and_then(|heads| start.checked_add(heads));
    let end = middle
        .zip(block.ok())
        .and_then(|(middle, block)| middle.checked_add(block));
    let (Some(middle), true) = (middle, end == Some(length)) else {
        return Err(reader.invalid("lengths", "are not those of the file"));
    };
    let mut is_zero = true;
    let mut segments: Vec<MergedSegment> = Vec::with_capacity(count);
    for _ in 0..count {
        let segment = segment(&mut reader)?;
        is_zero &= reader.u32("reserved")? == 0;
        let follows = segments
            .last()
            .is_none_or(|before| before.id < segment.id && before.end <= segment.first);
        if !follows || segment.first > segment.end {
            return Err(reader.invalid("segments", "do not ascend"));
        }
        segments.push(segment);
    }
    let is_aligned = [start, middle]
        .iter()
        .all(|place| place.is_multiple_of(ALIGNMENT));
    if !is_zero || !is_aligned {
        return Err(reader.invalid("reserved", "is not zero"));
    }
    Ok(MergedHead {
        identity,
        segments,
        newest,
        summary: begin..start,
        heads: start..middle,
        block: middle..length,
    })
}

fn segment(reader: &mut Reader<'_>) -> Result<MergedSegment, DecodeError> {
    Ok(MergedSegment {
        id: SegmentId::new(reader.u32("segment number")?),
        generation: reader.u32("generation")?,
        mark: reader.u64("checksum of the segment")?,
        first: Sequence::new(reader.u64("first sequence")?),
        end: Sequence::new(reader.u64("end")?),
        rows: reader.u32("rows")?,
    })
}

/// The bytes of a merged file, mapped where that can be.
#[derive(Debug, Clone)]
pub(crate) enum MergedBytes {
    Owned(Arc<Vec<u8>>),
    Mapped(Mapping),
}

impl MergedBytes {
    /// All of a file, which nobody changes while it has its name.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub(crate) fn of(file: &dyn FsFile, mapped: bool) -> std::io::Result<Self> {
        let bytes = file.len()?;
        if mapped && let Some(mapping) = file.map(bytes) {
            return Ok(Self::Mapped(mapping));
        }
        let length = usize::try_from(bytes).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
        let mut buffer = vec![0; length];
        let read = file.read_up_to(&mut buffer, 0)?;
        buffer.truncate(read);
        Ok(Self::Owned(Arc::new(buffer)))
    }
}

impl AsRef<[u8]> for MergedBytes {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Mapped(mapping) => mapping.get(0..mapping.len()).unwrap_or_default(),
        }
    }
}

/// The bytes of the block in a merged file.
pub(super) struct BlockInMerged {
    pub(super) bytes: MergedBytes,
    pub(super) range: Range<usize>,
}

impl AsRef<[u8]> for BlockInMerged {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        let bytes = self.bytes.as_ref();
        bytes.get(self.range.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::rows::heads::RemovedHead;
    use proptest::prelude::*;
    use strandline_core::{EventKind, Hash};

    fn sample(counts: &[u32], (heads, kinds): (usize, u16), block: usize) -> (MergedHead, Vec<u8>) {
        let mut first = 5;
        let segments = counts.iter().zip(3..).map(|(rows, id)| {
            let begins = first;
            first += u64::from(*rows) + 2;
            MergedSegment {
                id: SegmentId::new(id * 2),
                generation: id,
                mark: u64::from(id) << 40,
                first: Sequence::new(begins),
                end: Sequence::new(first - 1),
                rows: *rows,
            }
        });
        let heads = (0..heads).map(|n| {
            let head = RemovedHead {
                clock: 3,
                sequence: Sequence::new(n as u64),
                hash: Hash::of(&n.to_le_bytes()),
                place: Some(Default::default()),
            };
            (format!("e{n}").into(), (SegmentId::new(6), head))
        });
        let newest = Hlc::new(77, 1).unwrap();
        let mut summary = Summary::default();
        for kind in 0..kinds {
            summary.kinds.note(
                EventKind::from_bits(kind),
                "name",
                Sequence::new(kind.into()),
            );
        }
        let (segments, heads) = (segments.collect(), heads.collect());
        let (head, mut bytes) =
            MergedHead::begin([9; 16], segments, newest, (&heads, &summary), block).unwrap();
        bytes.resize(bytes.len() + block, 0x5A);
        (head, bytes)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            counts in proptest::collection::vec(0..1000_u32, 1..20),
            heads in 0..4_usize,
            kinds in 0..4_u16,
            block in 0..300_usize,
        ) {
            let (head, bytes) = sample(&counts, (heads, kinds), block);
            prop_assert_eq!(MergedHead::decode(&bytes).unwrap(), head.clone());
            prop_assert!(head.block.start.is_multiple_of(ALIGNMENT));
            prop_assert_eq!(head.rows(), counts.iter().map(|rows| u64::from(*rows)).sum::<u64>());
        }

        /// Bytes whose checksum was made right, so that what is behind it is met.
        #[test]
        fn any_bytes_are_refused_or_read(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
            is_begun: bool,
            count in 0..6_u32,
        ) {
            if is_begun && bytes.len() > 16 {
                bytes[..8].copy_from_slice(MAGIC);
                bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
                bytes[12..16].copy_from_slice(&count.to_le_bytes());
                let start = head_bytes(count as usize).unwrap();
                if bytes.len() >= start {
                    let checksum = Salt::NONE.checksum(0, &bytes[..start - 8]).0;
                    bytes[start - 8..start].copy_from_slice(&checksum.to_le_bytes());
                }
            }
            let _ = MergedHead::decode(&bytes);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let (head, mut bytes) = sample(&[3, 4], (1, 1), 40);
        for bit in 0..head.summary.start * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(MergedHead::decode(&bytes).is_err(), "{bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..bytes.len() {
            assert!(MergedHead::decode(&bytes[..length]).is_err(), "{length}");
        }
        assert_eq!(MergedHead::decode(&bytes).unwrap(), head);
    }

    #[test]
    fn a_count_that_cannot_be_allocates_nothing() {
        let (_, mut bytes) = sample(&[3, 4], (1, 1), 40);
        bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(MergedHead::decode(&bytes).is_err());
    }
}
