//! Queries of the trait as queries of the store: an item is a region, and a query the union of them.

use crate::kinds::numbered;
use strandline_core::{Query, Region};
use umadb_dcb::{DcbQuery, DcbQueryItem};

/// The events that match one of the items; every event if there is no item.
pub(crate) fn query_of(query: &DcbQuery) -> Query {
    match query.items.is_empty() {
        true => Region::all().into(),
        false => query.items.iter().flat_map(regions).collect(),
    }
}

/// The events that have all tags of an item and one of its types, if it has some.
///
/// Types that are names stay names: the store finds the kinds when it is asked, of a condition under the commit lock,
/// so that a type of which there was no event yet counts too. One that is the number of a kind may be another's name.
fn regions(item: &DcbQueryItem) -> impl Iterator<Item = Region> {
    let tagged = item.tags.iter().fold(Region::all(), Region::tag);
    let kinds: Vec<_> = item
        .types
        .iter()
        .filter_map(|text| numbered(text))
        .collect();
    let by_number = (!kinds.is_empty()).then(|| tagged.clone().kinds(kinds));
    let by_name = (!item.types.is_empty()).then(|| tagged.clone().kinds_named(&item.types));
    let of_any_type = item.types.is_empty().then_some(tagged);
    of_any_type.into_iter().chain(by_name).chain(by_number)
}
