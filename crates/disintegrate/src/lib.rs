//! The framework disintegrate on a Strandline store: its event store, its snapshots and its listeners.
//!
//! - [`StrandlineEventStore`] is its `EventStore`: queries by type and domain identifier, appends on condition that nothing of
//!   a query came since.
//! - [`FileSnapshotter`] keeps states of decisions in files beside the store.
//! - [`Listeners`] calls its `EventListener`s, and keeps how far each is under its name.
//!
//! Decisions, states, queries and the test harness are those of disintegrate. It needs no runtime and starts no thread but
//! that of a timer.

#![forbid(unsafe_code)]

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

/// The program of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
