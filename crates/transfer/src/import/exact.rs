//! `import_exact`: the lines of an exact export into a new store, which is a copy of the log that they are of;
//! `check_exact`: the same with nothing written.

use super::error::ImportError;
use super::failure::Failure;
use super::imported::Imported;
use super::options::LINE_BYTES_MAX;
use crate::format::{ExactLine, RefusedLine, parse_exact, parse_head};
use std::io::{BufRead, Read as _};
use std::path::Path;
use strandline::maintenance::{
    LogChecking, LogEnd, LogEntry, LogOrigin, LogWriting, OnProgress, check_log, write_log,
};
use strandline::{Error, ErrorKind, StoreOptions};
use strandline_core::record::{RecordPayload, StoredRecord};

/// What an exact import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportedExact {
    /// Lines that were read, empty ones too.
    pub lines: u64,
    /// Events.
    pub events: u64,
    /// Events among them that have no payload: it was redacted.
    pub redacted: u64,
    /// Places of events that were removed.
    pub removed: u64,
    /// Notes, which record removals.
    pub notes: u64,
    /// How the log begins: its identity, and its epoch.
    pub origin: LogOrigin,
    /// Where it ends, and its hash.
    pub end: LogEnd,
}

/// Makes a store in `dir`, where nothing is or an empty directory, of the lines of an
/// [exact export](crate::export_exact): a copy of the log that was exported, as a backup is, with the same identity and
/// the same hashes. Receipts, heads and saved positions of that log hold for it. Whoever opens it to write first begins
/// an [epoch](strandline::Store::epoch) of its own, in which positions are refused that are of another.
///
/// The hash of each event is made again, with the chains of entities and of the log, and compared. There is no store
/// before all of it was written and verified, and the last line was there: see
/// [`write_log`]. What somebody else may have made as a whole, hashes and all, shows who compares
/// [`ImportedExact::end`] with a hash that was kept.
///
/// # Errors
///
/// [`ImportError`] for the first line that is wrong, or not proven; without a line for what is no line's fault. There
/// is no store then.
pub fn import_exact(
    options: &StoreOptions,
    dir: &Path,
    input: &mut dyn BufRead,
    on_progress: OnProgress<'_>,
) -> Result<ImportedExact, ImportError> {
    read_whole(input, &mut |origin, feed| {
        let mut feed_store = |log: &mut LogWriting<'_>| feed(&mut |entry| log.take(entry));
        write_log(options, dir, origin, &mut feed_store, &mut *on_progress)
    })
}

/// Checks the lines of an [exact export](crate::export_exact) as [`import_exact`] does before it writes them, and writes
/// nothing: every hash is made again, with the chains of entities and of the log, and compared, up to the last line. No
/// store is needed, nor room for one. What it gives can be compared with a hash that was kept.
///
/// # Errors
///
/// As [`import_exact`], but for what is of files: see [`check_log`].
pub fn check_exact(
    input: &mut dyn BufRead,
    on_progress: OnProgress<'_>,
) -> Result<ImportedExact, ImportError> {
    read_whole(input, &mut |origin, feed| {
        let mut feed_check = |log: &mut LogChecking<'_>| feed(&mut |entry| log.take(entry));
        check_log(origin, &mut feed_check, &mut *on_progress)
    })
}

/// Who takes the entries of a log.
type Take<'t> = &'t mut dyn FnMut(LogEntry<'_>) -> Result<(), Error>;
/// Gives all entries, and where they are to end.
type Feed<'f> = &'f mut dyn FnMut(Take<'_>) -> Result<LogEnd, Error>;

/// Reads all lines, which `with` has fed to whom it likes.
fn read_whole(
    input: &mut dyn BufRead,
    with: &mut dyn FnMut(&LogOrigin, Feed<'_>) -> Result<LogEnd, Error>,
) -> Result<ImportedExact, ImportError> {
    let mut reading = Reading {
        input,
        line: Vec::new(),
        lines: 0,
        looked_at: None,
    };
    let imported = read_lines(&mut reading, with);
    imported.map_err(|error| {
        let failure = Failure {
            line: reading.looked_at,
            error,
            looks_like: None,
        };
        ImportError::new(failure, Imported::default())
    })
}

fn read_lines(
    reading: &mut Reading<'_>,
    with: &mut dyn FnMut(&LogOrigin, Feed<'_>) -> Result<LogEnd, Error>,
) -> Result<ImportedExact, Error> {
    let head = reading.next()?.ok_or_else(cut_short)?;
    let origin = parse_head(head).map_err(refused)?;
    reading.looked_at = None;
    let mut imported = ImportedExact {
        lines: 0,
        events: 0,
        redacted: 0,
        removed: 0,
        notes: 0,
        origin,
        end: LogEnd {
            sequence: strandline::Sequence::ZERO,
            log_hash: origin.base_log_hash,
        },
    };
    let end = with(&origin, &mut |take| feed(take, reading, &mut imported))?;
    imported.end = end;
    imported.lines = reading.lines;
    Ok(imported)
}

/// Gives all entries to a log, and where it is to end.
fn feed(
    take: Take<'_>,
    reading: &mut Reading<'_>,
    imported: &mut ImportedExact,
) -> Result<LogEnd, Error> {
    let mut buffer = Vec::new();
    loop {
        let Some(text) = reading.next()? else {
            return Err(cut_short());
        };
        let entry = match parse_exact(text, &mut buffer).map_err(refused)? {
            ExactLine::Entry(entry) => entry,
            ExactLine::End(end) => {
                if reading.next()?.is_some() {
                    return Err(refused(RefusedLine::new(
                        "the log has ended before it".to_owned(),
                    )));
                }
                return Ok(end);
            }
        };
        match &entry {
            LogEntry::Note { .. } => imported.notes += 1,
            LogEntry::Run(run) => imported.removed += run.left_out(),
            LogEntry::Record(record) => match &record.record {
                StoredRecord::Removed(_) => imported.removed += 1,
                StoredRecord::Event(event) => {
                    imported.events += 1;
                    let is_redacted = matches!(event.payload, RecordPayload::Redacted { .. });
                    imported.redacted += u64::from(is_redacted);
                }
            },
        }
        take(entry)?;
        reading.looked_at = None;
    }
}

/// Lines on their way in.
struct Reading<'a> {
    input: &'a mut dyn BufRead,
    line: Vec<u8>,
    lines: u64,
    /// The line that an error is of, while one is looked at.
    looked_at: Option<u64>,
}

impl Reading<'_> {
    /// The next line that is not empty; none at the end.
    fn next(&mut self) -> Result<Option<&str>, Error> {
        self.looked_at = None;
        loop {
            self.line.clear();
            let mut bounded = (&mut *self.input).take(LINE_BYTES_MAX + 1);
            let read = bounded.read_until(b'\n', &mut self.line);
            let read = read.map_err(|error| {
                let message = format!("the lines cannot be read on after line {}", self.lines);
                Error::new(ErrorKind::Io, message).with_source(error)
            })?;
            if read == 0 {
                return Ok(None);
            }
            self.lines += 1;
            self.looked_at = Some(self.lines);
            if self.line.len() as u64 > LINE_BYTES_MAX {
                let message = format!("it has more than {LINE_BYTES_MAX} bytes");
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let text = std::str::from_utf8(&self.line)
            .map_err(|error| refused(RefusedLine::new(format!("it is no UTF-8: {error}"))))?;
        Ok(Some(text.trim_start_matches('\u{feff}').trim()))
    }
}

fn refused(refused: RefusedLine) -> Error {
    Failure::of_line(refused, 0, None).error
}

fn cut_short() -> Error {
    let message = "the lines end before the log does: the last one, its `end`, is not there";
    Error::new(ErrorKind::InvalidInput, message)
}
