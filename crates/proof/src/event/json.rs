//! The text of a disclosure: one object of JSON. Unknown fields are refused, so that nothing is believed to be
//! covered by a digest that is not.

use super::disclosed::{DisclosedEvent, DisclosedPayload, Disclosure};
use super::error::{DISCLOSURE_BYTES_MAX, DisclosureError};
use crate::text;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use strandline_core::{
    Coordinate, EventId, EventKind, Extensions, Hash, Hlc, Nonce, PayloadEncoding, Sequence,
};

const EVENT_FORMAT: &str = "strandline/event/1";
const DIGEST_FORMAT: &str = "strandline/digest/1";

/// The fields of both formats, in the order in which they are written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counter: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_hash: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<Cow<'a, str>>,
    /// Long, and without a character that is escaped: never copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
}

impl Disclosure {
    /// The text: one line of JSON without a newline. Linear in the payload.
    #[must_use]
    pub fn to_json(&self) -> String {
        let event = match self {
            Self::Event(event) => event,
            Self::Digest(digest) => {
                return write(&Fields {
                    format: DIGEST_FORMAT.into(),
                    digest: text_of(*digest),
                    ..Fields::default()
                });
            }
        };
        let mut fields = header_fields(event);
        let payload;
        match &event.payload {
            DisclosedPayload::Hash(hash) => fields.payload_hash = text_of(*hash),
            DisclosedPayload::Stored { nonce, bytes } => {
                let nonce = u128::from_be_bytes(nonce.0);
                fields.nonce = Some(format!("{nonce:032x}").into());
                payload = text::base64(bytes);
                fields.payload = Some(&payload);
            }
        }
        write(&fields)
    }

    /// The disclosure of a text. Linear in its length.
    ///
    /// # Errors
    ///
    /// [`DisclosureError`], which says what is wrong.
    pub fn parse(json: &[u8]) -> Result<Self, DisclosureError> {
        if json.len() > DISCLOSURE_BYTES_MAX {
            let bytes = json.len();
            return Err(DisclosureError::TooLong { bytes });
        }
        let fields: Fields<'_> = serde_json::from_slice(json)?;
        match &*fields.format {
            EVENT_FORMAT => Ok(event_of(&fields)?.into()),
            DIGEST_FORMAT => digest_of(&fields).map(Self::Digest),
            other => Err(DisclosureError::Format {
                got: other.chars().take(64).collect(),
            }),
        }
    }
}

fn header_fields(event: &DisclosedEvent) -> Fields<'_> {
    let own = |bytes: &[u8]| (!bytes.is_empty()).then(|| text::base64(bytes).into());
    let other_id = |id: EventId| (id != event.id).then_some(id);
    Fields {
        format: EVENT_FORMAT.into(),
        sequence: Some(event.sequence.get()),
        entity: Some(event.coordinate.entity().into()),
        scope: Some(event.coordinate.scope().into()),
        kind: Some(format!("0x{:04x}", event.kind.bits()).into()),
        encoding: Some(event.encoding.code()),
        id: text_of(event.id),
        correlation: other_id(event.correlation).and_then(text_of),
        causation: event.causation.and_then(text_of),
        clock: Some(event.clock),
        wall_ms: Some(event.hlc.wall_ms()),
        counter: Some(event.hlc.counter()),
        extensions: own(event.extensions.as_bytes()),
        previous: text_of(event.previous),
        ..Fields::default()
    }
}

fn text_of(value: impl ToString) -> Option<Cow<'static, str>> {
    Some(value.to_string().into())
}

fn write(fields: &Fields<'_>) -> String {
    // Texts and numbers alone, so there is nothing that cannot be written.
    serde_json::to_string(fields).unwrap_or_default()
}

fn digest_of(fields: &Fields<'_>) -> Result<Hash, DisclosureError> {
    let others = [
        ("sequence", fields.sequence.is_some()),
        ("entity", fields.entity.is_some()),
        ("scope", fields.scope.is_some()),
        ("kind", fields.kind.is_some()),
        ("encoding", fields.encoding.is_some()),
        ("id", fields.id.is_some()),
        ("correlation", fields.correlation.is_some()),
        ("causation", fields.causation.is_some()),
        ("clock", fields.clock.is_some()),
        ("wall_ms", fields.wall_ms.is_some()),
        ("counter", fields.counter.is_some()),
        ("extensions", fields.extensions.is_some()),
        ("previous", fields.previous.is_some()),
        ("payload_hash", fields.payload_hash.is_some()),
        ("nonce", fields.nonce.is_some()),
        ("payload", fields.payload.is_some()),
    ];
    if let Some((field, _)) = others.iter().find(|(_, is_there)| *is_there) {
        return Err(DisclosureError::Unexpected(field));
    }
    hash_of("digest", fields.digest.as_deref())
}

fn event_of(fields: &Fields<'_>) -> Result<DisclosedEvent, DisclosureError> {
    if fields.digest.is_some() {
        return Err(DisclosureError::Unexpected("digest"));
    }
    let id = id_of("id", needed("id", fields.id.as_deref())?)?;
    let own = |field, text: Option<&str>| text.map(|text| id_of(field, text)).transpose();
    let correlation = own("correlation", fields.correlation.as_deref())?;
    let entity = needed("entity", fields.entity.as_deref())?;
    let scope = needed("scope", fields.scope.as_deref())?;
    let coordinate = Coordinate::new(entity, scope).map_err(|_| {
        wrong(
            "entity",
            "or `scope` is no name that an entity or scope has",
        )
    })?;
    let wall_ms = needed("wall_ms", fields.wall_ms)?;
    let hlc = Hlc::new(wall_ms, needed("counter", fields.counter)?);
    Ok(DisclosedEvent {
        sequence: Sequence::new(needed("sequence", fields.sequence)?),
        coordinate,
        kind: kind_of(needed("kind", fields.kind.as_deref())?)?,
        encoding: PayloadEncoding::from_code(needed("encoding", fields.encoding)?),
        id,
        correlation: correlation.unwrap_or(id),
        causation: own("causation", fields.causation.as_deref())?,
        clock: needed("clock", fields.clock)?,
        hlc: hlc.map_err(|_| wrong("wall_ms", "needs more than 48 bits"))?,
        extensions: extensions_of(fields.extensions.as_deref())?,
        previous: hash_of("previous", fields.previous.as_deref())?,
        payload: payload_of(fields)?,
    })
}

fn payload_of(fields: &Fields<'_>) -> Result<DisclosedPayload, DisclosureError> {
    if fields.payload_hash.is_some() {
        if fields.payload.is_some() {
            return Err(DisclosureError::Unexpected("payload"));
        }
        // With the nonce a short payload could be guessed of its hash.
        if fields.nonce.is_some() {
            return Err(DisclosureError::Unexpected("nonce"));
        }
        let hash = hash_of("payload_hash", fields.payload_hash.as_deref());
        return hash.map(DisclosedPayload::Hash);
    }
    let payload = needed("payload", fields.payload)?;
    let nonce = needed("nonce", fields.nonce.as_deref())?;
    let is_nonce = nonce.len() == 2 * Nonce::BYTES && is_hex(nonce);
    let nonce = u128::from_str_radix(nonce, 16).ok().filter(|_| is_nonce);
    let nonce = nonce.ok_or(wrong("nonce", "is not 32 hexadecimal digits"))?;
    let bytes = text::from_base64(payload).ok_or(wrong("payload", "is not base64"))?;
    Ok(DisclosedPayload::Stored {
        nonce: Nonce(nonce.to_be_bytes()),
        bytes,
    })
}

fn extensions_of(text: Option<&str>) -> Result<Extensions, DisclosureError> {
    let Some(text) = text else {
        return Ok(Extensions::default());
    };
    let bytes = text::from_base64(text).ok_or(wrong("extensions", "is not base64"))?;
    match Extensions::from_bytes(&bytes) {
        Ok(extensions) if !bytes.is_empty() => Ok(extensions),
        _ => Err(wrong("extensions", "is not what an event has")),
    }
}

fn kind_of(text: &str) -> Result<EventKind, DisclosureError> {
    let digits = text.strip_prefix("0x");
    let digits = digits.filter(|digits| digits.len() == 4 && is_hex(digits));
    let bits = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
    bits.map(EventKind::from_bits)
        .ok_or(wrong("kind", "is not `0x` and 4 hexadecimal digits"))
}

fn id_of(field: &'static str, text: &str) -> Result<EventId, DisclosureError> {
    text.parse()
        .map_err(|_| wrong(field, "is not 32 hexadecimal digits"))
}

fn hash_of(field: &'static str, text: Option<&str>) -> Result<Hash, DisclosureError> {
    let text = needed(field, text)?;
    text.parse()
        .map_err(|_| wrong(field, "is not 64 hexadecimal digits"))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn needed<T>(field: &'static str, value: Option<T>) -> Result<T, DisclosureError> {
    value.ok_or(DisclosureError::Missing(field))
}

const fn wrong(field: &'static str, reason: &'static str) -> DisclosureError {
    DisclosureError::Field { field, reason }
}
