//! Folds over a snapshot: the state as of a sequence or a time. Nothing is saved.

use super::definition::{ApplyError, EntityProjection, Projection};
use super::fold::{apply_to_entity, not_applied};
use crate::Error;
use std::collections::HashMap;
use strandline::{EntityFilter, EventRef, Query, Region, Snapshot};

/// The state of a projection at a snapshot, from the first event on: of now, or with
/// [`Snapshot::as_of`] and [`Snapshot::snapshot_at`] of then.
///
/// What was removed or redacted since is not in it.
///
/// ```
/// # use strandline::{Coordinate, Event, EventKind, EventRef, Query, Region, Store};
/// # use strandline_live::{ApplyError, Projection, project};
/// struct Count;
///
/// impl Projection for Count {
///     const VERSION: u32 = 1;
///     type State = u64;
///
///     fn query(&self) -> Query {
///         Region::all().into()
///     }
///
///     fn apply(&self, count: &mut u64, _: &EventRef<'_>) -> Result<(), ApplyError> {
///         *count += 1;
///         Ok(())
///     }
/// }
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// # let order = Coordinate::new("order:1042", "eu/payments")?;
/// # let event = || Event::bytes(EventKind::new(1, 1), *b"x");
/// let first = store.append(&order, event())?;
/// store.append(&order, event())?;
/// let now = store.snapshot();
/// assert_eq!(project(&now, &Count)?, 2);
/// let second = first.sequence.checked_add(1).ok_or("too many")?;
/// assert_eq!(project(&now.snapshot_at(second), &Count)?, 1);
/// assert_eq!(project(&now.as_of(first.hlc.wall_ms() - 1), &Count)?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `Faulted` if an event cannot be applied; `Store` if one cannot be read.
pub fn project<P: Projection>(snapshot: &Snapshot, projection: &P) -> Result<P::State, Error> {
    let apply = |state: &mut P::State, event: &EventRef<'_>| projection.apply(state, event);
    fold(snapshot, projection.query(), apply)
}

/// The state of one entity at a snapshot; none if there is no event of it.
///
/// Reads the events of that entity alone.
///
/// # Errors
///
/// As [`project`].
pub fn project_entity<P: EntityProjection>(
    snapshot: &Snapshot,
    projection: &P,
    entity: &str,
) -> Result<Option<P::State>, Error> {
    let regions = projection.query().into_regions().into_iter();
    let query = Query::any_of(regions.filter_map(|region| of_entity(region, entity)));
    let mut events = snapshot.query(query);
    let mut state = None;
    while let Some(event) = events.next_ref() {
        let event = event?;
        let applied = projection.apply(state.get_or_insert_default(), &event);
        applied.map_err(|error| not_applied(event.sequence(), error))?;
    }
    Ok(state)
}

/// The states of all entities at a snapshot.
///
/// # Errors
///
/// As [`project`].
pub fn project_entities<P: EntityProjection>(
    snapshot: &Snapshot,
    projection: &P,
) -> Result<HashMap<String, P::State>, Error> {
    let apply = |states: &mut HashMap<String, P::State>, event: &EventRef<'_>| {
        apply_to_entity(projection, states, event)
    };
    fold(snapshot, projection.query(), apply)
}

/// What of a region is of one entity.
fn of_entity(region: Region, entity: &str) -> Option<Region> {
    let has_it = match region.entity_filter() {
        EntityFilter::Exact(name) => name == entity,
        EntityFilter::Prefix(prefix) => entity.starts_with(prefix.as_str()),
        _ => true,
    };
    has_it.then(|| region.entity(entity))
}

fn fold<S: Default>(
    snapshot: &Snapshot,
    query: Query,
    apply: impl Fn(&mut S, &EventRef<'_>) -> Result<(), ApplyError>,
) -> Result<S, Error> {
    let mut state = S::default();
    let mut events = snapshot.query(query);
    while let Some(event) = events.next_ref() {
        let event = event?;
        let applied = apply(&mut state, &event);
        applied.map_err(|error| not_applied(event.sequence(), error))?;
    }
    Ok(state)
}
