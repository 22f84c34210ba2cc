//! `Query`: the events of any of several regions.

use super::event::EventHeader;
use super::id::Sequence;
use super::kind::EventKind;
use super::region::{Region, Span};
use std::ops::Bound;

/// Which events are asked for: those of any of several regions, each once, in sequence order, and at most
/// so many.
///
/// Whatever takes a query takes a [`Region`] as well, which is one of one region. A query of no region has
/// no events.
///
/// ```
/// # use strandline_core::{EventKind, Query, Region, Sequence};
/// const SUBSCRIBED: EventKind = EventKind::new(0x1, 0x001);
/// let decides = Query::any_of([
///     Region::all().tag("course:3"),
///     Region::all().tag("student:7").kind(SUBSCRIBED),
/// ]);
/// let next_page = decides.clone().after(Sequence::new(41)).limit(100);
/// assert_eq!(next_page.regions().len(), 2);
/// assert_ne!(next_page, decides);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    /// Each within the bounds.
    regions: Regions,
    /// Of regions that are added later too.
    bounds: Span<u64>,
    limit: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Regions {
    /// Nearly every query. A region is some 300 bytes, and is handed on several times until it is walked.
    One(Box<Region>),
    Any(Vec<Region>),
}

impl Query {
    /// The events of any of these regions.
    #[must_use]
    pub fn any_of(regions: impl IntoIterator<Item = Region>) -> Self {
        regions.into_iter().collect()
    }

    /// No event, until a region is added.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            regions: Regions::Any(Vec::new()),
            bounds: Span::<u64>::ALL,
            limit: None,
        }
    }

    /// The events of this region too.
    #[must_use]
    pub fn or(mut self, region: Region) -> Self {
        let region = region.within(self.bounds);
        self.regions = match self.regions {
            Regions::Any(none) if none.is_empty() => Regions::One(Box::new(region)),
            Regions::One(first) => Regions::Any(vec![*first, region]),
            Regions::Any(mut regions) => {
                regions.push(region);
                Regions::Any(regions)
            }
        };
        self
    }

    /// Only events after this one in the commit order: a page that continues another.
    #[must_use]
    pub fn after(self, sequence: Sequence) -> Self {
        let after = (Bound::Excluded(sequence.get()), Bound::Unbounded);
        self.within(Span::<u64>::from_range(after))
    }

    /// Only events before this one in the commit order: a page that continues another from the newest on.
    #[must_use]
    pub fn before(self, sequence: Sequence) -> Self {
        self.within(Span::<u64>::from_range(..sequence.get()))
    }

    /// At most so many events: the first ones, or the last ones where they are asked for newest first.
    /// Replaces a limit set before. What takes a query and gives no events, a condition of an append for one,
    /// does as if there was none.
    #[must_use]
    pub const fn limit(mut self, events_max: usize) -> Self {
        self.limit = Some(events_max);
        self
    }

    fn within(mut self, span: Span<u64>) -> Self {
        self.bounds = self.bounds.and(span);
        self.regions = match self.regions {
            Regions::One(region) => Regions::One(Box::new(region.within(span))),
            Regions::Any(regions) => {
                let regions = regions.into_iter().map(|region| region.within(span));
                Regions::Any(regions.collect())
            }
        };
        self
    }

    /// The regions, each within the bounds that [`after`](Self::after) and [`before`](Self::before) set.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        match &self.regions {
            Regions::One(region) => std::slice::from_ref(region),
            Regions::Any(regions) => regions,
        }
    }

    /// The only region, or else the query again.
    ///
    /// # Errors
    ///
    /// The query, if it is not of one region or has a limit.
    #[doc(hidden)]
    #[inline]
    pub fn into_region(self) -> Result<Box<Region>, Self> {
        match (self.regions, self.limit) {
            (Regions::One(region), None) => Ok(region),
            (regions, limit) => Err(Self {
                regions,
                bounds: self.bounds,
                limit,
            }),
        }
    }

    /// The regions, each within the bounds.
    #[doc(hidden)]
    #[must_use]
    pub fn into_regions(self) -> Vec<Region> {
        match self.regions {
            Regions::One(region) => vec![*region],
            Regions::Any(regions) => regions,
        }
    }

    /// Takes the kinds that names stand for, which `kind_of` knows, as
    /// [`Region::resolve_kinds`](Region::resolve_kinds).
    pub fn resolve_kinds(&mut self, mut kind_of: impl FnMut(&str) -> Option<EventKind>) {
        match &mut self.regions {
            Regions::One(region) => region.resolve_kinds(kind_of),
            Regions::Any(regions) => {
                for region in regions {
                    region.resolve_kinds(&mut kind_of);
                }
            }
        }
    }

    /// How many events are asked for at most, if that was set.
    #[must_use]
    pub const fn events_max(&self) -> Option<usize> {
        self.limit
    }

    /// Whether an event is in one of the regions; the limit is not asked.
    #[must_use]
    pub fn matches(&self, event: &EventHeader) -> bool {
        self.regions().iter().any(|region| region.matches(event))
    }
}

impl From<Region> for Query {
    #[inline]
    fn from(region: Region) -> Self {
        Self {
            regions: Regions::One(Box::new(region)),
            bounds: Span::<u64>::ALL,
            limit: None,
        }
    }
}

impl From<&Region> for Query {
    #[inline]
    fn from(region: &Region) -> Self {
        region.clone().into()
    }
}

impl From<&Self> for Query {
    fn from(query: &Self) -> Self {
        query.clone()
    }
}

impl FromIterator<Region> for Query {
    fn from_iter<T: IntoIterator<Item = Region>>(regions: T) -> Self {
        regions.into_iter().fold(Self::none(), Self::or)
    }
}

impl From<Vec<Region>> for Query {
    fn from(regions: Vec<Region>) -> Self {
        Self::any_of(regions)
    }
}

impl<const N: usize> From<[Region; N]> for Query {
    fn from(regions: [Region; N]) -> Self {
        Self::any_of(regions)
    }
}

impl From<&[Region]> for Query {
    fn from(regions: &[Region]) -> Self {
        regions.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_for_regions_added_later() {
        let region = || Region::all().sequence(..=90);
        let first = Query::from(region()).or(region());
        let first = first.after(Sequence::new(9)).before(Sequence::new(50));
        let then = Query::none().before(Sequence::new(50));
        let then = then.or(region()).after(Sequence::new(9)).or(region());
        assert_eq!(first, then);
        let span = Span {
            first: 10,
            last: 49,
        };
        assert_eq!(first.regions().len(), 2);
        for region in first.regions() {
            assert_eq!(region.sequence_span(), span);
        }
    }

    #[test]
    fn bounds_past_either_end_leave_nothing() {
        for query in [
            Query::from(Region::all()).before(Sequence::ZERO),
            Query::from(Region::all()).after(Sequence::new(u64::MAX)),
            Query::from(Region::all())
                .after(Sequence::new(5))
                .before(Sequence::new(6)),
        ] {
            assert!(query.regions()[0].sequence_span().is_empty(), "{query:?}");
        }
        assert!(Query::none().regions().is_empty());
    }

    #[test]
    fn a_query_of_one_region_is_that_region() {
        let region = Region::all().tag("t");
        let query = Query::any_of([region.clone()]);
        assert_eq!(query, Query::from(&region));
        assert_eq!(query.clone().into_region(), Ok(Box::new(region)));
        assert!(query.limit(3).into_region().is_err());
        assert!(Query::none().into_region().is_err());
    }
}
