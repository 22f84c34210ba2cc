//! `redact`: payloads go for good. What would go is said before, and what went in a report that can be filed.

use super::compact::{change, lines_of, lines_of_record};
use super::removals;
use crate::args::{
    RegionText, StoreArgs, ZoneArgs, confirm_on_terminal, did_you_mean, foreign_event_id, nearest,
    parse_event_id,
};
use crate::outcome::{Outcome, WrongUsage, first_of};
use crate::terminal::{Screen, count};
use crate::times::Zone;
use clap::ArgAction;
use serde_json::{Value, json};
use std::io;
use strandline::maintenance::{Missing, Redacted, RedactionPlan, redact};
use strandline::{EventId, Region, Snapshot};
use strandline_control::AskedRedaction;

/// What is to be done about what a redaction does not reach.
const ELSEWHERE: [&str; 4] = [
    "bring each backup up to date (`strandline backup`), which removes the old segments there; remove older backups",
    "a bucket and its replicas follow by themselves; `strandline replicas URL --check-removed` says whether they have",
    "remove exports, what consumers have made of the events, and what was restored before: stores, DIR.replaced-1 and the \
     like, and DIR.fetched of a restore that was interrupted",
    "entities, scopes, tags, ids, kinds, times and attributes of the events stay",
];

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Redact the event with this id. May be given several times.
    #[arg(long, value_name = "ID", value_parser = parse_event_id)]
    event: Vec<EventId>,
    /// Redact the event that another program calls so: the `source` and the `id` of its CloudEvents event.
    #[arg(long, value_names = ["SOURCE", "ID"], num_args = 2, action = ArgAction::Set)]
    event_of: Option<Vec<String>>,
    /// Redact all events that this entity has now. May be given several times.
    #[arg(long, value_name = "NAME")]
    entity: Vec<String>,
    /// Redact all events of entities whose names start so. May be given several times.
    #[arg(long, value_name = "TEXT")]
    prefix: Vec<String>,
    /// Redact all events that have this tag now. May be given several times: then those that have any of them.
    #[arg(long, value_name = "NAME")]
    tag: Vec<String>,
    /// Redact all events that these options of `query` find, in one text, as for its --any. May be given several
    /// times. Example: --any '--tag customer:7 --scope eu --until 2026-01-01'
    #[arg(long, value_name = "OPTIONS", value_parser = RegionText::parse, allow_hyphen_values = true)]
    any: Vec<RegionText>,
    #[command(flatten)]
    zone: ZoneArgs,
    /// Redact the others if something that was named is not there. Default: then nothing is redacted.
    #[arg(long)]
    missing_ok: bool,
    /// Say what would be redacted, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask. On a terminal it is asked otherwise.
    #[arg(long)]
    yes: bool,
}

impl Args {
    const fn names_none(&self) -> bool {
        let by_id = !self.event.is_empty() || self.event_of.is_some();
        let by_name = !self.entity.is_empty() || !self.prefix.is_empty();
        !by_id && !by_name && self.tag.is_empty() && self.any.is_empty()
    }

    fn redaction(&self, now: &Snapshot) -> anyhow::Result<AskedRedaction> {
        let mut redaction = AskedRedaction::new();
        if !self.missing_ok {
            redaction = redaction.all_or_nothing();
        }
        let foreign = self.event_of.as_deref().and_then(foreign_event_id);
        let events = self.event.iter().copied().chain(foreign);
        redaction = events.fold(redaction, AskedRedaction::event);
        redaction = self.entity.iter().fold(redaction, AskedRedaction::entity);
        redaction = self.prefix.iter().fold(redaction, AskedRedaction::entities);
        for tag in &self.tag {
            redaction = redaction.region(&Region::all().tag(tag))?;
        }
        for text in &self.any {
            redaction = redaction.region(&text.region(now, &self.zone)?)?;
        }
        Ok(redaction)
    }

    /// Which names may have been meant by those that are nobody's.
    fn suggestions(&self, missing: &Missing, now: &Snapshot) -> Vec<String> {
        let suggest = |what: &str, name: &str, all: Vec<String>| {
            let question = did_you_mean(&nearest(name, all.iter().map(String::as_str)));
            let is_any = !question.is_empty();
            is_any.then(|| format!("{what} {name:?}: {}", question.trim_end()))
        };
        let entities = missing.entities.iter().filter_map(|name| {
            let all = now.entities("").map(|(name, _)| name);
            suggest("entity", name, all.collect())
        });
        let is_absent = |tag: &&String| now.rows(Region::all().tag(*tag)).next().is_none();
        let tags = self.tag.iter().filter(is_absent).filter_map(|name| {
            let all = now.tags("").map(|(name, _)| name);
            suggest("tag", name, all.collect())
        });
        entities.chain(tags).collect()
    }
}

/// Removes payloads for good.
pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.names_none() {
        let message = "nothing was named, so there is nothing to redact: give --event, --event-of, --entity, \
            --prefix, --tag or --any";
        return Err(WrongUsage(message.to_owned()).into());
    }
    let (plan, asked, redaction, suggestions) = {
        let store = args.store.open()?;
        let now = store.snapshot();
        let asked = args.redaction(&now)?;
        let redaction = asked.redaction()?;
        let plan = RedactionPlan::of(&store, &redaction)?;
        let suggestions = args.suggestions(&plan.missing, &now);
        (plan, asked, redaction, suggestions)
    };
    let is_refused = !plan.missing.is_empty() && !args.missing_ok;
    if is_refused || args.dry_run {
        show_plan(args, &plan, is_refused, &suggestions)?;
        return Ok(match is_refused {
            true => Outcome::ProblemFound,
            false => Outcome::Fine,
        });
    }
    if plan.events > 0 {
        let question = lines_of_plan(&plan, &args.zone.zone()).join("; ");
        if !confirm_on_terminal(&question, args.yes)? {
            return Ok(Outcome::Fine);
        }
    }
    let (done, closed) = change(
        &args.store,
        "redacting",
        |store, on_progress| redact(store, &redaction, on_progress),
        |other, on_progress| other.redact(&asked, on_progress),
    )?;
    first_of([
        closed.err().map(Into::into),
        show(args, &done).err().map(Into::into),
    ])?;
    // It was there when the plan was made.
    Ok(match done.missing.is_empty() || args.missing_ok {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

/// What would go, a line each.
fn lines_of_plan(plan: &RedactionPlan, zone: &Zone) -> [String; 3] {
    let times = plan.wall_ms.as_ref().map_or_else(String::new, |times| {
        format!(
            ", from {} to {}",
            zone.text(*times.start()),
            zone.text(*times.end())
        )
    });
    let ids: Vec<_> = plan.first_ids.iter().map(ToString::to_string).collect();
    let more = match plan.events > ids.len() as u64 {
        true => ", and more",
        false => "",
    };
    [
        format!(
            "would remove the payloads of {} of {}{times}, and rewrite {}",
            count(plan.events, "event"),
            count(plan.entities, "entity"),
            count(plan.segments as u64, "segment")
        ),
        format!("by the rule: {}", plan.rule),
        format!("events: {}{more}", ids.join(", ")),
    ]
}

fn show_plan(
    args: &Args,
    plan: &RedactionPlan,
    is_refused: bool,
    suggestions: &[String],
) -> io::Result<()> {
    let mut screen = Screen::new();
    if args.store.json {
        let times = plan.wall_ms.as_ref();
        let mut fields = json!({
            "events_to_redact": plan.events,
            "redacted_before": plan.already,
            "entities": plan.entities,
            "first_wall_ms": times.map(|times| *times.start()),
            "last_wall_ms": times.map(|times| *times.end()),
            "first_events": plan.first_ids,
            "segments_to_rewrite": plan.segments,
            "rule": plan.rule,
            "did_you_mean": suggestions,
        });
        add(&mut fields, missing_json(&plan.missing));
        screen.json(&fields)?;
        return screen.flush();
    }
    if is_refused {
        screen.text("something was named that is not there; nothing was changed")?;
    } else if plan.events == 0 {
        screen.text("no payload is there to be removed; nothing was changed")?;
    } else {
        for line in lines_of_plan(plan, &args.zone.zone()) {
            screen.text(&line)?;
        }
        screen.text("nothing was changed")?;
    }
    if plan.already > 0 {
        screen.text(&already(plan.already))?;
    }
    for line in lines_of(&plan.missing) {
        screen.text(&line)?;
    }
    for line in suggestions {
        screen.text(line)?;
    }
    if is_refused {
        screen.text("with --missing-ok the others are redacted all the same")?;
    }
    screen.flush()
}

fn already(events: u64) -> String {
    format!("{} had been redacted before", count(events, "event"))
}

fn missing_json(missing: &Missing) -> Value {
    json!({
        "missing": missing.events,
        "missing_entities": missing.entities,
        "missing_prefixes": missing.prefixes,
        "missing_queries": missing.queries,
    })
}

/// Adds the members of an object to another one.
fn add(to: &mut Value, more: Value) {
    if let (Value::Object(to), Value::Object(more)) = (to, more) {
        to.extend(more);
    }
}

fn show(args: &Args, done: &Redacted) -> io::Result<()> {
    let mut screen = Screen::new();
    if args.store.json {
        let mut fields = json!({
            "events_redacted": done.events,
            "redacted_before": done.already,
            "segments_rewritten": done.segments,
            "quarantine_removed": done.quarantine_removed,
            "quarantine_kept": done.quarantine_kept,
            "record": done.record.as_ref().map(removals::as_json),
            "elsewhere": ELSEWHERE,
        });
        add(&mut fields, missing_json(&done.missing));
        screen.json(&fields)?;
        return screen.flush();
    }
    match done.events {
        0 => screen.text("no payload was there to be removed; nothing was changed")?,
        events => screen.text(&format!(
            "removed the payloads of {}; {} rewritten",
            count(events, "event"),
            count(done.segments as u64, "segment")
        ))?,
    }
    for line in done.record.iter().flat_map(lines_of_record) {
        screen.text(&line)?;
    }
    if done.already > 0 {
        screen.text(&already(done.already))?;
    }
    for line in lines_of(&done.missing) {
        screen.text(&line)?;
    }
    for name in &done.quarantine_removed {
        screen.text(&format!("{name} held something of them, and was removed"))?;
    }
    for name in &done.quarantine_kept {
        screen.text(&format!(
            "{name} was searched, and kept: nothing of them was found in it"
        ))?;
    }
    if done.record.is_some() {
        screen.text("what was copied from the store before may have them still:")?;
        for line in ELSEWHERE {
            screen.text(&format!("  {line}"))?;
        }
    }
    screen.flush()
}
