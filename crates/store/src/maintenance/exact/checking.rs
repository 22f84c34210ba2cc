//! `check_log`: entries of a log checked as [`write_log`](super::write_log) does, with nothing written.

use super::chains::{
    Chains, check_commit, check_end, check_sequence, compare, exhausted, invalid, within_a_commit,
};
use super::entry::{LogEnd, LogEntry, LogRecord, LogRun};
use super::open_run::OpenRun;
use super::write::check_origin;
use crate::maintenance::progress::{Meter, OnProgress};
use crate::{Error, Sequence};
use strandline_core::record::StoredRecord;
use strandline_core::{Hash, LogHasher, log_hash_of_note, note_digest};
use strandline_segment::LogOrigin;

/// Checks the entries that `feed` gives, which gives where the log ends too, as [`write_log`](super::write_log) does
/// before it writes them: sequences, times, clocks, the hash of each event, the chains of entities and of the log, the end,
/// and that no id is there twice. Makes no file and no store.
///
/// Cost: hashes all of it. Memory: the names of entities, and 16 bytes for each event.
///
/// # Errors
///
/// As [`write_log`](super::write_log), but for what is of files.
pub fn check_log(
    origin: &LogOrigin,
    feed: &mut dyn FnMut(&mut LogChecking<'_>) -> Result<LogEnd, Error>,
    on_progress: OnProgress<'_>,
) -> Result<LogEnd, Error> {
    check_origin(origin)?;
    let mut checking = LogChecking {
        chains: Chains::of(origin),
        log: LogHasher::default(),
        next: Sequence::ZERO,
        log_hash: origin.base_log_hash,
        waiting: 0,
        open: None,
        body: Vec::new(),
        body_bytes: 0,
        ids: Vec::new(),
        meter: Meter::events(None, on_progress),
    };
    let end = feed(&mut checking)?;
    checking.finish(&end)?;
    Ok(end)
}

/// A log that is checked, entry by entry.
pub struct LogChecking<'a> {
    chains: Chains,
    /// The records of the commit that is not whole yet.
    log: LogHasher,
    /// The first sequence of that commit, or the first one that is free.
    next: Sequence,
    log_hash: Hash,
    waiting: usize,
    /// The run that is not whole yet.
    open: Option<OpenRun>,
    body: Vec<u8>,
    body_bytes: usize,
    ids: Vec<u128>,
    meter: Meter<'a>,
}

impl std::fmt::Debug for LogChecking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogChecking")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl LogChecking<'_> {
    /// Takes the next entry.
    ///
    /// # Errors
    ///
    /// As [`LogWriting::take`](super::LogWriting::take), but for what is of files.
    pub fn take(&mut self, entry: LogEntry<'_>) -> Result<(), Error> {
        match entry {
            LogEntry::Record(record) => self.record(&record),
            LogEntry::Run(run) => self.run(&run),
            LogEntry::Note { body, log_hash } => self.note(body, &log_hash),
        }
    }

    fn run(&mut self, run: &LogRun<'_>) -> Result<(), Error> {
        if self.waiting > 0 || self.open.is_some() {
            return Err(within_a_commit());
        }
        let open = OpenRun::begin(run, self.next, &mut self.chains)?;
        self.open = Some(open);
        self.end_run()
    }

    /// Ends the run whose records are all there.
    fn end_run(&mut self) -> Result<(), Error> {
        let chains = &mut self.chains;
        let Some(run) = self.open.take_if(|run| run.is_whole(chains)) else {
            return Ok(());
        };
        self.next = run.sequences.end;
        self.log_hash = run.log_hash;
        self.meter.add(1)
    }

    fn record(&mut self, entry: &LogRecord<'_>) -> Result<(), Error> {
        if let Some(open) = &mut self.open {
            open.keep(entry)?;
            self.chains
                .check(&entry.record, entry.sequence, &entry.hash)?;
            return self.end_run();
        }
        check_sequence(entry.sequence, self.next, self.waiting)?;
        self.chains
            .check(&entry.record, entry.sequence, &entry.hash)?;
        if self.waiting == 0 {
            self.next = entry.sequence;
            self.log.clear();
            self.body_bytes = 0;
        }
        self.body.clear();
        match &entry.record {
            StoredRecord::Event(event) => {
                event.encode(&mut self.body);
                self.ids.push(event.id.as_u128());
            }
            StoredRecord::Removed(removed) => removed.encode(&mut self.body),
        }
        self.body_bytes += self.body.len();
        self.waiting += 1;
        self.log.add(&entry.hash);
        check_commit(self.body_bytes, self.waiting)?;
        let Some(said) = &entry.log_hash else {
            return Ok(());
        };
        let events = std::mem::take(&mut self.waiting) as u64;
        self.next = self.next.checked_add(events).ok_or_else(exhausted)?;
        self.log_hash = self.log.hash(&self.log_hash);
        compare(said, &self.log_hash)?;
        self.meter.add(events)
    }

    fn note(&mut self, body: &[u8], said: &Hash) -> Result<(), Error> {
        if self.waiting > 0 || self.open.is_some() {
            return Err(within_a_commit());
        }
        check_commit(body.len(), 1)?;
        self.log_hash = log_hash_of_note(&self.log_hash, &note_digest(body));
        compare(said, &self.log_hash)
    }

    fn finish(mut self, end: &LogEnd) -> Result<(), Error> {
        if self.waiting > 0 || self.open.is_some() {
            return Err(within_a_commit());
        }
        let own = LogEnd {
            sequence: self.next,
            log_hash: self.log_hash,
        };
        check_end(&own, end)?;
        self.ids.sort_unstable();
        let mut pairs = self.ids.windows(2);
        if let Some([id, _]) = pairs.find(|pair| matches!(pair, [one, next] if one == next)) {
            return Err(invalid(format!("the id {id:032x} is there twice")));
        }
        self.meter.finish()
    }
}
