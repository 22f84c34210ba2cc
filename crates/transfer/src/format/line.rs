//! An event as a line of JSON: what export writes, import reads and queries show. The fields are in
//! `docs/export.md`.

use super::attributes::{read_object, write_object};
use super::fields::{object, parse_id, parse_time, raw_value};
use super::imported_event::ImportedEvent;
use super::refused_line::RefusedLine;
use super::seal::seal_of;
use crate::text::base64;
use crate::text::json::{is_one_line_of_json, write_text, write_texts};
use crate::text::readable_json;
use serde::de::{Deserialize, Deserializer, IgnoredAny, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use strandline::{Attributes, EventKind, EventRef, PayloadEncoding};

/// How payloads are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PayloadForm {
    /// So that the same bytes can be made of it: JSON as it is, everything else as base64.
    #[default]
    Exact,
    /// So that people can read it: MessagePack as JSON too.
    Readable,
}

/// Appends an event to `out` as one line of JSON, with the newline.
pub fn write_line(out: &mut Vec<u8>, event: &EventRef<'_>, form: PayloadForm) {
    let at = event.coordinate();
    let (id, hlc) = (event.id(), event.hlc());
    // Writing to a vector does not fail.
    let _ = write!(
        out,
        "{{\"sequence\":{},\"id\":\"{id}\",\"entity\":",
        event.sequence()
    );
    write_text(out, at.entity());
    out.extend_from_slice(b",\"scope\":");
    write_text(out, at.scope());
    let _ = write!(out, ",\"kind\":\"{}\"", event.kind());
    if let Some(name) = event.kind_name() {
        out.extend_from_slice(b",\"type\":");
        write_text(out, &name);
    }
    let _ = write!(
        out,
        ",\"clock\":{},\"wall_ms\":{}",
        event.clock(),
        hlc.wall_ms()
    );
    if hlc.counter() != 0 {
        let _ = write!(out, ",\"counter\":{}", hlc.counter());
    }
    if event.correlation() != id {
        let _ = write!(out, ",\"correlation\":\"{}\"", event.correlation());
    }
    if let Some(causation) = event.causation() {
        let _ = write!(out, ",\"causation\":\"{causation}\"");
    }
    if event.version() != 1 {
        let _ = write!(out, ",\"version\":{}", event.version());
    }
    let extensions = event.extensions();
    if extensions.tags().next().is_some() {
        out.extend_from_slice(b",\"tags\":");
        write_texts(out, extensions.tags());
    }
    let attributes = extensions.attributes();
    if !attributes.is_empty() {
        out.extend_from_slice(b",\"attributes\":");
        write_object(out, &attributes);
    }
    write_payload(out, event, form);
    let _ = writeln!(out, ",\"hash\":\"{}\"}}", event.hash());
}

/// The name of an encoding, or its number.
pub(super) fn write_encoding(out: &mut Vec<u8>, encoding: PayloadEncoding) {
    let text = encoding_text(encoding);
    let _ = match text.starts_with(|first: char| first.is_ascii_digit()) {
        true => write!(out, "{text}"),
        false => write!(out, "\"{text}\""),
    };
}

/// The same without quotes.
pub(crate) fn encoding_text(encoding: PayloadEncoding) -> Cow<'static, str> {
    match encoding {
        PayloadEncoding::RAW => "raw".into(),
        PayloadEncoding::JSON => "json".into(),
        PayloadEncoding::MESSAGE_PACK => "message_pack".into(),
        PayloadEncoding::SEALED => "sealed".into(),
        other => other.code().to_string().into(),
    }
}

fn write_payload(out: &mut Vec<u8>, event: &EventRef<'_>, form: PayloadForm) {
    let encoding = event.encoding();
    let Ok(payload) = event.payload() else {
        out.extend_from_slice(match event.is_redacted() {
            true => b",\"redacted\":true",
            false => b",\"forgotten\":true",
        });
        return;
    };
    if encoding == PayloadEncoding::JSON && is_one_line_of_json(payload) {
        out.extend_from_slice(b",\"payload\":");
        out.extend_from_slice(payload);
        return;
    }
    out.extend_from_slice(b",\"encoding\":");
    write_encoding(out, encoding);
    if form == PayloadForm::Readable
        && let Some(json) = readable_json(encoding, payload)
    {
        out.extend_from_slice(b",\"payload\":");
        out.extend_from_slice(json.as_bytes());
        return;
    }
    out.extend_from_slice(b",\"payload_base64\":\"");
    base64::encode(payload, out);
    out.push(b'"');
    if let Some(seal) = seal_of(event) {
        let _ = write!(out, ",\"seal\":\"{seal}\"");
    }
}

/// Reads a line of export's own format.
pub(crate) fn parse_line(text: &str) -> Result<ImportedEvent<'_>, RefusedLine> {
    let line: Line<'_> = object(text)?;
    let (kind_name, type_in_category) = match line.kind_type {
        Some(TypeField::Text(name)) => (Some(Cow::Owned(name)), None),
        Some(TypeField::Number(number)) => (None, Some(number)),
        None => (None, None),
    };
    let (kind, kind_number) = match (line.kind, line.category, type_in_category) {
        (Some(KindField::Text(kind)), None, None) => (Some(Cow::Owned(kind)), None),
        (Some(KindField::Number(number)), None, None) => (None, Some(number)),
        (None, Some(category), Some(in_category)) => {
            let kind = EventKind::try_new(category, in_category);
            let kind = kind.map_err(|error| RefusedLine::new(error.to_string()))?;
            (None, Some(u64::from(kind.bits())))
        }
        (None, None, None) => (None, None),
        _ => {
            return Err(RefusedLine::new(
                "an event has `kind`, its name in `type`, or `category` and `type` as numbers"
                    .to_owned(),
            ));
        }
    };
    let wall_ms = match (line.wall_ms, line.time) {
        (Some(_), Some(_)) => {
            return Err(RefusedLine::new(
                "an event has `wall_ms` or `time`, not both".to_owned(),
            ));
        }
        (wall_ms, None) => wall_ms,
        (None, Some(time)) => Some(parse_time("time", &time)?),
    };
    let id = |name, text: Option<Cow<'_, str>>| text.map(|text| parse_id(name, &text)).transpose();
    let default = match line.payload {
        Some(_) => PayloadEncoding::JSON,
        None => PayloadEncoding::RAW,
    };
    Ok(ImportedEvent {
        id: id("id", line.id)?,
        correlation: id("correlation", line.correlation)?,
        causation: id("causation", line.causation)?,
        entity: line.entity,
        scope: line.scope,
        kind,
        kind_number,
        kind_name,
        wall_ms,
        counter: line.counter,
        version: line.version,
        encoding: line
            .encoding
            .map_or(default, |EncodingField(encoding)| encoding),
        json: line.payload.map(|payload| payload.get().into()),
        base64: line.payload_base64,
        tags: line.tags.unwrap_or_default(),
        attributes: match line.attributes {
            Some(attributes) => {
                let read = read_object(attributes.get());
                read.map_err(|refused| refused.within("attributes"))?
            }
            None => Attributes::new(),
        },
        is_redacted: line.redacted == Some(true),
        seal: line.seal,
    })
}

/// Fields that export writes and import has no use for are `IgnoredAny`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    entity: Cow<'a, str>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
    id: Option<Cow<'a, str>>,
    kind: Option<KindField>,
    category: Option<u8>,
    #[serde(rename = "type")]
    kind_type: Option<TypeField>,
    wall_ms: Option<u64>,
    time: Option<Cow<'a, str>>,
    counter: Option<u32>,
    correlation: Option<Cow<'a, str>>,
    causation: Option<Cow<'a, str>>,
    version: Option<u16>,
    encoding: Option<EncodingField>,
    #[serde(borrow, default, deserialize_with = "raw_value")]
    payload: Option<&'a RawValue>,
    payload_base64: Option<Cow<'a, str>>,
    tags: Option<Vec<String>>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    redacted: Option<bool>,
    seal: Option<Cow<'a, str>>,
    #[serde(rename = "sequence")]
    _sequence: Option<IgnoredAny>,
    #[serde(rename = "clock")]
    _clock: Option<IgnoredAny>,
    #[serde(rename = "hash")]
    _hash: Option<IgnoredAny>,
}

/// A kind, as a number or a text.
enum KindField {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for KindField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KindVisitor;
        impl Visitor<'_> for KindVisitor {
            type Value = KindField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kind: a number, or a text such as \"0x1002\"")
            }

            fn visit_u64<E>(self, number: u64) -> Result<KindField, E> {
                Ok(KindField::Number(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<KindField, E> {
                Ok(KindField::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(KindVisitor)
    }
}

/// The name of a kind, or a type in its category.
enum TypeField {
    Number(u16),
    Text(String),
}

impl<'de> Deserialize<'de> for TypeField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeVisitor;
        impl Visitor<'_> for TypeVisitor {
            type Value = TypeField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a kind, or a type in its category: 0 to 4095")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<TypeField, E> {
                let number = u16::try_from(number).map_err(|_| {
                    E::invalid_value(serde::de::Unexpected::Unsigned(number), &self)
                })?;
                Ok(TypeField::Number(number))
            }

            fn visit_str<E>(self, name: &str) -> Result<TypeField, E> {
                Ok(TypeField::Text(name.to_owned()))
            }
        }
        deserializer.deserialize_any(TypeVisitor)
    }
}

/// An encoding, as its name or number.
pub(super) struct EncodingField(pub(super) PayloadEncoding);

impl<'de> Deserialize<'de> for EncodingField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EncodingVisitor;
        impl Visitor<'_> for EncodingVisitor {
            type Value = EncodingField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an encoding: \"json\", \"message_pack\", \"raw\", \"sealed\", or 0 to 255",
                )
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<EncodingField, E> {
                let code = u8::try_from(number).map_err(|_| {
                    E::invalid_value(serde::de::Unexpected::Unsigned(number), &self)
                })?;
                Ok(EncodingField(PayloadEncoding::from_code(code)))
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<EncodingField, E> {
                match name {
                    "json" => Ok(EncodingField(PayloadEncoding::JSON)),
                    "message_pack" => Ok(EncodingField(PayloadEncoding::MESSAGE_PACK)),
                    "raw" => Ok(EncodingField(PayloadEncoding::RAW)),
                    "sealed" => Ok(EncodingField(PayloadEncoding::SEALED)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(name), &self)),
                }
            }
        }
        deserializer.deserialize_any(EncodingVisitor)
    }
}
