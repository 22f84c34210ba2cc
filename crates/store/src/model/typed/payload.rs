//! `EventPayload`: a type whose values are payloads, and how one is read. Knows no event but its payload.

use super::codec::Codec;
use crate::Error;
use crate::model::PayloadRef;
use strandline_core::EventKind;

/// A type whose values are payloads of one kind of event.
///
/// `#[derive(EventPayload)]`, behind the feature `derive`, implements it. Kind, name and version
/// stand for the type in every store it was ever written to: of these three, only the version
/// changes, by one, when the type changes so that what was written before no longer decodes. The
/// older form stays as a type of its own, and [`Registry::upcast`](crate::Registry::upcast) leads from it to the newer.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use strandline::{Coordinate, Event, EventKind, EventPayload, Json, Store};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Deposited { cents: u64 }
///
/// impl EventPayload for Deposited {
///     type Codec = Json;
///     const KIND: EventKind = EventKind::new(0x1, 0x002);
///     const NAME: &'static str = "deposited";
/// }
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("bank.strand"))?;
/// let account = Coordinate::new("account:7", "bank")?;
/// store.append(&account, Event::typed(&Deposited { cents: 500 })?)?;
///
/// let event = store.snapshot().latest("account:7")?.unwrap();
/// assert_eq!(event.decode::<Deposited>()?, Deposited { cents: 500 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait EventPayload: Sized + 'static {
    /// How values become bytes.
    type Codec: Codec<Self>;
    /// The kind of the events.
    const KIND: EventKind;
    /// What the events are called: the name of their kind in every store that they are written to, for
    /// good. An append is refused with [`ErrorKind::KindConflict`](crate::ErrorKind::KindConflict) where the
    /// kind has another name, or the name is another kind's. 1 to 255 bytes, no control characters.
    const NAME: &'static str;
    /// Which form of the payload this is, from 1. Stored with each event, and hashed.
    const VERSION: u16 = 1;
}

/// The payload of an event of `T`'s kind and version.
pub(super) fn decode<T: EventPayload>(payload: &PayloadRef<'_>, version: u16) -> Result<T, Error> {
    if payload.kind != T::KIND {
        return Err(payload.mismatch(format!(
            "has kind {}, and {} is kind {}",
            payload.kind,
            T::NAME,
            T::KIND
        )));
    }
    if version != T::VERSION {
        return Err(payload.mismatch(format!(
            "has version {version} of {}, and version {} was asked for",
            T::NAME,
            T::VERSION
        )));
    }
    decode_bytes(payload)
}

/// The payload of an event whose kind and version are known to be `T`'s.
pub(super) fn decode_bytes<T: EventPayload>(payload: &PayloadRef<'_>) -> Result<T, Error> {
    let bytes = payload.bytes_in(T::Codec::ENCODING)?;
    T::Codec::decode(bytes).map_err(|error| payload.undecodable().with_source(error))
}
