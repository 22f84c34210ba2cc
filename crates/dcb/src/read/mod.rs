//! Reading through the trait: what is there, batch by batch, and what comes.
//!
//! `response` reads a snapshot, `subscription` follows the store. Appends nothing.

mod response;
mod subscription;

pub use response::Response;
pub use subscription::Subscription;

use umadb_dcb::DcbEvent;

/// How many events a batch has at most. One whose events are long, 4 MiB together, is shorter.
pub const BATCH_EVENTS_MAX: usize = 1024;

/// With the event that reaches it a batch ends, in bytes as [`bytes_of`] counts them.
const BATCH_BYTES: usize = 4 << 20;

/// What an event takes beside its texts and its data: its position, its uuid, lengths.
const EVENT_BYTES: usize = 64;

/// How long an event is, about.
fn bytes_of(event: &DcbEvent) -> usize {
    let metadata = event.metadata.iter();
    let metadata = metadata.map(|(key, value)| key.len() + value.len() + 8);
    let tags = event.tags.iter().map(|tag| tag.len() + 4);
    let texts = event.event_type.len() + tags.sum::<usize>() + metadata.sum::<usize>();
    EVENT_BYTES + event.data.len() + texts
}
