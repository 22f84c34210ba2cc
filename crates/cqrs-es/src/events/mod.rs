//! The events of aggregates: written and read as the framework asks, replayed, and folded into snapshots.
//!
//! Holds no views. Knows the files that snapshots are in, and what an event is in a store.

mod fold;
mod replay;
mod repository;
mod snapshots;

pub use replay::REPLAY_QUEUE_EVENTS;
pub use repository::StrandlineEventRepository;
