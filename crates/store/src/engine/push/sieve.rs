//! `Sieve`: which topics may have an event among new rows, found without a query for each of them.

use super::topic::Topic;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use strandline_core::{Coordinate, EntityFilter, Query, Region};
use strandline_index::RowView;

/// The queries of many topics, those that name their entities under these names.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    by_entity: HashMap<String, Vec<Sifted>>,
    others: Vec<Sifted>,
    topics: usize,
}

#[derive(Debug, Clone)]
struct Sifted {
    number: u64,
    query: Arc<Query>,
}

/// The numbers of topics that may have an event.
pub(super) type Found = HashSet<u64>;

impl Sieve {
    pub(super) fn add(&mut self, topic: &Topic) {
        let query = &topic.key.query;
        let sifted = Sifted {
            number: topic.number,
            query: query.clone(),
        };
        self.topics += 1;
        let entity = |region: &Region| match region.entity_filter() {
            EntityFilter::Exact(entity) => Some(entity.clone()),
            _ => None,
        };
        let entities: Option<HashSet<_>> = query.regions().iter().map(entity).collect();
        match entities {
            Some(entities) => {
                for entity in entities {
                    let of_entity = self.by_entity.entry(entity).or_default();
                    of_entity.push(sifted.clone());
                }
            }
            None => self.others.push(sifted),
        }
    }

    /// How many topics were added.
    pub(super) const fn topics(&self) -> usize {
        self.topics
    }

    /// Adds the topics that name no entity, each of which is asked of every row.
    pub(super) fn find_others(&self, found: &mut Found) {
        found.extend(self.others.iter().map(|sifted| sifted.number));
    }

    /// Adds the topics that may have the event of this row. None is left out; that of one may be another's, since
    /// tags are not looked at.
    pub(super) fn find(&self, row: RowView<'_>, found: &mut Found) {
        let coordinate = row.coordinate();
        let of_entity = self.by_entity.get(coordinate.entity());
        for sifted in of_entity.into_iter().flatten().chain(&self.others) {
            if !found.contains(&sifted.number) && sifted.may_have(row, &coordinate) {
                found.insert(sifted.number);
            }
        }
    }
}

impl Sifted {
    fn may_have(&self, row: RowView<'_>, coordinate: &Coordinate) -> bool {
        let regions = self.query.regions();
        regions.iter().any(|region| {
            let sequence = row.sequence().get();
            // A name may come to stand for a kind at any time, so it is left to who reads.
            let of_kind = !region.kind_names().is_empty() || region.kind_set().contains(row.kind());
            of_kind
                && region.sequence_span().contains(sequence)
                && region.matches_names(coordinate.entity(), coordinate.scope())
                && region.clock_span().contains(row.clock())
                && region.wall_ms_span().contains(row.wall_ms())
                && region.matches_links(row.correlation(), row.causation())
        })
    }
}
