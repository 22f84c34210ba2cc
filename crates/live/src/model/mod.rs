//! Plain values: what is saved of a consumer, what can be asked of it, what is told of it, and what can go wrong.
//!
//! Reads and writes no file, and knows no thread. Knows no other room.

mod consumer;
mod error;
mod parked;
mod request;
mod state;
mod status;

pub(crate) use consumer::check_name;
pub use consumer::{ConsumerInfo, ConsumerKind, NAME_BYTES_MAX, PARTITIONS_MAX, partition_of};
pub use error::{Error, ErrorKind};
pub(crate) use parked::cut;
pub use parked::{KEY_BYTES_MAX, Parked, REASON_BYTES_MAX};
pub use request::Request;
pub use state::{Counters, LastError, PartitionState};
pub use status::{Condition, Holder, PartitionStatus, Rebuild, Status};
