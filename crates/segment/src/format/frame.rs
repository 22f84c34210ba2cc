//! `Frame`: a commit on disk, checked before it is handed out.
//!
//! A frame is a header, its records one after the other, and zeros up to a multiple of
//! [`FRAME_ALIGNMENT`](crate::FRAME_ALIGNMENT) bytes. Its header, [`FRAME_HEADER_BYTES`] long:
//!
//! | field | bytes |
//! |---|---|
//! | magic `FRAM` | 4 |
//! | length of the frame, header and zeros included | 4 |
//! | sequence of the first record; the others follow without gap | 8 |
//! | durable_through: sequences below it were durable when this was written; of a run the sequence after its last | 8 |
//! | number of records | 2 |
//! | flags: 1 for a note, 2 for a run; no others | 2 |
//! | lower half of the checksum of the records' checksums | 4 |
//! | log hash after this commit | 32 |
//! | checksum of the bytes before | 8 |
//!
//! A record, [`RECORD_HEADER_BYTES`] and its body:
//!
//! | field | bytes |
//! |---|---|
//! | checksum of everything after it | 8 |
//! | length of the body | 4 |
//! | digest, which the log chain covers | 32 |
//! | body | its length |
//!
//! A *note* is a frame too, with flag 1: bytes of the layer above that the log chain covers, and that take
//! no sequence. It has exactly one record, whose body they are, and whose digest is
//! [`note_digest`](strandline_core::note_digest) of them.
//!
//! A *run*, with flag 2, stands for commits all of whose records are gone; see [`run`](super::run). None stands in a
//! segment whose header does not say that it may have runs.
//!
//! Checksums are salted with the segment and the offset of what they stand in, so neither a frame
//! nor a record is valid anywhere else.

use super::frame_header::{CHECKSUM_BYTES, FRAME_HEADER_BYTES, FrameHeader};
use super::header::SegmentHeader;
use super::limits::FRAME_ALIGNMENT;
use super::position::{LogPosition, RecordPosition};
use super::run::RunHead;
use std::ops::Range;
use strandline_core::codec::Reader;
use strandline_core::{Hash, LogHasher, Salt, Sequence, log_hash_of_note, note_digest, run_digest};

/// Length of what a record has before its body.
pub const RECORD_HEADER_BYTES: usize = 44;

/// What is wrong with a run in a segment whose header does not say that it may have some.
pub(crate) const RUN_IN_OTHERS: &str = "there is a run in a segment that has none";

/// A record as it stands in a frame or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its digest.
    pub digest: Hash,
    /// Its body.
    pub body: &'a [u8],
}

impl<'a> RecordRef<'a> {
    /// The checked record at the front of `bytes`, which stand at `offset`, and its checksum.
    #[inline]
    pub(crate) fn parse(
        salt: Salt,
        offset: u32,
        bytes: &'a [u8],
    ) -> Result<(Self, u64), &'static str> {
        const SHORT: &str = "a record is cut short";
        let (checksum, rest) = bytes.split_first_chunk().ok_or(SHORT)?;
        let mut reader = Reader::new(rest);
        let length = reader.u32("length").map_err(|_| SHORT)?;
        let digest = Hash::from_bytes(reader.array("digest").map_err(|_| SHORT)?);
        let length = usize::try_from(length).map_err(|_| SHORT)?;
        let body = reader.bytes("body", length).map_err(|_| SHORT)?;
        let covered = rest.get(..reader.offset()).ok_or(SHORT)?;
        let checksum = u64::from_le_bytes(*checksum);
        if salt.checksum(u64::from(offset), covered).0 != checksum {
            return Err("a record's checksum is wrong");
        }
        Ok((Self { digest, body }, checksum))
    }

    /// The length of the record at the front of `bytes`, header included, as it claims.
    pub(crate) fn claimed_bytes(bytes: &[u8]) -> Option<u64> {
        let (_, rest) = bytes.split_at_checked(CHECKSUM_BYTES)?;
        let (length, _) = rest.split_first_chunk()?;
        Some(RECORD_HEADER_BYTES as u64 + u64::from(u32::from_le_bytes(*length)))
    }

    pub(crate) fn bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.body.len()
    }
}

/// A record of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRecord<'a> {
    /// Its sequence.
    pub sequence: Sequence,
    /// Where it can be read alone.
    pub position: RecordPosition,
    /// Its digest.
    pub digest: Hash,
    /// Its body.
    pub body: &'a [u8],
}

/// A commit that was read and checked: its checksums, and that it follows the one before.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    header: FrameHeader,
    start: LogPosition,
    bytes: &'a [u8],
    salt: Salt,
}

impl<'a> Frame<'a> {
    /// The frame that `bytes` hold from its first byte to its last, not checked yet.
    pub(crate) const fn unchecked(
        header: FrameHeader,
        start: LogPosition,
        salt: Salt,
        bytes: &'a [u8],
    ) -> Self {
        Self {
            header,
            start,
            bytes,
            salt,
        }
    }

    /// The frame at the front of `bytes`, which stand at `offset` of a segment. All of its checksums are checked, and
    /// nothing of what is before it: where it begins, its sequence and no log hash are known. Linear in its length.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn decode_alone(
        segment: &SegmentHeader,
        offset: u32,
        bytes: &'a [u8],
    ) -> Result<Self, &'static str> {
        let salt = segment.salt();
        let header = FrameHeader::decode(salt, offset, bytes)?;
        if header.is_run && !segment.has_runs {
            return Err(RUN_IN_OTHERS);
        }
        let length = usize::try_from(header.frame_bytes).unwrap_or(usize::MAX);
        let bytes = bytes.get(..length).ok_or("a frame is cut short")?;
        let start = LogPosition {
            segment: segment.id,
            offset,
            last_frame: 0,
            sequence: header.first_sequence,
            log_hash: Hash::ZERO,
        };
        let frame = Self::unchecked(header, start, salt, bytes);
        frame.check_contents()?;
        Ok(frame)
    }

    /// Checks every checksum, and that the frame follows what is before it.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let mut log_hasher = self.check_contents()?;
        if self.header.first_sequence < self.start.sequence {
            return Err("a frame's sequence goes back");
        }
        if self.header.is_note && self.header.first_sequence > self.start.sequence {
            return Err("a note is at another sequence than the log");
        }
        match self.follows(&self.start.log_hash, &mut log_hasher) {
            true => Ok(()),
            false => Err("a frame does not follow the one before it"),
        }
    }

    /// Whether this frame has the log hash of one that follows `previous`; of a run whether it says that it does.
    /// `digests` has those of its records, as [`check_contents`](Self::check_contents) gives them.
    pub(crate) fn follows(&self, previous: &Hash, digests: &mut LogHasher) -> bool {
        if let Some(run) = self.run_head() {
            return run.before == *previous;
        }
        let after = match self.note_record() {
            Some(note) => log_hash_of_note(previous, &note.digest),
            None => digests.hash(previous),
        };
        !self.header.is_run && after == self.header.log_hash
    }

    /// Checks everything in the frame, and nothing of what is before it. Gives the hasher that its
    /// digests were added to.
    pub(crate) fn check_contents(&self) -> Result<LogHasher, &'static str> {
        let Self {
            header,
            start,
            bytes,
            salt,
        } = *self;
        if header.end_sequence().is_none() {
            return Err("a frame's sequences end past 64 bits");
        }
        let mut offset = FRAME_HEADER_BYTES;
        let mut checksums = Vec::with_capacity(usize::from(header.records) * CHECKSUM_BYTES);
        let mut log_hasher = LogHasher::default();
        for _ in 0..header.records {
            let (record, checksum) = self.record_at(offset)?;
            checksums.extend_from_slice(&checksum.to_le_bytes());
            log_hasher.add(&record.digest);
            offset += record.bytes();
        }
        if records_checksum(salt, start.offset, &checksums) != header.records_checksum {
            return Err("a frame's records are not those that its header covers");
        }
        if let Some(note) = self.note_record()
            && note.digest != note_digest(note.body)
        {
            return Err("a note's digest is not that of its bytes");
        }
        if header.is_run {
            self.check_run()?;
        }
        let padding = bytes.get(offset..).ok_or("a frame is cut short")?;
        if padding.len() >= FRAME_ALIGNMENT as usize || padding.iter().any(|byte| *byte != 0) {
            return Err("a frame has bytes after its last record");
        }
        Ok(log_hasher)
    }

    /// Checks what a run says of itself against its header.
    fn check_run(&self) -> Result<(), &'static str> {
        let (own, _) = self.record_at(FRAME_HEADER_BYTES)?;
        if own.digest != run_digest(own.body) {
            return Err("a run's digest is not that of its bytes");
        }
        let head = RunHead::decode(own.body)?;
        let says = (
            head.kept_count().saturating_add(1),
            u64::from(head.sequences),
        );
        match says == (self.header.records.into(), self.header.sequences()) {
            true => Ok(()),
            false => Err("a run has other records or sequences than it says"),
        }
    }

    /// Where the first record begins in the frame that is not right, if there is one.
    pub(crate) fn bad_record(&self) -> Option<usize> {
        let mut offset = FRAME_HEADER_BYTES;
        for _ in 0..self.header.records {
            match self.record_at(offset) {
                Ok((record, _)) => offset += record.bytes(),
                Err(_) => return Some(offset),
            }
        }
        None
    }

    pub(crate) fn record_at(&self, offset: usize) -> Result<(RecordRef<'a>, u64), &'static str> {
        let bytes = self.bytes.get(offset..).unwrap_or_default();
        let place = u32::try_from(offset)
            .ok()
            .and_then(|offset| self.start.offset.checked_add(offset));
        RecordRef::parse(self.salt, place.ok_or("a record ends past 4 GiB")?, bytes)
    }

    /// Where the frame begins.
    #[must_use]
    pub const fn start(&self) -> LogPosition {
        self.start
    }

    /// Where the next frame begins.
    #[must_use]
    pub fn end(&self) -> LogPosition {
        LogPosition {
            segment: self.start.segment,
            offset: self.start.offset.saturating_add(self.header.frame_bytes),
            last_frame: self.start.offset,
            sequence: self
                .header
                .end_sequence()
                .unwrap_or(self.header.first_sequence),
            log_hash: self.header.log_hash,
        }
    }

    /// The frame's header.
    #[must_use]
    pub const fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// Sequence of the first record.
    #[must_use]
    pub const fn first_sequence(&self) -> Sequence {
        self.header.first_sequence
    }

    /// Sequences below this one were durable when the frame was written.
    #[must_use]
    pub const fn durable_through(&self) -> Sequence {
        self.header.durable_through
    }

    /// Number of sequences; none in a note.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.header.sequences()).unwrap_or(usize::MAX)
    }

    /// Whether there are none; no commit is written so.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.header.sequences() == 0
    }

    /// The bytes of the note, if the frame is one.
    #[must_use]
    pub fn note(&self) -> Option<&'a [u8]> {
        self.note_record().map(|record| record.body)
    }

    fn note_record(&self) -> Option<RecordRef<'a>> {
        if !self.header.is_note {
            return None;
        }
        self.record_at(FRAME_HEADER_BYTES)
            .ok()
            .map(|(note, _)| note)
    }

    /// What is to be proven durable for the frame to be: proof of `n` says that everything before the
    /// record of sequence `n - 1`, and that, is. A note ends where the record before it does, and is
    /// proven by what follows it alone.
    pub(crate) fn proven_by(&self) -> Sequence {
        let end = self.end().sequence;
        match self.header.is_note {
            true => end.checked_add(1).unwrap_or(end),
            false => end,
        }
    }

    /// The frame as it is on disk.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Which sequences it has, if it is a run.
    #[must_use]
    pub fn run(&self) -> Option<Range<Sequence>> {
        let end = self.header.end_sequence()?;
        self.header.is_run.then_some(self.first_sequence()..end)
    }

    /// What the layer above says of the run, if it is one.
    #[must_use]
    pub fn said_of_run(&self) -> Option<&'a [u8]> {
        self.run_head().map(|head| head.said)
    }

    /// How many bytes the record takes in which it says of itself what it is, header included, if it is a run.
    #[must_use]
    pub fn run_bytes(&self) -> Option<usize> {
        self.run_record().map(|own| own.bytes())
    }

    pub(crate) fn run_head(&self) -> Option<RunHead<'a>> {
        RunHead::decode(self.run_record()?.body).ok()
    }

    /// What it says of itself, if it is a run.
    pub(crate) fn run_record(&self) -> Option<RecordRef<'a>> {
        if !self.header.is_run {
            return None;
        }
        self.record_at(FRAME_HEADER_BYTES).ok().map(|(own, _)| own)
    }

    /// The records in order; none of a note, and of a run those that are kept, whose sequences have gaps.
    pub fn records(&self) -> impl Iterator<Item = FrameRecord<'a>> {
        let frame = *self;
        let first = self.header.first_sequence;
        let mut offset = FRAME_HEADER_BYTES;
        let mut of_run = None;
        let mut count = self.header.sequences();
        if let Some(own) = self.run_record() {
            offset += own.bytes();
            let head = RunHead::decode(own.body).ok();
            count = head.map_or(0, |head| head.kept_count() as u64);
            of_run = head.map(|head| head.kept_from(first));
        }
        (0..count).map_while(move |number| {
            // All records were checked when the frame was, so none fails here.
            let (record, _) = frame.record_at(offset).ok()?;
            let position = RecordPosition {
                segment: frame.start.segment,
                offset: frame
                    .start
                    .offset
                    .checked_add(u32::try_from(offset).ok()?)?,
            };
            offset += record.bytes();
            Some(FrameRecord {
                sequence: match &mut of_run {
                    Some(sequences) => sequences.next()?,
                    None => first.checked_add(number)?,
                },
                position,
                digest: record.digest,
                body: record.body,
            })
        })
    }
}

/// Of the checksums of a frame's records, one after the other.
pub(crate) fn records_checksum(salt: Salt, frame_offset: u32, checksums: &[u8]) -> u32 {
    let [a, b, c, d, ..] = salt
        .checksum(u64::from(frame_offset), checksums)
        .0
        .to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
