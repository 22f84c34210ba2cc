//! What an event is, as values: its names, kind, id, times, hashes and header, and a region of events
//! or several.
//!
//! Each is checked when it is made. Nothing here knows how an event is stored, which bytes a hash
//! covers, or where time and chance come from. May use [`codec`](crate::codec), for what is bytes in
//! an event itself: its extensions, tags and attributes.

mod attributes;
mod coordinate;
mod encoding;
mod epoch;
mod event;
mod extensions;
mod hash;
mod hlc;
mod id;
mod kind;
mod kind_set;
mod name;
mod query;
mod region;
mod rfc3339;
mod seal;
#[cfg(feature = "serde")]
mod serde_text;
mod tags;

pub use attributes::{ATTRIBUTES_BYTES_MAX, AttributeError, AttributeValue, Attributes};
pub use coordinate::Coordinate;
pub use encoding::PayloadEncoding;
pub use epoch::{Epoch, EpochError};
pub use event::{ClockKey, EventHeader};
pub use extensions::{
    EXTENSION_BYTES_MAX, EXTENSION_HEAD_BYTES, Extensions, KIND_NAME_EXTENSION_BYTES_MAX,
    TRACKING_EXTENSION_BYTES_MAX, extension_tag,
};
pub use hash::{Hash, HashChain, HashError, Nonce};
pub use hlc::{Hlc, HlcBehind, HlcClock, HlcError, HlcExhausted, WALL_MS_MAX, wall_ms_of};
pub use id::{EventId, EventIdError, ID_RANDOM_BITS, Sequence};
pub use kind::{EventKind, KindError, KindFilter};
pub use kind_set::{KindRange, KindSet};
pub use name::{NAME_BYTES_MAX, NameError, TAG_BYTES_MAX, check_name};
pub use query::Query;
pub use region::{EntityFilter, Region, Span};
pub use rfc3339::{civil_date, rfc3339};
pub use seal::{SEAL_BYTES, Seal, SealForm, SealKeyId, SealKeyIdError};
pub use tags::{TAGS_MAX, TagError, encode_tags};
