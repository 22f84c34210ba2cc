//! What callers append: `Event`, `Batch`, and the `Receipt` they get.

use crate::{Error, ErrorKind, ExpectedVersion};
use serde::Serialize;
use strandline_core::{Coordinate, EventId, EventKind, Hash, Hlc, PayloadEncoding, Sequence};

/// An event to append: a kind, a payload, and optionally an id and links.
///
/// ```
/// use strandline::{Event, EventId, EventKind};
///
/// const NOTE_TAKEN: EventKind = EventKind::new(0x1, 0x001);
/// let cause = EventId::from_u128(1);
/// let event = Event::json(NOTE_TAKEN, &"buy milk")?.caused_by(cause);
/// let raw = Event::bytes(NOTE_TAKEN, b"buy milk".to_vec());
/// # Ok::<(), strandline::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Event {
    pub(crate) kind: EventKind,
    pub(crate) encoding: PayloadEncoding,
    pub(crate) payload: Vec<u8>,
    pub(crate) id: Option<EventId>,
    pub(crate) correlation: Option<EventId>,
    pub(crate) causation: Option<EventId>,
    pub(crate) expected: ExpectedVersion,
    pub(crate) version: u16,
}

impl Event {
    /// An event with `payload` as JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if the value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(kind: EventKind, payload: &T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(payload).map_err(|error| {
            Error::new(ErrorKind::Payload, "the payload cannot be written as JSON")
                .with_source(error)
        })?;
        Ok(Self::encoded(kind, PayloadEncoding::JSON, bytes))
    }

    /// An event with `payload` as MessagePack, structs as maps with their field names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if the value cannot be written as MessagePack.
    pub fn message_pack<T: Serialize + ?Sized>(
        kind: EventKind,
        payload: &T,
    ) -> Result<Self, Error> {
        let bytes = rmp_serde::to_vec_named(payload).map_err(|error| {
            Error::new(
                ErrorKind::Payload,
                "the payload cannot be written as MessagePack",
            )
            .with_source(error)
        })?;
        Ok(Self::encoded(kind, PayloadEncoding::MESSAGE_PACK, bytes))
    }

    /// An event with bytes that mean something to the application alone.
    pub fn bytes(kind: EventKind, payload: impl Into<Vec<u8>>) -> Self {
        Self::encoded(kind, PayloadEncoding::RAW, payload.into())
    }

    /// An event with a payload that is already encoded.
    pub const fn encoded(kind: EventKind, encoding: PayloadEncoding, payload: Vec<u8>) -> Self {
        Self {
            kind,
            encoding,
            payload,
            id: None,
            correlation: None,
            causation: None,
            expected: ExpectedVersion::Any,
            version: 1,
        }
    }

    /// Gives the event an id of the caller's, which makes its append idempotent: appending the
    /// same event again returns the first receipt. Default: an id made by the store.
    pub const fn with_id(mut self, id: EventId) -> Self {
        self.id = Some(id);
        self
    }

    /// Says what the event belongs to. Default: itself.
    pub const fn correlated_with(mut self, correlation: EventId) -> Self {
        self.correlation = Some(correlation);
        self
    }

    /// Says which event caused this one. Default: none.
    pub const fn caused_by(mut self, cause: EventId) -> Self {
        self.causation = Some(cause);
        self
    }

    /// Says which version of its type the payload is, from 1. Default: 1, which takes no space.
    pub const fn with_version(mut self, version: u16) -> Self {
        self.version = version;
        self
    }

    /// Appends the event only if the stream of its entity is like this. Default: whatever it is.
    ///
    /// An event that was appended before under the same id is a repeat, whatever it expects.
    pub const fn expecting(mut self, version: ExpectedVersion) -> Self {
        self.expected = version;
        self
    }
}

/// Events that are appended together: all of them become visible and durable at once, or none.
///
/// At most 65,535 events and 64 MiB; entities and scopes may differ.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Batch {
    pub(crate) events: Vec<(Coordinate, Event)>,
}

impl Batch {
    /// An empty batch.
    pub const fn new() -> Self {
        Self { events: Vec::new() }
    }

    /// Adds an event at the end.
    pub fn push(mut self, coordinate: &Coordinate, event: Event) -> Self {
        self.add(coordinate, event);
        self
    }

    /// Adds an event at the end, for loops.
    pub fn add(&mut self, coordinate: &Coordinate, event: Event) {
        self.events.push((coordinate.clone(), event));
    }

    /// How many events there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there are no events.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// What an append returns for each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Id of the event.
    pub id: EventId,
    /// Place in the global commit order.
    pub sequence: Sequence,
    /// Place in the entity's stream, from 0.
    pub clock: u32,
    /// When it was appended.
    pub hlc: Hlc,
    /// Hash of the event: the head of its entity's chain when it was appended.
    pub hash: Hash,
    /// Whether the event had been appended before, and this is the receipt of that time.
    pub repeated: bool,
}
