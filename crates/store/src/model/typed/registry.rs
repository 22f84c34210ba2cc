//! `Registry`: which type an event is decoded as, by its kind and version.

use super::codec::CodecError;
use super::gone::{GonePayload, OpenPayload};
use super::payload::{EventPayload, decode_bytes};
use crate::model::PayloadRef;
use crate::{Error, ErrorKind, EventRef, StoredEvent};
use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use strandline_core::EventKind;

/// Decodes events into `E`, which is made from each registered type: mostly an enum.
///
/// Each kind belongs to one type. Older versions of its payload are decoded as the types they were
/// written with, and led by functions, one after the other, to the present one.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use strandline::{EventKind, EventPayload, Json, Registry};
///
/// #[derive(Serialize, Deserialize)]
/// struct PlacedV1 { total: u64 }
/// #[derive(Serialize, Deserialize)]
/// struct Placed { cents: u64, currency: String }
///
/// const PLACED: EventKind = EventKind::new(0x1, 0x001);
/// impl EventPayload for PlacedV1 {
///     type Codec = Json;
///     const KIND: EventKind = PLACED;
///     const NAME: &'static str = "placed";
/// }
/// impl EventPayload for Placed {
///     type Codec = Json;
///     const KIND: EventKind = PLACED;
///     const NAME: &'static str = "placed";
///     const VERSION: u16 = 2;
/// }
///
/// enum OrderEvent { Placed(Placed) }
/// impl From<Placed> for OrderEvent {
///     fn from(placed: Placed) -> Self { Self::Placed(placed) }
/// }
///
/// let registry = Registry::<OrderEvent>::new()
///     .register::<Placed>()?
///     .upcast(|old: PlacedV1| Placed { cents: old.total * 100, currency: "EUR".into() })?;
/// # Ok::<(), strandline::Error>(())
/// ```
pub struct Registry<E> {
    kinds: BTreeMap<EventKind, Kind<E>>,
    opener: Option<Arc<dyn OpenPayload>>,
    gone: Option<OfGone<E>>,
}

struct Kind<E> {
    name: &'static str,
    /// The type of the present version.
    type_name: &'static str,
    current: u16,
    versions: BTreeMap<u16, Version<E>>,
}

struct Version<E> {
    decode: Decode<E>,
    /// An [`Accept`] of the version's type, for the version before it to go on with.
    accept: Box<dyn Any + Send + Sync>,
}

type OfGone<E> = Box<dyn Fn(&GonePayload) -> E + Send + Sync>;
type Decode<E> = Box<dyn Fn(&PayloadRef<'_>) -> Result<E, Error> + Send + Sync>;
/// What becomes of a decoded value, in the end.
type Accept<T, E> = Arc<dyn Fn(T) -> Result<E, CodecError> + Send + Sync>;

impl<E: 'static> Version<E> {
    fn new<T: EventPayload>(accept: Accept<T, E>) -> Self {
        let after = accept.clone();
        Self {
            decode: Box::new(move |payload| {
                after(decode_bytes(payload)?)
                    .map_err(|error| payload.not_upcast().with_source(error))
            }),
            accept: Box::new(accept),
        }
    }
}

impl<E: 'static> Registry<E> {
    /// A registry that knows no kind.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            kinds: BTreeMap::new(),
            opener: None,
            gone: None,
        }
    }

    /// Adds a type, whose version is the present one of its kind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if its kind or its name belongs to another type, or if it was
    /// registered before.
    pub fn register<T: EventPayload>(mut self) -> Result<Self, Error>
    where
        E: From<T>,
    {
        let (own, name) = (type_name::<T>(), T::NAME);
        if T::VERSION == 0 {
            return Err(refused(format!("{own} has version 0; versions begin at 1")));
        }
        if let Some(other) = self.kinds.get(&T::KIND) {
            let (kind, other) = (T::KIND, other.type_name);
            return Err(refused(format!("{own} and {other} both claim kind {kind}")));
        }
        let mut named = self.kinds.values().filter(|kind| kind.name == name);
        if let Some(other) = named.next() {
            let other = other.type_name;
            return Err(refused(format!("{own} and {other} are both called {name}")));
        }
        let accept: Accept<T, E> = Arc::new(|payload| Ok(E::from(payload)));
        let kind = Kind {
            name,
            type_name: own,
            current: T::VERSION,
            versions: BTreeMap::from([(T::VERSION, Version::new(accept))]),
        };
        self.kinds.insert(T::KIND, kind);
        Ok(self)
    }

    /// Adds a function from an older form of a payload to a later one, which must be known already:
    /// chains are added from their newest link to their oldest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the types differ in kind or name, if `Old` is not the older,
    /// if its version has an upcast already, or if `New` is not registered and has none.
    pub fn upcast<Old: EventPayload, New: EventPayload>(
        self,
        upcast: impl Fn(Old) -> New + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        self.try_upcast(move |old| Ok(upcast(old)))
    }

    /// Adds a function as [`upcast`](Self::upcast) does, which may fail for some values: that is an
    /// [`ErrorKind::Payload`] where the event is decoded.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_upcast<Old: EventPayload, New: EventPayload>(
        mut self,
        upcast: impl Fn(Old) -> Result<New, CodecError> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let (old, new) = (type_name::<Old>(), type_name::<New>());
        let no_upcast = |why: String| refused(format!("no upcast from {old} to {new}: {why}"));
        if (Old::KIND, Old::NAME) != (New::KIND, New::NAME) {
            return Err(no_upcast(differences::<Old, New>()));
        }
        if Old::VERSION == 0 || Old::VERSION >= New::VERSION {
            let (old, new) = (Old::VERSION, New::VERSION);
            return Err(no_upcast(format!("version {old} is not before {new}")));
        }
        let Some(kind) = self.kinds.get_mut(&New::KIND) else {
            return Err(no_upcast(format!("{new} is not registered")));
        };
        let after = kind
            .versions
            .get(&New::VERSION)
            .and_then(|version| version.accept.downcast_ref::<Accept<New, E>>())
            .ok_or_else(|| no_upcast(format!("{new} is not registered")))?
            .clone();
        if kind.versions.contains_key(&Old::VERSION) {
            let version = Old::VERSION;
            return Err(no_upcast(format!("version {version} has one already")));
        }
        let accept: Accept<Old, E> = Arc::new(move |payload| after(upcast(payload)?));
        kind.versions.insert(Old::VERSION, Version::new(accept));
        Ok(self)
    }

    /// Has sealed payloads opened before they are decoded. Default: a sealed payload is an
    /// [`ErrorKind::Sealed`]. `strandline-seal` has one that opens them.
    #[must_use]
    pub fn opening(mut self, opener: Arc<dyn OpenPayload>) -> Self {
        self.opener = Some(opener);
        self
    }

    /// Decodes events of registered kinds whose payload is gone, redacted or with a key that was forgotten, to a
    /// value. Default: an [`ErrorKind::Redacted`] or [`ErrorKind::Forgotten`].
    ///
    /// ```
    /// use strandline::maintenance::{Redaction, redact};
    /// use strandline::{Coordinate, Event, EventKind, EventPayload, Json, Registry, Store};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Moved { street: String }
    /// impl EventPayload for Moved {
    ///     type Codec = Json;
    ///     const KIND: EventKind = EventKind::new(1, 1);
    ///     const NAME: &'static str = "moved";
    /// }
    /// #[derive(Debug, PartialEq)]
    /// enum Heard { To(String), Nothing }
    /// impl From<Moved> for Heard {
    ///     fn from(moved: Moved) -> Self { Self::To(moved.street) }
    /// }
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("customers.strand"))?;
    /// let customer = Coordinate::new("customer:7", "shop")?;
    /// store.append(&customer, Event::typed(&Moved { street: "Elm Street".into() })?)?;
    /// let registry = Registry::<Heard>::new().register::<Moved>()?.gone_as(|_| Heard::Nothing);
    ///
    /// let event = store.snapshot().latest("customer:7")?.unwrap();
    /// assert_eq!(registry.decode(&event)?, Heard::To("Elm Street".into()));
    /// redact(&store, &Redaction::new().entity("customer:7"), &mut |_| std::ops::ControlFlow::Continue(()))?;
    /// let event = store.snapshot().latest("customer:7")?.unwrap();
    /// assert_eq!(registry.decode(&event)?, Heard::Nothing);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn gone_as(mut self, value: impl Fn(&GonePayload) -> E + Send + Sync + 'static) -> Self {
        self.gone = Some(Box::new(value));
        self
    }

    /// Whether events of a kind can be decoded.
    #[must_use]
    pub fn knows(&self, kind: EventKind) -> bool {
        self.kinds.contains_key(&kind)
    }

    /// What the events of a kind are called.
    #[must_use]
    pub fn name(&self, kind: EventKind) -> Option<&'static str> {
        self.kinds.get(&kind).map(|kind| kind.name)
    }

    /// The payload of an event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if its kind is not registered, if its version is later than the
    /// registered one or has no upcast, if it is encoded otherwise than its type says, or if it
    /// does not decode; [`ErrorKind::Redacted`], [`ErrorKind::Sealed`], [`ErrorKind::Forgotten`], and what an
    /// opener says.
    pub fn decode(&self, event: &StoredEvent) -> Result<E, Error> {
        match &self.opener {
            Some(opener) if event.is_sealed() => {
                let opened = opener.open_payload(event.clone())?;
                self.decode_payload(&opened.payload_ref(), opened.version())
            }
            _ => self.decode_payload(&event.payload_ref(), event.version()),
        }
    }

    /// The payload of an event where it was read.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_ref(&self, event: &EventRef<'_>) -> Result<E, Error> {
        match &self.opener {
            Some(opener) if event.is_sealed() => {
                let opened = opener.open_payload(event.into_owned())?;
                self.decode_payload(&opened.payload_ref(), opened.version())
            }
            _ => self.decode_payload(&event.payload_ref(), event.version()),
        }
    }

    fn decode_payload(&self, payload: &PayloadRef<'_>, version: u16) -> Result<E, Error> {
        let Some(kind) = self.kinds.get(&payload.kind) else {
            return Err(payload.mismatch(format!(
                "has kind {}, for which no type is registered",
                payload.kind
            )));
        };
        if let (Some(gone), Err(absent)) = (&self.gone, payload.content) {
            return Ok(gone(&GonePayload::of(payload, absent)));
        }
        let Kind { name, current, .. } = kind;
        match kind.versions.get(&version) {
            Some(version) => (version.decode)(payload),
            None if version > *current => Err(payload.mismatch(format!(
                "has version {version} of {name}; the latest that this program knows is {current}"
            ))),
            None => Err(payload.mismatch(format!(
                "has version {version} of {name}, from which there is no upcast to {current}"
            ))),
        }
    }
}

impl<E: 'static> Default for Registry<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Registry<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.kinds.iter();
        f.debug_map()
            .entries(kinds.map(|(kind, of)| (kind, (of.name, of.current))))
            .finish()
    }
}

/// In what two types differ that are to be forms of one payload.
fn differences<Old: EventPayload, New: EventPayload>() -> String {
    let why = match Old::KIND == New::KIND {
        false => "their kinds differ",
        true => {
            "their names differ, and forms of one payload share one: a type that is not called so gives \
             it with #[event(name = \"..\")], or EventPayload::NAME"
        }
    };
    format!(
        "{} is kind {}, {} is kind {}: {why}",
        Old::NAME,
        Old::KIND,
        New::NAME,
        New::KIND
    )
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}
