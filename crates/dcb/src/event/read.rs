//! What the store has, as what a caller of the trait reads.

use super::envelope::{ENVELOPE, unwrap};
use super::marks;
use crate::error::of_store;
use crate::kinds::type_of;
use crate::position::position_of;
use strandline::{EventRef, StoredEvent};
use strandline_core::{EventId, EventKind, Extensions, PayloadEncoding, Sequence};
use umadb_dcb::{DcbEvent, DcbResult, DcbSequencedEvent};
use uuid::Uuid;

/// The key in the metadata of an event whose payload was redacted: it has no data and no other metadata.
pub const REDACTED: &str = "strandline.redacted";

/// What an event is made of, wherever it was read.
struct Parts<'a> {
    sequence: Sequence,
    id: EventId,
    kind: EventKind,
    encoding: PayloadEncoding,
    extensions: &'a Extensions,
    /// None if it was redacted.
    payload: Option<&'a [u8]>,
}

/// The event of the trait, of one that is read where it lies.
pub(crate) fn of_ref(event: &EventRef<'_>) -> DcbResult<DcbSequencedEvent> {
    let payload = match event.is_redacted() {
        true => None,
        false => Some(event.payload().map_err(|error| of_store(&error))?),
    };
    let parts = Parts {
        sequence: event.sequence(),
        id: event.id(),
        kind: event.kind(),
        encoding: event.encoding(),
        extensions: &event.extensions(),
        payload,
    };
    sequenced(&parts, event.kind_name().as_deref())
}

/// The event of the trait, of one whose kind has this name, if it has one.
pub(crate) fn of_stored(event: &StoredEvent, name: Option<&str>) -> DcbResult<DcbSequencedEvent> {
    let payload = match event.is_redacted() {
        true => None,
        false => Some(event.payload().map_err(|error| of_store(&error))?),
    };
    let parts = Parts {
        sequence: event.sequence,
        id: event.id,
        kind: event.kind,
        encoding: event.encoding,
        extensions: &event.extensions,
        payload,
    };
    sequenced(&parts, name)
}

fn sequenced(parts: &Parts<'_>, name: Option<&str>) -> DcbResult<DcbSequencedEvent> {
    let (metadata, data) = match parts.payload {
        None => (vec![(REDACTED.to_owned(), "true".to_owned())], &[] as &[u8]),
        Some(payload) if parts.encoding == ENVELOPE => unwrap(payload)?,
        Some(payload) => (Vec::new(), payload),
    };
    let attributes = parts.extensions.attributes();
    let has_uuid = marks::has_uuid(&attributes);
    Ok(DcbSequencedEvent {
        position: position_of(parts.sequence),
        event: DcbEvent {
            event_type: type_of(parts.kind, name),
            tags: parts.extensions.tags().map(str::to_owned).collect(),
            data: data.to_owned(),
            uuid: has_uuid.then(|| Uuid::from_u128(parts.id.as_u128())),
            metadata,
        },
        tracking_info: marks::tracking(parts.extensions, &attributes),
    })
}
