//! `CommitBuffer`: a commit or a note that is being put together, and becomes the bytes of a frame. Writes
//! them nowhere.

use super::frame::{RECORD_HEADER_BYTES, records_checksum};
use super::frame_header::{CHECKSUM_BYTES, FRAME_HEADER_BYTES, FrameHeader};
use super::limits::FRAME_ALIGNMENT;
use super::position::{LogPosition, RecordPosition};
use strandline_core::{Hash, LogHasher, Salt, Sequence, log_hash_of_note, note_digest, run_digest};

/// Where a frame is to stand and what it continues.
#[derive(Debug, Clone, Copy)]
pub struct FramePlace {
    /// Salt of the segment.
    pub salt: Salt,
    /// Where the frame begins.
    pub start: LogPosition,
    /// Sequence of its first record.
    pub first_sequence: Sequence,
    /// Sequences below this one are durable.
    pub durable_through: Sequence,
}

/// A commit that is being put together: records encoded in place, after space for the frame's
/// header. Its memory is reused from commit to commit.
///
/// ```
/// use strandline_core::Hash;
/// use strandline_segment::CommitBuffer;
///
/// let mut commit = CommitBuffer::default();
/// commit.push(&Hash::of(b"hello"), |body| body.extend_from_slice(b"hello"));
/// assert_eq!(commit.len(), 1);
/// ```
#[derive(Debug, Clone, Default)]
pub struct CommitBuffer {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
    log_hasher: LogHasher,
    checksums: Vec<u8>,
    /// Length without the padding, which a seal adds.
    unpadded_bytes: usize,
    /// The digest, if this is a note.
    note: Option<Hash>,
    /// The sequence after its last and the log hash after it, if this is a run.
    run: Option<(Sequence, Hash)>,
}

impl CommitBuffer {
    /// Forgets all records, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.unpadded_bytes = 0;
        self.offsets.clear();
        self.log_hasher.clear();
        self.note = None;
        self.run = None;
    }

    /// Makes it a run, to which the records are added that are kept. `said` is what it says of itself, and it ends at
    /// `end`, after which the log has the hash `log_hash`.
    pub(crate) fn set_run(&mut self, said: &[u8], end: Sequence, log_hash: Hash) {
        self.clear();
        self.push(&run_digest(said), |out| out.extend_from_slice(said));
        self.run = Some((end, log_hash));
    }

    /// Makes it a note, and nothing else: bytes that the log chain covers, without a sequence.
    pub fn set_note(&mut self, body: &[u8]) {
        self.clear();
        let digest = note_digest(body);
        self.push(&digest, |out| out.extend_from_slice(body));
        self.note = Some(digest);
    }

    /// Whether it is a note.
    #[must_use]
    pub const fn is_note(&self) -> bool {
        self.note.is_some()
    }

    /// Adds a record with the body that `encode` appends.
    ///
    /// `digest` is what the log chain covers of it: a hash of the body, or of what the body means.
    pub fn push(&mut self, digest: &Hash, encode: impl FnOnce(&mut Vec<u8>)) {
        if self.is_note() {
            self.clear();
        }
        if self.is_empty() {
            self.unpadded_bytes = FRAME_HEADER_BYTES;
        }
        self.bytes.resize(self.unpadded_bytes, 0);
        let offset = self.bytes.len();
        self.bytes.resize(offset + RECORD_HEADER_BYTES, 0);
        let body = self.bytes.len();
        encode(&mut self.bytes);
        // A body past 4 GiB is refused with its commit, which is over the limit.
        let length = u32::try_from(self.bytes.len() - body).unwrap_or(u32::MAX);
        if let Some(header) = self.bytes.get_mut(offset + CHECKSUM_BYTES..body)
            && let Some((to_length, to_digest)) = header.split_first_chunk_mut::<4>()
        {
            *to_length = length.to_le_bytes();
            to_digest.copy_from_slice(digest.as_bytes());
        }
        self.offsets.push(offset);
        self.log_hasher.add(digest);
        self.unpadded_bytes = self.bytes.len();
    }

    /// Number of records.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there are no records.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Length of the frame in bytes.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        self.unpadded_bytes
            .next_multiple_of(FRAME_ALIGNMENT as usize)
    }

    /// Completes the frame for its place: checksums, header, padding. Gives its bytes and where
    /// it ends, or `None` if it has more bytes or records than a frame can.
    ///
    /// May be called again for another place.
    pub fn seal(&mut self, place: &FramePlace) -> Option<(&[u8], LogPosition)> {
        let frame_bytes = u32::try_from(self.frame_bytes()).ok()?;
        let records = u16::try_from(self.len()).ok()?;
        let offset = place.start.offset;
        offset.checked_add(frame_bytes)?;
        let unpadded = self.unpadded_bytes;
        self.checksums.clear();
        let ends = self.offsets.iter().skip(1).copied().chain([unpadded]);
        for (start, end) in self.offsets.iter().copied().zip(ends) {
            let record = self.bytes.get_mut(start..end)?;
            let (to_checksum, covered) = record.split_first_chunk_mut::<CHECKSUM_BYTES>()?;
            let record_offset = u64::from(offset) + start as u64;
            *to_checksum = place.salt.checksum(record_offset, covered).0.to_le_bytes();
            self.checksums.extend_from_slice(to_checksum);
        }
        let log_hash = match (&self.note, &self.run) {
            (Some(digest), _) => log_hash_of_note(&place.start.log_hash, digest),
            (None, Some((_, log_hash))) => *log_hash,
            (None, None) => self.log_hasher.hash(&place.start.log_hash),
        };
        let header = FrameHeader {
            frame_bytes,
            first_sequence: place.first_sequence,
            durable_through: self.run.map_or(place.durable_through, |(end, _)| end),
            records,
            is_note: self.is_note(),
            is_run: self.run.is_some(),
            records_checksum: records_checksum(place.salt, offset, &self.checksums),
            log_hash,
        };
        let (to_header, _) = self.bytes.split_first_chunk_mut()?;
        *to_header = header.encode(place.salt, offset);
        let end = LogPosition {
            segment: place.start.segment,
            offset: offset + frame_bytes,
            last_frame: offset,
            sequence: header.end_sequence()?,
            log_hash,
        };
        self.bytes.resize(frame_bytes as usize, 0);
        Some((&self.bytes, end))
    }

    /// Where each record stands in a segment, once the frame begins at `start`.
    pub fn positions(&self, start: LogPosition) -> impl Iterator<Item = RecordPosition> {
        self.offsets.iter().map(move |offset| RecordPosition {
            segment: start.segment,
            offset: start
                .offset
                .saturating_add(u32::try_from(*offset).unwrap_or(u32::MAX)),
        })
    }
}
