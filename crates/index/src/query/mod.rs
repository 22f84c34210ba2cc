//! Queries: a region is compiled for each part of a snapshot, and the rows of the parts follow each
//! other.
//!
//! `compile` chooses the key to start from, a `source` of candidate rows, and the `filter` that is left,
//! which remembers `verdicts` on names; `tags` are looked up once for all parts; a `cursor` walks the source, several lists of it by `window`; `part_rows` is that for one part, and
//! `rows` for all. `plan` says in words what was chosen. Keeps nothing between queries. Knows the rooms
//! `reader`, `part` and `model`.

mod compile;
mod cursor;
mod direction;
mod filter;
mod part_rows;
mod plan;
mod rows;
mod source;
mod tags;
mod verdicts;
mod window;

pub use plan::{PartPlan, Plan, PlanKey};
pub use rows::Rows;

use crate::block::HashedName;
use crate::reader::{RowView, Snapshot};
use compile::PartQuery;
use strandline_core::{Region, Sequence};
use tags::TagNames;

impl Snapshot {
    /// Every event of an entity, in order.
    #[must_use]
    pub fn stream(&self, entity: &str) -> Rows<'_> {
        self.ask_for_entity(&HashedName::new(entity));
        self.query(&Region::all().entity(entity))
    }

    /// The events in `region`, in sequence order, from both ends.
    ///
    /// Starts from whichever key leaves the fewest candidates; see [`explain`](Self::explain).
    #[must_use]
    pub fn query(&self, region: &Region) -> Rows<'_> {
        Rows::new(self, region.clone())
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

    /// How [`query`](Self::query) would go about `region`, part by part.
    #[must_use]
    pub fn explain(&self, region: &Region) -> Plan {
        let tags = TagNames::of(region);
        Plan::of((0..self.part_count()).map(|at| {
            let query = PartQuery::compile(self.part(at), self.bound_of(at), region, &tags);
            query.plan()
        }))
    }
}
