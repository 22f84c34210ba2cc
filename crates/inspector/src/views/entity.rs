//! `entity`: the stream of an entity, one of its events, and what differs between that and another.

use super::context::Context;
use super::difference::{Change, difference, merged};
use super::event::laid_out;
use super::events::{read, table};
use super::fault::Fault;
use super::row::EventRow;
use super::same::Same;
use super::view::View;
use super::walk::walk;
use crate::asked::{Asked, Wrong};
use crate::site::Budget;
use crate::text::Table;
use serde::Serialize;
use serde_json::Value;
use strandline::{Order, PayloadEncoding, Region, Sequence, Snapshot};
use strandline_transfer::readable_json;

/// What may be asked.
pub(crate) const ENTITY: &[&str] = &["name", "version", "against", "state", "before", "limit"];

const LIMIT: usize = 100;
/// The longest payload that is compared, in bytes.
const COMPARED_MAX: usize = 1 << 20;
/// How many payloads are merged into a state.
const MERGED_MAX: usize = 10_000;

/// An event beside another.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) version: u32,
    pub(crate) against: Option<u32>,
    pub(crate) event: EventRow,
    /// What differs from the event that it is compared with, or from the state before.
    pub(crate) changes: Vec<Change>,
    /// Whether there are more changes than are given.
    pub(crate) is_cut: bool,
    /// The payloads up to this one merged, if that was asked for.
    pub(crate) state: Option<String>,
    /// What could not be compared, and why.
    pub(crate) note: Option<String>,
}

/// An entity.
#[derive(Debug, Serialize)]
pub(crate) struct Entity {
    pub(crate) name: String,
    pub(crate) events: u64,
    /// The versions that its stream has: removed ones are among them.
    pub(crate) first_version: u32,
    pub(crate) last_version: u32,
    pub(crate) compared: Option<Compared>,
    /// Newest first.
    pub(crate) stream: Vec<EventRow>,
    pub(crate) next: Option<u64>,
    pub(crate) same: Same,
}

/// The entity that is asked for.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn entity(context: &Context, asked: &Asked) -> Result<Entity, Fault> {
    let opened = context.opened()?;
    let now = opened.store.snapshot();
    let budget = context.budget(50);
    let Some(name) = asked.one("name") else {
        return Err(Wrong("an entity is asked for by `name`".to_owned()).into());
    };
    let region = Region::all().entity(name);
    let mut rows = now.rows(&region);
    let (first, last) = (rows.next(), rows.next_back());
    let Some(first) = first else {
        return Err(Fault::NotThere(format!(
            "no event is of an entity called {name:?}"
        )));
    };
    let last_version = last.map_or_else(|| first.clock(), |last| last.clock());
    let version = asked.value("version")?.unwrap_or(last_version);
    let mut page = region.clone();
    if let Some(before) = asked.value::<u64>("before")? {
        page = page.before(Sequence::new(before));
    }
    let walked = walk(
        &now,
        &page,
        Order::NewestFirst,
        asked.limit("limit", LIMIT, 1_000)?,
        &budget,
    );
    let rust = format!(
        "let now = store.snapshot();\nfor event in now.stream({name:?}).rev() {{\n    let event = event?;\n}}"
    );
    Ok(Entity {
        name: name.to_owned(),
        events: now.rows(&region).count() as u64,
        first_version: first.clock(),
        last_version,
        compared: compared(&now, &region, version, asked, &budget)?,
        stream: read(context, &now, &walked.rows),
        next: walked.next,
        same: Same::new("query", &context.dir, ["--entity", name, "--newest"], rust),
    })
}

fn compared(
    now: &Snapshot,
    region: &Region,
    version: u32,
    asked: &Asked,
    budget: &Budget,
) -> Result<Option<Compared>, Fault> {
    // Versions may be missing: those that were removed.
    let Some(row) = now.rows(region.clone().clock(..=version)).next_back() else {
        return Ok(None);
    };
    let event = EventRow::read(now, row);
    let is_merged = asked.one("state") == Some("merged");
    let other = match asked.value::<u32>("against")? {
        Some(against) => now.rows(region.clone().clock(against..=against)).next(),
        None => now.rows(region.clone().clock(..row.clock())).next_back(),
    };
    let mut compared = Compared {
        version: row.clock(),
        against: other.map(|other| other.clock()),
        event,
        changes: Vec::new(),
        is_cut: false,
        state: None,
        note: None,
    };
    let (before, after) = match is_merged {
        true => {
            let (before, after, note) = states(now, region, row.clock(), budget);
            compared.note = note;
            compared.state = Some(laid_out(&after.to_string()));
            compared.against = None;
            (Ok(before), Ok(after))
        }
        false => (
            other.map_or(Ok(Value::Null), |other| payload(now, other)),
            payload(now, row),
        ),
    };
    match (before, after) {
        (Ok(before), Ok(after)) => {
            (compared.changes, compared.is_cut) = difference(&before, &after)
        }
        (Err(reason), _) | (_, Err(reason)) => compared.note = Some(reason),
    }
    Ok(Some(compared))
}

/// The payloads of a stream merged, before a version and with it; and what was left out.
fn states(
    now: &Snapshot,
    region: &Region,
    version: u32,
    budget: &Budget,
) -> (Value, Value, Option<String>) {
    let (mut before, mut state) = (Value::Null, Value::Null);
    let mut note = None;
    for (at, row) in now.rows(region.clone().clock(..=version)).enumerate() {
        if at >= MERGED_MAX || budget.is_spent() {
            note = Some(format!(
                "merged up to version {} alone: there are too many events for one request",
                row.clock()
            ));
            break;
        }
        if row.clock() == version {
            before = state.clone();
        }
        match payload(now, row) {
            Ok(payload) => state = merged(state, payload),
            Err(reason) => note = Some(format!("version {} is left out: {reason}", row.clock())),
        }
    }
    (before, state, note)
}

/// A payload as a value of JSON; or why it is none.
fn payload(now: &Snapshot, row: strandline::RowView<'_>) -> Result<Value, String> {
    let read = now.get_with(row.id(), |event| {
        let bytes = event.payload().map_err(|error| error.to_string())?;
        if bytes.len() > COMPARED_MAX {
            return Err(format!(
                "the payload of version {} is too long to be compared",
                event.clock()
            ));
        }
        let json = matches!(
            event.encoding(),
            PayloadEncoding::JSON | PayloadEncoding::MESSAGE_PACK
        );
        let text = json
            .then(|| readable_json(event.encoding(), bytes))
            .flatten();
        let value = text.and_then(|text| serde_json::from_str(&text).ok());
        value.ok_or_else(|| format!("the payload of version {} is not JSON", event.clock()))
    });
    match read {
        Ok(Some(read)) => read,
        Ok(None) => Err("it is not there any more".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl View for Entity {
    fn title(&self) -> String {
        self.name.clone()
    }

    fn table(&self) -> Table {
        table(&self.stream)
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
