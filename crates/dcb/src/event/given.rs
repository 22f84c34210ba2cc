//! What a caller of the trait gives, as what the store appends.

use super::envelope::{ENVELOPE, wrap};
use super::marks;
use super::places::Places;
use crate::error::of_store;
use crate::kinds::numbered;
use std::collections::HashSet;
use strandline::{Event, Store};
use strandline_core::{Coordinate, EventId, PayloadEncoding, check_name, encode_tags};
use umadb_dcb::{DcbError, DcbEvent, DcbResult, TrackingInfo};

/// An event to append, and its place. The position in a source is for events that are not the first of their append:
/// the store itself writes it with that one.
///
/// # Errors
///
/// `InvalidArgument` for a type or tags that the store does not take, and for metadata with a key twice; as `Store::kind` for a type of which there was
/// no event yet.
pub(crate) fn given(
    store: &Store,
    event: DcbEvent,
    (places, encoding): (&Places, PayloadEncoding),
    tracking: Option<&TrackingInfo>,
) -> DcbResult<(Coordinate, Event)> {
    // Before its kind is made, so that an event that is refused makes none.
    check(&event)?;
    let coordinate = places.of(&event)?;
    let attributes = marks::attributes(event.uuid.is_some(), tracking)
        .map_err(|error| DcbError::InvalidArgument(error.to_string()))?;
    let kind = store.kind(&event.event_type).map_err(|error| {
        // The type is one too many, and others are taken as before.
        match error.kind() {
            strandline::ErrorKind::Exhausted => DcbError::InvalidArgument(error.to_string()),
            _ => of_store(&error),
        }
    })?;
    let new = match event.metadata.is_empty() {
        true => Event::encoded(kind, encoding, event.data),
        false => Event::encoded(kind, ENVELOPE, wrap(&event.metadata, &event.data)?),
    };
    let new = match event.uuid {
        Some(uuid) => new.with_id(EventId::from_u128(uuid.as_u128())),
        None => new,
    };
    let tagged = event.tags.into_iter().fold(new, Event::tagged);
    Ok((coordinate, tagged.with_attributes(attributes)))
}

fn check(event: &DcbEvent) -> DcbResult<()> {
    let event_type = &event.event_type;
    check_name("event type", event_type).map_err(|error| invalid(&error))?;
    if numbered(event_type).is_some() {
        return Err(DcbError::InvalidArgument(format!(
            "{event_type} stands for a kind without a name, and is no type of an event to append"
        )));
    }
    let mut keys = HashSet::new();
    if !event.metadata.iter().all(|(key, _)| keys.insert(key)) {
        // So that what runs here runs on other stores of the trait.
        let message = "metadata contains duplicate keys";
        return Err(DcbError::InvalidArgument(message.to_owned()));
    }
    let tags = event.tags.iter().map(String::as_str);
    encode_tags(tags).map_err(|error| invalid(&error))?;
    Ok(())
}

/// Refuses a position in a source that the store would not take, before anything is made.
pub(crate) fn check_tracking(tracking: &TrackingInfo) -> DcbResult<()> {
    check_name("source", &tracking.source).map_err(|error| invalid(&error))
}

fn invalid(error: &dyn std::error::Error) -> DcbError {
    DcbError::InvalidArgument(error.to_string())
}
