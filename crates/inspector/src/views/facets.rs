//! `Facets`: what the events of a filter are, by kinds, scopes and tags, each with a count.

use super::row::EventRow;
use super::walk::walk;
use crate::asked::Filter;
use crate::site::Budget;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use strandline::{Order, Snapshot};

/// How many of each are given.
const GIVEN: usize = 12;
/// How many events of a filter are counted.
const COUNTED_MAX: usize = 20_000;

/// A value by which events can be filtered, and how many have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Facet {
    /// The value, as a filter takes it.
    pub(crate) value: String,
    pub(crate) events: u64,
}

/// What the events of a filter are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Facets {
    pub(crate) kinds: Vec<Facet>,
    pub(crate) scopes: Vec<Facet>,
    pub(crate) tags: Vec<Facet>,
    /// Whether the tags are counted among the events that are shown alone, as they are where there is a filter.
    pub(crate) are_tags_of_shown: bool,
    /// How many events of the filter were counted.
    pub(crate) counted: u64,
    /// Whether these are all of them. If not, they are the newest.
    pub(crate) is_complete: bool,
}

impl Facets {
    /// The facets of a filter; `shown` are the events of it that are shown.
    pub(crate) fn of(now: &Snapshot, filter: &Filter, shown: &[EventRow], budget: &Budget) -> Self {
        match filter.options.is_empty() {
            true => Self::of_all(now, budget),
            false => Self::of_some(now, filter, shown, budget),
        }
    }

    fn of_all(now: &Snapshot, budget: &Budget) -> Self {
        let kinds = now.kinds().into_iter().map(|kind| {
            let name = kind
                .name
                .map_or_else(|| kind.kind.to_string(), |name| name.to_string());
            (name, kind.events)
        });
        let (kinds, _) = most(kinds, GIVEN, budget);
        let (scopes, all_scopes) = most(now.scopes(""), GIVEN, budget);
        let (tags, all_tags) = most(now.tags(""), GIVEN, budget);
        Self {
            kinds,
            scopes,
            tags,
            are_tags_of_shown: false,
            counted: now.len(),
            is_complete: all_scopes && all_tags,
        }
    }

    fn of_some(now: &Snapshot, filter: &Filter, shown: &[EventRow], budget: &Budget) -> Self {
        if budget.is_spent() {
            return Self::default();
        }
        let (mut kinds, mut scopes) = (BTreeMap::new(), HashMap::<String, u64>::new());
        // A window after the other, as hardly an event may pass the filter.
        let walked = walk(now, &filter.region, Order::NewestFirst, COUNTED_MAX, budget);
        for row in &walked.rows {
            *kinds.entry(row.kind()).or_default() += 1;
            let at = row.coordinate();
            match scopes.get_mut(at.scope()) {
                Some(count) => *count += 1,
                None => drop(scopes.insert(at.scope().to_owned(), 1)),
            }
        }
        let counted = walked.rows.len() as u64;
        let is_complete = walked.next.is_none();
        let kinds = kinds.into_iter().map(|(kind, events)| {
            let name = now.kind_name(kind);
            (
                name.map_or_else(|| kind.to_string(), |name| name.to_string()),
                events,
            )
        });
        let mut tags = BTreeMap::<&str, u64>::new();
        for tag in shown.iter().flat_map(|row| &row.tags) {
            *tags.entry(tag).or_default() += 1;
        }
        let tags = tags
            .into_iter()
            .map(|(tag, events)| (tag.to_owned(), events));
        Self {
            kinds: most(kinds, GIVEN, budget).0,
            scopes: most(scopes, GIVEN, budget).0,
            tags: most(tags, GIVEN, budget).0,
            are_tags_of_shown: true,
            counted,
            is_complete,
        }
    }
}

/// The names with the most events, those first, and by name where they have equally many; and whether all names were
/// looked at.
pub(crate) fn most(
    names: impl IntoIterator<Item = (String, u64)>,
    count: usize,
    budget: &Budget,
) -> (Vec<Facet>, bool) {
    let mut kept = BinaryHeap::new();
    let mut is_complete = true;
    for (at, (name, events)) in names.into_iter().enumerate() {
        kept.push((Reverse(events), name));
        if kept.len() > count {
            kept.pop();
        }
        if at % 256 == 255 && budget.is_spent() {
            is_complete = false;
            break;
        }
    }
    let facets = kept.into_sorted_vec().into_iter();
    let facets = facets.map(|(Reverse(events), value)| Facet { value, events });
    (facets.collect(), is_complete)
}
