//! `DisclosedEvent`: all that an event's digest is made of. `Disclosure`: that, or the digest.

use strandline_core::record::{Record, RecordPayload};
use strandline_core::{
    CanonicalHeader, Coordinate, EventHasher, EventHeader, EventId, EventKind, Extensions, Hash,
    Hlc, Nonce, PayloadEncoding, Sequence, payload_hash,
};

/// All that an event's digest is made of. Each of its values is what it says, or the digest is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosedEvent {
    /// Place in the commit order.
    pub sequence: Sequence,
    /// Entity and scope.
    pub coordinate: Coordinate,
    /// Kind.
    pub kind: EventKind,
    /// How the payload is encoded.
    pub encoding: PayloadEncoding,
    /// Id.
    pub id: EventId,
    /// Correlation; the id where none was given.
    pub correlation: EventId,
    /// Causation, if any.
    pub causation: Option<EventId>,
    /// Place in the entity's stream.
    pub clock: u32,
    /// When it was appended.
    pub hlc: Hlc,
    /// Extensions: tags among them, and the kind's name, where it stands with this event.
    pub extensions: Extensions,
    /// Digest of the entity's event before, [`Hash::ZERO`] of its first.
    pub previous: Hash,
    /// Payload, or its hash.
    pub payload: DisclosedPayload,
}

/// The payload of an event, or what is left of it once it was redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisclosedPayload {
    /// The payload, and the nonce that is hashed before it.
    Stored {
        /// Nonce.
        nonce: Nonce,
        /// Payload.
        bytes: Vec<u8>,
    },
    /// The hash of both: of a payload that was redacted, or is not to be seen by who gets this.
    Hash(Hash),
}

/// What somebody is given of an event: all of it, or its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosure {
    /// All of it.
    Event(Box<DisclosedEvent>),
    /// Its digest, which says nothing of it to who has not the event already. All that there is of an event
    /// that was removed.
    Digest(Hash),
}

impl DisclosedPayload {
    /// The payload hash that the digest covers. Linear in the payload.
    #[must_use]
    pub fn hash(&self) -> Hash {
        match self {
            Self::Stored { nonce, bytes } => payload_hash(*nonce, bytes),
            Self::Hash(hash) => *hash,
        }
    }

    /// Without the payload: its hash alone, of which nobody makes the payload, as a nonce is hashed before
    /// it.
    #[must_use]
    pub fn redacted(&self) -> Self {
        Self::Hash(self.hash())
    }
}

impl From<RecordPayload<'_>> for DisclosedPayload {
    fn from(payload: RecordPayload<'_>) -> Self {
        match payload {
            RecordPayload::Stored { nonce, bytes } => Self::Stored {
                nonce,
                bytes: bytes.to_vec(),
            },
            RecordPayload::Redacted { hash } => Self::Hash(hash),
        }
    }
}

impl DisclosedEvent {
    /// The event of a header, after the event of its entity with the digest `previous`. The header's own hash
    /// is not looked at: [`digest`](Self::digest) says whether it is right.
    #[must_use]
    pub fn new(header: &EventHeader, previous: Hash, payload: DisclosedPayload) -> Self {
        Self {
            sequence: header.sequence,
            coordinate: header.coordinate.clone(),
            kind: header.kind,
            encoding: header.encoding,
            id: header.id,
            correlation: header.correlation,
            causation: header.causation,
            clock: header.clock,
            hlc: header.hlc,
            extensions: header.extensions.clone(),
            previous,
            payload,
        }
    }

    /// The event of a record, which says neither of what is given beside it for every event.
    #[must_use]
    pub fn of_record(
        record: &Record<'_>,
        coordinate: Coordinate,
        sequence: Sequence,
        previous: Hash,
    ) -> Self {
        Self {
            sequence,
            coordinate,
            kind: record.kind,
            encoding: record.encoding,
            id: record.id,
            correlation: record.correlation,
            causation: record.causation,
            clock: record.clock,
            hlc: record.hlc,
            extensions: record.extensions.clone(),
            previous,
            payload: record.payload.into(),
        }
    }

    /// The digest that the log has for exactly this event. Linear in the payload.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let header = CanonicalHeader {
            entity: self.coordinate.entity(),
            scope: self.coordinate.scope(),
            kind: self.kind,
            encoding: self.encoding,
            id: self.id,
            correlation: self.correlation,
            causation: self.causation,
            clock: self.clock,
            hlc: self.hlc,
            sequence: self.sequence,
            extensions: &self.extensions,
        };
        EventHasher::default().hash(&self.previous, &header, &self.payload.hash())
    }
}

impl Disclosure {
    /// The digest: made of the event, or what is given for it.
    #[must_use]
    pub fn digest(&self) -> Hash {
        match self {
            Self::Event(event) => event.digest(),
            Self::Digest(digest) => *digest,
        }
    }

    /// The event, if all of it is given.
    #[must_use]
    pub fn event(&self) -> Option<&DisclosedEvent> {
        match self {
            Self::Event(event) => Some(event),
            Self::Digest(_) => None,
        }
    }
}

impl From<DisclosedEvent> for Disclosure {
    fn from(event: DisclosedEvent) -> Self {
        Self::Event(Box::new(event))
    }
}
