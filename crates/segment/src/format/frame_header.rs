//! `FrameHeader`: what a frame begins with, whose table is in [`frame`](super::frame). Knows none of its records.

use super::run::RUN_SEQUENCES_MAX;
use strandline_core::codec::Reader;
use strandline_core::{Hash, Salt, Sequence};

/// Length of a frame's header.
pub const FRAME_HEADER_BYTES: usize = 72;

pub(super) const CHECKSUM_BYTES: usize = 8;
pub(crate) const MAGIC: [u8; 4] = *b"FRAM";
/// The flag of a note.
const NOTE: u16 = 1;
/// The flag of a run.
const RUN: u16 = 2;
const RUN_SEQUENCES: u64 = RUN_SEQUENCES_MAX as u64;

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Length of the frame in bytes, header and padding included.
    pub frame_bytes: u32,
    /// Sequence of the first record.
    pub first_sequence: Sequence,
    /// Sequences below this one were durable when the frame was written. Of a run the sequence after its last.
    pub durable_through: Sequence,
    /// Number of records; 1 in a note, and in a run one more than are kept.
    pub records: u16,
    /// Whether the frame is a note, whose record is no event and has no sequence.
    pub is_note: bool,
    /// Whether the frame is a run, which has more sequences than records.
    pub is_run: bool,
    /// Lower half of the checksum of the records' checksums.
    pub records_checksum: u32,
    /// Hash of the log after this commit.
    pub log_hash: Hash,
}

impl FrameHeader {
    /// The header's bytes, for a frame at `offset`.
    #[must_use]
    pub fn encode(&self, salt: Salt, offset: u32) -> [u8; FRAME_HEADER_BYTES] {
        let mut header = [0; FRAME_HEADER_BYTES];
        let fields: [&[u8]; 8] = [
            &MAGIC,
            &self.frame_bytes.to_le_bytes(),
            &self.first_sequence.get().to_le_bytes(),
            &self.durable_through.get().to_le_bytes(),
            &self.records.to_le_bytes(),
            &self.flags().to_le_bytes(),
            &self.records_checksum.to_le_bytes(),
            self.log_hash.as_bytes(),
        ];
        let mut rest = header.as_mut_slice();
        for field in fields {
            let (to, after) = rest.split_at_mut(field.len());
            to.copy_from_slice(field);
            rest = after;
        }
        if let Some((covered, to)) = header.split_last_chunk_mut::<CHECKSUM_BYTES>() {
            *to = salt.checksum(u64::from(offset), covered).0.to_le_bytes();
        }
        header
    }

    const fn flags(&self) -> u16 {
        match (self.is_note, self.is_run) {
            (true, _) => NOTE,
            (_, true) => RUN,
            _ => 0,
        }
    }

    /// Reads and checks the header of a frame at `offset`; proves nothing of its records.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn decode(salt: Salt, offset: u32, bytes: &[u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "a frame header is cut short";
        let header = bytes.get(..FRAME_HEADER_BYTES).ok_or(SHORT)?;
        let (covered, checksum) = header.split_last_chunk::<CHECKSUM_BYTES>().ok_or(SHORT)?;
        if !covered.starts_with(&MAGIC) {
            return Err("there is no frame");
        }
        if salt.checksum(u64::from(offset), covered).0 != u64::from_le_bytes(*checksum) {
            return Err("a frame header's checksum is wrong");
        }
        let (header, flags) = Self::decode_fields(covered).map_err(|_| SHORT)?;
        match (flags, header.records) {
            (0, _) | (NOTE, 1) => Ok(header),
            (NOTE, _) => Err("a note has one record, this one another number"),
            (RUN, 0) => Err("a run does not say what it is"),
            (RUN, _) => {
                let first = header.first_sequence.get();
                let sequences = header.durable_through.get().checked_sub(first);
                match sequences {
                    Some(1..=RUN_SEQUENCES) => Ok(header),
                    _ => Err("a run has more sequences than one can have, or none"),
                }
            }
            _ => Err("a frame has flags that this version does not know"),
        }
    }

    fn decode_fields(covered: &[u8]) -> Result<(Self, u16), strandline_core::codec::DecodeError> {
        let mut reader = Reader::new(covered);
        reader.bytes("magic", MAGIC.len())?;
        let frame_bytes = reader.u32("frame length")?;
        let first_sequence = Sequence::new(reader.u64("first sequence")?);
        let durable_through = Sequence::new(reader.u64("durable_through")?);
        let records = reader.u16("record count")?;
        let flags = reader.u16("flags")?;
        let header = Self {
            frame_bytes,
            first_sequence,
            durable_through,
            records,
            is_note: flags == NOTE,
            is_run: flags == RUN,
            records_checksum: reader.u32("records checksum")?,
            log_hash: Hash::from_bytes(reader.array("log hash")?),
        };
        Ok((header, flags))
    }

    /// How many sequences the frame says that it takes: one for each record, none for a note, and at most
    /// [`RUN_SEQUENCES_MAX`] for a run.
    #[must_use]
    pub const fn sequences(&self) -> u64 {
        match (self.is_note, self.is_run) {
            (true, _) => 0,
            (_, true) => {
                let (first, end) = (self.first_sequence.get(), self.durable_through.get());
                end.saturating_sub(first)
            }
            _ => self.records as u64,
        }
    }

    /// The sequence after the frame's last.
    pub(crate) fn end_sequence(&self) -> Option<Sequence> {
        self.first_sequence.checked_add(self.sequences())
    }
}
