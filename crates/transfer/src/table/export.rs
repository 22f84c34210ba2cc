//! `export_parquet`: the events of a query as rows of a file.

use super::columns::Columns;
use super::schema::MESSAGE;
use crate::export::Exported;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use std::io::{self, Write};
use std::sync::Arc;
use strandline::maintenance::{Meter, OnProgress};
use strandline::{Error, ErrorKind, OpenPayload, Query, Snapshot, StoredEvent};

/// How many rows are in a row group, at most.
const GROUP_ROWS: usize = 64 << 10;
/// How many bytes are in a row group, about: what is in memory before it is written.
const GROUP_BYTES: usize = 64 << 20;

/// Writes the events of a region, or of a query of several, to `out` as a file of Apache Parquet: a row an event, in
/// commit order, in the columns of `docs/export.md`. What is sealed is opened if there is an `opener`, as
/// [`export_opened`](crate::export_opened) does it.
///
/// Records of removals are no rows: they are in the other formats alone. In memory are a row group and what has become
/// of it: some 150 MiB at most, or a few times the largest payload.
///
/// A file that is not whole is none: if this fails, what was written is of no use.
///
/// # Errors
///
/// [`ErrorKind::Io`] if `out` refuses, [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] from reading, what `opener` says,
/// [`ErrorKind::Cancelled`].
pub fn export_parquet(
    snapshot: &Snapshot,
    query: impl Into<Query>,
    opener: Option<&dyn OpenPayload>,
    out: &mut dyn Write,
    on_progress: OnProgress<'_>,
) -> Result<Exported, Error> {
    let query = query.into();
    let count = snapshot.rows(&query).count() as u64;
    let mut meter = Meter::events(Some(count), on_progress);
    let schema = Arc::new(parse_message_type(MESSAGE).map_err(refused)?);
    let mut file =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties())).map_err(refused)?;
    let mut exported = Exported::default();
    let mut columns = Columns::default();
    let mut events = snapshot.query(&query);
    while let Some(event) = events.next_ref() {
        let event = event?;
        let opened = match opener {
            Some(opener) if event.is_sealed() => Some(opener.open_payload(event.into_owned())?),
            _ => None,
        };
        let opened = opened.as_ref();
        exported.forgotten += u64::from(opened.is_some_and(StoredEvent::is_forgotten));
        let opened = opened.filter(|opened| !opened.is_forgotten());
        let event = opened.map_or(event, |opened| event.read_as(opened));
        exported.redacted += u64::from(event.is_redacted());
        exported.events += 1;
        columns.push(&event);
        if columns.rows() >= GROUP_ROWS || columns.bytes() >= GROUP_BYTES {
            columns.write(&mut file).map_err(refused)?;
            exported.bytes += hand_over(&mut file, out)?;
        }
        meter.add(1)?;
    }
    if columns.rows() > 0 {
        columns.write(&mut file).map_err(refused)?;
    }
    file.finish().map_err(refused)?;
    exported.bytes += hand_over(&mut file, out)?;
    out.flush().map_err(|error| refused(error.into()))?;
    meter.report()?;
    Ok(exported)
}

/// Writes what has become of row groups, and lets go of it.
fn hand_over(file: &mut SerializedFileWriter<Vec<u8>>, out: &mut dyn Write) -> Result<u64, Error> {
    file.flush().map_err(|error| refused(error.into()))?;
    let bytes = std::mem::take(file.inner_mut());
    out.write_all(&bytes)
        .map_err(|error| refused(error.into()))?;
    Ok(bytes.len() as u64)
}

fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("strandline ", env!("CARGO_PKG_VERSION")).to_owned());
    // Each value of these is another one.
    for unique in ["sequence", "id", "time", "payload", "payload_bytes", "hash"] {
        let path = ColumnPath::from(unique);
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    // Nobody looks for a range of these.
    for opaque in ["attributes", "payload", "payload_bytes", "seal", "hash"] {
        let path = ColumnPath::from(opaque);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    properties.build()
}

fn refused(error: ParquetError) -> Error {
    let error = match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        other => io::Error::other(other),
    };
    Error::new(ErrorKind::Io, "the export cannot be written").with_source(error)
}
