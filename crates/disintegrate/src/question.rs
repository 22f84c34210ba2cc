//! What a `StreamQuery` asks of the store.

use crate::Position;
use crate::tags::tags;
use disintegrate::{Event, StreamFilter, StreamQuery};
use strandline::{Query, Region};

/// The query of the store that finds the same events. `origin` takes the place of the filters' own, if given.
pub(crate) fn question<E: Event + Clone>(
    query: &StreamQuery<Position, E>,
    scope: &str,
    origin: Option<Position>,
) -> Query {
    let regions = query.filters().iter();
    Query::any_of(regions.filter_map(|filter| region(filter, scope, origin)))
}

/// `None` if no event is in it.
fn region<E: Event + Clone>(
    filter: &StreamFilter<Position, E>,
    scope: &str,
    origin: Option<Position>,
) -> Option<Region> {
    let excluded = filter.excluded_events().map_or(&[][..], Vec::as_slice);
    let mut names = filter
        .events()
        .iter()
        .filter(|name| !excluded.contains(name));
    let first = names.next()?;
    let region = Region::all()
        .scope(scope)
        .kinds_named(std::iter::once(*first).chain(names.copied()));
    let region = tags(filter.identifiers()).fold(region, Region::tag);
    let origin = origin.unwrap_or(filter.origin());
    Some(region.sequence(origin.next().get()..))
}
