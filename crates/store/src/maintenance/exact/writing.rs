//! `LogWriting`: takes the entries of a log, one by one, and writes those that prove to be what they say.

use super::entry::{LogEnd, LogEntry, LogRecord};
use super::names::NamesWritten;
use crate::maintenance::progress::Meter;
use crate::rows::footer::rebuilt_footer;
use crate::{Error, ErrorKind, Sequence, StoreOptions};
use std::collections::HashMap;
use std::ops::Range;
use strandline_core::record::StoredRecord;
use strandline_core::{EventHasher, Hash, Hlc, Random};
use strandline_index::IndexLayout;
use strandline_segment::{
    AppendError, COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, CommitBuffer, LogOrigin, LogWriter,
    SealedSegment,
};

/// A log that is being written, entry by entry. Each hash is made again and compared before anything that it covers is
/// written; an entry that is refused leaves what was written before it.
pub struct LogWriting<'a> {
    writer: LogWriter,
    random: Random,
    layout: IndexLayout,
    /// The commit that is not whole yet: digests, and where their records are in `bodies`, with all their names.
    waiting: Vec<(Hash, Range<usize>)>,
    bodies: Vec<u8>,
    first: Sequence,
    commit: CommitBuffer,
    names: NamesWritten,
    /// Whether the active segment has a sequence without a row: of an event that was removed, or of none.
    has_gaps: bool,
    /// The hash of each entity's last event, and its clock.
    heads: HashMap<Box<str>, (Hash, u32)>,
    newest: Hlc,
    /// The newest time of what was written.
    newest_written: Hlc,
    hasher: EventHasher,
    meter: Meter<'a>,
}

impl std::fmt::Debug for LogWriting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogWriting")
            .field("position", &self.writer.position())
            .finish_non_exhaustive()
    }
}

impl<'a> LogWriting<'a> {
    pub(super) fn new(
        writer: LogWriter,
        random: Random,
        options: &StoreOptions,
        meter: Meter<'a>,
    ) -> Self {
        Self {
            writer,
            random,
            layout: options.index_layout,
            waiting: Vec::new(),
            bodies: Vec::new(),
            first: Sequence::ZERO,
            commit: CommitBuffer::default(),
            names: NamesWritten::default(),
            has_gaps: false,
            heads: HashMap::new(),
            newest: Hlc::default(),
            newest_written: Hlc::default(),
            hasher: EventHasher::default(),
            meter,
        }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if it does not follow those before it, or its hash is not that of its content;
    /// [`ErrorKind::TooLarge`] if no commit is as large; [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
    pub fn take(&mut self, entry: LogEntry<'_>) -> Result<(), Error> {
        match entry {
            LogEntry::Record(record) => self.record(record),
            LogEntry::Note { body, log_hash } => self.note(body, log_hash),
        }
    }

    fn record(&mut self, entry: LogRecord<'_>) -> Result<(), Error> {
        let LogRecord {
            sequence,
            hash,
            record,
            log_hash,
        } = entry;
        let next = match self.waiting.is_empty() {
            true => self.writer.position().sequence,
            false => self
                .first
                .checked_add(self.waiting.len() as u64)
                .ok_or_else(exhausted)?,
        };
        let follows = match self.waiting.is_empty() {
            true => sequence >= next,
            false => sequence == next,
        };
        if !follows {
            return Err(invalid(format!(
                "its sequence is {sequence}, and the next one is {next}"
            )));
        }
        self.check(&record, sequence, &hash)?;
        if self.waiting.is_empty() {
            self.first = sequence;
        }
        let from = self.bodies.len();
        match &record {
            StoredRecord::Event(event) => event.encode(&mut self.bodies),
            StoredRecord::Removed(removed) => removed.encode(&mut self.bodies),
        }
        self.waiting.push((hash, from..self.bodies.len()));
        if self.bodies.len() > 2 * COMMIT_BYTES_MAX as usize
            || self.waiting.len() > COMMIT_RECORDS_MAX
        {
            let message = format!(
                "its commit has more than {COMMIT_BYTES_MAX} bytes, or {COMMIT_RECORDS_MAX} events"
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        match log_hash {
            Some(log_hash) => self.write_commit(log_hash),
            None => Ok(()),
        }
    }

    /// Checks that a record follows that of its entity before it, and that its hash is that of its content.
    fn check(
        &mut self,
        record: &StoredRecord<'_>,
        sequence: Sequence,
        hash: &Hash,
    ) -> Result<(), Error> {
        let (Some(coordinate), Some(previous)) = (record.coordinate(), record.previous()) else {
            let message = "it has no coordinate, or not the hash before it";
            return Err(invalid(message.to_owned()));
        };
        let entity = coordinate.entity();
        let head = self.heads.get(entity);
        let (before, clock) = match head {
            Some((before, clock)) => (*before, clock.checked_add(1)),
            None => (Hash::ZERO, Some(0)),
        };
        if previous != before {
            return Err(invalid(format!(
                "the hash before it is {previous}, and that of the event before it of {entity:?} is {before}"
            )));
        }
        if Some(record.clock()) != clock {
            let message = format!(
                "its clock is {}, which does not follow that of the event before it",
                record.clock()
            );
            return Err(invalid(message));
        }
        let hlc = match record {
            StoredRecord::Event(event) => {
                let computed = event.hash_after(&previous, coordinate, sequence, &mut self.hasher);
                if computed != *hash {
                    return Err(invalid(format!(
                        "its hash is {hash}, and that of its content is {computed}"
                    )));
                }
                event.hlc
            }
            StoredRecord::Removed(removed) => removed.hlc,
        };
        if hlc < self.newest {
            let message = format!("its time {hlc} is before that of an earlier one");
            return Err(invalid(message));
        }
        self.newest = hlc;
        self.heads.insert(entity.into(), (*hash, record.clock()));
        Ok(())
    }

    fn write_commit(&mut self, log_hash: Hash) -> Result<(), Error> {
        self.make_room(self.bodies.len(), self.waiting.len())?;
        self.has_gaps |= self.first != self.writer.position().sequence;
        self.commit.clear();
        for (hash, range) in &self.waiting {
            let body = self.bodies.get(range.clone()).unwrap_or_default();
            let record = StoredRecord::decode(body).map_err(|error| {
                invalid("it is no record of a log".to_owned()).with_source(error)
            })?;
            self.has_gaps |= matches!(record, StoredRecord::Removed(_));
            let record = self.names.in_segment(record).ok_or_else(exhausted)?;
            self.commit.push(hash, |out| match &record {
                StoredRecord::Event(event) => event.encode(out),
                StoredRecord::Removed(removed) => removed.encode(out),
            });
        }
        let events = self.waiting.len() as u64;
        self.waiting.clear();
        self.bodies.clear();
        let appended = self
            .writer
            .append(&mut self.commit, self.first, Sequence::ZERO);
        let appended = appended.map_err(not_written)?;
        self.newest_written = self.newest;
        compare(&log_hash, &appended.end.log_hash)?;
        self.meter.add(events)
    }

    fn note(&mut self, body: &[u8], log_hash: Hash) -> Result<(), Error> {
        if !self.waiting.is_empty() {
            return Err(within_a_commit());
        }
        self.make_room(body.len(), 1)?;
        let sync = strandline_segment::SyncHandle::sync;
        let appended = self.writer.append_note(body, Sequence::ZERO, sync);
        compare(&log_hash, &appended.map_err(not_written)?.end.log_hash)
    }

    /// Begins the next segment, if the active one has something and no room for so much more.
    fn make_room(&mut self, body_bytes: usize, records: usize) -> Result<(), Error> {
        let is_empty = self.writer.position().last_frame == 0;
        if is_empty || self.writer.fits(body_bytes, records) {
            return Ok(());
        }
        self.seal()
    }

    /// Seals the active segment, and writes its footer. One that has not a row for each sequence is rewritten as it
    /// is, as a removal leaves it: by its generation whoever opens it knows that rows may be missing.
    fn seal(&mut self) -> Result<(), Error> {
        let sealed = self.writer.rotate(&self.random).map_err(not_written)?;
        self.names = NamesWritten::default();
        if !std::mem::take(&mut self.has_gaps) {
            return self.write_footer(&sealed);
        }
        let begun = self.writer.rewrite(sealed.info().id(), &self.random)?;
        let written = begun.write(|record, out| {
            out.extend_from_slice(record.body);
            Ok::<_, Error>(())
        })?;
        self.write_footer(written.sealed())?;
        let switched = self.writer.switch_to(vec![written]).map_err(not_written)?;
        Ok(switched.show().remove()?)
    }

    fn write_footer(&self, sealed: &SealedSegment) -> Result<(), Error> {
        let Some(frames) = sealed.frames() else {
            return Ok(());
        };
        let newest = Some(self.newest_written).filter(|newest| *newest > Hlc::default());
        Ok(sealed.write_footer(&rebuilt_footer(&frames, self.layout, newest)?)?)
    }

    /// Ends the log, which is to end there.
    pub(super) fn finish(mut self, origin: &LogOrigin, end: &LogEnd) -> Result<(), Error> {
        if !self.waiting.is_empty() {
            return Err(within_a_commit());
        }
        let position = self.writer.position();
        let own = LogEnd {
            sequence: position.sequence,
            log_hash: position.log_hash,
        };
        if own != *end {
            return Err(invalid(format!(
                "the log ends at {} with the hash {}, and should at {} with {}",
                own.sequence, own.log_hash, end.sequence, end.log_hash
            )));
        }
        if self.has_gaps {
            self.seal()?;
        }
        self.writer.into_copy(origin).map_err(not_written)?;
        self.meter.finish()
    }
}

fn compare(said: &Hash, own: &Hash) -> Result<(), Error> {
    match said == own {
        true => Ok(()),
        false => Err(invalid(format!(
            "the hash of the log is {own} after it, and {said} is said to be"
        ))),
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

fn within_a_commit() -> Error {
    invalid("the commit before it has no end".to_owned())
}

fn exhausted() -> Error {
    let message = "it is past the last number that there is";
    Error::new(ErrorKind::Exhausted, message)
}

fn not_written(error: AppendError) -> Error {
    match error {
        AppendError::NotWritten(error) | AppendError::Unknown(error) => error.into(),
    }
}
