//! `events`: the events of a filter, a page at a time, with facets and their rate; and those that came since.

use super::context::Context;
use super::facets::Facets;
use super::fault::Fault;
use super::rate::Rate;
use super::row::EventRow;
use super::same::Same;
use super::view::View;
use super::walk::walk;
use crate::asked::{Asked, Filter, Wrong};
use crate::text::{Table, time};
use serde::Serialize;
use std::path::Path;
use strandline::{Order, RowView, Sequence, Snapshot};

/// What may be asked beside a filter.
pub(crate) const EVENTS: &[&str] = &["order", "limit", "before", "after"];

/// How many events a page has.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;
/// How many events are pushed at once to who looks at them live.
const PUSHED_MAX: usize = 200;
/// How long facets and the rate are counted for, each, unless so much time was taken before; in milliseconds.
const BESIDE_MS: u64 = 12;
const WHOLE_MS: u64 = 60;
/// How long payloads are read for, in milliseconds, and how many times that.
const READ_MS: u64 = 10;
const READ_TIMES: u32 = 4;

/// The events of a filter.
#[derive(Debug, Serialize)]
pub(crate) struct EventList {
    /// Events with sequences below this one are in the store.
    pub(crate) visible: u64,
    pub(crate) is_newest_first: bool,
    pub(crate) events: Vec<EventRow>,
    /// Where the next page begins: the value of `before`, or of `after` with the oldest first.
    pub(crate) next: Option<u64>,
    /// Whether the time of the request was over before the page was full: `next` goes on.
    pub(crate) is_partial: bool,
    pub(crate) facets: Facets,
    pub(crate) rate: Option<Rate>,
    pub(crate) same: Same,
    #[serde(skip)]
    pub(crate) limit: usize,
}

/// The events that are asked for.
///
/// # Errors
///
/// [`Fault`] for what is wrong with the request, or where the store does not open.
pub(crate) fn events(context: &Context, asked: &Asked) -> Result<EventList, Fault> {
    let opened = context.opened()?;
    let now = opened.store.snapshot();
    let (budget, whole) = (context.budget(30), context.budget(WHOLE_MS));
    let filter = Filter::of(asked, &now, context.clock.now_ms())?;
    let order = order(asked)?;
    let limit = asked.limit("limit", LIMIT, LIMIT_MAX)?;
    let mut region = filter.region.clone();
    if let Some(before) = asked.value::<u64>("before")? {
        region = region.before(Sequence::new(before));
    }
    if let Some(after) = asked.value::<u64>("after")? {
        region = region.after(Sequence::new(after));
    }
    let walked = walk(&now, &region, order, limit, &budget);
    let events = read(context, &now, &walked.rows);
    // A prefix that millions of names begin with takes long by itself, each time that it is asked for.
    let beside = || context.budget(if whole.is_spent() { 0 } else { BESIDE_MS });
    let facets = Facets::of(&now, &filter, &events, &beside());
    let rate = Rate::of(&now, &filter, &beside());
    Ok(EventList {
        visible: now.visible().get(),
        is_newest_first: order == Order::NewestFirst,
        events,
        next: walked.next,
        is_partial: walked.is_partial,
        facets,
        rate,
        same: same(&context.dir, &filter, order, limit),
        limit,
    })
}

/// The events of a filter from a sequence on, oldest first, and where to go on after them; at most so many as are pushed
/// at once. Those between are passed over where there are more: the newest are given.
///
/// # Errors
///
/// As [`events`].
pub(crate) fn events_since(
    context: &Context,
    asked: &Asked,
    from: u64,
) -> Result<(Vec<EventRow>, u64), Fault> {
    let opened = context.opened()?;
    let now = opened.store.snapshot();
    let end = now.visible().get();
    if end <= from {
        // Another store may have taken its place, or the end was lost with the power.
        return Ok((Vec::new(), end));
    }
    let budget = context.budget(40);
    let filter = Filter::of(asked, &now, context.clock.now_ms())?;
    let mut region = filter.region.before(Sequence::new(end));
    if let Some(before) = from.checked_sub(1) {
        region = region.after(Sequence::new(before));
    }
    let walked = walk(&now, &region, Order::NewestFirst, PUSHED_MAX, &budget);
    let mut events = read(context, &now, &walked.rows);
    events.reverse();
    Ok((events, end))
}

/// The rows as events. Those for which no time is left are given as the index has them. A payload may be so long that it
/// takes all of the time by itself: a few of these leave the others theirs.
pub(super) fn read(context: &Context, now: &Snapshot, rows: &[RowView<'_>]) -> Vec<EventRow> {
    let mut budget = context.budget(READ_MS);
    let mut times_left = READ_TIMES;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        if budget.is_spent() && times_left > 1 {
            times_left -= 1;
            budget = context.budget(READ_MS);
        }
        events.push(match budget.is_spent() {
            true => EventRow::unread(now, *row, None),
            false => EventRow::read(now, *row),
        });
    }
    events
}

fn order(asked: &Asked) -> Result<Order, Wrong> {
    match asked.one("order") {
        None | Some("newest") => Ok(Order::NewestFirst),
        Some("oldest") => Ok(Order::OldestFirst),
        Some(other) => Err(Wrong::of(
            "order",
            format!("{other:?} is neither `newest` nor `oldest`"),
        )),
    }
}

fn same(dir: &Path, filter: &Filter, order: Order, limit: usize) -> Same {
    let limit = limit.to_string();
    let newest = (order == Order::NewestFirst).then_some("--newest");
    let options = filter.options.iter().map(String::as_str);
    let options = options.chain(newest).chain(["--limit", &limit]);
    let order = match order {
        Order::NewestFirst => "NewestFirst",
        Order::OldestFirst => "OldestFirst",
    };
    let rust = format!(
        "let region = {};\nlet query = Query::from(region).limit({limit});\n\
         let page = store.snapshot().page(query, Order::{order})?;",
        filter.rust
    );
    Same::new("query", dir, options, rust)
}

/// The columns of events in a table.
const COLUMNS: [&str; 15] = [
    "sequence",
    "time",
    "wall_ms",
    "entity",
    "scope",
    "clock",
    "kind",
    "type",
    "id",
    "correlation",
    "causation",
    "tags",
    "encoding",
    "payload_bytes",
    "payload",
];

/// Events as a table.
pub(super) fn table(events: &[EventRow]) -> Table {
    let mut table = Table::new(COLUMNS);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    for event in events {
        table.row([
            event.sequence.to_string(),
            time(event.wall_ms),
            event.wall_ms.to_string(),
            event.entity.clone(),
            event.scope.clone(),
            event.clock.to_string(),
            event.kind.clone(),
            text(&event.name),
            event.id.clone(),
            text(&event.correlation),
            text(&event.causation),
            event.tags.join(" "),
            event.encoding.to_owned(),
            event
                .payload_bytes
                .map(|bytes| bytes.to_string())
                .unwrap_or_default(),
            event.preview.clone(),
        ]);
    }
    table
}

impl View for EventList {
    fn title(&self) -> String {
        "Events".to_owned()
    }

    fn table(&self) -> Table {
        table(&self.events)
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
