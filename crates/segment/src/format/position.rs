//! Places in the log: `SegmentId`, `RecordPosition`, `LogPosition`. Nothing here knows whether they are
//! there.

use super::put::put;
use std::fmt;
use strandline_core::codec::{DecodeError, Reader};
use strandline_core::{Hash, Sequence};

/// How many bytes a [`LogPosition`] is written as.
pub(super) const POSITION_BYTES: usize = 52;

/// The number of a segment, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(u32);

impl SegmentId {
    /// The first segment of a log.
    pub const FIRST: Self = Self(1);

    /// A segment from its number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The segment after this one, or `None` past the end of 32 bits.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The name of the segment's file until it is rewritten: `segment-` and ten digits, `.log`; see
    /// [`SegmentHeader::file_name`](crate::SegmentHeader::file_name).
    #[must_use]
    pub fn file_name(self) -> String {
        format!("segment-{:010}.log", self.0)
    }

    /// Number and generation of the segment whose file is called so; `None` if no segment's is.
    ///
    /// ```
    /// use strandline_segment::SegmentId;
    ///
    /// let parse = SegmentId::parse_file_name;
    /// assert_eq!(parse("segment-0000000007.log"), Some((SegmentId::new(7), 0)));
    /// assert_eq!(parse("segment-0000000007-0000000002.log"), Some((SegmentId::new(7), 2)));
    /// assert_eq!(parse("segment-7.log"), None);
    /// ```
    #[must_use]
    pub fn parse_file_name(name: &str) -> Option<(Self, u32)> {
        let rest = name.strip_prefix("segment-")?.strip_suffix(".log")?;
        let (number, generation) = rest.split_once('-').unwrap_or((rest, "0000000000"));
        let parse = |digits: &str| {
            let is_number = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_number)
        };
        let parsed = (Self(parse(number)?), parse(generation)?);
        // Generation 0 is not written out.
        (rest.contains('-') == (parsed.1 > 0)).then_some(parsed)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a record is, which is all that reading it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordPosition {
    /// The segment.
    pub segment: SegmentId,
    /// Bytes from the start of its file.
    pub offset: u32,
}

impl RecordPosition {
    /// The position in 64 bits: the segment in the upper half, the offset in the lower.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        (u64::from(self.segment.0) << 32) | u64::from(self.offset)
    }

    /// The position from its 64 bits.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = bits.to_be_bytes();
        Self {
            segment: SegmentId(u32::from_be_bytes([a, b, c, d])),
            offset: u32::from_be_bytes([e, f, g, h]),
        }
    }
}

/// A place between two commits: where one ends and the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// The segment.
    pub segment: SegmentId,
    /// Bytes from the start of its file.
    pub offset: u32,
    /// Offset of the frame that ends here; 0 where none of the segment does.
    pub last_frame: u32,
    /// The sequence after those of the commits before.
    pub sequence: Sequence,
    /// Hash of the log up to here.
    pub log_hash: Hash,
}

impl LogPosition {
    /// Whether the same commits are before both, wherever these stand: the log hash chains them.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        (self.sequence, self.log_hash) == (other.sequence, other.log_hash)
    }

    /// Appends the position's 52 bytes to `out`: segment u32, offset u32, last frame u32, sequence
    /// u64, log hash.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; POSITION_BYTES];
        let rest = put(&mut bytes, &self.segment.0.to_le_bytes());
        let rest = put(rest, &self.offset.to_le_bytes());
        let rest = put(rest, &self.last_frame.to_le_bytes());
        let rest = put(rest, &self.sequence.get().to_le_bytes());
        put(rest, self.log_hash.as_bytes());
        out.extend_from_slice(&bytes);
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if too few bytes are left.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            segment: SegmentId(reader.u32("segment")?),
            offset: reader.u32("offset")?,
            last_frame: reader.u32("last frame")?,
            sequence: Sequence::new(reader.u64("sequence")?),
            log_hash: Hash::from_bytes(reader.array("log hash")?),
        })
    }
}
