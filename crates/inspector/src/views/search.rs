//! `search`: what a text may mean, an id, a sequence, a time, a name; and the payloads that have it.

use super::context::Context;
use super::events::table;
use super::facets::Facet;
use super::fault::Fault;
use super::row::EventRow;
use super::same::Same;
use super::view::View;
use super::walk::walk;
use crate::asked::{Asked, FILTER, Filter};
use crate::site::Budget;
use crate::text::{Table, address, parse_moment, time};
use memchr::memmem::Finder;
use serde::Serialize;
use strandline::{EventId, Order, Region, Sequence, Snapshot};

/// What may be asked beside a filter, which holds for payloads alone.
pub(crate) const SEARCH: &[&str] = &["q", "in", "before"];

/// How many names are given that begin so.
const NAMES_MAX: usize = 10;
/// How many events are given whose payload has the text.
const FOUND_MAX: usize = 50;

/// Something that a text may mean.
#[derive(Debug, Serialize)]
pub(crate) struct Meaning {
    pub(crate) what: &'static str,
    pub(crate) text: String,
    /// The page that shows it.
    pub(crate) address: String,
    pub(crate) events: Option<u64>,
}

/// Events whose payload has a text.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) events: Vec<EventRow>,
    /// How many payloads were looked at.
    pub(crate) looked_at: u64,
    /// Where the next request goes on: the value of `before`.
    pub(crate) next: Option<u64>,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct Search {
    pub(crate) text: String,
    pub(crate) meanings: Vec<Meaning>,
    /// None if payloads were not to be looked at.
    pub(crate) payloads: Option<Found>,
    pub(crate) same: Same,
}

/// What is found by a text.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn search(context: &Context, asked: &Asked) -> Result<Search, Fault> {
    let opened = context.opened()?;
    let now = opened.store.snapshot();
    let text = asked.one("q").unwrap_or_default();
    let is_in_payloads = asked.one("in") == Some("payloads") && !text.is_empty();
    let filter = Filter::of(&asked.only(FILTER), &now, context.clock.now_ms())?;
    let payloads = match is_in_payloads {
        true => Some(payloads(
            &now,
            &filter,
            text,
            asked.value("before")?,
            &context.budget(45),
        )),
        false => None,
    };
    let meanings = match text {
        "" => Vec::new(),
        text => meanings(&now, text, context.clock.now_ms(), &context.budget(15)),
    };
    let rust = format!(
        "for event in store.snapshot().query({}) {{\n    let has = event?.payload()?.windows({}).any(|part| part == {text:?}.as_bytes());\n}}",
        filter.rust,
        text.len().max(1)
    );
    let options = filter.options.iter().map(String::as_str).chain(["--json"]);
    Ok(Search {
        text: text.to_owned(),
        meanings,
        payloads,
        same: Same::new("query", &context.dir, options, rust),
    })
}

fn meanings(now: &Snapshot, text: &str, now_ms: u64, budget: &Budget) -> Vec<Meaning> {
    let mut meanings = Vec::new();
    let mut mean = |what, text: &str, address: String, events| {
        meanings.push(Meaning {
            what,
            text: text.to_owned(),
            address,
            events,
        });
    };
    if let Ok(id) = text.parse::<EventId>() {
        let belong = now.rows(Region::all().correlation(id)).count() as u64;
        let is_there = now.causes(id).next().is_some();
        let id = id.to_string();
        if is_there {
            mean("event", &id, address("/event", [("id", &*id)]), None);
        }
        if belong > 0 {
            mean(
                "correlation",
                &id,
                address("/tree", [("id", &*id)]),
                Some(belong),
            );
        }
    }
    if let Ok(sequence) = text.parse::<u64>()
        && now
            .rows(Region::all().sequence(sequence..=sequence))
            .next()
            .is_some()
    {
        mean(
            "sequence",
            text,
            address("/event", [("sequence", text)]),
            None,
        );
    }
    if let Ok(wall_ms) = parse_moment(text, now_ms) {
        let ms = wall_ms.to_string();
        mean(
            "events since",
            &time(wall_ms),
            address("/events", [("since", &*ms), ("order", "oldest")]),
            None,
        );
    }
    if let Some(kind) = now.kind_named(text) {
        let events = now.rows(Region::all().kind(kind)).count() as u64;
        mean(
            "kind",
            text,
            address("/events", [("kind", text)]),
            Some(events),
        );
    }
    for (what, names, path, by) in [
        ("entity", now.entities(text), "/entity", "name"),
        ("scope", now.scopes(text), "/events", "scope"),
        ("tag", now.tags(text), "/events", "tag"),
    ] {
        if budget.is_spent() {
            break;
        }
        let found: Vec<_> = names
            .take(NAMES_MAX)
            .map(|(value, events)| Facet { value, events })
            .collect();
        for name in found {
            mean(
                what,
                &name.value,
                address(path, [(by, &*name.value)]),
                Some(name.events),
            );
        }
    }
    meanings
}

/// The newest events whose payload has a text, as far as there is time.
fn payloads(
    now: &Snapshot,
    filter: &Filter,
    text: &str,
    before: Option<u64>,
    budget: &Budget,
) -> Found {
    const AT_ONCE: usize = 512;
    let finder = Finder::new(text.as_bytes());
    let mut found = Found {
        events: Vec::new(),
        looked_at: 0,
        next: before,
    };
    loop {
        let mut region = filter.region.clone();
        if let Some(before) = found.next {
            region = region.before(Sequence::new(before));
        }
        let walked = walk(now, &region, Order::NewestFirst, AT_ONCE, budget);
        for row in &walked.rows {
            let read = now.get_with(row.id(), |event| {
                let has = event
                    .payload()
                    .is_ok_and(|payload| finder.find(payload).is_some());
                has.then(|| EventRow::of(&event))
            });
            found.looked_at += 1;
            if let Ok(Some(Some(event))) = read {
                found.events.push(event);
            }
            if found.events.len() >= FOUND_MAX || budget.is_spent() {
                found.next = Some(row.sequence().get());
                return found;
            }
        }
        found.next = walked.next;
        if walked.next.is_none() || walked.is_partial {
            return found;
        }
    }
}

impl View for Search {
    fn title(&self) -> String {
        "Search".to_owned()
    }

    fn table(&self) -> Table {
        if let Some(found) = &self.payloads {
            return table(&found.events);
        }
        let mut table = Table::new(["what", "text", "events", "address"]);
        for meaning in &self.meanings {
            let events = meaning
                .events
                .map(|events| events.to_string())
                .unwrap_or_default();
            table.row([
                meaning.what.to_owned(),
                meaning.text.clone(),
                events,
                meaning.address.clone(),
            ]);
        }
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
