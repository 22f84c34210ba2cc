//! The messages, field by field.

use prost::{Enumeration, Message};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    #[prost(string, tag = "1")]
    pub(crate) event_type: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) tags: Vec<String>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) data: Vec<u8>,
    /// Empty if there is none.
    #[prost(string, tag = "4")]
    pub(crate) uuid: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) metadata: Vec<MetadataEntry>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct MetadataEntry {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SequencedEvent {
    #[prost(uint64, tag = "1")]
    pub(crate) position: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) event: Option<Event>,
    #[prost(message, optional, tag = "3")]
    pub(crate) tracking_info: Option<TrackingInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryItem {
    #[prost(string, repeated, tag = "1")]
    pub(crate) types: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) tags: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Query {
    #[prost(message, repeated, tag = "1")]
    pub(crate) items: Vec<QueryItem>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendCondition {
    #[prost(message, optional, tag = "1")]
    pub(crate) fail_if_events_match: Option<Query>,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) after: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrackingInfo {
    #[prost(string, tag = "1")]
    pub(crate) source: String,
    #[prost(uint64, tag = "2")]
    pub(crate) position: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) query: Option<Query>,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) start: Option<u64>,
    #[prost(bool, optional, tag = "3")]
    pub(crate) backwards: Option<bool>,
    #[prost(uint32, optional, tag = "4")]
    pub(crate) limit: Option<u32>,
    /// Of older clients, which subscribed so.
    #[prost(bool, optional, tag = "5")]
    pub(crate) subscribe: Option<bool>,
    #[prost(uint32, optional, tag = "6")]
    pub(crate) batch_size: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) events: Vec<SequencedEvent>,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) head: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SubscribeRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) query: Option<Query>,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) after: Option<u64>,
    #[prost(uint32, optional, tag = "3")]
    pub(crate) batch_size: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SubscribeResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) events: Vec<SequencedEvent>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) events: Vec<Event>,
    #[prost(message, optional, tag = "2")]
    pub(crate) condition: Option<AppendCondition>,
    #[prost(message, optional, tag = "3")]
    pub(crate) tracking_info: Option<TrackingInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendResponse {
    #[prost(uint64, tag = "1")]
    pub(crate) position: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct HeadRequest {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct HeadResponse {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) position: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrackingRequest {
    #[prost(string, tag = "1")]
    pub(crate) source: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrackingResponse {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) position: Option<u64>,
}

/// In the details of the status of a call that failed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErrorResponse {
    #[prost(string, tag = "1")]
    pub(crate) message: String,
    #[prost(enumeration = "ErrorType", tag = "2")]
    pub(crate) error_type: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum ErrorType {
    Io = 0,
    Serialization = 1,
    Integrity = 2,
    Corruption = 3,
    Internal = 4,
    Authentication = 5,
    InvalidArgument = 6,
}
