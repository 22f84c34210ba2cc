//! `ImportedEvent`: what a line of an import says, before it is an event.

use super::base64;
use super::parse_rfc3339;
use crate::encode::json_as_message_pack;
use crate::{Coordinate, Event, EventId, EventKind, Hlc, PayloadEncoding};
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
        // It may have a name in it that somebody wrote.
        let reason = plain(reason);
        Self(match error.column() {
            0 => reason,
            column => format!("{reason} (column {column})"),
        })
    }
}

/// How many characters of a text are shown where it is refused.
const SHOWN_CHARACTERS: usize = 200;

/// A text of a line as an error shows it: in quotes, and not longer than people read.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
    }
}

/// A text without what a terminal obeys, and not longer than people read.
fn plain(text: &str) -> String {
    // Names of all fields that there are, and of one that is not.
    const CHARACTERS: usize = 3 * SHOWN_CHARACTERS;
    let mut plain = String::new();
    for character in text.chars().take(CHARACTERS) {
        match character.is_control() {
            true => plain.extend(character.escape_default()),
            false => plain.push(character),
        }
    }
    if text.chars().nth(CHARACTERS).is_some() {
        plain.push('…');
    }
    plain
}

/// The fields of a line, in either format.
#[derive(Debug)]
pub(super) struct ImportedEvent<'a> {
    pub(super) entity: Cow<'a, str>,
    pub(super) scope: Cow<'a, str>,
    pub(super) id: Option<EventId>,
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

/// What an object of JSON says. An array of the same values is none.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, RefusedLine> {
    if !text.starts_with('{') {
        return Err(RefusedLine::new(format!(
            "an event is an object of JSON, and this is {}",
            shown(text)
        )));
    }
    serde_json::from_str(text).map_err(RefusedLine::json)
}

/// Reads a line of export's own format.
pub(super) fn parse_line(text: &str) -> Result<ImportedEvent<'_>, RefusedLine> {
    let line: Line<'_> = object(text)?;
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
        .map_err(|error| RefusedLine::new(format!("{name} {}: {error}", shown(text))))
}

pub(super) fn parse_time(name: &str, text: &str) -> Result<u64, RefusedLine> {
    parse_rfc3339(text).ok_or_else(|| {
        let text = shown(text);
        RefusedLine::new(format!(
            "{name} {text} is no time as of RFC 3339 since 1970"
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
            (Some(text), None) => (EventKind::parse(text, category), shown(text)),
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
                json_as_message_pack(json).map_err(RefusedLine::new)
            }
            (Some(json), None) if self.encoding == PayloadEncoding::JSON => Ok(json.into()),
            (Some(_), None) => Err(RefusedLine::new(format!(
                "a payload that is {} comes as base64",
                self.encoding
            ))),
        }
    }

    /// The event, without its time.
    pub(super) fn event(&self, id: EventId, category: u8) -> Result<Event, RefusedLine> {
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
