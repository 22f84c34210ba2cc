//! What goes over the wire: the messages of the package `umadb.v1`, what they are of the trait, and errors.
//!
//! The messages are written here as prost's derive takes them, so that building needs no compiler of protocols. That
//! they are right is held by clients of others, which `cargo xtask serve` runs. Knows no store and no connection.

mod batch;
mod convert;
mod message;
mod status;

pub(crate) use batch::cut;
pub(crate) use convert::{condition_of, event_of, query_of, tracking_of};
pub(crate) use message::{
    AppendRequest, AppendResponse, HeadRequest, HeadResponse, ReadRequest, ReadResponse,
    SequencedEvent, SubscribeRequest, SubscribeResponse, TrackingRequest, TrackingResponse,
};
pub(crate) use status::{invalid, not_allowed, status_of, unauthenticated};

/// The service, as clients name it.
pub(crate) const SERVICE: &str = "umadb.v1.DCB";
/// The service, as clients of before 0.4 name it; the messages are the same.
pub(crate) const SERVICE_OLDER: &str = "umadb.UmaDBService";

/// What only a client makes or reads.
#[cfg(test)]
pub(crate) use message::{
    AppendCondition, ErrorResponse, ErrorType, Event, Query, QueryItem, TrackingInfo,
};
