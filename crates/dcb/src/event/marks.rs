//! What of an event of the trait is kept among the attributes of an event of the store.

use strandline_core::{AttributeError, AttributeValue, Attributes, Extensions};
use umadb_dcb::TrackingInfo;

/// There, and null, if the event was given no uuid: then its id is the store's, and none of its caller's.
const UUID: &str = "dcbuuid";
/// On events after the first of an append with a position in a source: the position, a space and the source.
const TRACKING: &str = "dcbtracking";

/// The attributes of an event; the position in a source, if it is to have that and is not the first of its append.
pub(super) fn attributes(
    has_uuid: bool,
    tracking: Option<&TrackingInfo>,
) -> Result<Attributes, AttributeError> {
    let mut attributes = Attributes::new();
    if !has_uuid {
        attributes.add(UUID, AttributeValue::Null)?;
    }
    if let Some(TrackingInfo { source, position }) = tracking {
        let text = format!("{position} {source}");
        attributes.add(TRACKING, AttributeValue::Text(text.into()))?;
    }
    Ok(attributes)
}

/// Whether an event has a uuid that a caller gave, or one of a store without this crate.
pub(super) fn has_uuid(attributes: &Attributes) -> bool {
    attributes.get(UUID) != Some(&AttributeValue::Null)
}

/// The position in a source with which an event was appended.
pub(super) fn tracking(extensions: &Extensions, attributes: &Attributes) -> Option<TrackingInfo> {
    let own = extensions.tracking();
    let (source, position) = own.or_else(|| {
        let (position, source) = attributes.text(TRACKING)?.split_once(' ')?;
        Some((source, position.parse().ok()?))
    })?;
    Some(TrackingInfo {
        source: source.to_owned(),
        position,
    })
}
