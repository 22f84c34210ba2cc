//! `Rows`: some rows, each of which becomes a line of JSON. Checks what makes it one, and no more: what an event may
//! have, the reader of lines knows.

use super::cells::Cells;
use super::error::ParquetError;
use super::schema::COLUMNS;
use crate::text::base64;
use crate::text::json::{compact, write_text, write_texts};
use parquet::data_type::ByteArray;
use serde_json::value::RawValue;
use std::io::Write;
use strandline::EventId;

/// The values of some rows, by [`COLUMNS`]; none of columns that are not there.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) cells: Vec<Option<Cells>>,
    /// How many of the unit of `time` are a millisecond.
    pub(super) per_ms: i64,
}

impl Rows {
    /// Writes a row as a line, with the newline.
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        for (begin, name) in [("{\"entity\":", "entity"), (",\"scope\":", "scope")] {
            let text = self.text(name, row)?;
            out.extend_from_slice(begin.as_bytes());
            write_text(
                out,
                text.ok_or_else(|| ParquetError::value(name, "it has no value"))?,
            );
        }
        for name in ["id", "correlation", "causation"] {
            if let Some(id) = self.id(name, row)? {
                begin(out, name);
                write_text(out, &id);
            }
        }
        for name in ["kind", "counter", "version"] {
            if let Some(number) = self.number(name, row) {
                begin(out, name);
                // Writing to a vector does not fail.
                let _ = write!(out, "{number}");
            }
        }
        if let Some(time) = self.number("time", row) {
            if time < 0 {
                return Err(ParquetError::value("time", "it is before 1970"));
            }
            let _ = write!(out, ",\"wall_ms\":{}", time / self.per_ms.max(1));
        }
        for name in ["type", "seal"] {
            if let Some(text) = self.text(name, row)? {
                begin(out, name);
                write_text(out, text);
            }
        }
        if let Some(encoding) = self.text("encoding", row)? {
            begin(out, "encoding");
            match encoding.parse::<u8>() {
                Ok(code) => drop(write!(out, "{code}")),
                Err(_) => write_text(out, encoding),
            }
        }
        if let Some(Cells::Lists(lists)) = self.cells("tags")
            && let Some(tags) = lists.get(row).filter(|tags| !tags.is_empty())
        {
            let tags: Result<Vec<_>, _> = tags.iter().map(|tag| utf8("tags", tag)).collect();
            begin(out, "tags");
            write_texts(out, tags?.into_iter());
        }
        for name in ["attributes", "payload"] {
            if let Some(json) = self.text(name, row)? {
                // So that it is one value, and ends nothing that is around it.
                let value: &RawValue = serde_json::from_str(json).map_err(|error| {
                    ParquetError::value(name, format!("it is no JSON: {error}"))
                })?;
                begin(out, name);
                out.extend_from_slice(compact(value.get()).as_bytes());
            }
        }
        if let Some(bytes) = self.bytes("payload_bytes", row) {
            out.extend_from_slice(b",\"payload_base64\":\"");
            base64::encode(bytes.data(), out);
            out.push(b'"');
        }
        if let Some(Cells::Flags(flags)) = self.cells("redacted")
            && flags.get(row) == Some(&Some(true))
        {
            out.extend_from_slice(b",\"redacted\":true");
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }

    fn cells(&self, name: &str) -> Option<&Cells> {
        let place = COLUMNS.iter().position(|(known, _)| *known == name)?;
        self.cells.get(place)?.as_ref()
    }

    fn bytes(&self, name: &str, row: usize) -> Option<&ByteArray> {
        match self.cells(name)? {
            Cells::Bytes(bytes) => bytes.get(row)?.as_ref(),
            _ => None,
        }
    }

    fn number(&self, name: &str, row: usize) -> Option<i64> {
        match self.cells(name)? {
            Cells::Numbers(numbers) => *numbers.get(row)?,
            _ => None,
        }
    }

    fn text(&self, name: &'static str, row: usize) -> Result<Option<&str>, ParquetError> {
        let bytes = self.bytes(name, row);
        bytes.map(|bytes| utf8(name, bytes)).transpose()
    }

    /// An id: 16 bytes, or a text.
    fn id(&self, name: &'static str, row: usize) -> Result<Option<String>, ParquetError> {
        let Some(bytes) = self.bytes(name, row) else {
            return Ok(None);
        };
        match <[u8; 16]>::try_from(bytes.data()) {
            Ok(id) => Ok(Some(
                EventId::from_u128(u128::from_be_bytes(id)).to_string(),
            )),
            Err(_) => utf8(name, bytes).map(|text| Some(text.to_owned())),
        }
    }
}

fn begin(out: &mut Vec<u8>, name: &str) {
    let _ = write!(out, ",\"{name}\":");
}

fn utf8<'a>(name: &'static str, bytes: &'a ByteArray) -> Result<&'a str, ParquetError> {
    std::str::from_utf8(bytes.data())
        .map_err(|error| ParquetError::value(name, format!("it is no UTF-8: {error}")))
}
