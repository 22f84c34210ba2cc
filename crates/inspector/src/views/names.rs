//! `names`: entities, scopes, kinds or tags, each with a count; and when entities were busy.

use super::context::Context;
use super::facets::{Facet, most};
use super::fault::Fault;
use super::rate::{parts, within};
use super::same::Same;
use super::view::View;
use crate::asked::{Asked, Wrong};
use crate::site::{Budget, Seen};
use crate::text::Table;
use serde::Serialize;
use std::time::Duration;
use strandline::{Names, Region, Snapshot};

/// What may be asked.
pub(crate) const NAMES: &[&str] = &["of", "prefix", "after", "sort", "limit"];

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 1_000;
/// How old a count of all may be, at least.
const RANKED_FRESH: Duration = Duration::from_secs(10);
/// Of how many entities it is shown when they were busy.
const HEAT_ROWS: usize = 50;

/// When an entity was busy.
#[derive(Debug, Serialize)]
pub(crate) struct Heat {
    pub(crate) from_ms: u64,
    pub(crate) step_ms: u64,
    /// Of each entity that is listed, as far as there was time: events in each part.
    pub(crate) rows: Vec<Vec<u64>>,
}

/// Names with counts.
#[derive(Debug, Serialize)]
pub(crate) struct NameList {
    /// `entities`, `scopes`, `kinds` or `tags`.
    pub(crate) of: &'static str,
    /// Whether those with the most events come first, and not the order of the names.
    pub(crate) is_by_events: bool,
    pub(crate) names: Vec<Facet>,
    /// Where the next page begins: the value of `after`.
    pub(crate) next: Option<String>,
    /// Whether all names were looked at; if not, others may have more events.
    pub(crate) is_complete: bool,
    /// Whether those that there was no time for are counted now, beside the requests.
    pub(crate) is_counting: bool,
    /// How long ago all were counted, if that was not for this request.
    pub(crate) counted_ms_ago: Option<u64>,
    pub(crate) heat: Option<Heat>,
    pub(crate) same: Same,
}

/// The names that are asked for.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn names(context: &Context, asked: &Asked) -> Result<NameList, Fault> {
    let opened = context.opened()?;
    let now = opened.store.snapshot();
    let budget = context.budget(30);
    let prefix = asked.one("prefix").unwrap_or_default();
    let limit = asked.limit("limit", LIMIT, LIMIT_MAX)?;
    let is_by_events = match asked.one("sort") {
        None | Some("events") => true,
        Some("name") => false,
        Some(other) => {
            return Err(
                Wrong::of("sort", format!("{other:?} is neither `events` nor `name`")).into(),
            );
        }
    };
    let of = of(asked)?;
    let all: Box<dyn Iterator<Item = (String, u64)> + '_> = match of {
        "scopes" => Box::new(after(now.scopes(prefix), asked)),
        "tags" => Box::new(after(now.tags(prefix), asked)),
        "kinds" => {
            Box::new(kinds(&now, prefix, asked.one("after").unwrap_or_default()).into_iter())
        }
        _ => Box::new(after(now.entities(prefix), asked)),
    };
    let (mut names, next, mut is_complete) = match is_by_events {
        true => {
            let (names, is_complete) = most(all, limit, &budget);
            (names, None, is_complete)
        }
        false => page(all, limit),
    };
    let (mut is_counting, mut counted_ms_ago) = (false, None);
    if !is_complete {
        let seen = ranked(context, &now, (of, prefix.to_owned()));
        is_counting = seen.is_running;
        if let Some((ranked, age)) = seen.done {
            names = ranked.iter().take(limit).cloned().collect();
            counted_ms_ago = Some(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
            is_complete = true;
        }
    }
    let heat = (of == "entities")
        .then(|| heat(&now, &names, &context.budget(25)))
        .flatten();
    let rust = match of {
        "kinds" => "let kinds = store.snapshot().kinds();".to_owned(),
        _ => {
            format!("let now = store.snapshot();\nfor (name, events) in now.{of}({prefix:?}) {{}}")
        }
    };
    Ok(NameList {
        of,
        is_by_events,
        names,
        next,
        is_complete,
        is_counting,
        counted_ms_ago,
        heat,
        same: Same::new("inspect", &context.dir, ["--top", &limit.to_string()], rust),
    })
}

/// The names with the most events, of all that begin so: counted on a thread of its own, as there may be millions.
fn ranked(context: &Context, now: &Snapshot, key: (&'static str, String)) -> Seen<Vec<Facet>> {
    let (now, clock, (of, prefix)) = (now.clone(), context.clock.clone(), key.clone());
    let unlimited = Budget::new(&clock, Duration::MAX);
    context
        .ranked
        .ask(&key, RANKED_FRESH, Duration::ZERO, move |_| {
            let names = match of {
                "scopes" => now.scopes(&prefix),
                "tags" => now.tags(&prefix),
                _ => now.entities(&prefix),
            };
            most(names, LIMIT_MAX, &unlimited).0
        })
}

fn of(asked: &Asked) -> Result<&'static str, Wrong> {
    let all = ["entities", "scopes", "kinds", "tags"];
    match asked.one("of") {
        None => Ok("entities"),
        Some(of) => {
            let known = all.into_iter().find(|known| *known == of);
            known.ok_or_else(|| Wrong::of("of", format!("{of:?} is none of {}", all.join(", "))))
        }
    }
}

fn after<'a>(names: Names<'a>, asked: &Asked) -> Names<'a> {
    match asked.one("after") {
        Some(after) => names.after(after),
        None => names,
    }
}

fn kinds(now: &Snapshot, prefix: &str, after: &str) -> Vec<(String, u64)> {
    let kinds = now.kinds().into_iter().map(|kind| {
        let name = kind
            .name
            .map_or_else(|| kind.kind.to_string(), |name| name.to_string());
        (name, kind.events)
    });
    let mut kinds: Vec<_> = kinds
        .filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after)
        .collect();
    kinds.sort();
    kinds
}

/// A page in the order of the names, where the next begins, and that nothing is missing of it.
fn page(
    mut names: impl Iterator<Item = (String, u64)>,
    limit: usize,
) -> (Vec<Facet>, Option<String>, bool) {
    let page = names.by_ref().take(limit);
    let page: Vec<_> = page
        .map(|(value, events)| Facet { value, events })
        .collect();
    let next = names
        .next()
        .and_then(|_| page.last())
        .map(|last| last.value.clone());
    (page, next, true)
}

/// When the first of these entities were busy, over the time of all events.
fn heat(now: &Snapshot, names: &[Facet], budget: &Budget) -> Option<Heat> {
    let all = Region::all();
    let first_ms = now.rows(&all).next()?.wall_ms();
    let last_ms = now.rows(&all).next_back()?.wall_ms();
    let (from_ms, step_ms, count) = parts(first_ms, last_ms);
    let ends: Vec<u64> = (0..=count)
        .map(|part| {
            let end_ms = from_ms.saturating_add(step_ms.saturating_mul(part));
            end_ms
                .checked_sub(1)
                .map_or(0, |last| now.sequence_at(last).get())
        })
        .collect();
    let mut rows = Vec::new();
    for name in names.iter().take(HEAT_ROWS) {
        if budget.is_spent() {
            break;
        }
        let region = Region::all().entity(&*name.value);
        let counts = ends.windows(2).map(|ends| match ends {
            [first, end] => within(now, &region, *first, *end),
            _ => 0,
        });
        rows.push(counts.collect());
    }
    Some(Heat {
        from_ms,
        step_ms,
        rows,
    })
}

impl View for NameList {
    fn title(&self) -> String {
        match self.of {
            "scopes" => "Scopes",
            "kinds" => "Kinds",
            "tags" => "Tags",
            _ => "Entities",
        }
        .to_owned()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["name", "events"]);
        for name in &self.names {
            table.row([name.value.clone(), name.events.to_string()]);
        }
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
