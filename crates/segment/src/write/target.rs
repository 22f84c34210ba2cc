//! `Target`: a new file of a segment, which the frames of another are written to.
//!
//! Sequences, digests and log hashes of the frames stay; bodies and offsets may be others.

use super::open_run::OpenRun;
use crate::error::{At, LogError, ScanError};
use crate::files::SegmentFile;
use crate::format::{
    COMMIT_BYTES_MAX, CommitBuffer, FRAME_HEADER_BYTES, Frame, FrameHeader, FramePlace,
    FrameRecord, LogPosition, RecordRef, SegmentHeader, records_checksum,
};
use strandline_core::{Checksum, Salt, Sequence};

/// How much is written at once.
const WRITE_BYTES: usize = 1 << 20;

/// The file that is written, and what waits to be.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) file: SegmentFile,
    /// Most bytes of the file.
    bytes_max: u64,
    commit: CommitBuffer,
    pending: Vec<u8>,
    written: u64,
    end: LogPosition,
}

impl Target {
    /// Begins a segment in a new file.
    pub(crate) fn new(header: &SegmentHeader, file: SegmentFile, bytes_max: u64) -> Self {
        Self {
            file,
            bytes_max,
            commit: CommitBuffer::default(),
            pending: header.encode(),
            written: 0,
            end: header.start(),
        }
    }

    /// Adds a frame whose records get the bodies that `body` appends.
    pub(crate) fn frame<E>(
        &mut self,
        frame: &Frame<'_>,
        body: &mut impl FnMut(&FrameRecord<'_>, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        self.commit.clear();
        if let Some(note) = frame.note() {
            self.commit.set_note(note);
        }
        if let Some(said) = frame.run_record() {
            let end = frame.end();
            self.commit.set_run(said.body, end.sequence, end.log_hash);
        }
        for record in frame.records() {
            let mut result = Ok(());
            self.commit
                .push(&record.digest, |out| result = body(&record, out));
            result.map_err(ScanError::Visit)?;
        }
        let end = self.add(frame.first_sequence(), frame.durable_through())?;
        // Same digests after the same hash, so the chain of the log is what it was.
        assert_eq!(end.log_hash, frame.end().log_hash, "digests stay");
        self.write_if_enough().map_err(ScanError::from)
    }

    /// Adds what is in the buffer as a frame.
    fn add(&mut self, first: Sequence, durable_through: Sequence) -> Result<LogPosition, LogError> {
        let place = FramePlace {
            salt: self.file.salt,
            start: self.end,
            first_sequence: first,
            durable_through,
        };
        let size = self.commit.frame_bytes() as u64;
        let found = u64::from(self.end.offset).saturating_add(size);
        let fits = size <= u64::from(COMMIT_BYTES_MAX) && found <= self.bytes_max;
        let sealed = self.commit.seal(&place).filter(|_| fits);
        let (bytes, end) = sealed.ok_or_else(|| LogError::RewrittenTooLong {
            file: self.file.name(),
            found,
            limit: self.bytes_max,
        })?;
        self.pending.extend_from_slice(bytes);
        self.end = end;
        Ok(end)
    }

    /// Adds a run.
    pub(super) fn run(&mut self, run: &OpenRun, said: &[u8]) -> Result<(), LogError> {
        let mut own = Vec::new();
        run.encode_head(said, &mut own);
        let end = run.end();
        self.commit.set_run(&own, end.sequence, end.log_hash);
        for (digest, body) in run.kept() {
            self.commit.push(digest, |out| out.extend_from_slice(body));
        }
        self.add(run.first(), end.sequence)?;
        self.write_if_enough()
    }

    /// Adds a frame of a file with `salt` as it is, at the offset that it has, whose checksums are made
    /// those of this file.
    pub(crate) fn same_frame(&mut self, frame: &Frame<'_>, salt: Salt) -> Result<(), LogError> {
        if salt == self.file.salt {
            self.pending.extend_from_slice(frame.bytes());
        } else {
            salted_anew(frame, (salt, self.file.salt), &mut self.pending);
        }
        self.end = frame.end();
        self.write_if_enough()
    }

    /// Where the frames end so far.
    pub(crate) const fn end(&self) -> LogPosition {
        self.end
    }

    /// Writes what waits, syncs the file, and tells readers where it ends.
    pub(crate) fn finish(&mut self) -> Result<(), LogError> {
        self.write()?;
        self.file.file.sync().at("sync", &self.file.path)?;
        self.file.set_written_end(self.end.offset);
        Ok(())
    }

    fn write_if_enough(&mut self) -> Result<(), LogError> {
        match self.pending.len() >= WRITE_BYTES {
            true => self.write(),
            false => Ok(()),
        }
    }

    /// Writes what waits.
    pub(crate) fn write(&mut self) -> Result<(), LogError> {
        let written = self.file.file.write_all_at(&self.pending, self.written);
        written.at("write", &self.file.path)?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

/// Appends a frame to `out` as it is at the same offset of a file with another salt. It was checked, so
/// no body is looked at again.
fn salted_anew(frame: &Frame<'_>, (from, to): (Salt, Salt), out: &mut Vec<u8>) {
    let begin = out.len();
    out.extend_from_slice(frame.bytes());
    let bytes = out.get_mut(begin..).unwrap_or_default();
    let mut checksums =
        Vec::with_capacity(usize::from(frame.header().records) * size_of::<Checksum>());
    let mut offset = FRAME_HEADER_BYTES;
    for _ in 0..frame.header().records {
        let record = bytes.get_mut(offset..).unwrap_or_default();
        let claimed = RecordRef::claimed_bytes(record);
        let claimed = claimed.and_then(|claimed| usize::try_from(claimed).ok());
        let (Some(claimed), Some(checksum)) = (claimed, record.first_chunk_mut()) else {
            break;
        };
        let before = Checksum(u64::from_le_bytes(*checksum));
        *checksum = from.exchanged(to, before).0.to_le_bytes();
        checksums.extend_from_slice(checksum);
        offset = offset.saturating_add(claimed);
    }
    let place = frame.start().offset;
    let header = FrameHeader {
        records_checksum: records_checksum(to, place, &checksums),
        ..*frame.header()
    };
    if let Some(to_header) = bytes.first_chunk_mut() {
        *to_header = header.encode(to, place);
    }
}
