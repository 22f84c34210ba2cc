//! Queries: each region is compiled for each part of a snapshot, and the rows of the parts follow each
//! other.
//!
//! `compile` chooses the key to start from, a `source` of candidate rows, and the `filter` that is left,
//! which remembers `verdicts` on names; `tags` are looked up once for all parts; a `cursor` walks the source,
//! several lists of it by `window`. `part_rows` is that for one region in one part, and `union` for several;
//! `asked` says which of them it is, `rows` walks the parts, and `answer` is what callers get. `plan` says in
//! words what was chosen. Keeps nothing between queries. Knows the rooms `reader`, `part` and `model`.

mod answer;
mod asked;
mod compile;
mod cursor;
mod direction;
mod filter;
mod part_rows;
mod plan;
mod rows;
mod source;
mod tags;
mod union;
mod verdicts;
mod window;

pub use answer::Rows;
pub use plan::{PartPlan, Plan, PlanKey};

use crate::block::HashedName;
use crate::reader::{RowView, Snapshot};
use asked::Several;
use strandline_core::{Query, Region, Sequence};

impl Snapshot {
    /// Every event of an entity, in order.
    #[must_use]
    pub fn stream(&self, entity: &str) -> Rows<'_> {
        self.ask_for_entity(&HashedName::new(entity));
        self.query(Region::all().entity(entity))
    }

    /// The events of a query, in sequence order, from both ends: of a region, or of any of several, each
    /// once.
    ///
    /// Each region starts from whichever key leaves the fewest candidates; see [`explain`](Self::explain).
    /// Several of them cost what each costs, and to merge their rows one step for each.
    ///
    /// ```
    /// use strandline_core::{EventKind, Query, Region};
    ///
    /// let (_writer, reader) = strandline_index::channel();
    /// let (paid, refunded) = (EventKind::new(1, 2), EventKind::new(1, 3));
    /// let either = Query::any_of([
    ///     Region::all().entity_prefix("order:").kinds([paid, refunded]),
    ///     Region::all().tag("customer:7"),
    /// ]);
    /// let newest = reader.snapshot();
    /// let newest = newest.query(either.limit(10)).rev();
    /// assert_eq!(newest.count(), 0);
    /// ```
    #[must_use]
    pub fn query(&self, query: impl Into<Query>) -> Rows<'_> {
        Rows::new(self, query.into())
    }

    /// The first event in `region` with the sequence `since` or a later one.
    ///
    /// For whoever asks for many regions: what [`query`](Self::query) would copy of each is not
    /// copied. A region costs a look at each of its names in each part from `since` on that has
    /// none of them.
    #[must_use]
    pub fn first_since(&self, region: &Region, since: Sequence) -> Option<RowView<'_>> {
        self.find_since(region, since, |_| true)
    }

    /// The first event in `region` with the sequence `since` or a later one that is wanted, as
    /// [`first_since`](Self::first_since). Those that are not are gone past, each once.
    pub fn find_since<'s>(
        &'s self,
        region: &Region,
        since: Sequence,
        wanted: impl Fn(RowView<'s>) -> bool,
    ) -> Option<RowView<'s>> {
        rows::find_since(self, region, since, wanted)
    }

    /// How [`query`](Self::query) would go about a region or several, part by part. A limit is not asked.
    #[must_use]
    pub fn explain(&self, query: impl Into<Query>) -> Plan {
        self.explained(query.into().into_regions())
    }

    fn explained(&self, regions: Vec<Region>) -> Plan {
        let asked = Several::new(regions);
        let parts = (0..self.part_count()).map(|at| asked.queries(self, at));
        let parts: Vec<Vec<_>> = parts
            .map(|queries| queries.map(|query| query.plan()).collect())
            .collect();
        Plan::of(asked.regions().count(), &parts)
    }
}
