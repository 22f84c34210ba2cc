//! What callers append: `Event` and `Batch`.

use super::error::{Error, ErrorKind};
use super::expected::ExpectedVersion;
use crate::model::encode;
use serde::Serialize;
use std::borrow::Cow;
use strandline_core::{Attributes, Coordinate, EventId, EventKind, Hlc, PayloadEncoding, Seal};

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
    pub(crate) correlation: Option<Link>,
    pub(crate) causation: Option<Link>,
    pub(crate) expected: ExpectedVersion,
    pub(crate) version: u16,
    pub(crate) tags: Vec<String>,
    pub(crate) attributes: Attributes,
    pub(crate) at: Option<Hlc>,
    pub(crate) kind_name: Option<Cow<'static, str>>,
    /// Apart, as most events have none.
    pub(crate) seal: Option<Box<Seal>>,
}

/// What an event is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// An event that is known by its id.
    Id(EventId),
    /// The event at a place of the same batch, whose id may not be known yet.
    Member(usize),
}

impl Link {
    /// The id of what is linked, where `member` knows those of the events before in the batch.
    pub(crate) fn resolve(self, member: impl FnOnce(usize) -> Option<EventId>) -> Option<EventId> {
        match self {
            Self::Id(id) => Some(id),
            Self::Member(place) => member(place),
        }
    }
}

impl Event {
    /// An event with `payload` as JSON, which comes back equal, floats to the bit.
    ///
    /// A value alone cannot be tried: whether its type reads numbers of 128 bits, or keys that are numbers,
    /// where serde buffers them (in untagged, tagged and flattened types), shows when it is read.
    /// [`Event::typed`] tries it. A float that was NaN before `serde_json` made a `Value` of it is null there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`], with the place in the value, for what JSON does not give back: a float that
    /// is NaN or infinite; `Some` of what is null, such as `Some(None)` and `Some(())`, which would be read as
    /// `None`; a map with a key twice; more than 127 levels of nesting; and what the type itself refuses.
    pub fn json<T: Serialize + ?Sized>(kind: EventKind, payload: &T) -> Result<Self, Error> {
        let bytes = encode::json(payload).map_err(|error| {
            Error::new(ErrorKind::Payload, "the payload cannot be written as JSON")
                .with_source(error)
        })?;
        Ok(Self::encoded(kind, PayloadEncoding::JSON, bytes))
    }

    /// An event with `payload` as MessagePack, structs as maps with their field names.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json), but that MessagePack has every float.
    pub fn message_pack<T: Serialize + ?Sized>(
        kind: EventKind,
        payload: &T,
    ) -> Result<Self, Error> {
        let bytes = encode::message_pack(payload).map_err(|error| {
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

    /// An event with a payload that is already encoded, whose bytes are kept and not looked at.
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
            tags: Vec::new(),
            attributes: Attributes::new(),
            at: None,
            kind_name: None,
            seal: None,
        }
    }

    /// Gives the event an id of the caller's, which makes its append idempotent: appending the
    /// same event again returns the first receipt, however long after. Default: an id made by the
    /// store.
    ///
    /// The same event has the same coordinate, kind, links, attributes, payload and version of it, and the
    /// same tags in any order; anything else under the id is an [`ErrorKind::Conflict`], and [`Error::id_conflict`] says what differs. Of a
    /// payload that was redacted nothing is left to compare, so the rest decides. The id of an event
    /// that a compaction removed is forgotten: under it a new event is appended.
    ///
    /// How the event was grouped when it was first written does not matter: a [`Batch`] says what becomes
    /// of its members.
    pub const fn with_id(mut self, id: EventId) -> Self {
        self.id = Some(id);
        self
    }

    /// Says what the event belongs to. Default: itself.
    pub const fn correlated_with(mut self, correlation: EventId) -> Self {
        self.correlation = Some(Link::Id(correlation));
        self
    }

    /// Says which event caused this one. Default: none.
    pub const fn caused_by(mut self, cause: EventId) -> Self {
        self.causation = Some(Link::Id(cause));
        self
    }

    /// Says that the event belongs to the one at a place of the same batch, from 0, before its own.
    pub const fn correlated_with_member(mut self, place: usize) -> Self {
        self.correlation = Some(Link::Member(place));
        self
    }

    /// Says that the event at a place of the same batch, from 0, before its own, caused this one.
    ///
    /// ```
    /// use strandline::{Batch, Coordinate, Event, EventKind, Store};
    ///
    /// const SENT: EventKind = EventKind::new(0x1, 0x001);
    /// const RECEIVED: EventKind = EventKind::new(0x1, 0x002);
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("bank.strand"))?;
    /// let (from, to) = (Coordinate::new("account:1", "eu")?, Coordinate::new("account:2", "eu")?);
    /// let receipts = store.append_batch(
    ///     Batch::new()
    ///         .push(&from, Event::json(SENT, &500)?)
    ///         .push(&to, Event::json(RECEIVED, &500)?.caused_by_member(0)),
    /// )?;
    /// let received = store.snapshot().get(receipts[1].id)?.unwrap();
    /// assert!(received.is_caused_by(receipts[0].id));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn caused_by_member(mut self, place: usize) -> Self {
        self.causation = Some(Link::Member(place));
        self
    }

    /// Gives the event a time of its own, for events that happened elsewhere: an import keeps
    /// the times that its events had. Default: the store's clock.
    ///
    /// The millisecond is kept exactly, and the counter where it is later than the last one given.
    /// Times of events never go back, so an event with an earlier time than one that is in the store
    /// is refused with [`ErrorKind::RefusedTime`], and so is one whose time is further ahead of this
    /// machine's clock than [`StoreOptions::clock_drift_max`](crate::StoreOptions::clock_drift_max).
    /// Import before anything else is appended, in the order of the times. An event that was
    /// appended before under the same id is a repeat, whatever its time.
    pub const fn at(mut self, time: Hlc) -> Self {
        self.at = Some(time);
        self
    }

    /// Leaves the event's time to the store's clock again, as by default: where one that it came with was
    /// refused, because others were appended meanwhile, and need not be kept.
    pub const fn without_time(mut self) -> Self {
        self.at = None;
        self
    }

    /// Adds a tag: a short name beside the coordinate, such as `student:7`, by which a
    /// [`Region`](crate::Region) finds the event whatever its entity. It is stored as it is, whatever becomes of
    /// the payload: neither encrypted nor redacted, in the log and in every copy, so let it be a number or a hash
    /// with a secret, and no name or address of a person. At most
    /// [`TAGS_MAX`](crate::TAGS_MAX) of [`TAG_BYTES_MAX`](crate::TAG_BYTES_MAX) bytes; the rules are
    /// those of a coordinate's names. They come back in the order in which they are added; one that is
    /// added again is kept once, in its first place.
    ///
    /// ```
    /// use strandline::{Coordinate, Event, EventKind, Region, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("school.strand"))?;
    /// let school = Coordinate::new("school", "enrolment")?;
    /// let enrolled = Event::json(EventKind::new(1, 1), &())?;
    /// store.append(&school, enrolled.tagged("student:7").tagged("course:3"))?;
    ///
    /// let now = store.snapshot();
    /// assert_eq!(now.query(Region::all().tag("student:7").tag("course:3")).count(), 1);
    /// assert_eq!(now.query(Region::all().any_tag(["course:3", "course:4"])).count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tagged(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Gives the event what it had in another system and has no place for here: see [`Attributes`]. At most
    /// [`ATTRIBUTES_BYTES_MAX`](crate::ATTRIBUTES_BYTES_MAX) bytes. Default: nothing, which takes no space.
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Says what the event's kind is called, as [`Event::typed`] does. The store keeps the name, for good and
    /// one to one: if its kind has another name there, or the name is another kind's, the event is refused
    /// with [`ErrorKind::KindConflict`]. The name is no part of what the event is, and a repeat whatever it is
    /// called. At most [`NAME_BYTES_MAX`](crate::NAME_BYTES_MAX) bytes; the rules are those of a coordinate's
    /// names.
    ///
    /// ```
    /// use strandline::{Coordinate, Event, EventKind, Store};
    ///
    /// const PLACED: EventKind = EventKind::new(1, 1);
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1", "shop")?;
    /// store.append(&order, Event::json(PLACED, &())?.with_kind_name("order.placed"))?;
    /// // It is known from then on, and need not be said again.
    /// store.append(&order, Event::json(PLACED, &())?)?;
    /// assert_eq!(store.kind("order.placed")?, PLACED);
    ///
    /// let other = Event::json(PLACED, &())?.with_kind_name("order.paid");
    /// let refused = store.append(&order, other).unwrap_err();
    /// let conflict = refused.kind_conflict().unwrap();
    /// assert_eq!(conflict.kind_is.as_deref(), Some("order.placed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_kind_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.kind_name = Some(name.into());
        self
    }

    /// Says which version of its type the payload is, from 1. Default: 1, which takes no space.
    pub const fn with_version(mut self, version: u16) -> Self {
        self.version = version;
        self
    }

    /// The event with a payload that was encrypted, and what its header says of that. `strandline-seal` does it;
    /// the store keeps both and has no keys. Its encoding is [`PayloadEncoding::SEALED`] from now on.
    pub fn sealed(mut self, seal: Seal, ciphertext: Vec<u8>) -> Self {
        self.encoding = PayloadEncoding::SEALED;
        self.payload = ciphertext;
        self.seal = Some(Box::new(seal));
        self
    }

    /// Appends the event only if the stream of its entity is like this. Default: whatever it is.
    ///
    /// An event that was appended before under the same id is a repeat, whatever it expects.
    pub const fn expecting(mut self, version: ExpectedVersion) -> Self {
        self.expected = version;
        self
    }

    /// What happens.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.kind
    }

    /// How the payload is encoded.
    #[must_use]
    pub const fn encoding(&self) -> PayloadEncoding {
        self.encoding
    }

    /// Whether the payload is sealed.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.seal.is_some()
    }

    /// The payload, as it is encoded.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Which version of its type the payload is, from 1.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// The id that the caller gave it.
    #[must_use]
    pub const fn id(&self) -> Option<EventId> {
        self.id
    }
}

/// Most events of a batch.
pub const BATCH_EVENTS_MAX: usize = strandline_segment::COMMIT_RECORDS_MAX;

/// Most bytes of a batch: payloads, names, and at most 188 for each event; and of each kind that has a name,
/// that and 4 bytes, once.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// Events that are appended together: all of them become visible and durable at once, or none.
///
/// Members that were appended before, by their ids ([`Event::with_id`]), are repeats, whatever they were
/// grouped with then: each gives its first receipt, and only the others are written, together. What they
/// expect of their streams, and the condition of the append, is asked of these others alone; where there
/// are none, nothing is. If one member's id is taken by another event, nothing is written, and if some
/// members are repeats, all must have an id: of one without it cannot be told whether it was written.
///
/// At most [`BATCH_EVENTS_MAX`] events and [`BATCH_BYTES_MAX`] bytes, which are refused before
/// anything is written, as is what does not fit in a segment; entities and scopes may differ.
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
