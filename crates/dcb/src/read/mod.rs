//! Reading through the trait: what is there, batch by batch, and what comes.
//!
//! `response` reads a snapshot, `subscription` follows the store. Appends nothing.

mod response;
mod subscription;

pub(crate) use response::Response;
pub use subscription::Subscription;

use umadb_dcb::DcbEvent;

/// How many events a batch has at most. One whose events are long, 4 MiB together, is shorter.
pub const BATCH_EVENTS_MAX: usize = 1024;

/// With the event that reaches it a batch ends, in bytes of data and metadata.
const BATCH_BYTES: usize = 4 << 20;

/// How long the data and the metadata of an event are.
fn bytes_of(event: &DcbEvent) -> usize {
    let metadata = event.metadata.iter();
    let metadata = metadata.map(|(key, value)| key.len() + value.len());
    event.data.len() + metadata.sum::<usize>()
}
