//! The framework [`cqrs-es`](cqrs_es) on a Strandline store: no server, no database, and no runtime of its own.
//!
//! [`StrandlineEventRepository`] keeps the events of aggregates in a [`Store`](strandline::Store), for a
//! `PersistedEventStore` or a `QueryReplay`; [`StrandlineViewRepository`] keeps views in files beside it, for a
//! `GenericQuery`. [`strandline_cqrs`] and its siblings put a framework together.
//!
//! | in the framework | in the store |
//! |---|---|
//! | type of an aggregate | the scope of its events |
//! | type and id | the entity: [`entity_of`] |
//! | sequence, from 1 | the clock, from 0, and 1 |
//! | type of an event | the name of its kind |
//! | version of an event | its attribute `eventversion` |
//! | payload and metadata | the payload, as JSON: [`RecordedEvent`] |
//!
//! The README of the crate says what does not map.

#![forbid(unsafe_code)]

mod framework;

mod events;
mod views;

mod files;

mod model;

pub use events::{REPLAY_QUEUE_EVENTS, StrandlineEventRepository};
pub use framework::{
    StrandlineCqrs, strandline_aggregate_cqrs, strandline_cqrs, strandline_snapshot_cqrs,
};
pub use model::{RecordedEvent, entity_of};
pub use views::StrandlineViewRepository;

/// The program of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
