//! `EventRef`: an event where it was read, not copied.

use super::error::{Error, ErrorKind};
use super::kinds::Kinds;
use super::payload::{Absent, PayloadRef, content};
use super::stored::StoredEvent;
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;
use strandline_core::record::{Record, RecordPayload, RecordView};
use strandline_core::{
    Coordinate, EventHasher, EventHeader, EventId, EventKind, Extensions, Hash, Hlc, Nonce,
    PayloadEncoding, Sequence,
};
use strandline_index::RowView;
use strandline_segment::RecordRef;

/// An event where it was read, checked and not copied: its payload is borrowed.
///
/// What [`Events::next_ref`](crate::Events::next_ref) gives; [`into_owned`](Self::into_owned) makes
/// a [`StoredEvent`] of it.
#[derive(Clone, Copy)]
pub struct EventRef<'a> {
    row: RowView<'a>,
    hash: Hash,
    record: RecordView<'a>,
    kinds: &'a Kinds,
    reading: Reading<'a>,
}

/// How the payload of an event is read.
#[derive(Clone, Copy)]
enum Reading<'a> {
    /// As the record has it.
    Stored,
    /// Not at all: it was redacted since the record was written.
    Redacted,
    /// As this event has it, which is the same, opened.
    Opened(&'a StoredEvent),
}

impl<'a> EventRef<'a> {
    /// Joins what the index knows of an event with its record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if they do not belong together.
    #[inline]
    pub(crate) fn join(
        row: RowView<'a>,
        record: RecordRef<'a>,
        kinds: &'a Kinds,
    ) -> Result<Self, Error> {
        if let Some(damage) = row.damage() {
            return Err(damage.clone().into());
        }
        let RecordRef { digest, body } = record;
        let record = match RecordView::parse(body) {
            Ok(record) => record,
            Err(error) => return Err(not_the_event(row).with_source(error)),
        };
        // Ids are unique and the record's checksum holds its place, so the rest of it needs no look
        // at the columns, each of which may be a miss of the cache.
        if record.id() != row.id() {
            return Err(not_the_event(row));
        }
        Ok(Self {
            row,
            hash: digest,
            record,
            kinds,
            reading: Reading::Stored,
        })
    }

    /// Place in the global commit order.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.row.sequence()
    }

    /// Id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.record.id()
    }

    /// Entity and scope. One reference count, under a lock.
    #[must_use]
    pub fn coordinate(&self) -> Coordinate {
        self.row.coordinate()
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.record.kind()
    }

    /// The name of its kind, if that has one by now. A look under a lock, and a reference count.
    ///
    /// ```
    /// use strandline::{Coordinate, Event, Region, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let placed = store.kind("order.placed")?;
    /// store.append(&Coordinate::new("order:1", "shop")?, Event::bytes(placed, *b"x"))?;
    /// let now = store.snapshot();
    /// let mut events = now.query(&Region::all());
    /// let event = events.next_ref().unwrap()?;
    /// assert_eq!(event.kind_name().as_deref(), Some("order.placed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn kind_name(&self) -> Option<Arc<str>> {
        self.kinds.name(self.kind())
    }

    /// Place in the entity's stream, from 0.
    #[must_use]
    pub fn clock(&self) -> u32 {
        self.record.clock()
    }

    /// When it was appended.
    #[must_use]
    pub fn hlc(&self) -> Hlc {
        self.record.hlc()
    }

    /// What the event belongs to; its own id where nothing else was given.
    #[must_use]
    pub fn correlation(&self) -> EventId {
        self.record.correlation()
    }

    /// What caused the event, if that was given.
    #[must_use]
    pub fn causation(&self) -> Option<EventId> {
        self.record.causation()
    }

    /// How the payload is encoded.
    #[must_use]
    pub fn encoding(&self) -> PayloadEncoding {
        match self.reading {
            Reading::Opened(opened) => opened.encoding,
            _ => self.record.encoding(),
        }
    }

    /// Typed extensions. Allocates if there are some.
    #[must_use]
    pub fn extensions(&self) -> Extensions {
        self.record.extensions()
    }

    /// Hash of the event.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The payload, as it was encoded; of a [sealed](Self::is_sealed) one the ciphertext.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Redacted`] if it was removed.
    #[inline]
    pub fn payload(&self) -> Result<&'a [u8], Error> {
        self.payload_ref().bytes()
    }

    /// The payload decoded from JSON. It may borrow from where the event was read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if the payload is not JSON or not a `T`; [`ErrorKind::Redacted`],
    /// [`ErrorKind::Sealed`], [`ErrorKind::Forgotten`].
    pub fn payload_json<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        self.payload_ref().json()
    }

    /// The payload decoded from MessagePack. It may borrow from where the event was read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if the payload is not MessagePack or not a `T`;
    /// [`ErrorKind::Redacted`], [`ErrorKind::Sealed`], [`ErrorKind::Forgotten`].
    pub fn payload_message_pack<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        self.payload_ref().message_pack()
    }

    /// Version of the payload's type, from 1.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.extensions().payload_version()
    }

    /// The hash of what is stored, after an event with the hash `previous`.
    pub(crate) fn hash_after(&self, previous: &Hash) -> Hash {
        let (record, coordinate) = (Record::from(self.record), self.coordinate());
        let mut hasher = EventHasher::default();
        record.hash_after(previous, &coordinate, self.sequence(), &mut hasher)
    }

    /// The hash of the event before it, where the record says it.
    pub(crate) fn stored_previous(&self) -> Option<Hash> {
        self.record.previous()
    }

    /// The nonce of the payload, if that was not removed, and the hash of both.
    pub(crate) fn nonce_and_hash(&self) -> (Option<Nonce>, Hash) {
        let payload = self.record.payload();
        let nonce = match payload {
            RecordPayload::Stored { nonce, .. } if !self.is_redacted() => Some(nonce),
            _ => None,
        };
        (nonce, payload.hash())
    }

    /// The event with a payload of its own, in one allocation.
    #[must_use]
    pub fn into_owned(self) -> StoredEvent {
        let Self {
            row, hash, record, ..
        } = self;
        let header = EventHeader {
            sequence: row.sequence(),
            id: record.id(),
            coordinate: row.coordinate(),
            kind: record.kind(),
            clock: record.clock(),
            hlc: record.hlc(),
            correlation: record.correlation(),
            causation: record.causation(),
            encoding: self.encoding(),
            extensions: record.extensions(),
            hash,
        };
        StoredEvent::new(header, self.content().map(Into::into))
    }

    /// Whether the payload was removed.
    #[must_use]
    pub fn is_redacted(&self) -> bool {
        matches!(self.content(), Err(Absent::Redacted(_)))
    }

    /// Whether the payload is sealed, so that it takes its key to read it.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.encoding() == PayloadEncoding::SEALED
    }

    /// The event as it is since its payload was redacted.
    pub(crate) const fn redacted(mut self) -> Self {
        self.reading = Reading::Redacted;
        self
    }

    /// The event with the encoding and payload that `opened` has: the same event, opened
    /// ([`OpenPayload`](crate::OpenPayload)). All else is as it is stored.
    #[must_use]
    pub const fn read_as(mut self, opened: &'a StoredEvent) -> Self {
        self.reading = Reading::Opened(opened);
        self
    }

    #[inline]
    fn content(&self) -> Result<&'a [u8], Absent> {
        match self.reading {
            Reading::Stored => content(self.record.payload()).map_err(Absent::Redacted),
            Reading::Redacted => Err(Absent::Redacted(self.record.payload().hash())),
            Reading::Opened(opened) => opened.payload_ref().content,
        }
    }

    #[inline]
    pub(crate) fn payload_ref(&self) -> PayloadRef<'a> {
        PayloadRef {
            id: self.record.id(),
            kind: self.record.kind(),
            encoding: self.encoding(),
            content: self.content(),
        }
    }
}

#[cold]
fn not_the_event(row: RowView<'_>) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("the record of event {} is not that event", row.id()),
    )
}

impl fmt::Debug for EventRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRef")
            .field("sequence", &self.sequence())
            .field("id", &self.id())
            .field("coordinate", &self.coordinate())
            .field("kind", &self.kind())
            .field("clock", &self.clock())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use strandline_core::Region;
    use strandline_index::{Row, channel};

    fn record(id: EventId) -> Vec<u8> {
        let mut body = Vec::new();
        let record = Record {
            local_coordinate: 0,
            coordinate: None,
            previous: None,
            kind: EventKind::new(1, 1),
            encoding: PayloadEncoding::RAW,
            clock: 0,
            hlc: Hlc::default(),
            id,
            correlation: id,
            causation: None,
            extensions: Extensions::default(),
            payload: RecordPayload::Stored {
                nonce: Nonce::default(),
                bytes: b"payload",
            },
        };
        record.encode(&mut body);
        body
    }

    #[test]
    fn the_record_of_another_event_is_refused() {
        let (mut writer, reader) = channel();
        let coordinate = Coordinate::new("e", "s").unwrap();
        let id = EventId::from_u128(7);
        let row = Row {
            sequence: writer.reserve(1).unwrap(),
            id,
            coordinate: writer.intern(&coordinate).unwrap(),
            clock: 0,
            kind: EventKind::new(1, 1),
            wall_ms: 0,
            position: 0,
            correlation: id,
            causation: None,
            hash: None,
        };
        writer.insert(&row).unwrap();
        writer.publish(writer.gate().allocated());
        let snapshot = reader.snapshot();
        let row = snapshot.query(Region::all()).next().unwrap();
        let join = |body: &[u8]| {
            let (digest, kinds) = (Hash::ZERO, Kinds::default());
            EventRef::join(row, RecordRef { digest, body }, &kinds).map(EventRef::into_owned)
        };
        let own = join(&record(id)).unwrap();
        assert_eq!(own.payload().unwrap(), b"payload");
        assert_eq!(own.coordinate, coordinate);
        for body in [record(EventId::from_u128(8)), b"no record".to_vec()] {
            assert_eq!(join(&body).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}
