//! A line as an entry.

use super::extensions::Known;
use crate::format::attributes::read_object;
use crate::format::fields::{object, parse_id, raw_value};
use crate::format::line::EncodingField;
use crate::format::refused_line::{RefusedLine, shown};
use crate::text::base64;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use strandline::maintenance::{LogEnd, LogEntry, LogRecord, LogRun};
use strandline::{
    Attributes, Coordinate, EventId, EventKind, Hash, Hex, Hlc, PayloadEncoding, Sequence,
};
use strandline_core::record::{Record, RecordPayload, RemovedRecord, StoredRecord};
use strandline_core::{Extensions, Nonce, check_name};

/// What a line after the first one is.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "each is handed on at once, and none is kept"
)]
pub(crate) enum ExactLine<'a> {
    Entry(LogEntry<'a>),
    End(LogEnd),
}

/// Reads a line; `buffer` takes its payload, or the bytes of a note.
pub(crate) fn parse_exact<'b>(
    text: &str,
    buffer: &'b mut Vec<u8>,
) -> Result<ExactLine<'b>, RefusedLine> {
    let rest = text.strip_prefix('{').unwrap_or_default().trim_start();
    if rest.starts_with("\"note\"") {
        let NoteLine { note, log_hash } = object(text)?;
        *buffer = decoded("note", &note)?;
        let body = buffer.as_slice();
        return Ok(ExactLine::Entry(LogEntry::Note { body, log_hash }));
    }
    if rest.starts_with("\"run\"") {
        let RunLine { run, log_hash } = object(text)?;
        *buffer = decoded("run", &run.said)?;
        return Ok(ExactLine::Entry(LogEntry::Run(LogRun {
            sequences: Sequence::new(run.sequence)..Sequence::new(run.end),
            kept: run.kept,
            said: buffer.as_slice(),
            log_hash,
        })));
    }
    if rest.starts_with("\"end\"") {
        let EndLine { end } = object(text)?;
        return Ok(ExactLine::End(LogEnd {
            sequence: Sequence::new(end.sequence),
            log_hash: end.log_hash,
        }));
    }
    let mut line: Line<'_> = object(text)?;
    let removed = line.removed == Some(true);
    let record = match removed {
        true => StoredRecord::Removed(line.removed()?),
        false => StoredRecord::Event(line.event(buffer)?),
    };
    Ok(ExactLine::Entry(LogEntry::Record(LogRecord {
        sequence: Sequence::new(line.sequence),
        hash: line.hash,
        record,
        log_hash: line.log_hash,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteLine<'a> {
    #[serde(borrow)]
    note: Cow<'a, str>,
    log_hash: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunLine<'a> {
    #[serde(borrow)]
    run: Run<'a>,
    log_hash: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run<'a> {
    sequence: u64,
    end: u64,
    kept: usize,
    #[serde(borrow)]
    said: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    sequence: u64,
    log_hash: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    sequence: u64,
    #[serde(borrow)]
    entity: Cow<'a, str>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
    clock: u32,
    wall_ms: u64,
    counter: Option<u32>,
    previous: Option<Hash>,
    hash: Hash,
    log_hash: Option<Hash>,
    removed: Option<bool>,
    kind: Option<Cow<'a, str>>,
    #[serde(rename = "type")]
    kind_name: Option<String>,
    source: Option<String>,
    position: Option<u64>,
    id: Option<Cow<'a, str>>,
    correlation: Option<Cow<'a, str>>,
    causation: Option<Cow<'a, str>>,
    version: Option<u16>,
    tags: Option<Vec<String>>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    extensions: Option<Cow<'a, str>>,
    encoding: Option<EncodingField>,
    #[serde(borrow, default, deserialize_with = "raw_value")]
    payload: Option<&'a RawValue>,
    payload_base64: Option<Cow<'a, str>>,
    payload_hash: Option<Hash>,
    nonce: Option<Cow<'a, str>>,
}

impl Line<'_> {
    fn coordinate(&self) -> Result<Coordinate, RefusedLine> {
        Coordinate::new(&*self.entity, &*self.scope)
            .map_err(|error| RefusedLine::new(error.to_string()))
    }

    fn hlc(&self) -> Result<Hlc, RefusedLine> {
        Hlc::new(self.wall_ms, self.counter.unwrap_or(0))
            .map_err(|error| RefusedLine::new(error.to_string()))
    }

    fn previous(&self) -> Hash {
        self.previous.unwrap_or(Hash::ZERO)
    }

    fn kind(&self) -> Result<Option<EventKind>, RefusedLine> {
        let Some(text) = &self.kind else {
            return Ok(None);
        };
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 4);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let bits = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let kind = bits.map(EventKind::from_bits);
        let refused = || RefusedLine::new(format!("{} is no kind such as 0x1002", shown(text)));
        kind.map(Some).ok_or_else(refused)
    }

    fn tracking(&mut self) -> Result<Option<(String, u64)>, RefusedLine> {
        match (self.source.take(), self.position) {
            (Some(source), Some(position)) => {
                check_name("source", &source)
                    .map_err(|error| RefusedLine::new(error.to_string()))?;
                Ok(Some((source, position)))
            }
            (None, None) => Ok(None),
            _ => Err(refused("`source` and `position` come together")),
        }
    }

    /// The place of an event that was removed.
    fn removed(&mut self) -> Result<RemovedRecord, RefusedLine> {
        let has_payload = self.payload.is_some() || self.payload_base64.is_some();
        let is_event = self.id.is_some()
            || self.correlation.is_some()
            || self.causation.is_some()
            || self.version.is_some()
            || self.tags.is_some()
            || self.attributes.is_some()
            || self.extensions.is_some()
            || self.encoding.is_some()
            || self.payload_hash.is_some()
            || self.nonce.is_some();
        if has_payload || is_event {
            return Err(refused(
                "of an event that was removed nothing is left but its place",
            ));
        }
        let kind_name = match (self.kind()?, self.kind_name.take()) {
            (Some(kind), Some(name)) => {
                check_name("name of a kind", &name)
                    .map_err(|error| RefusedLine::new(error.to_string()))?;
                Some((kind, name.into()))
            }
            (None, None) => None,
            _ => return Err(refused("a kind that was removed comes with its name")),
        };
        let tracking = self.tracking()?;
        Ok(RemovedRecord {
            local_coordinate: 0,
            coordinate: Some(self.coordinate()?),
            previous: Some(self.previous()),
            clock: self.clock,
            hlc: self.hlc()?,
            kind_name,
            tracking: tracking.map(|(source, position)| (source.into(), position)),
        })
    }

    fn event<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Record<'b>, RefusedLine> {
        let id = self.id.as_deref();
        let id = parse_id("id", id.ok_or_else(|| refused("an event has an `id`"))?)?;
        let link = |name, text: Option<&str>| -> Result<Option<EventId>, RefusedLine> {
            text.map(|text| parse_id(name, text)).transpose()
        };
        let correlation = link("correlation", self.correlation.as_deref())?.unwrap_or(id);
        let causation = link("causation", self.causation.as_deref())?;
        let kind = self
            .kind()?
            .ok_or_else(|| refused("an event has a `kind`"))?;
        let extensions = self.extensions()?;
        let default = match self.payload {
            Some(_) => PayloadEncoding::JSON,
            None => PayloadEncoding::RAW,
        };
        let encoding = self.encoding.take();
        let encoding = encoding.map_or(default, |EncodingField(encoding)| encoding);
        let payload = self.payload(buffer)?;
        Ok(Record {
            local_coordinate: 0,
            coordinate: Some(self.coordinate()?),
            previous: Some(self.previous()),
            kind,
            encoding,
            clock: self.clock,
            hlc: self.hlc()?,
            id,
            correlation,
            causation,
            extensions,
            payload,
        })
    }

    fn extensions(&mut self) -> Result<Extensions, RefusedLine> {
        let known = Known {
            tags: self.tags.take().unwrap_or_default(),
            version: self.version,
            kind_name: self.kind_name.take(),
            attributes: match self.attributes {
                Some(attributes) => {
                    read_object(attributes.get()).map_err(|refused| refused.within("attributes"))?
                }
                None => Attributes::new(),
            },
            tracking: self.tracking()?,
        };
        let known = known.extensions()?;
        match &self.extensions {
            None => Ok(known),
            Some(_) if !known.as_bytes().is_empty() => Err(refused(
                "an event has `extensions`, or the fields that they are made of",
            )),
            Some(text) => Extensions::from_bytes(&decoded("extensions", text)?)
                .map_err(|error| RefusedLine::new(error.to_string())),
        }
    }

    fn payload<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<RecordPayload<'b>, RefusedLine> {
        buffer.clear();
        let nonce = match (&self.payload, &self.payload_base64, self.payload_hash) {
            (None, None, Some(hash)) if self.nonce.is_none() => {
                return Ok(RecordPayload::Redacted { hash });
            }
            (Some(json), None, None) => {
                buffer.extend_from_slice(json.get().as_bytes());
                self.nonce.as_deref()
            }
            (None, Some(text), None) => {
                *buffer = decoded("payload", text)?;
                self.nonce.as_deref()
            }
            _ => {
                return Err(refused(
                    "an event has its payload and the `nonce`, or its `payload_hash`",
                ));
            }
        };
        let nonce = nonce.ok_or_else(|| refused("a payload comes with its `nonce`"))?;
        let nonce = nonce.parse::<Hex<16>>();
        let nonce = nonce.map_err(|_| refused("a nonce has 32 hexadecimal digits"))?;
        Ok(RecordPayload::Stored {
            nonce: Nonce(nonce.0),
            bytes: buffer,
        })
    }
}

fn refused(reason: &str) -> RefusedLine {
    RefusedLine::new(reason.to_owned())
}

fn decoded(what: &str, text: &str) -> Result<Vec<u8>, RefusedLine> {
    base64::decode(text).ok_or_else(|| {
        RefusedLine::new(format!("the {what} is no base64 (RFC 4648, with padding)"))
    })
}
