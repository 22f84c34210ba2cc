//! `ImportedEvent`: what a line of an import says, before it is an event.

use super::base64;
use super::parse_rfc3339;
use crate::{Coordinate, Event, EventId, EventKind, Hash, Hlc, PayloadEncoding};
use serde::de::{Deserialize, Deserializer, IgnoredAny, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use strandline_core::encode_tags;

/// Why a line was refused.
#[derive(Debug)]
pub(super) struct RefusedLine(pub(super) String);

impl RefusedLine {
    pub(super) const fn new(reason: String) -> Self {
        Self(reason)
    }

    /// The reason of the parser, with the column and without its count of lines, which is not that
    /// of the file.
    pub(super) fn json(error: serde_json::Error) -> Self {
        let text = error.to_string();
        let reason = text
            .rsplit_once(" at line ")
            .map_or(&*text, |(reason, _)| reason);
        Self(match error.column() {
            0 => reason.to_owned(),
            column => format!("{reason} (column {column})"),
        })
    }
}

/// The fields of a line, in either format.
#[derive(Debug)]
pub(super) struct ImportedEvent<'a> {
    pub(super) entity: Cow<'a, str>,
    pub(super) scope: Cow<'a, str>,
    pub(super) id: Option<EventId>,
    /// What names the event where it has no event id; by default the line and its number.
    pub(super) derived_from: Option<String>,
    /// The kind as text: `0x1002`.
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) kind_number: Option<u64>,
    pub(super) wall_ms: Option<u64>,
    pub(super) counter: Option<u32>,
    pub(super) correlation: Option<EventId>,
    pub(super) causation: Option<EventId>,
    pub(super) version: Option<u16>,
    pub(super) encoding: PayloadEncoding,
    pub(super) json: Option<&'a str>,
    pub(super) base64: Option<Cow<'a, str>>,
    pub(super) tags: Vec<String>,
    pub(super) is_redacted: bool,
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
    type_in_category: Option<u16>,
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
    redacted: Option<bool>,
    #[serde(rename = "sequence")]
    _sequence: Option<IgnoredAny>,
    #[serde(rename = "clock")]
    _clock: Option<IgnoredAny>,
    #[serde(rename = "hash")]
    _hash: Option<IgnoredAny>,
}

/// A value as it is written. `null` is one too, where an option by itself would have none.
pub(super) fn raw_value<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a line of export's own format.
pub(super) fn parse_line(text: &str) -> Result<ImportedEvent<'_>, RefusedLine> {
    let line: Line<'_> = serde_json::from_str(text).map_err(RefusedLine::json)?;
    let (kind, kind_number) = match (line.kind, line.category, line.type_in_category) {
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
                "an event has `kind`, or `category` and `type`".to_owned(),
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
        derived_from: None,
        correlation: id("correlation", line.correlation)?,
        causation: id("causation", line.causation)?,
        entity: line.entity,
        scope: line.scope,
        kind,
        kind_number,
        wall_ms,
        counter: line.counter,
        version: line.version,
        encoding: line
            .encoding
            .map_or(default, |EncodingField(encoding)| encoding),
        json: line.payload.map(RawValue::get),
        base64: line.payload_base64,
        tags: line.tags.unwrap_or_default(),
        is_redacted: line.redacted == Some(true),
    })
}

pub(super) fn parse_id(name: &str, text: &str) -> Result<EventId, RefusedLine> {
    text.parse()
        .map_err(|error| RefusedLine::new(format!("{name} {text:?}: {error}")))
}

pub(super) fn parse_time(name: &str, text: &str) -> Result<u64, RefusedLine> {
    parse_rfc3339(text).ok_or_else(|| {
        RefusedLine::new(format!(
            "{name} {text:?} is no time as of RFC 3339 since 1970"
        ))
    })
}

impl ImportedEvent<'_> {
    pub(super) fn coordinate(&self) -> Result<Coordinate, RefusedLine> {
        Coordinate::new(&self.entity, &self.scope)
            .map_err(|error| RefusedLine::new(error.to_string()))
    }

    /// The kind; a number below 0x1000 is a type in `category`.
    pub(super) fn kind(&self, category: u8) -> Result<EventKind, RefusedLine> {
        let (kind, text) = match (&self.kind, self.kind_number) {
            (_, Some(number)) => (EventKind::from_number(number, category), number.to_string()),
            (Some(text), None) => (EventKind::parse(text, category), format!("{text:?}")),
            (None, None) => (
                EventKind::try_new(category, 0),
                "of this category".to_owned(),
            ),
        };
        kind.map_err(|error| RefusedLine::new(format!("kind {text}: {error}")))
    }

    /// The time, if the line has one.
    pub(super) fn time(&self) -> Result<Option<Hlc>, RefusedLine> {
        let Some(wall_ms) = self.wall_ms else {
            return Ok(None);
        };
        Hlc::new(wall_ms, self.counter.unwrap_or(0))
            .map(Some)
            .map_err(|error| RefusedLine::new(error.to_string()))
    }

    /// The id: the line's, or one that is the same whenever the line is imported again.
    pub(super) fn id(&self, line: &str, number: u64) -> EventId {
        if let Some(id) = self.id {
            return id;
        }
        let (content, counter) = match &self.derived_from {
            Some(name) => (Hash::of(name.as_bytes()), 0),
            None => (
                Hash::of(line.as_bytes()),
                // The line's number keeps ids of equal lines apart, and in order.
                u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX),
            ),
        };
        let bits = content
            .as_bytes()
            .first_chunk()
            .copied()
            .unwrap_or_default();
        let time = Hlc::new(self.wall_ms.unwrap_or(0), counter).unwrap_or_default();
        EventId::from_hlc(time, u64::from_le_bytes(bits))
    }

    /// The payload, as the line says it is encoded.
    pub(super) fn payload(&self) -> Result<Vec<u8>, RefusedLine> {
        match (self.json, &self.base64) {
            (Some(_), Some(_)) => Err(RefusedLine::new(
                "an event has its payload as JSON or as base64, not both".to_owned(),
            )),
            (None, None) => Ok(Vec::new()),
            (None, Some(text)) => base64::decode(text).ok_or_else(|| {
                RefusedLine::new("the payload is no base64 (RFC 4648, with padding)".to_owned())
            }),
            (Some(json), None) if self.encoding == PayloadEncoding::MESSAGE_PACK => {
                let value: serde_json::Value =
                    serde_json::from_str(json).map_err(RefusedLine::json)?;
                rmp_serde::to_vec_named(&value).map_err(|error| RefusedLine::new(error.to_string()))
            }
            (Some(json), None) if self.encoding == PayloadEncoding::JSON => Ok(json.into()),
            (Some(_), None) => Err(RefusedLine::new(format!(
                "a payload that is {} comes as base64",
                self.encoding
            ))),
        }
    }

    /// The event.
    pub(super) fn event(
        &self,
        id: EventId,
        category: u8,
        at: Option<Hlc>,
    ) -> Result<Event, RefusedLine> {
        let mut event = Event::encoded(self.kind(category)?, self.encoding, self.payload()?)
            .with_id(id)
            .with_version(self.version.unwrap_or(1));
        if let Some(correlation) = self.correlation {
            event = event.correlated_with(correlation);
        }
        if let Some(causation) = self.causation {
            event = event.caused_by(causation);
        }
        encode_tags(self.tags.iter().map(String::as_str))
            .map_err(|error| RefusedLine::new(error.to_string()))?;
        for tag in &self.tags {
            event = event.tagged(tag);
        }
        if let Some(at) = at {
            event = event.at(at);
        }
        Ok(event)
    }
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

/// An encoding, as its name or number.
struct EncodingField(PayloadEncoding);

impl<'de> Deserialize<'de> for EncodingField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EncodingVisitor;
        impl Visitor<'_> for EncodingVisitor {
            type Value = EncodingField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an encoding: \"json\", \"message_pack\", \"raw\", or 0 to 255")
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
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(name), &self)),
                }
            }
        }
        deserializer.deserialize_any(EncodingVisitor)
    }
}
