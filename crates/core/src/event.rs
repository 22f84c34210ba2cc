//! `EventHeader`: everything that is known of an event but its payload.

use crate::codec::{DecodeError, Reader, Writer};
use crate::{Coordinate, EventId, EventKind, HashChain, Hlc, Sequence};
use std::fmt;

/// Longest extension area, in bytes.
pub const EXTENSION_BYTES_MAX: usize = 4096;

/// How a payload is encoded, so that tools can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct PayloadEncoding(u8);

impl PayloadEncoding {
    /// Bytes that mean something to the application alone.
    pub const RAW: Self = Self(0);
    /// JSON text ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).
    pub const JSON: Self = Self(1);
    /// [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md), structs as maps.
    pub const MESSAGE_PACK: Self = Self(2);

    /// An encoding from its code. Codes from 128 are the application's, those below the store's.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        Self(code)
    }

    /// The code, as stored.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PayloadEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::RAW => f.write_str("raw"),
            Self::JSON => f.write_str("JSON"),
            Self::MESSAGE_PACK => f.write_str("MessagePack"),
            Self(code) => write!(f, "encoding {code}"),
        }
    }
}

/// The tags of the extensions that the store writes itself.
pub mod extension_tag {
    /// Tags of the event, as [`encode_tags`](crate::encode_tags) writes them.
    pub const TAGS: u16 = 1;
    /// Version of the payload's type: u16, not 0. Version 1 is not written.
    pub const PAYLOAD_VERSION: u16 = 2;
}

/// The typed extensions of a header: a list of (tag u16, length u16, bytes), tags ascending.
///
/// Empty for most events; readers keep what they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Extensions(Box<[u8]>);

impl Extensions {
    /// Extensions from their encoded bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are longer than [`EXTENSION_BYTES_MAX`], are cut short, or
    /// their tags do not strictly ascend.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if bytes.len() > EXTENSION_BYTES_MAX {
            return Err(reader.invalid("extensions", "more than 4096 bytes"));
        }
        let mut last = None;
        while reader.left() > 0 {
            let tag = reader.u16("extension tag")?;
            if last.is_some_and(|last| last >= tag) {
                return Err(reader.invalid("extension tag", "tags do not ascend"));
            }
            reader.short_bytes("extension")?;
            last = Some(tag);
        }
        Ok(Self(bytes.into()))
    }

    /// Extensions from their tags and bytes.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn new<'a>(
        extensions: impl IntoIterator<Item = (u16, &'a [u8])>,
    ) -> Result<Self, DecodeError> {
        let mut encoded = Vec::new();
        let mut writer = Writer::new(&mut encoded);
        for (tag, bytes) in extensions {
            if bytes.len() > EXTENSION_BYTES_MAX {
                return Err(Reader::new(bytes).invalid("extension", "more than 4096 bytes"));
            }
            writer.u16(tag);
            writer.short_bytes(bytes);
        }
        Self::from_bytes(&encoded)
    }

    /// The bytes of one extension.
    #[must_use]
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.iter()
            .find_map(|(own, bytes)| (own == tag).then_some(bytes))
    }

    /// Version of the payload's type: 1 where none is written, and 0, which none is, where what is
    /// written is no version.
    #[must_use]
    pub fn payload_version(&self) -> u16 {
        match self.get(extension_tag::PAYLOAD_VERSION) {
            None => 1,
            Some(bytes) => bytes.try_into().map_or(0, u16::from_le_bytes),
        }
    }

    /// The tags of the event, in the order of their bytes.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let bytes = self.get(extension_tag::TAGS).unwrap_or_default();
        crate::tags::decode_tags(bytes)
    }

    /// The encoded bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Each extension as its tag and bytes, tags ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let mut reader = Reader::new(&self.0);
        // The bytes were checked when the value was made, so an error here is the end.
        std::iter::from_fn(move || {
            let tag = reader.u16("extension tag").ok()?;
            Some((tag, reader.short_bytes("extension").ok()?))
        })
    }
}

/// An event's place in its entity's stream: streams are ordered by this key.
///
/// The hybrid logical clock never goes back, so the order agrees with that of `clock` alone and
/// with that of sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClockKey {
    /// Milliseconds since 1970.
    pub wall_ms: u64,
    /// Place in the stream, from 0.
    pub clock: u32,
    /// Id.
    pub id: EventId,
}

/// Everything that is known of an event but its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHeader {
    /// Place in the global commit order.
    pub sequence: Sequence,
    /// Id.
    pub id: EventId,
    /// Entity and scope.
    pub coordinate: Coordinate,
    /// What happened.
    pub kind: EventKind,
    /// Place in the entity's stream, from 0.
    pub clock: u32,
    /// When it was appended.
    pub hlc: Hlc,
    /// What the event belongs to; its own id where nothing else was given.
    pub correlation: EventId,
    /// What caused the event, if that was given.
    pub causation: Option<EventId>,
    /// How the payload is encoded.
    pub encoding: PayloadEncoding,
    /// Typed extensions.
    pub extensions: Extensions,
    /// Hash of the event.
    pub hash: crate::Hash,
}

impl EventHeader {
    /// Whether the event belongs to something other than itself.
    #[must_use]
    pub fn is_correlated(&self) -> bool {
        self.correlation != self.id
    }

    /// Whether the event was caused by the event `id`.
    #[must_use]
    pub fn is_caused_by(&self, id: EventId) -> bool {
        self.causation == Some(id)
    }

    /// Version of the payload's type, from 1: what [`Extensions::payload_version`] says.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.extensions.payload_version()
    }

    /// The tags, in the order of their bytes.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.extensions.tags()
    }

    /// Whether no cause was given.
    #[must_use]
    pub const fn is_root_cause(&self) -> bool {
        self.causation.is_none()
    }

    /// The key that orders the event in its stream.
    #[must_use]
    pub const fn clock_key(&self) -> ClockKey {
        ClockKey {
            wall_ms: self.hlc.wall_ms(),
            clock: self.clock,
            id: self.id,
        }
    }

    /// The event's link in its entity's chain, after the event with hash `previous`.
    #[must_use]
    pub const fn chain(&self, previous: crate::Hash) -> HashChain {
        HashChain {
            previous,
            hash: self.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_checked_and_listed() {
        let bytes = [1, 0, 2, 0, 0xAA, 0xBB, 9, 0, 0, 0];
        let extensions = Extensions::from_bytes(&bytes).unwrap();
        let listed: Vec<_> = extensions.iter().collect();
        assert_eq!(listed, [(1, [0xAA, 0xBB].as_slice()), (9, [].as_slice())]);
        assert!(Extensions::from_bytes(&bytes[..3]).is_err(), "cut short");
        assert!(
            Extensions::from_bytes(&[1, 0, 0, 0, 1, 0, 0, 0]).is_err(),
            "tag twice"
        );
        assert!(
            Extensions::from_bytes(&[0; EXTENSION_BYTES_MAX + 1]).is_err(),
            "too long"
        );
        assert_eq!(
            Extensions::new([(1, [0xAA, 0xBB].as_slice()), (9, &[])]),
            Ok(extensions)
        );
        assert!(Extensions::new([(2, [].as_slice()), (1, &[])]).is_err());
        assert!(Extensions::new([(1, [0; EXTENSION_BYTES_MAX + 1].as_slice())]).is_err());
    }

    #[test]
    fn a_version_is_1_unless_another_is_written() {
        let tag = extension_tag::PAYLOAD_VERSION;
        let version = |extensions: &[(u16, &[u8])]| {
            let extensions = extensions.iter().copied();
            Extensions::new(extensions).unwrap().payload_version()
        };
        assert_eq!(version(&[]), 1);
        assert_eq!(version(&[(1, b"other"), (tag, &[7, 0])]), 7);
        assert_eq!(version(&[(tag, &[7])]), 0);
        assert_eq!(version(&[(tag, &[7, 0, 0])]), 0);
    }
}
