//! `export`: the events of a region as lines, for other programs and for import.
//!
//! Makes no line itself: `format` does, which is all that it knows of this crate.

use crate::format::{LineFormat, PayloadForm, write_cloud_event, write_line, write_removal};
use std::io::Write;
use strandline::maintenance::{Meter, OnProgress, removal_notes};
use strandline::{Error, ErrorKind, Region, Snapshot};
use strandline_core::record::RemovalStage;

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
    /// How many records of removals were written after the events.
    pub removals: u64,
}

/// Writes the events of a region to `out`, one a line, in commit order.
///
/// After the events of a whole store, that is of [`Region::all`], come the records of its compactions and
/// redactions, for which the log is read once: see [`removals`](strandline::maintenance::removals()).
///
/// Stops at the first event that cannot be read: what is written until then is whole lines.
///
/// # Errors
///
/// [`ErrorKind::Io`] if `out` refuses, [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] from reading,
/// [`ErrorKind::Cancelled`].
pub fn export(
    snapshot: &Snapshot,
    region: &Region,
    format: LineFormat,
    out: &mut dyn Write,
    on_progress: OnProgress<'_>,
) -> Result<Exported, Error> {
    let count = snapshot.rows(region).count() as u64;
    let mut meter = Meter::events(Some(count), on_progress);
    let mut exported = Exported::default();
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    let mut events = snapshot.query(region);
    while let Some(event) = events.next_ref() {
        let event = event?;
        if event.payload().is_err() {
            exported.redacted += 1;
        }
        match format {
            LineFormat::Lines => write_line(&mut buffer, &event, PayloadForm::Exact),
            LineFormat::CloudEvents => write_cloud_event(&mut buffer, &event),
        }
        exported.events += 1;
        if buffer.len() >= BUFFER_BYTES {
            write(out, &mut buffer, &mut exported)?;
        }
        meter.add(1)?;
    }
    if *region == Region::all() {
        write_removals(snapshot, format, &mut buffer, &mut exported)?;
    }
    write(out, &mut buffer, &mut exported)?;
    out.flush().map_err(refused)?;
    meter.report()?;
    Ok(exported)
}

fn write_removals(
    snapshot: &Snapshot,
    format: LineFormat,
    buffer: &mut Vec<u8>,
    exported: &mut Exported,
) -> Result<(), Error> {
    removal_notes(snapshot, &mut |note| {
        write_removal(buffer, note, format);
        let begins = matches!(&note.stage, RemovalStage::Begun(part) if part.part == 0);
        exported.removals += u64::from(begins);
        Ok(())
    })
}

fn write(out: &mut dyn Write, buffer: &mut Vec<u8>, exported: &mut Exported) -> Result<(), Error> {
    out.write_all(buffer).map_err(refused)?;
    exported.bytes += buffer.len() as u64;
    buffer.clear();
    Ok(())
}

fn refused(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "the export cannot be written").with_source(error)
}
