//! `export`: the events of a region, or of several, as lines, for other programs and for import; `export_exact`: a
//! whole log.
//!
//! Makes no line itself: `format` does, which is all that it knows of this crate.

use crate::format::{
    LineFormat, PayloadForm, write_cloud_event, write_end, write_entry, write_head, write_line,
    write_removal,
};
use std::io::Write;
use strandline::maintenance::{
    LogEntry, LogRecord, Meter, OnProgress, log_origin, read_log, removal_notes,
};
use strandline::{Error, ErrorKind, OpenPayload, Query, Region, Snapshot, Store, StoredEvent};
use strandline_core::record::{RecordPayload, RemovalStage, StoredRecord};

/// How much is put together before it is written.
const BUFFER_BYTES: usize = 256 << 10;

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Exported {
    /// How many events.
    pub events: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many of the events had no payload any more.
    pub redacted: u64,
    /// How many were written sealed because their key was forgotten: by [`export_opened`] alone.
    pub forgotten: u64,
    /// How many records of removals were written after the events; in an exact export notes, wherever they stand.
    pub removals: u64,
    /// How many places of removed events were written: in an exact export alone.
    pub removed: u64,
}

/// Writes the events of a region, or of a query of several, to `out`, one a line, in commit order.
///
/// After the events of a whole store, that is of [`Region::all`], come the records of its compactions and
/// redactions, for which the log is read once: see [`removals`](strandline::maintenance::removals()).
///
/// Stops at the first event that cannot be read: the events before it are written, as whole lines.
///
/// # Errors
///
/// [`ErrorKind::Io`] if `out` refuses, [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] from reading,
/// [`ErrorKind::Cancelled`].
pub fn export(
    snapshot: &Snapshot,
    query: impl Into<Query>,
    format: LineFormat,
    out: &mut dyn Write,
    on_progress: OnProgress<'_>,
) -> Result<Exported, Error> {
    export_query(snapshot, &query.into(), None, format, out, on_progress)
}

/// Writes events as [`export`] does, with what is sealed opened: as text that everybody can read. Those whose key was
/// forgotten are written sealed, as they are. An import of such lines makes other events than those here, which are
/// not sealed.
///
/// # Errors
///
/// As [`export`], and what `opener` says.
pub fn export_opened(
    snapshot: &Snapshot,
    query: impl Into<Query>,
    opener: &dyn OpenPayload,
    format: LineFormat,
    out: &mut dyn Write,
    on_progress: OnProgress<'_>,
) -> Result<Exported, Error> {
    export_query(
        snapshot,
        &query.into(),
        Some(opener),
        format,
        out,
        on_progress,
    )
}

/// Writes the whole log of a store to `out`, an entry a line, with everything that its hashes cover: [`import_exact`]
/// makes a copy of it that has the same hashes. So the random bytes are among it that were hashed with each payload, the
/// hash before each event, the places of events that were removed, and the notes of removals.
///
/// Ends at the first entry that cannot be read: those before it are written, as whole lines, and no import takes them,
/// as the last line is not there.
///
/// [`import_exact`]: crate::import_exact
///
/// # Errors
///
/// As [`export`].
pub fn export_exact(
    store: &Store,
    out: &mut dyn Write,
    on_progress: OnProgress<'_>,
) -> Result<Exported, Error> {
    let mut lines = Lines::new(out);
    write_head(&mut lines.buffer, &log_origin(store)?);
    let written = read_log(
        store,
        &mut |entry| {
            write_entry(&mut lines.buffer, &entry);
            match &entry {
                LogEntry::Note { .. } => lines.exported.removals += 1,
                LogEntry::Run(run) => lines.exported.removed += run.left_out(),
                LogEntry::Record(LogRecord {
                    record: StoredRecord::Removed(_),
                    ..
                }) => lines.exported.removed += 1,
                LogEntry::Record(LogRecord {
                    record: StoredRecord::Event(event),
                    ..
                }) => {
                    lines.exported.events += 1;
                    let is_redacted = matches!(event.payload, RecordPayload::Redacted { .. });
                    lines.exported.redacted += u64::from(is_redacted);
                }
            }
            match lines.buffer.len() >= BUFFER_BYTES {
                true => lines.write(),
                false => Ok(()),
            }
        },
        on_progress,
    );
    match written {
        Ok(end) => write_end(&mut lines.buffer, &end),
        Err(error) => {
            if !lines.is_refused {
                let _ = lines.finish();
            }
            return Err(error);
        }
    }
    lines.finish()?;
    Ok(lines.exported)
}

fn export_query(
    snapshot: &Snapshot,
    query: &Query,
    opener: Option<&dyn OpenPayload>,
    format: LineFormat,
    out: &mut dyn Write,
    on_progress: OnProgress<'_>,
) -> Result<Exported, Error> {
    let count = snapshot.rows(query).count() as u64;
    let mut meter = Meter::events(Some(count), on_progress);
    let mut lines = Lines::new(out);
    let written = write_events((snapshot, query), opener, format, &mut lines, &mut meter);
    if let Err(error) = written {
        // What could be read is worth as much as without what could not. Why it stopped is told first.
        if !lines.is_refused {
            let _ = lines.finish();
        }
        return Err(error);
    }
    lines.finish()?;
    meter.report()?;
    Ok(lines.exported)
}

fn write_events(
    (snapshot, query): (&Snapshot, &Query),
    opener: Option<&dyn OpenPayload>,
    format: LineFormat,
    lines: &mut Lines<'_>,
    meter: &mut Meter<'_>,
) -> Result<(), Error> {
    let mut events = snapshot.query(query);
    while let Some(event) = events.next_ref() {
        let event = event?;
        let opened = match opener {
            Some(opener) if event.is_sealed() => Some(opener.open_payload(event.into_owned())?),
            _ => None,
        };
        let opened = opened.as_ref();
        lines.exported.forgotten += u64::from(opened.is_some_and(StoredEvent::is_forgotten));
        let opened = opened.filter(|opened| !opened.is_forgotten());
        let event = opened.map_or(event, |opened| event.read_as(opened));
        if event.is_redacted() {
            lines.exported.redacted += 1;
        }
        match format {
            LineFormat::Lines => write_line(&mut lines.buffer, &event, PayloadForm::Exact),
            LineFormat::CloudEvents => write_cloud_event(&mut lines.buffer, &event),
        }
        lines.exported.events += 1;
        if lines.buffer.len() >= BUFFER_BYTES {
            lines.write()?;
        }
        meter.add(1)?;
    }
    if *query == Region::all().into() {
        write_removals(snapshot, format, lines)?;
    }
    Ok(())
}

fn write_removals(
    snapshot: &Snapshot,
    format: LineFormat,
    lines: &mut Lines<'_>,
) -> Result<(), Error> {
    removal_notes(snapshot, &mut |note| {
        write_removal(&mut lines.buffer, note, format);
        let begins = matches!(&note.stage, RemovalStage::Begun(part) if part.part == 0);
        lines.exported.removals += u64::from(begins);
        Ok(())
    })
}

/// Lines on their way out, whole ones at each moment.
struct Lines<'a> {
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
    exported: Exported,
    /// Whether `out` took something not.
    is_refused: bool,
}

impl<'a> Lines<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            exported: Exported::default(),
            is_refused: false,
        }
    }

    fn write(&mut self) -> Result<(), Error> {
        let written = self.out.write_all(&self.buffer);
        self.is_refused = written.is_err();
        written.map_err(refused)?;
        self.exported.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.write()?;
        self.out.flush().map_err(refused)
    }
}

fn refused(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "the export cannot be written").with_source(error)
}
