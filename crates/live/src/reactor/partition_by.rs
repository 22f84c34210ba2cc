//! `PartitionBy`: which events are handled one after the other.

use crate::partition_of;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use strandline::RowView;
use strandline_core::{EntityFilter, EventHeader, EventId, Query};

/// Which events a reactor handles in the order of the log, one after the other. Of others some are handled before
/// them, or at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PartitionBy {
    /// Those of an entity.
    #[default]
    Entity,
    /// Those that have the same correlation: what a process manager wants, which follows one process through many
    /// entities.
    Correlation,
}

impl fmt::Display for PartitionBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entity => "entity",
            Self::Correlation => "correlation",
        })
    }
}

impl PartitionBy {
    /// What the events are told apart by.
    pub(super) fn key<'a>(&self, event: &'a EventHeader) -> Cow<'a, str> {
        match self {
            Self::Entity => Cow::Borrowed(event.coordinate.entity()),
            Self::Correlation => Cow::Owned(event.correlation.to_string()),
        }
    }

    /// Whether the event of a row is in a partition. What the index has says it, and nothing is read from disk.
    pub(super) fn is_in(&self, row: RowView<'_>, partition: u32, partitions: u32) -> bool {
        let of_row = match self {
            Self::Entity => partition_of(row.coordinate().entity(), partitions),
            Self::Correlation => partition_of(&row.correlation().to_string(), partitions),
        };
        of_row == partition
    }

    /// The part of a query that has one key. It has none but events of the query.
    pub(super) fn narrow(&self, query: &Query, key: &str) -> Query {
        let regions = query.regions().iter();
        match self {
            Self::Entity => regions
                .filter(|region| match region.entity_filter() {
                    EntityFilter::Any => true,
                    EntityFilter::Exact(entity) => entity == key,
                    EntityFilter::Prefix(prefix) => key.starts_with(prefix.as_str()),
                    // A filter of a kind that is not known is not widened.
                    _ => false,
                })
                .map(|region| region.clone().entity(key))
                .collect(),
            Self::Correlation => match key.parse::<EventId>() {
                Ok(id) => regions
                    .filter(|region| region.correlation_filter().is_none_or(|own| own == id))
                    .map(|region| region.clone().correlation(id))
                    .collect(),
                Err(_) => Query::none(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strandline_core::Region;

    #[test]
    fn a_query_is_narrowed_and_never_widened() {
        let query = Query::any_of([
            Region::all().entity_prefix("order:").tag("a"),
            Region::all().entity("user:1").tag("b"),
            Region::all().tag("c"),
        ]);
        let narrow = |key| PartitionBy::Entity.narrow(&query, key);
        let of = |entity: &str, tag| Region::all().entity(entity).tag(tag);
        assert_eq!(
            narrow("order:7"),
            Query::any_of([of("order:7", "a"), of("order:7", "c")])
        );
        assert_eq!(
            narrow("user:1"),
            Query::any_of([of("user:1", "b"), of("user:1", "c")])
        );
        assert_eq!(narrow("user:2"), Query::from(of("user:2", "c")));
        assert!(
            PartitionBy::Correlation
                .narrow(&query, "no id")
                .regions()
                .is_empty()
        );
    }
}
