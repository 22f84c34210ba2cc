//! `Filter`: what is left to check of each candidate once a key has been chosen.

use crate::{CoordinateId, Snapshot};
use strandline_core::{KindFilter, Region, Span};

/// The checks that the chosen key does not make unnecessary.
pub(crate) struct Filter {
    /// Entity or scope.
    pub(crate) names: bool,
    pub(crate) kind: bool,
    pub(crate) clock: bool,
    pub(crate) wall_ms: bool,
    kinds: KindFilter,
    clocks: Span<u32>,
    times: Span<u64>,
    /// Kept for its names only where these are checked.
    region: Option<Region>,
    verdicts: Vec<Verdict>,
}

/// Whether the names of a coordinate pass: asked of the dictionary once for each coordinate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Unknown,
    Passes,
    Fails,
}

impl Filter {
    /// Every check that `region` needs.
    pub(crate) fn new(region: &Region) -> Self {
        Self {
            names: false,
            kind: region.kind_filter() != KindFilter::Any,
            clock: !region.clock_span().is_all(),
            wall_ms: !region.wall_ms_span().is_all(),
            kinds: region.kind_filter(),
            clocks: region.clock_span(),
            times: region.wall_ms_span(),
            region: None,
            verdicts: Vec::new(),
        }
    }

    /// Adds the check of entity and scope.
    pub(crate) fn check_names(&mut self, region: &Region) {
        self.names = true;
        self.region = Some(region.clone());
    }

    /// Whether nothing is left to check.
    pub(crate) const fn is_empty(&self) -> bool {
        !(self.names || self.kind || self.clock || self.wall_ms)
    }

    /// Whether `row` passes.
    pub(crate) fn passes(&mut self, snapshot: &Snapshot, row: u32) -> bool {
        let cell = snapshot.cell(row);
        (!self.kind || self.kinds.matches(cell.kind()))
            && (!self.clock || self.clocks.contains(cell.clock()))
            && (!self.wall_ms || self.times.contains(cell.wall_ms()))
            && (!self.names || self.names_pass(snapshot, cell.coordinate()))
    }

    fn names_pass(&mut self, snapshot: &Snapshot, coordinate: CoordinateId) -> bool {
        if self.verdicts.is_empty() {
            let coordinates = snapshot.shared.coordinates.read().len();
            self.verdicts = vec![Verdict::Unknown; coordinates];
        }
        let at = coordinate.position();
        if let Some(verdict) = self.verdicts.get(at)
            && *verdict != Verdict::Unknown
        {
            return *verdict == Verdict::Passes;
        }
        let passes = {
            let coordinates = snapshot.shared.coordinates.read();
            coordinates
                .get(at)
                .zip(self.region.as_ref())
                .is_some_and(|(coordinate, region)| {
                    region.matches_names(coordinate.entity(), coordinate.scope())
                })
        };
        if let Some(verdict) = self.verdicts.get_mut(at) {
            *verdict = if passes {
                Verdict::Passes
            } else {
                Verdict::Fails
            };
        }
        passes
    }
}
