//! `RegionArgs`: which events, as one region.

use super::event::{EventArgs, parse_event_id};
use super::kind::KindArg;
use super::zone::ZoneArgs;
use crate::outcome::WrongUsage;
use crate::times::{Moment, Zone};
use std::ops::RangeInclusive;
use strandline::{EventId, KindFilter, Region, Snapshot};

/// Which events.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Which events")]
pub(crate) struct RegionArgs {
    /// Only events of this entity.
    #[arg(long, value_name = "NAME", conflicts_with = "prefix")]
    entity: Option<String>,
    /// Only events of entities whose names start so.
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only events of this scope.
    #[arg(long, value_name = "NAME")]
    scope: Option<String>,
    /// Only events that have this tag. May be given several times: then all of them.
    #[arg(long, value_name = "NAME")]
    tag: Vec<String>,
    /// Only events that have at least one of these tags. May be given several times.
    #[arg(long, value_name = "NAME")]
    any_tag: Vec<String>,
    /// Only events of this kind: its name, such as `order.placed`; `stats` lists the names that there are. May be
    /// given several times: then any of them. A kind without a name is given by its number, as events show it:
    /// `0x1002`, or `1:2` for category and type; a number below 0x1000 is a type of category 1, as for import.
    /// Where a name looks like a number it comes first: `name:12` is the kind that is called 12, and
    /// `number:0x100c` the one with this number.
    #[arg(long, value_name = "KIND", value_parser = KindArg::parse, conflicts_with = "category")]
    kind: Vec<KindArg>,
    /// No events of this kind. May be given several times: then none of them.
    #[arg(long, value_name = "KIND", value_parser = KindArg::parse)]
    not_kind: Vec<KindArg>,
    /// Only events of this category, 0 to 15.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=15))]
    category: Option<u8>,
    /// Only events from this time on: `2026-01-31`, `2026-01-31T12:00`, `2026-01-31T12:00:00+02:00`, `30d`
    /// or `1h30m` ago, `today`, or milliseconds since 1970, of at least 12 digits.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, allow_hyphen_values = true)]
    since: Option<Moment>,
    /// Only events before this time.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, allow_hyphen_values = true)]
    until: Option<Moment>,
    #[command(flatten)]
    zone: ZoneArgs,
    /// Only events with these sequences: `100..200`, of which 200 is not one, `100..`, `..200`, `100`.
    #[arg(long, value_name = "RANGE", value_parser = parse_range)]
    sequence: Option<RangeInclusive<u64>>,
    #[command(flatten)]
    event: EventArgs,
    /// Only events that belong to the event with this id: it, if it belongs to no other, and those that were
    /// appended as correlated to it.
    #[arg(long, value_name = "ID", value_parser = parse_event_id)]
    correlation: Option<EventId>,
    /// Only events that the event with this id has caused.
    #[arg(long, value_name = "ID", value_parser = parse_event_id)]
    caused_by: Option<EventId>,
}

impl RegionArgs {
    /// The same with what stands outside, where it has nothing of that itself.
    pub(super) fn within(&self, outside: &Self) -> Self {
        let both = |own: &[String], others: &[String]| [own, others].concat();
        let names_entity = self.entity.is_some() || self.prefix.is_some();
        let names_kind = !self.kind.is_empty() || self.category.is_some();
        let entities = if names_entity { self } else { outside };
        let kinds = if names_kind { self } else { outside };
        Self {
            entity: entities.entity.clone(),
            prefix: entities.prefix.clone(),
            scope: self.scope.clone().or_else(|| outside.scope.clone()),
            tag: both(&self.tag, &outside.tag),
            kind: kinds.kind.clone(),
            not_kind: [&*self.not_kind, &*outside.not_kind].concat(),
            category: kinds.category,
            since: self.since.or(outside.since),
            until: self.until.or(outside.until),
            zone: outside.zone.clone(),
            sequence: self.sequence.clone().or_else(|| outside.sequence.clone()),
            event: self.event.or(&outside.event),
            correlation: self.correlation.or(outside.correlation),
            caused_by: self.caused_by.or(outside.caused_by),
            any_tag: match self.any_tag.is_empty() {
                true => outside.any_tag.clone(),
                false => self.any_tag.clone(),
            },
        }
    }

    /// The same with times of a zone.
    pub(super) fn in_zone(&self, zone: &ZoneArgs) -> Self {
        Self {
            zone: zone.clone(),
            ..self.clone()
        }
    }

    /// The zone that times are shown in.
    pub(crate) fn zone(&self) -> Zone {
        self.zone.zone()
    }

    /// Whether --local is there.
    pub(super) const fn is_local(&self) -> bool {
        self.zone.is_local()
    }

    /// Milliseconds since 1970 of a time that was given for an argument.
    pub(super) fn moment(
        &self,
        name: &str,
        moment: Option<Moment>,
    ) -> Result<Option<u64>, WrongUsage> {
        self.zone.resolve(name, moment)
    }

    /// The region that is asked for, in a store as it is now.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if no event can be in it, or a kind has no such name; what makes the event that is named
    /// unreadable.
    pub(super) fn region(&self, now: &Snapshot) -> anyhow::Result<Region> {
        let region = self.of_names(now)?;
        let mut sequence = self.sequence.clone().unwrap_or(0..=u64::MAX);
        let region = match self.event.sequence(now)? {
            Some(Some(found)) if sequence.contains(&found) => {
                sequence = found..=found;
                region
            }
            None => region,
            // It is not there. No event has one of no tags.
            Some(_) => region.any_tag([""; 0]),
        };
        let region = self.of_times(region.sequence(sequence))?;
        if region.wall_ms_span().is_empty() {
            let message = "no event can be before --until and not before --since";
            return Err(WrongUsage(message.to_owned()).into());
        }
        Ok(region)
    }

    /// The region by what events are called, and by their links.
    fn of_names(&self, now: &Snapshot) -> Result<Region, WrongUsage> {
        let mut region = Region::all();
        if let Some(entity) = &self.entity {
            region = region.entity(entity);
        }
        if let Some(prefix) = &self.prefix {
            region = region.entity_prefix(prefix);
        }
        if let Some(scope) = &self.scope {
            region = region.scope(scope);
        }
        for tag in &self.tag {
            region = region.tag(tag);
        }
        if !self.kind.is_empty() {
            let kinds = self.kind.iter().map(|kind| kind.resolve(now));
            region = region.kinds(kinds.collect::<Result<Vec<_>, _>>()?);
        }
        if !self.not_kind.is_empty() {
            let kinds = self.not_kind.iter().map(|kind| kind.resolve(now));
            region = region.not_kinds(kinds.collect::<Result<Vec<_>, _>>()?);
        }
        if let Some(category) = self.category {
            region = region.kind(KindFilter::Category(category));
        }
        if !self.any_tag.is_empty() {
            region = region.any_tag(&self.any_tag);
        }
        if let Some(id) = self.correlation {
            region = region.correlation(id);
        }
        if let Some(id) = self.caused_by {
            region = region.caused_by(id);
        }
        Ok(region)
    }

    fn of_times(&self, region: Region) -> Result<Region, WrongUsage> {
        let since = self.zone.resolve("--since", self.since)?;
        let until = self.zone.resolve("--until", self.until)?;
        Ok(match (since, until) {
            (Some(since), Some(until)) => region.wall_ms(since..until),
            (Some(since), None) => region.wall_ms(since..),
            (None, Some(until)) => region.wall_ms(..until),
            (None, None) => region,
        })
    }
}

/// A range of numbers, whose end is not in it as in Rust.
fn parse_range(text: &str) -> Result<RangeInclusive<u64>, String> {
    const FORMS: &str = "a range is `100..200`, `100..`, `..200` or `100`";
    let number = |text: &str, default: u64| match text {
        "" => Ok(default),
        text => text.parse::<u64>().map_err(|_| FORMS.to_owned()),
    };
    match text.split_once("..") {
        None => text
            .parse()
            .map(|only| only..=only)
            .map_err(|_| FORMS.to_owned()),
        Some((first, "")) => Ok(number(first, 0)?..=u64::MAX),
        Some((first, end)) => {
            let first = number(first, 0)?;
            match number(end, u64::MAX)?.checked_sub(1) {
                Some(last) if first <= last => Ok(first..=last),
                _ => Err("the range is empty: its end is not in it".to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_before_their_end() {
        assert_eq!(parse_range("100..200"), Ok(100..=199));
        assert_eq!(parse_range("100.."), Ok(100..=u64::MAX));
        assert_eq!(parse_range("..200"), Ok(0..=199));
        assert_eq!(parse_range("7"), Ok(7..=7));
        for wrong in ["", "a..b", "..0", "1...3", "-1", "5..5", "9..3"] {
            assert!(parse_range(wrong).is_err(), "{wrong}");
        }
    }
}
