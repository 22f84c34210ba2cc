//! Arguments that several commands have, and the values that are read from them.
//!
//! Opens a store as they say, and calls nothing of it; looks whether its path is that of a
//! file. Knows `outcome`, `output` and `times`.

use crate::outcome::WrongUsage;
use crate::output::note;
use crate::times::{Moment, Zone};
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use strandline::{
    Clock, Error, EventKind, KindError, KindFilter, Query, Region, Snapshot, Store, StoreOptions,
    SystemClock,
};

/// The category of a kind that is given as its type alone.
pub(crate) const CATEGORY_DEFAULT: u8 = 1;

/// The store, and how results are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// Directory of the store.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    pub(crate) dir: PathBuf,
    /// Print JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads the directory of a store, and refuses a file: another argument may have been left out before it.
pub(crate) fn store_dir() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        match path.metadata().is_ok_and(|found| !found.is_dir()) {
            true => Err(format!(
                "{} is a file; a store is a directory",
                path.display()
            )),
            false => Ok(path),
        }
    })
}

impl StoreArgs {
    /// The store, opened to read only: beside a writer if there is one, and changing nothing.
    pub(crate) fn open(&self) -> Result<Store, Error> {
        open(&self.dir)
    }

    /// As [`open`](Self::open), and all of it can be read as it is now, whatever a writer rewrites meanwhile.
    pub(crate) fn open_whole(&self) -> Result<Store, Error> {
        open_whole(&self.dir)
    }
}

/// A store, opened to read only.
pub(crate) fn open(dir: &Path) -> Result<Store, Error> {
    StoreOptions::new().read_only().open(dir)
}

/// A store, opened to read only, of which all can be read as it is now, whatever a writer rewrites meanwhile.
pub(crate) fn open_whole(dir: &Path) -> Result<Store, Error> {
    let options = StoreOptions::new().read_only();
    options.keep_segments().open(dir)
}

/// Opens a store to write to it. What the opening repaired or set aside is told on standard error, as nobody
/// finds it later: the next opening has a store that is in order.
pub(crate) fn open_to_write(options: StoreOptions, dir: &Path) -> Result<Store, Error> {
    let store = options.open(dir)?;
    for notice in &store.open_report().notices {
        note(notice);
    }
    Ok(store)
}

/// Which events: those of one region, or of any of several.
#[derive(Debug, clap::Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    region: RegionArgs,
    /// Events of any of several regions: the options of this heading in one text, each time one region.
    /// Those that stand outside hold for each of them that does not have the same; --local stands outside.
    /// Example: --any '--tag course:3' --any '--tag student:7 --kind 1:2' --since 2026-01-31
    #[arg(long, value_name = "OPTIONS", value_parser = parse_any, allow_hyphen_values = true,
        help_heading = "Which events")]
    any: Vec<RegionArgs>,
}

impl QueryArgs {
    /// The zone that times are shown in.
    pub(crate) fn zone(&self) -> Zone {
        self.region.zone()
    }

    /// What is asked for, in a store as it is now.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if no event can be in one of the regions, or a kind has no such name.
    pub(crate) fn query(&self, now: &Snapshot) -> Result<Query, WrongUsage> {
        if self.any.is_empty() {
            return Ok(self.region.region(now)?.into());
        }
        let regions = self.any.iter();
        let regions = regions.map(|any| any.within(&self.region).region(now));
        regions.collect()
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
    match parsed.region.zone.local {
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
    /// Only events of this kind: its name, such as `order.placed`, or its number: `0x1002`, or `1:2` for
    /// category and type; a number below 0x1000 is a type of category 1, as for import. A name that the
    /// store has comes before a number; `name:12` is the kind that is called 12, and `number:0x100c` the one
    /// with this number, whatever kinds are called. May be given several times: then any of them.
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
}

impl RegionArgs {
    /// The same with what stands outside, where it has nothing of that itself.
    fn within(&self, outside: &Self) -> Self {
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
        }
    }

    /// The zone that times are shown in.
    pub(crate) fn zone(&self) -> Zone {
        self.zone.zone()
    }

    /// The region that is asked for, in a store as it is now.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if no event can be in it, or a kind has no such name.
    pub(crate) fn region(&self, now: &Snapshot) -> Result<Region, WrongUsage> {
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
        if let Some(range) = &self.sequence {
            region = region.sequence(range.clone());
        }
        let since = self.zone.resolve("--since", self.since)?;
        let until = self.zone.resolve("--until", self.until)?;
        let region = match (since, until) {
            (Some(since), Some(until)) => region.wall_ms(since..until),
            (Some(since), None) => region.wall_ms(since..),
            (None, Some(until)) => region.wall_ms(..until),
            (None, None) => region,
        };
        if region.wall_ms_span().is_empty() {
            let message = "no event can be before --until and not before --since";
            return Err(WrongUsage(message.to_owned()));
        }
        Ok(region)
    }
}

/// Says on standard error that no event was found, so that it is not taken for a failure.
pub(crate) fn tell_no_events() {
    crate::output::note("no events");
}

/// A kind as it was written: its name in a store, or its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KindArg(String);

/// What a text that means the number of a kind begins with, whatever kinds are called.
const NUMBER_PREFIX: &str = "number:";

/// What a text that means the name of a kind begins with, whatever number it looks like.
const NAME_PREFIX: &str = "name:";

/// What the type of a kind without a name begins with in an export, before its number.
const EXPORTED_PREFIX: &str = "strandline.kind.";

/// How many names are listed where one is not known.
const NAMES_LISTED: usize = 20;

impl KindArg {
    /// Any text but an empty one: what it means is for the store to say.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err(KindError::Form.to_string()),
            text => Ok(Self(text.to_owned())),
        }
    }

    /// The kind, in a store as it is now. A name that the store has comes before a number.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if no kind has such a name and it is no number, or if it is the name of one kind of the
    /// store and the number of another.
    pub(crate) fn resolve(&self, now: &Snapshot) -> Result<EventKind, WrongUsage> {
        let text = self.0.as_str();
        if let Some(name) = text.strip_prefix(NAME_PREFIX) {
            let named = now.kind_named(name).or_else(|| now.kind_named(text));
            return named.ok_or_else(|| unknown(name, now));
        }
        if let Some(Ok(kind)) = text.strip_prefix(NUMBER_PREFIX).map(number) {
            return Ok(kind);
        }
        match (now.kind_named(text), number(text)) {
            (Some(named), Ok(numbered)) if named != numbered && is_there(numbered, now) => {
                Err(WrongUsage(format!(
                    "{text:?} is the name of the kind {named}, and the number of another that the store \
                     has, {numbered}: say `{NAME_PREFIX}{text}` or `{NUMBER_PREFIX}{numbered}`"
                )))
            }
            (Some(named), _) => Ok(named),
            (None, Ok(numbered)) => Ok(numbered),
            (None, Err(KindError::Form)) if !is_number_like(text) => Err(unknown(text, now)),
            (None, Err(error)) => Err(WrongUsage(format!("{text:?}: {error}"))),
        }
    }
}

impl KindArg {
    /// The name that was meant, if no kind of the store has it.
    pub(crate) fn unknown_name(&self, now: &Snapshot) -> Option<&str> {
        let text = self.0.as_str();
        if now.kind_named(text).is_some() || text.starts_with(NUMBER_PREFIX) {
            return None;
        }
        if let Some(name) = text.strip_prefix(NAME_PREFIX) {
            return now.kind_named(name).is_none().then_some(name);
        }
        let is_no_number = matches!(number(text), Err(KindError::Form)) && !is_number_like(text);
        is_no_number.then_some(text)
    }
}

/// A number, as an import reads it too, or as an export writes it.
fn number(text: &str) -> Result<EventKind, KindError> {
    let number = text.strip_prefix(EXPORTED_PREFIX);
    EventKind::parse(number.unwrap_or(text), CATEGORY_DEFAULT)
}

/// Whether a text that is no number was most likely meant to be one.
fn is_number_like(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || first == '+')
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "x:+".contains(c))
}

/// Whether a store has a kind: with a name, or events.
fn is_there(kind: EventKind, now: &Snapshot) -> bool {
    now.kind_name(kind).is_some() || now.rows(Region::all().kind(kind)).next().is_some()
}

/// What is said of a name that no kind has.
fn unknown(name: &str, now: &Snapshot) -> WrongUsage {
    let kinds = now.kinds();
    let mut names: Vec<_> = kinds.into_iter().filter_map(|kind| kind.name).collect();
    names.sort();
    let more = if names.len() > NAMES_LISTED {
        ", …"
    } else {
        ""
    };
    names.truncate(NAMES_LISTED);
    let known = match names.is_empty() {
        true => "no kind of the store has a name".to_owned(),
        false => format!("there are {}{more}", names.join(", ")),
    };
    WrongUsage(format!(
        "no kind is called {name:?}: {known}; a kind is given by its name, or as `0x1002` or `1:2`"
    ))
}

/// In which zone times are shown and read.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ZoneArgs {
    /// Show times in the zone of this machine, and read those in it that have none. Default: UTC.
    #[arg(long)]
    local: bool,
}

impl ZoneArgs {
    /// The zone that is asked for.
    pub(crate) fn zone(&self) -> Zone {
        Zone::new(self.local)
    }

    /// Milliseconds since 1970 of a time that was given for an argument.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if there is no such time.
    pub(crate) fn resolve(
        &self,
        name: &str,
        moment: Option<Moment>,
    ) -> Result<Option<u64>, WrongUsage> {
        let now_ms = SystemClock::default().now_ms();
        let resolved = moment.map(|moment| moment.resolve(now_ms, &self.zone()));
        let resolved = resolved.transpose();
        resolved.map_err(|error| WrongUsage(format!("{name}: {error}")))
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
    fn numbers_of_kinds_are_read_in_each_form() {
        for text in ["0x1002", "1:2", "4098", "2", "strandline.kind.0x1002"] {
            assert_eq!(number(text), Ok(EventKind::new(1, 2)), "{text}");
        }
        for name in ["order.placed", "2fa.enabled", "a:b", "face"] {
            assert_eq!(number(name), Err(KindError::Form), "{name}");
            assert!(!is_number_like(name), "{name}");
        }
        for wrong in ["0x", "1:", "+2"] {
            assert_eq!(number(wrong), Err(KindError::Form), "{wrong}");
            assert!(is_number_like(wrong), "{wrong}");
        }
        for wrong in ["16:1", "1:0x1000", "0x10000", "0:1", "0x2"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert!(KindArg::parse("").is_err());
    }

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
