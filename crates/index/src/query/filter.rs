//! `Filter`: what is left to check of each candidate once a key has been chosen. Finds no candidates.

use super::verdicts::Verdicts;
use crate::part::{List, Part};
use strandline_core::{EntityFilter, EventId, KindSet, Region, Span};

/// The checks that the chosen key does not make unnecessary.
pub(super) struct Filter {
    pub(super) kind: bool,
    pub(super) clock: bool,
    wall_ms: bool,
    pub(super) correlation: Option<EventId>,
    pub(super) causation: Option<EventId>,
    /// The rows of each tag that is wanted.
    pub(super) tags: Vec<List>,
    /// The rows of each tag of which one is wanted.
    pub(super) any_tags: Vec<List>,
    kinds: KindSet,
    clocks: Span<u32>,
    times: Span<u64>,
    /// There where entity or scope are checked.
    names: Option<Region>,
    /// Whether names pass: asked of the part once for each coordinate, mostly.
    verdicts: Verdicts,
}

impl Filter {
    /// Every check that `region` needs, but that of the names.
    pub(super) fn new(region: &Region) -> Self {
        Self {
            kind: !region.kind_set().is_all(),
            clock: !region.clock_span().is_all(),
            wall_ms: !region.wall_ms_span().is_all(),
            correlation: region.correlation_filter(),
            causation: region.causation_filter(),
            tags: Vec::new(),
            any_tags: Vec::new(),
            kinds: region.kind_set().clone(),
            clocks: region.clock_span(),
            times: region.wall_ms_span(),
            names: None,
            verdicts: Verdicts::default(),
        }
    }

    /// No check.
    pub(super) fn none() -> Self {
        Self::new(&Region::all())
    }

    /// Adds the check of entity and scope.
    pub(super) fn check_names(&mut self, region: &Region) {
        // Not a copy of all of it: there may be very many tags.
        let mut names = match region.entity_filter() {
            EntityFilter::Any => Region::all(),
            EntityFilter::Exact(entity) => Region::all().entity(entity),
            EntityFilter::Prefix(prefix) => Region::all().entity_prefix(prefix),
            _ => region.clone(),
        };
        if let Some(scope) = region.scope_filter() {
            names = names.scope(scope);
        }
        self.names = Some(names);
    }

    /// Whether nothing is left to check.
    pub(super) const fn is_empty(&self) -> bool {
        !(self.kind || self.clock || self.wall_ms)
            && self.names.is_none()
            && self.correlation.is_none()
            && self.causation.is_none()
            && self.tags.is_empty()
            && self.any_tags.is_empty()
    }

    /// Keeps the rows that pass: one column after the other, so that each is looked up once.
    pub(super) fn retain(&mut self, part: &Part, rows: &mut Vec<u32>) {
        if self.kind {
            part.retain_kinds(rows, &self.kinds);
        }
        if self.clock {
            rows.retain(|row| self.clocks.contains(part.clock(*row)));
        }
        if self.wall_ms {
            rows.retain(|row| self.times.contains(part.wall_ms(*row)));
        }
        if self.names.is_some() {
            rows.retain(|row| self.names_pass(part, part.coordinate_number(*row)));
        }
        if self.correlation.is_some() || self.causation.is_some() {
            rows.retain(|row| self.links_pass(part, *row));
        }
        for list in &self.tags {
            rows.retain(|row| list.has(*row));
        }
        if !self.any_tags.is_empty() {
            rows.retain(|row| self.any_tags.iter().any(|list| list.has(*row)));
        }
    }

    fn links_pass(&self, part: &Part, row: u32) -> bool {
        let link = part.link(row);
        let correlation = link.map_or_else(|| part.id(row), |link| link.correlation);
        self.correlation.is_none_or(|wanted| wanted == correlation)
            && self
                .causation
                .is_none_or(|wanted| link.and_then(|link| link.causation) == Some(wanted))
    }

    fn names_pass(&mut self, part: &Part, coordinate: u32) -> bool {
        let region = self.names.as_ref();
        self.verdicts.get(coordinate, part.coordinate_count(), || {
            part.with_names(coordinate, |entity, scope| {
                region.is_some_and(|region| region.matches_names(entity, scope))
            })
            .unwrap_or_default()
        })
    }
}
