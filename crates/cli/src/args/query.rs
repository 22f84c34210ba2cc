//! `QueryArgs`: which events, of one region or of several, and as of when.

use super::region::RegionArgs;
use super::zone::ZoneArgs;
use crate::outcome::WrongUsage;
use crate::times::{Moment, Zone};
use strandline::{Query, Region, Snapshot};

/// Which events: those of one region, or of any of several.
#[derive(Debug, clap::Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    region: RegionArgs,
    /// Events of any of several questions. Each is the options of this heading in one text, which the shell has
    /// to hand over whole: so in quotes, and names with a blank in it in the other quotes within. What stands
    /// outside holds for each of them that does not have the same; --local and --as-of stand outside.
    /// Example, the events of a course and those of a kind of one student, this year: --any '--tag course:3'
    /// --any '--entity "Ann Lee" --kind student.enrolled' --since 2026-01-01
    #[arg(long, value_name = "OPTIONS", value_parser = parse_any, allow_hyphen_values = true,
        help_heading = "Which events")]
    any: Vec<RegionArgs>,
    /// The store as it was at this time: without the events that came later. A time as for --since; a day is its
    /// first moment. What was removed or redacted since is not there either.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, allow_hyphen_values = true,
        help_heading = "Which events")]
    as_of: Option<Moment>,
}

impl QueryArgs {
    /// The zone that times are shown in.
    pub(crate) fn zone(&self) -> Zone {
        self.region.zone()
    }

    /// Whether the store is asked as it was at a time.
    pub(crate) const fn has_time(&self) -> bool {
        self.as_of.is_some()
    }

    /// The store that is asked: as it is now, or was at a time.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if there is no such time.
    pub(crate) fn snapshot(&self, now: Snapshot) -> Result<Snapshot, WrongUsage> {
        Ok(match self.region.moment("--as-of", self.as_of)? {
            Some(wall_ms) => now.as_of(wall_ms),
            None => now,
        })
    }

    /// What is asked for, in a store as it is now.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if no event can be in one of the regions, or a kind has no such name; what makes an event
    /// that was named unreadable.
    pub(crate) fn query(&self, now: &Snapshot) -> anyhow::Result<Query> {
        if self.any.is_empty() {
            return Ok(self.region.region(now)?.into());
        }
        let regions = self.any.iter();
        let regions = regions.map(|any| any.within(&self.region).region(now));
        regions.collect()
    }
}

/// The region of a text that has the options of a query, without --local.
#[derive(Debug, Clone)]
pub(crate) struct RegionText(RegionArgs);

impl RegionText {
    /// Reads the options.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse_any(text).map(Self)
    }

    /// The region, in a store as it is now, of times as `zone` says.
    ///
    /// # Errors
    ///
    /// As [`QueryArgs::query`].
    pub(crate) fn region(&self, now: &Snapshot, zone: &ZoneArgs) -> anyhow::Result<Region> {
        self.0.in_zone(zone).region(now)
    }
}

/// A region that is one text: the options of a command line.
#[derive(Debug, clap::Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct AnyArgs {
    #[command(flatten)]
    region: RegionArgs,
}

fn parse_any(text: &str) -> Result<RegionArgs, String> {
    let words = words(text).ok_or("a quote is not closed")?;
    if words.is_empty() {
        return Err("no option is in it, so it would be every event".to_owned());
    }
    let parsed = <AnyArgs as clap::Parser>::try_parse_from(words);
    let parsed = parsed.map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        first.trim_start_matches("error: ").to_owned()
    })?;
    match parsed.region.is_local() {
        true => Err("--local holds for all regions: give it outside".to_owned()),
        false => Ok(parsed.region),
    }
}

/// The words of a command line, with single and double quotes as in a shell; none if one is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Says on standard error that no event was found, so that it is not taken for a failure.
pub(crate) fn tell_no_events() {
    crate::output::note("no events");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_in_a_text_are_split_as_in_a_shell() {
        let split = |text| words(text).map(|words| words.join("|"));
        assert_eq!(
            split("--tag a  --scope b").as_deref(),
            Some("--tag|a|--scope|b")
        );
        assert_eq!(
            split("--tag 'a b' \"c'd\"e ''").as_deref(),
            Some("--tag|a b|c'de|")
        );
        assert_eq!(split(" ").as_deref(), Some(""));
        assert_eq!(split("--tag 'a"), None);
    }
}
