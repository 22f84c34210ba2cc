//! `AskedRegion`: a region of events as it is said over the socket.

use serde::{Deserialize, Serialize};
use strandline::{EntityFilter, Error, ErrorKind, EventId, EventKind, Region};

/// A region, as it is said. Each field narrows it, ranges are from the first to the last, and kinds are by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskedRegion {
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Of no range there is no kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<Vec<[u16; 2]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<[u32; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<[u64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_ms: Option<[u64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caused_by: Option<EventId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    any_tag: Option<Vec<String>>,
}

impl TryFrom<&Region> for AskedRegion {
    type Error = Error;

    /// # Errors
    ///
    /// `InvalidInput` for a region that names kinds: which they are is for [`Region::resolve_kinds`] to say before.
    fn try_from(region: &Region) -> Result<Self, Error> {
        if !region.kind_names().is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a region that names kinds is not said over the control socket: have them resolved before",
            ));
        }
        let (entity, entity_prefix) = match region.entity_filter() {
            EntityFilter::Any => (None, None),
            EntityFilter::Exact(name) => (Some(name.clone()), None),
            EntityFilter::Prefix(prefix) => (None, Some(prefix.clone())),
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "a region of such entities is not said over the control socket",
                ));
            }
        };
        let kinds = region.kind_set();
        let ranges = kinds.ranges().iter();
        let ranges = ranges.map(|range| [range.first.bits(), range.last.bits()]);
        let (clock, sequence) = (region.clock_span(), region.sequence_span());
        let wall_ms = region.wall_ms_span();
        Ok(Self {
            entity,
            entity_prefix,
            scope: region.scope_filter().map(str::to_owned),
            kinds: (!kinds.is_all()).then(|| ranges.collect()),
            clock: (!clock.is_all()).then_some([clock.first, clock.last]),
            sequence: (!sequence.is_all()).then_some([sequence.first, sequence.last]),
            wall_ms: (!wall_ms.is_all()).then_some([wall_ms.first, wall_ms.last]),
            correlation: region.correlation_filter(),
            caused_by: region.causation_filter(),
            tags: region.tag_filter().to_vec(),
            any_tag: region.any_tag_filter().map(<[_]>::to_vec),
        })
    }
}

impl From<&AskedRegion> for Region {
    fn from(asked: &AskedRegion) -> Self {
        let mut region = Self::all();
        if let Some(prefix) = &asked.entity_prefix {
            region = region.entity_prefix(prefix);
        }
        if let Some(entity) = &asked.entity {
            region = region.entity(entity);
        }
        if let Some(scope) = &asked.scope {
            region = region.scope(scope);
        }
        if let Some(ranges) = &asked.kinds {
            // Of 16 bits each, so there are 65,536 kinds at most, however often one is said.
            let takes = |kind: u16| {
                ranges
                    .iter()
                    .any(|[first, last]| (*first..=*last).contains(&kind))
            };
            let kinds = (0..=u16::MAX).filter(|kind| takes(*kind));
            region = region.kinds(kinds.map(EventKind::from_bits));
        }
        if let Some([first, last]) = asked.clock {
            region = region.clock(first..=last);
        }
        if let Some([first, last]) = asked.sequence {
            region = region.sequence(first..=last);
        }
        if let Some([first, last]) = asked.wall_ms {
            region = region.wall_ms(first..=last);
        }
        if let Some(id) = asked.correlation {
            region = region.correlation(id);
        }
        if let Some(id) = asked.caused_by {
            region = region.caused_by(id);
        }
        region = asked.tags.iter().fold(region, Self::tag);
        match &asked.any_tag {
            Some(tags) => region.any_tag(tags),
            None => region,
        }
    }
}

/// How many ranges of kinds a region has; each is looked at for each kind that there can be.
pub(super) fn kind_ranges(asked: &AskedRegion) -> usize {
    asked.kinds.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(region: &Region) {
        let asked = AskedRegion::try_from(region).unwrap();
        let json = serde_json::to_string(&asked).unwrap();
        let told: AskedRegion = serde_json::from_str(&json).unwrap();
        assert_eq!(told, asked, "{json}");
        let back = Region::from(&told);
        assert_eq!(back.kind_set(), region.kind_set(), "{json}");
        assert_eq!(AskedRegion::try_from(&back).unwrap(), asked, "{json}");
    }

    #[test]
    fn a_region_arrives_as_it_was() {
        for region in [
            Region::all(),
            Region::all()
                .entity("user:7")
                .scope("eu")
                .tag("vip")
                .tag("x"),
            Region::all().entity_prefix("user:").any_tag(["a", "b"]),
            Region::all().any_tag(Vec::<String>::new()),
            Region::all().kind(EventKind::new(1, 2)),
            Region::all().category(3).not_kinds([EventKind::new(3, 7)]),
            Region::all().not_kinds([EventKind::new(2, 1)]),
            Region::all().kinds(Vec::<EventKind>::new()),
            Region::all().clock(1..3).sequence(5..).wall_ms(..1000),
            Region::all().sequence(5..5),
            Region::all()
                .correlation(EventId::from_u128(1))
                .caused_by(EventId::from_u128(2)),
        ] {
            check(&region);
        }
        assert!(AskedRegion::try_from(&Region::all().kind_named("x")).is_err());
    }
}
