//! `Filter`: the events that a request asks for, as a region, as options of the command line, and as Rust.

use super::query_string::Asked;
use super::wrong::Wrong;
use std::fmt::Write as _;
use strandline::{EventKind, KindError, Region, Snapshot};

/// The names by which events are asked for.
pub(crate) const FILTER: &[&str] = &[
    "entity",
    "prefix",
    "scope",
    "kind",
    "not_kind",
    "tag",
    "any_tag",
    "since",
    "until",
    "from",
    "to",
    "correlation",
    "caused_by",
];

/// Which events are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// The region.
    pub(crate) region: Region,
    /// Options of the commands `query`, `tail` and `export`, word by word.
    pub(crate) options: Vec<String>,
    /// The same as Rust, which makes a `Region`.
    pub(crate) rust: String,
    /// Whether every event is asked for, of any name: no more than a time and a range of sequences.
    pub(crate) has_no_names: bool,
    /// The time that is asked for, in milliseconds since 1970; the end is not in it.
    pub(crate) since_ms: Option<u64>,
    pub(crate) until_ms: Option<u64>,
}

impl Filter {
    /// The events that are asked for, in a store as it is now, if it is `now_ms`.
    ///
    /// # Errors
    ///
    /// [`Wrong`] for what is no time, id, number or kind.
    pub(crate) fn of(asked: &Asked, now: &Snapshot, now_ms: u64) -> Result<Self, Wrong> {
        let mut filter = Self {
            region: Region::all(),
            options: Vec::new(),
            rust: "Region::all()".to_owned(),
            has_no_names: true,
            since_ms: asked.moment("since", now_ms)?,
            until_ms: asked.moment("until", now_ms)?,
        };
        filter.names(asked);
        filter.kinds(asked, now)?;
        filter.links(asked)?;
        filter.has_no_names = filter.options.is_empty();
        filter.times();
        filter.sequences(asked)?;
        Ok(filter)
    }

    fn take(
        &mut self,
        option: &str,
        value: &str,
        method: &str,
        with: impl FnOnce(Region) -> Region,
    ) {
        self.options
            .extend([format!("--{option}"), value.to_owned()]);
        let _ = write!(self.rust, "\n    .{method}({value:?})");
        self.region = with(std::mem::take(&mut self.region));
    }

    fn names(&mut self, asked: &Asked) {
        if let Some(entity) = asked.one("entity") {
            self.take("entity", entity, "entity", |region| region.entity(entity));
        } else if let Some(prefix) = asked.one("prefix") {
            self.take("prefix", prefix, "entity_prefix", |region| {
                region.entity_prefix(prefix)
            });
        }
        if let Some(scope) = asked.one("scope") {
            self.take("scope", scope, "scope", |region| region.scope(scope));
        }
        for tag in asked.all("tag") {
            self.take("tag", tag, "tag", |region| region.tag(tag));
        }
        let any: Vec<_> = asked.all("any_tag").collect();
        if !any.is_empty() {
            for tag in &any {
                self.options
                    .extend(["--any-tag".to_owned(), (*tag).to_owned()]);
            }
            let _ = write!(self.rust, "\n    .any_tag({any:?})");
            self.region = std::mem::take(&mut self.region).any_tag(any);
        }
    }

    fn kinds(&mut self, asked: &Asked, now: &Snapshot) -> Result<(), Wrong> {
        for (name, option, method) in [
            ("kind", "--kind", "kinds"),
            ("not_kind", "--not-kind", "not_kinds"),
        ] {
            let texts: Vec<_> = asked.all(name).collect();
            if texts.is_empty() {
                continue;
            }
            let kinds = texts
                .iter()
                .map(|text| kind(text, now).map_err(|reason| Wrong::of(name, reason)));
            let kinds: Vec<EventKind> = kinds.collect::<Result<_, _>>()?;
            for text in &texts {
                self.options.extend([option.to_owned(), (*text).to_owned()]);
            }
            let are_named = texts.iter().all(|text| now.kind_named(text).is_some());
            let _ = match (name, are_named) {
                ("kind", true) => write!(self.rust, "\n    .kinds_named({texts:?})"),
                _ => {
                    let numbers = kinds.iter().map(|kind| {
                        format!(
                            "EventKind::new({:#x}, {:#05x})",
                            kind.bits() >> 12,
                            kind.bits() & 0xfff
                        )
                    });
                    let numbers = numbers.collect::<Vec<_>>().join(", ");
                    write!(self.rust, "\n    .{method}([{numbers}])")
                }
            };
            let region = std::mem::take(&mut self.region);
            self.region = match name {
                "kind" => region.kinds(kinds),
                _ => region.not_kinds(kinds),
            };
        }
        Ok(())
    }

    fn links(&mut self, asked: &Asked) -> Result<(), Wrong> {
        if let Some(id) = asked.value("correlation")? {
            self.region = std::mem::take(&mut self.region).correlation(id);
            self.options
                .extend(["--correlation".to_owned(), id.to_string()]);
            let _ = write!(self.rust, "\n    .correlation(\"{id}\".parse()?)");
        }
        if let Some(id) = asked.value("caused_by")? {
            self.region = std::mem::take(&mut self.region).caused_by(id);
            self.options
                .extend(["--caused-by".to_owned(), id.to_string()]);
            let _ = write!(self.rust, "\n    .caused_by(\"{id}\".parse()?)");
        }
        Ok(())
    }

    fn times(&mut self) {
        let region = std::mem::take(&mut self.region);
        let bound = |ms: Option<u64>| ms.map(|ms| ms.to_string()).unwrap_or_default();
        self.region = match (self.since_ms, self.until_ms) {
            (None, None) => {
                self.region = region;
                return;
            }
            (Some(since), None) => region.wall_ms(since..),
            (None, Some(until)) => region.wall_ms(..until),
            (Some(since), Some(until)) => region.wall_ms(since..until),
        };
        let _ = write!(
            self.rust,
            "\n    .wall_ms({}..{})",
            bound(self.since_ms),
            bound(self.until_ms)
        );
        for (option, ms) in [("--since", self.since_ms), ("--until", self.until_ms)] {
            self.options.extend(
                ms.into_iter()
                    .flat_map(|ms| [option.to_owned(), ms.to_string()]),
            );
        }
    }

    fn sequences(&mut self, asked: &Asked) -> Result<(), Wrong> {
        let (from, to) = (asked.value::<u64>("from")?, asked.value::<u64>("to")?);
        let region = std::mem::take(&mut self.region);
        self.region = match (from, to) {
            (None, None) => {
                self.region = region;
                return Ok(());
            }
            (from, None) => region.sequence(from.unwrap_or_default()..),
            (from, Some(to)) => region.sequence(from.unwrap_or_default()..to),
        };
        let bound =
            |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let range = format!("{}..{}", bound(from), bound(to));
        let _ = write!(self.rust, "\n    .sequence({range})");
        self.options.extend(["--sequence".to_owned(), range]);
        Ok(())
    }
}

/// The kind that a text means, by its name or number, in a store as it is now. As on the command line a name comes first.
fn kind(text: &str, now: &Snapshot) -> Result<EventKind, String> {
    if let Some(kind) = now.kind_named(text) {
        return Ok(kind);
    }
    match EventKind::parse(text, 1) {
        Ok(kind) => Ok(kind),
        Err(KindError::Form) => Err(format!(
            "no kind of the store is called {text:?}; a kind is given by its name, or by its number as `0x1002` or `1:2`"
        )),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use strandline::fs::MemFs;
    use strandline::{Coordinate, Event, Store, StoreOptions};

    fn store() -> Store {
        let options = StoreOptions::new().fs(Arc::new(MemFs::default()));
        let store = options.open("orders.strand").unwrap();
        let placed = store.kind("order.placed").unwrap();
        let order = Coordinate::new("order:1", "eu").unwrap();
        store
            .append(&order, Event::bytes(placed, *b"x").tagged("vip"))
            .unwrap();
        store
    }

    fn asked(query: &str) -> Asked {
        Asked::parse(query, &[FILTER]).unwrap()
    }

    #[test]
    fn what_is_asked_is_a_region_a_command_and_rust() {
        let store = store();
        let now = store.snapshot();
        let query =
            "entity=order:1&scope=eu&tag=vip&kind=order.placed&from=0&to=9&since=2026-01-01";
        let filter = Filter::of(&asked(query), &now, 0).unwrap();
        assert_eq!(now.rows(&filter.region).count(), 1);
        assert_eq!(
            filter.options.join(" "),
            "--entity order:1 --scope eu --tag vip --kind order.placed --since 1767225600000 --sequence 0..9"
        );
        let lines: Vec<_> = filter.rust.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "Region::all()",
                ".entity(\"order:1\")",
                ".scope(\"eu\")",
                ".tag(\"vip\")",
                ".kinds_named([\"order.placed\"])",
                ".wall_ms(1767225600000..)",
                ".sequence(0..9)",
            ]
        );
        assert!(!filter.has_no_names);
        let times = Filter::of(&asked("since=2026-01-01&from=3"), &now, 0).unwrap();
        assert!(times.has_no_names);
        let none = Filter::of(&asked("not_kind=order.placed"), &now, 0).unwrap();
        assert_eq!(now.rows(&none.region).count(), 0);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let store = store();
        let now = store.snapshot();
        for wrong in [
            "kind=order.plcaed",
            "since=soon",
            "from=x",
            "correlation=1",
            "kind=0x0",
        ] {
            assert!(Filter::of(&asked(wrong), &now, 0).is_err(), "{wrong}");
        }
    }
}
