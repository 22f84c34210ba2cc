#![doc = include_str!("../README.md")]

mod coding;
mod error;
mod event_store;
mod listener;
mod position;
mod question;
mod snapshotter;
mod stream;
mod tags;

pub use error::Error;
pub use event_store::StrandlineEventStore;
pub use listener::{
    AbortRetry, ListenerConfig, ListenerError, ListenerErrorKind, Listeners, Retry, RetryAction,
};
pub use position::Position;
pub use snapshotter::FileSnapshotter;
