//! Named consumers of a Strandline store: what reads its events as they come, remembers how far it is, and goes on
//! from there, whatever happens in between.
//!
//! [`Live`] is opened beside a [`Store`](strandline::Store), to write or to read only, and knows its *consumers* by
//! name. A consumer has partitions, each with a [saved state](PartitionState) of its own: how far it is, and what it
//! could not handle. One worker at a time holds a partition, by a *lease*; one that lost its lease saves nothing
//! more.
//!
//! - [`Live::position`] is a named position for who loops over a cursor himself.
//! - [`Live::reactor`] calls a handler for each event, tries again, and parks what keeps failing.
//! - [`Live::projection`] and [`Live::entity_projection`] fold events into states that are saved with their position.
//! - [`Live::status`] says how far a consumer is and what is wrong with it, from any process.
//! - [`Live::wait_until`] waits until a consumer has applied an event.
//! - [`Live::park`], [`replay`](Live::replay), [`discard`](Live::discard) and [`reset`](Live::reset) ask for what a
//!   person decides; whoever holds the partition does it.
//!
//! What a position promises: it is never ahead of what was handled, so after a crash events may be handled again, and
//! none is left out. Events are handled once they are durable ([`Delivery::Durable`](strandline::Delivery::Durable)).

#![forbid(unsafe_code)]

mod projection;
mod reactor;

mod handle;

mod consumer;
mod progress;

mod model;
mod trace;

pub use handle::{Asked, Live, NamedPosition};
pub use model::{
    Condition, ConsumerInfo, ConsumerKind, Counters, Error, ErrorKind, Holder, KEY_BYTES_MAX,
    LastError, NAME_BYTES_MAX, PARTITIONS_MAX, Parked, PartitionState, PartitionStatus,
    REASON_BYTES_MAX, Rebuild, Request, Status, partition_of,
};
pub use projection::{
    ApplyError, EntityProjection, EntityProjectionBuilder, Projected, Projection,
    ProjectionBuilder, ProjectionProgress, RunningEntityProjection, RunningProjection, project,
    project_entities, project_entity,
};
pub use reactor::{Backoff, Context, Failure, PartitionBy, ReactorBuilder, RunningReactor};

/// The programs of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
