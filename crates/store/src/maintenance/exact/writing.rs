//! `LogWriting`: takes the entries of a log, one by one, and writes those that prove to be what they say.

use super::chains::{
    Chains, check_commit, check_end, check_sequence, compare, exhausted, invalid, within_a_commit,
};
use super::entry::{LogEnd, LogEntry, LogRecord, LogRun};
use super::names::NamesWritten;
use super::open_run::OpenRun;
use crate::maintenance::progress::Meter;
use crate::rows::footer::rebuilt_footer;
use crate::{Error, Sequence, StoreOptions};
use std::ops::Range;
use strandline_core::record::StoredRecord;
use strandline_core::{Hash, Hlc, Random};
use strandline_index::IndexLayout;
use strandline_segment::{AppendError, CommitBuffer, LogOrigin, LogWriter, SealedSegment};

/// A log that is being written, entry by entry. Each hash is made again and compared before anything that it covers is
/// written; an entry that is refused leaves what was written before it.
pub struct LogWriting<'a> {
    writer: LogWriter,
    random: Random,
    layout: IndexLayout,
    /// The commit that is not whole yet: digests, and where their records are in `bodies`, with all their names.
    waiting: Vec<(Hash, Range<usize>)>,
    bodies: Vec<u8>,
    /// The run that is not whole yet, and the sequences of what is kept of it, which waits.
    open: Option<OpenRun>,
    kept: Vec<Sequence>,
    first: Sequence,
    commit: CommitBuffer,
    names: NamesWritten,
    /// Whether the active segment has a sequence without a row: of an event that was removed, or of none.
    has_gaps: bool,
    chains: Chains,
    /// The newest time of what was written.
    newest_written: Hlc,
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
        origin: &LogOrigin,
        meter: Meter<'a>,
    ) -> Self {
        Self {
            writer,
            random,
            layout: options.index_layout,
            waiting: Vec::new(),
            bodies: Vec::new(),
            open: None,
            kept: Vec::new(),
            first: Sequence::ZERO,
            commit: CommitBuffer::default(),
            names: NamesWritten::default(),
            has_gaps: false,
            chains: Chains::of(origin),
            newest_written: Hlc::default(),
            meter,
        }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if it does not follow those before it, or its hash is not that of its content;
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if no commit is as large; [`ErrorKind::Io`](crate::ErrorKind::Io), [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn take(&mut self, entry: LogEntry<'_>) -> Result<(), Error> {
        match entry {
            LogEntry::Record(record) => self.record(record),
            LogEntry::Run(run) => self.run(&run),
            LogEntry::Note { body, log_hash } => self.note(body, log_hash),
        }
    }

    fn run(&mut self, run: &LogRun<'_>) -> Result<(), Error> {
        if !self.waiting.is_empty() || self.open.is_some() {
            return Err(within_a_commit());
        }
        let next = self.writer.position().sequence;
        self.open = Some(OpenRun::begin(run, next, &mut self.chains)?);
        self.kept.clear();
        self.end_run()
    }

    /// Takes a record that is kept in the run.
    fn keep(&mut self, entry: LogRecord<'_>) -> Result<(), Error> {
        if let Some(open) = &mut self.open {
            open.keep(&entry)?;
        }
        self.chains
            .check(&entry.record, entry.sequence, &entry.hash)?;
        let from = self.bodies.len();
        if let StoredRecord::Removed(removed) = &entry.record {
            removed.encode(&mut self.bodies);
        }
        self.waiting.push((entry.hash, from..self.bodies.len()));
        self.kept.push(entry.sequence);
        self.end_run()
    }

    /// Writes the run whose records are all there.
    fn end_run(&mut self) -> Result<(), Error> {
        let chains = &mut self.chains;
        let Some(run) = self.open.take_if(|run| run.is_whole(chains)) else {
            return Ok(());
        };
        let most = self.bodies.len().saturating_add(run.said.len());
        self.make_room(most, self.waiting.len().saturating_add(1))?;
        self.has_gaps = true;
        let mut kept = Vec::with_capacity(self.waiting.len());
        for (sequence, (hash, range)) in self.kept.iter().zip(&self.waiting) {
            let body = self.bodies.get(range.clone()).unwrap_or_default();
            let record = StoredRecord::decode(body).map_err(|error| {
                invalid("it is no record of a log".to_owned()).with_source(error)
            })?;
            let record = self.names.in_segment(record).ok_or_else(exhausted)?;
            let mut body = Vec::new();
            if let StoredRecord::Removed(removed) = &record {
                removed.encode(&mut body);
            }
            kept.push((*sequence, *hash, body));
        }
        self.waiting.clear();
        self.bodies.clear();
        let appended = self
            .writer
            .append_run(run.sequences, &kept, &run.said, run.log_hash);
        appended.map_err(not_written)?;
        self.newest_written = self.chains.newest();
        self.meter.add(1)
    }

    fn record(&mut self, entry: LogRecord<'_>) -> Result<(), Error> {
        if self.open.is_some() {
            return self.keep(entry);
        }
        let LogRecord {
            sequence,
            hash,
            record,
            log_hash,
        } = entry;
        let position = self.writer.position().sequence;
        let first = (!self.waiting.is_empty()).then_some(self.first);
        check_sequence(sequence, first.unwrap_or(position), self.waiting.len())?;
        self.chains.check(&record, sequence, &hash)?;
        if self.waiting.is_empty() {
            self.first = sequence;
        }
        let from = self.bodies.len();
        match &record {
            StoredRecord::Event(event) => event.encode(&mut self.bodies),
            StoredRecord::Removed(removed) => removed.encode(&mut self.bodies),
        }
        self.waiting.push((hash, from..self.bodies.len()));
        check_commit(self.bodies.len(), self.waiting.len())?;
        match log_hash {
            Some(log_hash) => self.write_commit(log_hash),
            None => Ok(()),
        }
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
        self.newest_written = self.chains.newest();
        compare(&log_hash, &appended.end.log_hash)?;
        self.meter.add(events)
    }

    fn note(&mut self, body: &[u8], log_hash: Hash) -> Result<(), Error> {
        if !self.waiting.is_empty() || self.open.is_some() {
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
        if !self.waiting.is_empty() || self.open.is_some() {
            return Err(within_a_commit());
        }
        let position = self.writer.position();
        let own = LogEnd {
            sequence: position.sequence,
            log_hash: position.log_hash,
        };
        check_end(&own, end)?;
        if self.has_gaps {
            self.seal()?;
        }
        self.writer.into_copy(origin).map_err(not_written)?;
        self.meter.finish()
    }
}

fn not_written(error: AppendError) -> Error {
    match error {
        AppendError::NotWritten(error) | AppendError::Unknown(error) => error.into(),
    }
}
