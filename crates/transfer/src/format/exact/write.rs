//! An entry as a line.

use super::extensions::{Known, write_tracking};
use crate::format::line::write_encoding;
use crate::text::base64;
use crate::text::json::{is_one_line_of_json, write_text};
use std::io::Write as _;
use strandline::maintenance::{LogEnd, LogEntry, LogRecord, LogRun};
use strandline::{Coordinate, Hash, Hex, Hlc, PayloadEncoding};
use strandline_core::record::{Record, RecordPayload, RemovedRecord, StoredRecord};

/// Appends an entry to `out` as one line.
pub(crate) fn write_entry(out: &mut Vec<u8>, entry: &LogEntry<'_>) {
    match entry {
        LogEntry::Record(record) => write_record(out, record),
        LogEntry::Run(run) => write_run(out, run),
        LogEntry::Note { body, log_hash } => {
            out.extend_from_slice(b"{\"note\":\"");
            base64::encode(body, out);
            // Writing to a vector does not fail.
            let _ = writeln!(out, "\",\"log_hash\":\"{log_hash}\"}}");
        }
    }
}

fn write_run(out: &mut Vec<u8>, run: &LogRun<'_>) {
    let (start, end) = (run.sequences.start, run.sequences.end);
    let kept = run.kept;
    let _ = write!(
        out,
        "{{\"run\":{{\"sequence\":{start},\"end\":{end},\"kept\":{kept},\"said\":\""
    );
    base64::encode(run.said, out);
    let _ = writeln!(out, "\"}},\"log_hash\":\"{}\"}}", run.log_hash);
}

/// Appends the last line to `out`.
pub(crate) fn write_end(out: &mut Vec<u8>, end: &LogEnd) {
    let LogEnd { sequence, log_hash } = end;
    let _ = writeln!(
        out,
        "{{\"end\":{{\"sequence\":{sequence},\"log_hash\":\"{log_hash}\"}}}}"
    );
}

fn write_record(out: &mut Vec<u8>, entry: &LogRecord<'_>) {
    let _ = write!(out, "{{\"sequence\":{}", entry.sequence);
    match &entry.record {
        StoredRecord::Event(event) => write_event(out, event),
        StoredRecord::Removed(removed) => write_removed(out, removed),
    }
    if let Some(previous) = entry.record.previous().filter(|own| *own != Hash::ZERO) {
        let _ = write!(out, ",\"previous\":\"{previous}\"");
    }
    let _ = write!(out, ",\"hash\":\"{}\"", entry.hash);
    if let Some(log_hash) = entry.log_hash {
        let _ = write!(out, ",\"log_hash\":\"{log_hash}\"");
    }
    out.extend_from_slice(b"}\n");
}

fn write_names(out: &mut Vec<u8>, coordinate: Option<&Coordinate>) {
    if let Some(coordinate) = coordinate {
        out.extend_from_slice(b",\"entity\":");
        write_text(out, coordinate.entity());
        out.extend_from_slice(b",\"scope\":");
        write_text(out, coordinate.scope());
    }
}

fn write_place(out: &mut Vec<u8>, clock: u32, hlc: Hlc) {
    let _ = write!(out, ",\"clock\":{clock},\"wall_ms\":{}", hlc.wall_ms());
    if hlc.counter() != 0 {
        let _ = write!(out, ",\"counter\":{}", hlc.counter());
    }
}

fn write_event(out: &mut Vec<u8>, event: &Record<'_>) {
    let _ = write!(out, ",\"id\":\"{}\"", event.id);
    write_names(out, event.coordinate.as_ref());
    let _ = write!(out, ",\"kind\":\"{:#06x}\"", event.kind.bits());
    write_place(out, event.clock, event.hlc);
    if event.correlation != event.id {
        let _ = write!(out, ",\"correlation\":\"{}\"", event.correlation);
    }
    if let Some(causation) = event.causation {
        let _ = write!(out, ",\"causation\":\"{causation}\"");
    }
    Known::write(out, &event.extensions);
    let encoding = event.encoding;
    match event.payload {
        RecordPayload::Redacted { hash } => {
            out.extend_from_slice(b",\"encoding\":");
            write_encoding(out, encoding);
            let _ = write!(out, ",\"payload_hash\":\"{hash}\"");
        }
        RecordPayload::Stored { nonce, bytes } => {
            if encoding == PayloadEncoding::JSON && is_one_line_of_json(bytes) {
                out.extend_from_slice(b",\"payload\":");
                out.extend_from_slice(bytes);
            } else {
                out.extend_from_slice(b",\"encoding\":");
                write_encoding(out, encoding);
                out.extend_from_slice(b",\"payload_base64\":\"");
                base64::encode(bytes, out);
                out.push(b'"');
            }
            let _ = write!(out, ",\"nonce\":\"{}\"", Hex(nonce.0));
        }
    }
}

fn write_removed(out: &mut Vec<u8>, removed: &RemovedRecord) {
    out.extend_from_slice(b",\"removed\":true");
    write_names(out, removed.coordinate.as_ref());
    write_place(out, removed.clock, removed.hlc);
    if let Some((kind, name)) = &removed.kind_name {
        let _ = write!(out, ",\"kind\":\"{:#06x}\",\"type\":", kind.bits());
        write_text(out, name);
    }
    if let Some((source, position)) = &removed.tracking {
        write_tracking(out, source, *position);
    }
}
