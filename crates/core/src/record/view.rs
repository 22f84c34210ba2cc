//! `RecordView`: a record that is read where it is, field by field.

use super::flags;
use super::names::{decode_name, decode_names};
use super::payload::RecordPayload;
use crate::codec::{DecodeError, Reader};
use crate::model::{
    Coordinate, EventId, EventKind, Extensions, Hash, Hlc, Nonce, PayloadEncoding, WALL_MS_MAX,
    check_name,
};
use std::ops::Range;

/// Where the fields stand that every record has, and where the others begin.
mod at {
    pub(super) const FLAGS: usize = 0;
    pub(super) const ENCODING: usize = FLAGS + 1;
    pub(super) const KIND: usize = ENCODING + 1;
    pub(super) const COORDINATE: usize = KIND + 2;
    pub(super) const CLOCK: usize = COORDINATE + 4;
    pub(super) const WALL_MS: usize = CLOCK + 4;
    pub(super) const COUNTER: usize = WALL_MS + 8;
    pub(super) const ID: usize = COUNTER + 4;
    pub(super) const LINKS: usize = ID + 16;
}

const LINK_BYTES: usize = 16;

/// A record that was checked as [`Record::decode`](super::Record::decode) checks it, and is read
/// where it is. Copies and allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordView<'a> {
    body: &'a [u8],
    fixed: &'a [u8; at::LINKS],
    /// Where the names begin, and where they end.
    names: usize,
    names_end: usize,
    /// Where nonce and payload begin, or the payload's hash.
    tail: usize,
}

impl<'a> RecordView<'a> {
    /// Checks all of a record's bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are cut short or hold a value that no encoder writes.
    #[inline]
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let Some((fixed, _)) = body.split_first_chunk() else {
            return Err(Reader::new(body).invalid("record", "is cut short"));
        };
        let mut view = Self {
            body,
            fixed,
            names: at::LINKS,
            names_end: at::LINKS,
            tail: at::LINKS,
        };
        let is_plain = fixed.first() == Some(&0);
        if !is_plain {
            view.check_optional_parts()?;
        }
        let own = match view.has(flags::REDACTED) {
            true => Hash::BYTES,
            false => Nonce::BYTES,
        };
        let left = body.len().saturating_sub(view.tail);
        if left < own || (view.has(flags::REDACTED) && left > own) {
            return Err(view.invalid(view.tail, "payload", "has another length"));
        }
        if view.wall_ms() > WALL_MS_MAX {
            return Err(view.invalid(at::WALL_MS, "wall_ms", "needs more than 48 bits"));
        }
        Ok(view)
    }

    /// Checks what most records do not have, and finds out where it stands.
    fn check_optional_parts(&mut self) -> Result<(), DecodeError> {
        let mut reader = Reader::new(self.body);
        reader.bytes("fields", at::LINKS)?;
        if self.flags() & !flags::ALL != 0 {
            return Err(reader.invalid("flags", "an unknown flag is set"));
        }
        if self.has(flags::CORRELATION)
            && EventId::from_u128(reader.u128("correlation")?) == self.id()
        {
            return Err(reader.invalid("correlation", "is written though it is the own id"));
        }
        if self.has(flags::CAUSATION) {
            reader.u128("causation")?;
        }
        self.names = reader.offset();
        if self.has(flags::NAMES) {
            for part in ["entity", "scope"] {
                let name = decode_name(&mut reader, part)?;
                if check_name(part, name).is_err() {
                    return Err(reader.invalid(part, "breaks a rule for names"));
                }
            }
        }
        self.names_end = reader.offset();
        if self.has(flags::PREVIOUS) {
            reader.bytes("previous hash", Hash::BYTES)?;
        }
        if self.has(flags::EXTENSIONS) {
            let bytes = reader.short_bytes("extensions")?;
            if bytes.is_empty() {
                return Err(reader.invalid("extensions", "are written though there are none"));
            }
            Extensions::from_bytes(bytes)?;
        }
        self.tail = reader.offset();
        Ok(())
    }

    /// The name and place of each part of the body, in order: what a tool that shows bytes needs.
    #[must_use]
    pub fn layout(&self) -> Vec<(&'static str, Range<usize>)> {
        let starts = [
            (at::FLAGS, "flags"),
            (at::ENCODING, "payload encoding"),
            (at::KIND, "kind"),
            (at::COORDINATE, "coordinate"),
            (at::CLOCK, "clock"),
            (at::WALL_MS, "wall_ms"),
            (at::COUNTER, "HLC counter"),
            (at::ID, "id"),
        ];
        let ends = starts.iter().skip(1).map(|(start, _)| *start);
        let mut parts: Vec<_> = starts
            .iter()
            .zip(ends.chain([at::LINKS]))
            .map(|((start, name), end)| (*name, *start..end))
            .collect();
        let mut from = at::LINKS;
        let mut add = |name, is_there: bool, end: usize| {
            if is_there {
                parts.push((name, from..end));
                from = end;
            }
        };
        let correlation = self.has(flags::CORRELATION);
        add("correlation", correlation, at::LINKS + LINK_BYTES);
        add("causation", self.has(flags::CAUSATION), self.names);
        add("entity and scope", self.has(flags::NAMES), self.names_end);
        let previous = self.has(flags::PREVIOUS);
        let previous_end = self.names_end + if previous { Hash::BYTES } else { 0 };
        add("previous hash", previous, previous_end);
        add("extensions", self.has(flags::EXTENSIONS), self.tail);
        let end = self.body.len();
        if self.has(flags::REDACTED) {
            add("payload hash", true, end);
        } else {
            add("nonce", true, self.tail + Nonce::BYTES);
            add("payload", true, end);
        }
        parts
    }

    /// Number of the coordinate in its segment.
    #[must_use]
    pub fn local_coordinate(&self) -> u32 {
        u32::from_le_bytes(self.fixed(at::COORDINATE))
    }

    /// The coordinate, with its first use in a segment. Allocates.
    #[must_use]
    pub fn coordinate(&self) -> Option<Coordinate> {
        if !self.has(flags::NAMES) {
            return None;
        }
        let mut reader = Reader::new(self.body.get(self.names..)?);
        decode_names(&mut reader).ok()
    }

    /// Hash of the entity's event before this one, in the entity's first record of a segment.
    #[must_use]
    pub fn previous(&self) -> Option<Hash> {
        let has = self.has(flags::PREVIOUS);
        has.then(|| Hash::from_bytes(self.array(self.names_end)))
    }

    /// Kind.
    #[must_use]
    #[inline]
    pub fn kind(&self) -> EventKind {
        EventKind::from_bits(u16::from_le_bytes(self.fixed(at::KIND)))
    }

    /// How the payload is encoded.
    #[must_use]
    #[inline]
    pub fn encoding(&self) -> PayloadEncoding {
        PayloadEncoding::from_code(u8::from_le_bytes(self.fixed(at::ENCODING)))
    }

    /// Place in the entity's stream.
    #[must_use]
    #[inline]
    pub fn clock(&self) -> u32 {
        u32::from_le_bytes(self.fixed(at::CLOCK))
    }

    /// When the event was appended.
    #[must_use]
    #[inline]
    pub fn hlc(&self) -> Hlc {
        let counter = u32::from_le_bytes(self.fixed(at::COUNTER));
        // The time was checked to be one.
        Hlc::new(self.wall_ms(), counter).unwrap_or_default()
    }

    /// Id.
    #[must_use]
    #[inline]
    pub fn id(&self) -> EventId {
        EventId::from_u128(u128::from_le_bytes(self.fixed(at::ID)))
    }

    /// Correlation; equal to the id where none was given.
    #[must_use]
    #[inline]
    pub fn correlation(&self) -> EventId {
        match self.has(flags::CORRELATION) {
            true => self.link(at::LINKS),
            false => self.id(),
        }
    }

    /// Causation.
    #[must_use]
    #[inline]
    pub fn causation(&self) -> Option<EventId> {
        let offset = match self.has(flags::CORRELATION) {
            true => at::LINKS + LINK_BYTES,
            false => at::LINKS,
        };
        self.has(flags::CAUSATION).then(|| self.link(offset))
    }

    /// Extensions. Allocates if there are some.
    #[must_use]
    #[inline]
    pub fn extensions(&self) -> Extensions {
        if !self.has(flags::EXTENSIONS) {
            return Extensions::default();
        }
        let previous = match self.has(flags::PREVIOUS) {
            true => Hash::BYTES,
            false => 0,
        };
        let start = self.names_end + previous + size_of::<u16>();
        let bytes = self.body.get(start..self.tail).unwrap_or_default();
        Extensions::from_bytes(bytes).unwrap_or_default()
    }

    /// The payload.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> RecordPayload<'a> {
        if self.has(flags::REDACTED) {
            return RecordPayload::Redacted {
                hash: Hash::from_bytes(self.array(self.tail)),
            };
        }
        RecordPayload::Stored {
            nonce: Nonce(self.array(self.tail)),
            bytes: self
                .body
                .get(self.tail + Nonce::BYTES..)
                .unwrap_or_default(),
        }
    }

    fn wall_ms(&self) -> u64 {
        u64::from_le_bytes(self.fixed(at::WALL_MS))
    }

    fn flags(&self) -> u8 {
        u8::from_le_bytes(self.fixed(at::FLAGS))
    }

    fn has(&self, flag: u8) -> bool {
        self.flags() & flag != 0
    }

    fn link(&self, offset: usize) -> EventId {
        EventId::from_u128(u128::from_le_bytes(self.array(offset)))
    }

    /// A field that every record has.
    #[inline]
    fn fixed<const N: usize>(&self, offset: usize) -> [u8; N] {
        array_of(self.fixed, offset)
    }

    /// A field whose presence was checked.
    #[inline]
    fn array<const N: usize>(&self, offset: usize) -> [u8; N] {
        array_of(self.body, offset)
    }

    #[cold]
    fn invalid(&self, offset: usize, what: &'static str, reason: &'static str) -> DecodeError {
        let mut reader = Reader::new(self.body);
        // Only for the error to say where.
        let _ = reader.bytes(what, offset.min(self.body.len()));
        reader.invalid(what, reason)
    }
}

/// The bytes at `offset`, which was checked to be there; zeros if it is not.
#[inline]
fn array_of<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let field = bytes.get(offset..).and_then(<[u8]>::first_chunk);
    field.copied().unwrap_or([0; N])
}
