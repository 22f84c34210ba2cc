//! `SegmentHeader`: what a segment file begins with, which identifies it and says where it begins.
//!
//! [`SEGMENT_HEADER_BYTES`] long; all numbers are little-endian:
//!
//! | field | bytes |
//! |---|---|
//! | magic `STRNDSEG` | 8 |
//! | format version: 2 if it may have [runs](super::run), else 1 | 4 |
//! | identity of the log | 16 |
//! | segment number | 4 |
//! | generation | 4 |
//! | nonce, random | 16 |
//! | first sequence | 8 |
//! | log hash before the first frame | 32 |
//! | zeros | 28 |
//! | checksum of the bytes before | 8 |

use super::position::{LogPosition, SegmentId};
use super::put::put;
use crate::error::LogError;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Hash, Random, Salt, Sequence};

/// The latest format that this crate reads; it writes this one where a segment may have runs, and else the one
/// before.
pub const FORMAT_VERSION: u32 = 2;
/// The format of a segment that has no runs.
const WITHOUT_RUNS: u32 = 1;

/// The random identity of a log, in each of its files.
pub type LogIdentity = [u8; 16];

/// Length of a segment's header; its frames begin after it.
pub const SEGMENT_HEADER_BYTES: u32 = 128;

const RESERVED_BYTES: usize = 28;
const MAGIC: &[u8; 8] = b"STRNDSEG";
const SALT_DOMAIN: &[u8] = b"strandline/segment/1";

/// What a copy adds to the generation of a segment that is to have a name of its own, once or more
/// often.
const COPY_GENERATIONS: u32 = 1 << 16;
const REWRITINGS_MOST: u32 = COPY_GENERATIONS - 1;

/// What identifies a segment and says where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Identity of the log.
    pub identity: LogIdentity,
    /// Number of the segment.
    pub id: SegmentId,
    /// How often the segment was rewritten; in a backup, more by a multiple of 65,536 if it was written
    /// beside an earlier file of it.
    pub generation: u32,
    /// Random bytes that no other segment has.
    pub nonce: [u8; 16],
    /// Sequence of its first record, or a later one's place where sequences have gaps.
    pub first_sequence: Sequence,
    /// Hash of the log before its first frame.
    pub base_log_hash: Hash,
    /// Whether it may have runs: it was rewritten, and commits whose records were gone became one frame.
    pub has_runs: bool,
}

impl SegmentHeader {
    /// The salt of every checksum in the segment.
    #[must_use]
    pub fn salt(&self) -> Salt {
        let mut identity = Vec::with_capacity(64);
        let mut out = Writer::new(&mut identity);
        out.bytes(SALT_DOMAIN);
        out.bytes(&self.identity);
        out.u32(self.id.get());
        out.u32(self.generation);
        out.bytes(&self.nonce);
        Salt::derive(&identity)
    }

    /// The name of the segment's file: `segment-`, ten digits, `.log`; once it was rewritten, `-` and
    /// ten digits for the generation stand before the `.log`.
    #[must_use]
    pub fn file_name(&self) -> String {
        match self.generation {
            0 => self.id.file_name(),
            generation => format!("segment-{:010}-{generation:010}.log", self.id.get()),
        }
    }

    /// How often it was rewritten, or carried into another file as a whole; 65,535 if more often. What a copy
    /// adds to the generation, for a name of its own, is in the upper half.
    #[must_use]
    pub const fn rewritings(&self) -> u32 {
        self.generation & REWRITINGS_MOST
    }

    /// The same segment in a file beside others of a copy, with a name that is not taken.
    pub(crate) fn beside(&self, is_taken: impl Fn(&str) -> bool) -> Self {
        let mut other = *self;
        loop {
            other.generation = other.generation.wrapping_add(COPY_GENERATIONS);
            if other.generation == self.generation || !is_taken(&other.file_name()) {
                return other;
            }
        }
    }

    /// The header of a new segment, which goes on after `end`.
    pub(crate) fn after(
        identity: LogIdentity,
        id: SegmentId,
        end: &LogPosition,
        random: &Random,
    ) -> Self {
        Self {
            identity,
            id,
            generation: 0,
            nonce: random.nonce().0,
            first_sequence: end.sequence,
            base_log_hash: end.log_hash,
            has_runs: false,
        }
    }

    /// The generation of the next file of the segment.
    ///
    /// The count of rewritings ends at the most that the lower half holds, and the upper half counts on: one
    /// that began anew would call the segment one that was never rewritten.
    pub(crate) const fn generation_after(&self) -> Option<u32> {
        let more = match self.rewritings() {
            REWRITINGS_MOST => COPY_GENERATIONS,
            _ => 1,
        };
        self.generation.checked_add(more)
    }

    /// The header of the same segment in a new file, with its records written otherwise or elsewhere.
    pub(crate) fn next_generation(&self, random: &Random) -> Result<Self, LogError> {
        let generation = self.generation_after();
        Ok(Self {
            generation: generation.ok_or(LogError::SegmentsExhausted)?,
            nonce: random.nonce().0,
            ..*self
        })
    }

    /// Where the first frame begins.
    #[must_use]
    pub const fn start(&self) -> LogPosition {
        LogPosition {
            segment: self.id,
            offset: SEGMENT_HEADER_BYTES,
            last_frame: 0,
            sequence: self.first_sequence,
            log_hash: self.base_log_hash,
        }
    }

    /// The header's bytes, [`SEGMENT_HEADER_BYTES`] of them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.bytes().to_vec()
    }

    /// The header's bytes, put together without a look at how long they are: a manifest has thousands.
    pub(crate) fn bytes(&self) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        let Some((covered, checksum)) = bytes.split_last_chunk_mut() else {
            return bytes;
        };
        let out = put(covered, MAGIC);
        // Earlier programs would take a run for damage. They refuse a later version.
        let version = match self.has_runs {
            true => FORMAT_VERSION,
            false => WITHOUT_RUNS,
        };
        let out = put(out, &version.to_le_bytes());
        let out = put(out, &self.identity);
        let out = put(out, &self.id.get().to_le_bytes());
        let out = put(out, &self.generation.to_le_bytes());
        let out = put(out, &self.nonce);
        let out = put(out, &self.first_sequence.get().to_le_bytes());
        put(out, self.base_log_hash.as_bytes());
        *checksum = Salt::NONE.checksum(0, covered).0.to_le_bytes();
        bytes
    }

    /// Reads and checks a header.
    ///
    /// # Errors
    ///
    /// [`LogError::VersionUnsupported`] for a later format, [`LogError::Corrupt`] otherwise; both
    /// name `file`.
    pub fn decode(file: &str, bytes: &[u8]) -> Result<Self, LogError> {
        let corrupt = |error: DecodeError| LogError::corrupt(file, error.offset as u64, error);
        let mut reader = Reader::new(bytes);
        if &reader.array::<8>("magic").map_err(corrupt)? != MAGIC {
            return Err(LogError::corrupt(file, 0, "this is no segment"));
        }
        let version = reader.u32("format version").map_err(corrupt)?;
        if version > FORMAT_VERSION {
            return Err(LogError::VersionUnsupported {
                file: file.to_owned(),
                found: version,
                supported: FORMAT_VERSION,
            });
        }
        let covered = bytes
            .get(..SEGMENT_HEADER_BYTES as usize - 8)
            .unwrap_or_default();
        let mut header = Self::decode_fields(&mut reader).map_err(corrupt)?;
        header.has_runs = version > WITHOUT_RUNS;
        let checksum = reader.u64("checksum").map_err(corrupt)?;
        if Salt::NONE.checksum(0, covered).0 != checksum || version == 0 {
            return Err(LogError::corrupt(file, 0, "the header's checksum is wrong"));
        }
        Ok(header)
    }

    fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let header = Self {
            identity: reader.array("identity")?,
            id: SegmentId::new(reader.u32("segment number")?),
            generation: reader.u32("generation")?,
            nonce: reader.array("nonce")?,
            first_sequence: Sequence::new(reader.u64("first sequence")?),
            base_log_hash: Hash::from_bytes(reader.array("log hash")?),
            has_runs: false,
        };
        reader.bytes("reserved", RESERVED_BYTES)?;
        Ok(header)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_segment_that_was_rewritten_never_counts_as_one_that_was_not() {
        let random = Random::from_seed(1);
        let end = LogPosition {
            segment: SegmentId::FIRST,
            offset: SEGMENT_HEADER_BYTES,
            last_frame: 0,
            sequence: Sequence::ZERO,
            log_hash: Hash::ZERO,
        };
        let mut header = SegmentHeader::after([1; 16], SegmentId::FIRST, &end, &random);
        for generation in [0, 65_533, 3 << 16 | 65_533] {
            header.generation = generation;
            let mut before = header;
            for _ in 0..5 {
                let next = before.next_generation(&random).unwrap();
                assert!(next.generation > before.generation);
                assert!(next.rewritings() >= before.rewritings().max(1));
                before = next;
            }
        }
        header.generation = u32::MAX;
        assert!(header.next_generation(&random).is_err());
    }
}
