//! The framework over a store, put together as its other adapters do it.

use crate::StrandlineEventRepository;
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{Aggregate, CqrsFramework, Query};
use std::sync::Arc;
use strandline::Store;

/// The framework over a store.
pub type StrandlineCqrs<A> = CqrsFramework<A, PersistedEventStore<StrandlineEventRepository, A>>;

/// A framework whose aggregates are made of their events.
pub fn strandline_cqrs<A: Aggregate>(
    store: &Arc<Store>,
    queries: Vec<Box<dyn Query<A>>>,
    services: A::Services,
) -> StrandlineCqrs<A> {
    let repository = StrandlineEventRepository::new(store);
    CqrsFramework::new(
        PersistedEventStore::new_event_store(repository),
        queries,
        services,
    )
}

/// A framework whose aggregates are kept as they are after each command. Here they are brought up to date with their
/// events when they are loaded, so they are never behind.
pub fn strandline_aggregate_cqrs<A: Aggregate>(
    store: &Arc<Store>,
    queries: Vec<Box<dyn Query<A>>>,
    services: A::Services,
) -> StrandlineCqrs<A> {
    let repository = StrandlineEventRepository::new(store);
    CqrsFramework::new(
        PersistedEventStore::new_aggregate_store(repository),
        queries,
        services,
    )
}

/// A framework whose aggregates are kept after each `snapshot_events` events, and brought up to date when they are
/// loaded. `snapshot_events` is at least 1, or the framework panics.
pub fn strandline_snapshot_cqrs<A: Aggregate>(
    store: &Arc<Store>,
    queries: Vec<Box<dyn Query<A>>>,
    snapshot_events: usize,
    services: A::Services,
) -> StrandlineCqrs<A> {
    let repository = StrandlineEventRepository::new(store);
    CqrsFramework::new(
        PersistedEventStore::new_snapshot_store(repository, snapshot_events),
        queries,
        services,
    )
}
