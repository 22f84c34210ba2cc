//! `Record`: an event to bytes and back. How much it takes at most.

use super::flags;
use super::names::encode_names;
use super::payload::RecordPayload;
use super::view::RecordView;
use crate::codec::{DecodeError, Writer};
use crate::hashing::{CanonicalHeader, EventHasher};
use crate::model::{
    Coordinate, EventId, EventKind, Extensions, Hash, Hlc, Nonce, PayloadEncoding, Sequence,
};

/// How many bytes longer the record of an event can become at most: where a payload that is shorter than
/// this is redacted, whose hash takes the place of it and of its nonce. The record of a removed event is
/// never longer than the event's.
pub const RECORD_GROWTH_BYTES_MAX: usize = Hash::BYTES - Nonce::BYTES;

/// Bytes of the fields that every record of an event has.
const FIXED_BYTES: usize = 1 + 1 + 2 + 4 + 4 + 8 + 4 + 16;

/// A record, borrowed: what the encoder takes and the decoder gives.
///
/// ```
/// use strandline_core::{Coordinate, EventId, EventKind, Hlc, Nonce, PayloadEncoding};
/// use strandline_core::record::{Record, RecordPayload};
///
/// let record = Record {
///     local_coordinate: 0,
///     coordinate: Some(Coordinate::new("order:1", "eu")?),
///     previous: Some(strandline_core::Hash::ZERO),
///     kind: EventKind::new(1, 1),
///     encoding: PayloadEncoding::JSON,
///     clock: 0,
///     hlc: Hlc::new(1_700_000_000_000, 0)?,
///     id: EventId::from_u128(7),
///     correlation: EventId::from_u128(7),
///     causation: None,
///     extensions: Default::default(),
///     payload: RecordPayload::Stored { nonce: Nonce([0; 16]), bytes: b"{}" },
/// };
/// let mut bytes = Vec::new();
/// record.encode(&mut bytes);
/// assert_eq!(Record::decode(&bytes)?, record);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Number of the coordinate in its segment, in order of first use.
    pub local_coordinate: u32,
    /// The coordinate itself, with its first use in a segment.
    pub coordinate: Option<Coordinate>,
    /// Hash of the entity's event before this one, in the entity's first record of a segment.
    pub previous: Option<Hash>,
    /// Kind.
    pub kind: EventKind,
    /// How the payload is encoded.
    pub encoding: PayloadEncoding,
    /// Place in the entity's stream.
    pub clock: u32,
    /// When the event was appended.
    pub hlc: Hlc,
    /// Id.
    pub id: EventId,
    /// Correlation; equal to `id` where none was given.
    pub correlation: EventId,
    /// Causation.
    pub causation: Option<EventId>,
    /// Extensions.
    pub extensions: Extensions,
    /// Payload.
    pub payload: RecordPayload<'a>,
}

impl<'a> Record<'a> {
    /// What the event's hash covers beside the chain and the payload; `coordinate` is the record's.
    #[must_use]
    pub fn canonical_header<'h>(
        &'h self,
        coordinate: &'h Coordinate,
        sequence: Sequence,
    ) -> CanonicalHeader<'h> {
        CanonicalHeader {
            entity: coordinate.entity(),
            scope: coordinate.scope(),
            kind: self.kind,
            encoding: self.encoding,
            id: self.id,
            correlation: self.correlation,
            causation: self.causation,
            clock: self.clock,
            hlc: self.hlc,
            sequence,
            extensions: &self.extensions,
        }
    }

    /// The hash of the event in its entity's chain, after the event with the hash `previous`. Hashes the
    /// payload; whoever has its hash already asks [`EventHasher::hash`].
    pub fn hash_after(
        &self,
        previous: &Hash,
        coordinate: &Coordinate,
        sequence: Sequence,
        hasher: &mut EventHasher,
    ) -> Hash {
        let header = self.canonical_header(coordinate, sequence);
        hasher.hash(previous, &header, &self.payload.hash())
    }

    /// Appends the record's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut out = Writer::new(out);
        out.u8(self.flags());
        out.u8(self.encoding.code());
        out.u16(self.kind.bits());
        out.u32(self.local_coordinate);
        out.u32(self.clock);
        out.u64(self.hlc.wall_ms());
        out.u32(self.hlc.counter());
        out.u128(self.id.as_u128());
        if self.correlation != self.id {
            out.u128(self.correlation.as_u128());
        }
        if let Some(causation) = self.causation {
            out.u128(causation.as_u128());
        }
        if let Some(coordinate) = &self.coordinate {
            encode_names(&mut out, coordinate);
        }
        if let Some(previous) = &self.previous {
            out.bytes(previous.as_bytes());
        }
        if !self.extensions.as_bytes().is_empty() {
            out.short_bytes(self.extensions.as_bytes());
        }
        match &self.payload {
            RecordPayload::Stored { nonce, bytes } => {
                out.bytes(&nonce.0);
                out.bytes(bytes);
            }
            RecordPayload::Redacted { hash } => out.bytes(hash.as_bytes()),
        }
    }

    fn flags(&self) -> u8 {
        let bit = |present, flag| if present { flag } else { 0 };
        bit(self.correlation != self.id, flags::CORRELATION)
            | bit(self.causation.is_some(), flags::CAUSATION)
            | bit(self.coordinate.is_some(), flags::NAMES)
            | bit(self.previous.is_some(), flags::PREVIOUS)
            | bit(!self.extensions.as_bytes().is_empty(), flags::EXTENSIONS)
            | bit(
                matches!(self.payload, RecordPayload::Redacted { .. }),
                flags::REDACTED,
            )
    }

    /// A record from all of its bytes. Allocates only for names and extensions.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are cut short or hold a value that no encoder writes.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        RecordView::parse(body).map(Self::from)
    }
}

impl<'a> From<RecordView<'a>> for Record<'a> {
    /// Allocates only for names and extensions.
    fn from(view: RecordView<'a>) -> Self {
        Self {
            local_coordinate: view.local_coordinate(),
            coordinate: view.coordinate(),
            previous: view.previous(),
            kind: view.kind(),
            encoding: view.encoding(),
            clock: view.clock(),
            hlc: view.hlc(),
            id: view.id(),
            correlation: view.correlation(),
            causation: view.causation(),
            extensions: view.extensions(),
            payload: view.payload(),
        }
    }
}

/// Most bytes that the record of an event takes, whatever else is in it.
#[must_use]
pub fn record_bytes_max(coordinate: &Coordinate, extensions: &Extensions, payload: usize) -> usize {
    const LINKS: usize = 16 + 16;
    const LENGTHS: usize = 1 + 1 + 2;
    let names = coordinate.entity().len() + coordinate.scope().len();
    // The payload's hash, in place of the nonce, where a payload is redacted.
    let own = LINKS + LENGTHS + Hash::BYTES + Hash::BYTES;
    FIXED_BYTES + own + names + extensions.as_bytes().len() + payload
}

#[cfg(test)]
mod tests {
    use super::super::RemovedRecord;
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z:/0-9]{1,20}", "\\PC{1,60}"]
            .prop_filter("a valid name", |n| crate::check_name("entity", n).is_ok())
    }

    fn extensions() -> impl Strategy<Value = Extensions> {
        prop_oneof![
            Just(Extensions::default()),
            (2..5_u16, proptest::collection::vec(any::<u8>(), 0..50))
                .prop_map(|(tag, bytes)| { Extensions::new([(tag, bytes.as_slice())]).unwrap() }),
            name().prop_map(|name| Extensions::default().with_kind_name(&name).unwrap()),
            (name(), any::<u64>())
                .prop_map(|(name, at)| Extensions::default().with_tracking(&name, at).unwrap()),
        ]
    }

    prop_compose! {
        fn record(payload: &'static [u8])(
            local_coordinate: u32,
            names in proptest::option::of((name(), name())),
            previous in proptest::option::of(any::<[u8; 32]>()),
            kind: u16,
            encoding: u8,
            clock: u32,
            wall_ms in 0..=crate::WALL_MS_MAX,
            counter: u32,
            id: u128,
            correlation in proptest::option::of(any::<u128>()),
            causation in proptest::option::of(any::<u128>()),
            extensions in extensions(),
            nonce: [u8; 16],
            length in 0..=payload.len(),
            redacted: bool,
        ) -> Record<'static> {
            Record {
                local_coordinate,
                coordinate: names.map(|(entity, scope)| Coordinate::new(entity, scope).unwrap()),
                previous: previous.map(Hash::from_bytes),
                kind: EventKind::from_bits(kind),
                encoding: PayloadEncoding::from_code(encoding),
                clock,
                hlc: Hlc::new(wall_ms, counter).unwrap(),
                id: EventId::from_u128(id),
                correlation: EventId::from_u128(correlation.unwrap_or(id)),
                causation: causation.map(EventId::from_u128),
                extensions,
                payload: if redacted {
                    RecordPayload::Redacted { hash: Hash::of(&nonce) }
                } else {
                    RecordPayload::Stored { nonce: Nonce(nonce), bytes: &payload[..length] }
                },
            }
        }
    }

    proptest! {
        #[test]
        fn records_round_trip(record in record(&[0xC3; 300])) {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            if let (Some(at), RecordPayload::Stored { bytes: payload, .. }) = (&record.coordinate, &record.payload) {
                prop_assert!(bytes.len() <= record_bytes_max(at, &record.extensions, payload.len()));
            }
            let grown = bytes.len() + RECORD_GROWTH_BYTES_MAX;
            let redacted = RecordPayload::Redacted { hash: record.payload.hash() };
            let redacted = Record { payload: redacted, ..record.clone() };
            let mut shorter = Vec::new();
            RemovedRecord::of(&record).encode(&mut shorter);
            prop_assert!(shorter.len() <= bytes.len());
            shorter.clear();
            redacted.encode(&mut shorter);
            prop_assert!(shorter.len() <= grown);
            prop_assert_eq!(Record::decode(&bytes).unwrap(), record);
            let layout = RecordView::parse(&bytes).unwrap().layout();
            let ends = layout.iter().map(|(_, part)| part.end);
            let starts = layout.iter().map(|(_, part)| part.start);
            prop_assert!(starts.eq([0].into_iter().chain(ends).take(layout.len())), "no gap");
            prop_assert_eq!(layout.last().unwrap().1.end, bytes.len());
        }

        #[test]
        fn every_cut_before_the_payload_is_an_error(record in record(&[])) {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            for length in 0..bytes.len() {
                prop_assert!(Record::decode(&bytes[..length]).is_err(), "{} bytes", length);
            }
        }

        #[test]
        fn any_bytes_decode_to_themselves_or_not_at_all(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            if let Ok(record) = Record::decode(&bytes) {
                let mut again = Vec::new();
                record.encode(&mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn optional_parts_cost_nothing_where_they_are_absent() {
        let record = Record {
            local_coordinate: 0,
            coordinate: None,
            previous: None,
            kind: EventKind::new(1, 1),
            encoding: PayloadEncoding::RAW,
            clock: 0,
            hlc: Hlc::default(),
            id: EventId::from_u128(1),
            correlation: EventId::from_u128(1),
            causation: None,
            extensions: Extensions::default(),
            payload: RecordPayload::Stored {
                nonce: Nonce::default(),
                bytes: b"x",
            },
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        assert_eq!(bytes.len(), FIXED_BYTES + Nonce::BYTES + 1);
    }
}
