//! `ImportedEvent`: what a line of an import says, before it is an event.

use super::attributes::refused;
use super::incoming::Incoming;
use super::refused_line::{RefusedLine, shown};
use super::seal::parse_seal;
use crate::text::base64;
use std::borrow::Cow;
use strandline::{Attributes, Coordinate, EventId, EventKind, Hlc, MessagePack, PayloadEncoding};
use strandline_core::encode_tags;

/// The fields of a line, in either format.
#[derive(Debug)]
pub(crate) struct ImportedEvent<'a> {
    pub(crate) entity: Cow<'a, str>,
    pub(crate) scope: Cow<'a, str>,
    pub(crate) id: Option<EventId>,
    /// The kind as text: `0x1002`.
    pub(crate) kind: Option<Cow<'a, str>>,
    pub(crate) kind_number: Option<u64>,
    /// The name of the kind.
    pub(crate) kind_name: Option<Cow<'a, str>>,
    pub(crate) wall_ms: Option<u64>,
    pub(crate) counter: Option<u32>,
    pub(crate) correlation: Option<EventId>,
    pub(crate) causation: Option<EventId>,
    pub(crate) version: Option<u16>,
    pub(crate) encoding: PayloadEncoding,
    pub(crate) json: Option<Cow<'a, str>>,
    pub(crate) base64: Option<Cow<'a, str>>,
    pub(crate) tags: Vec<String>,
    pub(crate) attributes: Attributes,
    pub(crate) is_redacted: bool,
    /// How the payload is sealed, as base64.
    pub(crate) seal: Option<Cow<'a, str>>,
}

impl ImportedEvent<'_> {
    /// Entity and scope.
    pub(crate) fn coordinate(&self) -> Result<Coordinate, RefusedLine> {
        Coordinate::new(&self.entity, &self.scope)
            .map_err(|error| RefusedLine::new(error.to_string()))
    }

    /// The kind, if the line has its number; one below 0x1000 is a type in `category`.
    pub(crate) fn kind(&self, category: u8) -> Result<Option<EventKind>, RefusedLine> {
        let (kind, text) = match (&self.kind, self.kind_number) {
            (_, Some(number)) => (EventKind::from_number(number, category), number.to_string()),
            (Some(text), None) => (EventKind::parse(text, category), shown(text)),
            (None, None) => return Ok(None),
        };
        kind.map(Some)
            .map_err(|error| RefusedLine::new(format!("kind {text}: {error}")))
    }

    /// The time, if the line has one.
    pub(crate) fn time(&self) -> Result<Option<Hlc>, RefusedLine> {
        let Some(wall_ms) = self.wall_ms else {
            return Ok(None);
        };
        Hlc::new(wall_ms, self.counter.unwrap_or(0))
            .map(Some)
            .map_err(|error| RefusedLine::new(error.to_string()))
    }

    /// The payload, as the line says it is encoded.
    fn payload(&self) -> Result<Vec<u8>, RefusedLine> {
        match (&self.json, &self.base64) {
            (Some(_), Some(_)) => Err(RefusedLine::new(
                "an event has its payload as JSON or as base64, not both".to_owned(),
            )),
            (None, None) => Ok(Vec::new()),
            (None, Some(text)) => base64::decode(text).ok_or_else(|| {
                RefusedLine::new("the payload is no base64 (RFC 4648, with padding)".to_owned())
            }),
            (Some(json), None) if self.encoding == PayloadEncoding::MESSAGE_PACK => {
                MessagePack::of_json(json).map_err(|error| RefusedLine::new(error.to_string()))
            }
            (Some(json), None) if self.encoding == PayloadEncoding::JSON => {
                Ok(json.as_bytes().to_vec())
            }
            (Some(_), None) => Err(RefusedLine::new(format!(
                "a payload that is {} comes as base64",
                self.encoding
            ))),
        }
    }

    /// The event, without its id and time.
    pub(crate) fn incoming(
        self,
        coordinate: Coordinate,
        kind: EventKind,
    ) -> Result<Incoming, RefusedLine> {
        let payload = self.payload()?;
        encode_tags(self.tags.iter().map(String::as_str))
            .map_err(|error| RefusedLine::new(error.to_string()))?;
        self.attributes.encode().map_err(refused)?;
        let seal = self.seal.as_deref().map(parse_seal).transpose()?;
        // An event of another program says of its content what that says.
        let encoding = match seal {
            Some(_) => PayloadEncoding::SEALED,
            None => self.encoding,
        };
        Ok(Incoming {
            coordinate,
            kind,
            kind_name: self.kind_name.map(Cow::into_owned),
            encoding,
            payload,
            seal,
            version: self.version.unwrap_or(1),
            correlation: self.correlation,
            causation: self.causation,
            tags: self.tags,
            attributes: self.attributes,
        })
    }
}
