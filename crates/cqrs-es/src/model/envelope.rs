//! An event of the framework as one of a store, and back.
//!
//! The payload is JSON: what the event says, and its metadata beside it. Its type is the name of its kind; its
//! version is an attribute, so that it is still known of an event that was redacted.

use super::error::{Fault, damaged, store_failed, unknown};
use super::stream::{coordinate, id_of};
use cqrs_es::persist::{EventUpcaster, PersistenceError, SerializedEvent};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use strandline::{AttributeValue, Attributes, Coordinate, Event, EventRef, ExpectedVersion, Store};

/// The attribute with the version of an event.
const VERSION: &str = "eventversion";

/// The payload of an event that was recorded through this crate, for who reads it otherwise: a cursor, a projection,
/// another program. It is JSON: an object with these two members.
///
/// ```
/// # use strandline::{Coordinate, Event, Store};
/// use strandline_cqrs_es::{RecordedEvent, entity_of};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("bank.strand"))?;
/// # let account = Coordinate::new("account:7", "account")?;
/// # let payload = serde_json::json!({"payload": {"amount": 500}, "metadata": {}});
/// # store.append(&account, Event::json(store.kind("Deposited")?, &payload)?)?;
/// for event in store.snapshot().stream(&entity_of("account", "7")) {
///     let recorded: RecordedEvent<serde_json::Value> = event?.payload_json()?;
///     println!("{} {:?}", recorded.payload, recorded.metadata);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedEvent<E, M = HashMap<String, String>> {
    /// What happened, as the type of the event is written by serde.
    pub payload: E,
    /// What was given with the command.
    pub metadata: M,
}

/// An event of the framework as one of a store, with the place that it is to have in its stream. A kind is made for
/// a type that is new.
///
/// # Errors
///
/// `UnknownError` if it has a sequence that no stream has, or the store does not take it.
pub(crate) fn to_event(
    store: &Store,
    event: &SerializedEvent,
) -> Result<(Coordinate, Event), PersistenceError> {
    let coordinate = coordinate(&event.aggregate_type, &event.aggregate_id)?;
    let kind = store.kind(&event.event_type).map_err(store_failed)?;
    let recorded = RecordedEvent {
        payload: &event.payload,
        metadata: &event.metadata,
    };
    let mut attributes = Attributes::new();
    let version = AttributeValue::Text(event.event_version.as_str().into());
    attributes.add(VERSION, version).map_err(unknown)?;
    let recorded = Event::json(kind, &recorded).map_err(store_failed)?;
    let recorded = recorded
        .expecting(expected(event.sequence)?)
        .with_attributes(attributes);
    Ok((coordinate, recorded))
}

/// What the stream must be like before an event: the one before it is its newest.
fn expected(sequence: usize) -> Result<ExpectedVersion, PersistenceError> {
    let clock = sequence.checked_sub(1).map(u32::try_from);
    let Some(Ok(clock)) = clock else {
        let message = format!("no event of a stream has the sequence {sequence}: they begin at 1");
        return Err(unknown(Fault(message)));
    };
    Ok(ExpectedVersion::of(clock.checked_sub(1)))
}

/// How events are read.
#[derive(Clone, Default)]
pub(crate) struct Reading {
    /// Whether `null` stands for a payload that was redacted.
    pub(crate) redacted_as_null: bool,
    /// Of events that are read here, for a snapshot. Those that the framework reads have its own.
    pub(crate) upcasters: Arc<Vec<Box<dyn EventUpcaster>>>,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("redacted_as_null", &self.redacted_as_null)
            .field("upcasters", &self.upcasters.len())
            .finish()
    }
}

impl Reading {
    /// An event of a store as one of the framework.
    ///
    /// # Errors
    ///
    /// `DeserializationError` if it was not recorded through this crate, for an aggregate of this type, or was
    /// redacted.
    pub(crate) fn event(
        &self,
        event: &EventRef<'_>,
        aggregate_type: &str,
    ) -> Result<SerializedEvent, PersistenceError> {
        let coordinate = event.coordinate();
        let id = match coordinate.scope() == aggregate_type {
            true => id_of(coordinate.entity(), aggregate_type),
            false => None,
        };
        let attributes = event.extensions().attributes();
        let version = attributes.text(VERSION);
        let (Some(id), Some(kind), Some(version)) = (id, event.kind_name(), version) else {
            let sequence = event.sequence();
            let message = format!(
                "event {sequence}, of {coordinate}, was not recorded for a {aggregate_type:?}"
            );
            let fault = Box::new(Fault(message));
            return Err(PersistenceError::DeserializationError(fault));
        };
        let recorded = match self.redacted_as_null && event.is_redacted() {
            true => RecordedEvent {
                payload: Value::Null,
                metadata: Value::Object(Map::new()),
            },
            false => event
                .payload_json::<RecordedEvent<Value, Value>>()
                .map_err(|error| damaged(format!("of {coordinate}"), error))?,
        };
        Ok(SerializedEvent {
            aggregate_id: id.to_owned(),
            sequence: sequence_of(event.clock())?,
            aggregate_type: aggregate_type.to_owned(),
            event_type: kind.to_string(),
            event_version: version.to_owned(),
            payload: recorded.payload,
            metadata: recorded.metadata,
        })
    }

    /// The event after all upcasters that take it, one after the other.
    pub(crate) fn upcast(&self, event: SerializedEvent) -> SerializedEvent {
        self.upcasters.iter().fold(event, |event, upcaster| {
            match upcaster.can_upcast(&event.event_type, &event.event_version) {
                true => upcaster.upcast(event),
                false => event,
            }
        })
    }
}

/// Sequences of the framework begin at 1, clocks at 0.
fn sequence_of(clock: u32) -> Result<usize, PersistenceError> {
    let sequence = usize::try_from(clock).ok();
    let sequence = sequence.and_then(|clock| clock.checked_add(1));
    sequence.ok_or_else(|| unknown(Fault(format!("clock {clock} is too high for a sequence"))))
}
