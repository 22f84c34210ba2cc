//! Messages as values of the trait, and the other way.

use super::message::{AppendCondition, Event, MetadataEntry, Query, SequencedEvent, TrackingInfo};
use umadb_dcb::{
    DcbAppendCondition, DcbError, DcbEvent, DcbQuery, DcbQueryItem, DcbResult, DcbSequencedEvent,
};
use uuid::Uuid;

/// An event to append.
///
/// # Errors
///
/// `InvalidArgument` for a uuid that is none.
pub(crate) fn event_of(event: Event) -> DcbResult<DcbEvent> {
    let uuid = match &*event.uuid {
        "" => None,
        text => Some(Uuid::parse_str(text).map_err(|error| {
            DcbError::InvalidArgument(format!("{text:?} is no uuid of an event: {error}"))
        })?),
    };
    // The nil one names nothing: clients give it to events that have none, and to more than one.
    let uuid = uuid.filter(|uuid| !uuid.is_nil());
    let metadata = event.metadata.into_iter();
    Ok(DcbEvent {
        event_type: event.event_type,
        tags: event.tags,
        data: event.data,
        uuid,
        metadata: metadata.map(|entry| (entry.key, entry.value)).collect(),
    })
}

pub(crate) fn query_of(query: Query) -> DcbQuery {
    let items = query.items.into_iter().map(|item| DcbQueryItem {
        types: item.types,
        tags: item.tags,
    });
    DcbQuery {
        items: items.collect(),
    }
}

pub(crate) fn condition_of(condition: AppendCondition) -> DcbAppendCondition {
    let query = condition.fail_if_events_match;
    DcbAppendCondition {
        fail_if_events_match: query.map(query_of).unwrap_or_default(),
        after: condition.after,
    }
}

pub(crate) fn tracking_of(tracking: TrackingInfo) -> umadb_dcb::TrackingInfo {
    umadb_dcb::TrackingInfo {
        source: tracking.source,
        position: tracking.position,
    }
}

impl From<DcbSequencedEvent> for SequencedEvent {
    fn from(sequenced: DcbSequencedEvent) -> Self {
        let event = sequenced.event;
        let metadata = event.metadata.into_iter();
        let tracking = sequenced.tracking_info;
        Self {
            position: sequenced.position,
            event: Some(Event {
                event_type: event.event_type,
                tags: event.tags,
                data: event.data,
                uuid: event.uuid.map(|uuid| uuid.to_string()).unwrap_or_default(),
                metadata: metadata
                    .map(|(key, value)| MetadataEntry { key, value })
                    .collect(),
            }),
            tracking_info: tracking.map(|tracking| TrackingInfo {
                source: tracking.source,
                position: tracking.position,
            }),
        }
    }
}
