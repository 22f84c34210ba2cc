//! `compact`: events that are not to be kept go for good.

use super::removals;
use super::rules::{effects_json, line_of_effect, read_rules};
use crate::args::{KindArg, StoreArgs, ZoneArgs, confirm, confirm_on_terminal};
use crate::outcome::{Outcome, WrongUsage, first_of, with_also};
use crate::terminal::{Bar, Screen, count, size};
use crate::times::Moment;
use crate::writer::Writer;
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use strandline::maintenance::{
    Compacted, CompactionPlan, Missing, OnProgress, Removal, Retention, compact, rfc3339,
};
use strandline::{Error, Hex, Region, Store};
use strandline_control::{AskedRetention, Client};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Keep and remove by the rules of this file, in TOML; `-` is standard input. docs/retention.md says what rules
    /// can say. The first that an event is of decides about it, and an event that none is of stays.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keep_newest", "keep_since", "within", "keep_header_kind",
        "keep_header_tag", "drop_entity", "drop_prefix"])]
    rules: Option<PathBuf>,
    /// Keep the newest events of each entity, this many: 1 or more.
    #[arg(long, value_name = "COUNT")]
    keep_newest: Option<u32>,
    /// Keep events from this time on: those of the last 30 days with `30d`, or `2026-01-31`,
    /// `2026-01-31T12:00:00+02:00`, milliseconds since 1970, of at least 12 digits. A time in the future is
    /// refused.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, allow_hyphen_values = true)]
    keep_since: Option<Moment>,
    #[command(flatten)]
    zone: ZoneArgs,
    /// Let --keep-newest and --keep-since decide about entities whose names start so; others stay.
    #[arg(long, value_name = "TEXT")]
    within: Option<String>,
    /// Keep the headers of events of this kind that would go, without their payloads: so that conditions still
    /// see them. May be given several times. Where no event is of it, nothing is removed.
    #[arg(long, value_name = "KIND", value_parser = KindArg::parse)]
    keep_header_kind: Vec<KindArg>,
    /// The same for events that have a tag which begins so. May be given several times. Where no event has
    /// such a tag, nothing is removed.
    #[arg(long, value_name = "TEXT")]
    keep_header_tag: Vec<String>,
    /// Compact as well where no event is of a kind of --keep-header-kind, or has a tag of --keep-header-tag, where no
    /// kind has a name that is in --rules, and where a rule there that keeps all has no event: for a schedule that begins before the first such event. What is absent is told, and is no failure.
    #[arg(long)]
    allow_absent: bool,
    /// Drop all events of this entity. May be given several times.
    #[arg(long, value_name = "NAME")]
    drop_entity: Vec<String>,
    /// Drop all events of entities whose names start so. May be given several times.
    #[arg(long, value_name = "TEXT")]
    drop_prefix: Vec<String>,
    /// Make one short record of commits of which nothing is left, of which 144 bytes each stay otherwise. Events in them
    /// can be proved no more then, and a head of the log that ends in them cannot be held against it: sign a head
    /// afterwards. What was proved stays so.
    #[arg(long, conflicts_with = "rules")]
    forget_digests: bool,
    /// Say what would be removed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask on a terminal before it is done; and do it as well where nothing would be left.
    #[arg(long)]
    yes: bool,
}

/// What events were to be known by that stay, or whose headers do, and are not: no event is of the kind, has the tag, or
/// is one of the rule.
#[derive(Debug, Default)]
struct Absent {
    kinds: Vec<String>,
    tags: Vec<String>,
    rules: Vec<String>,
}

impl Absent {
    const fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.tags.is_empty() && self.rules.is_empty()
    }

    fn note(&self, missing: &mut Missing) {
        missing.kinds.clone_from(&self.kinds);
        missing.tags.clone_from(&self.tags);
        missing.rules.clone_from(&self.rules);
    }
}

impl Args {
    const fn has_no_rule(&self) -> bool {
        let keeps = self.keep_newest.is_some() || self.keep_since.is_some();
        let keeps = keeps || self.rules.is_some();
        !keeps && self.drop_entity.is_empty() && self.drop_prefix.is_empty()
    }

    /// The rules, and what of them is of no event. With such a rule what it was to keep would go as well, so
    /// they are not to be followed.
    fn rules(&self) -> anyhow::Result<(AskedRetention, Absent)> {
        let mut absent = Absent::default();
        if let Some(file) = &self.rules {
            let rules = read_rules(file)?;
            let asked = Retention::try_from(&rules)?;
            let missing = CompactionPlan::of(&self.store.open()?, &asked)?.missing;
            (absent.kinds, absent.rules) = (missing.kinds, missing.rules);
            return Ok((rules, absent));
        }
        let mut rules = AskedRetention::new();
        if let Some(count) = self.keep_newest {
            rules = rules.keep_newest(count);
        }
        if let Some(wall_ms) = self.zone.resolve("--keep-since", self.keep_since)? {
            rules = rules.keep_since(wall_ms);
        }
        if let Some(prefix) = &self.within {
            rules = rules.within(prefix);
        }
        if !self.keep_header_kind.is_empty() || !self.keep_header_tag.is_empty() {
            let now = self.store.open()?.snapshot();
            for kind in &self.keep_header_kind {
                if self.allow_absent
                    && let Some(name) = kind.unknown_name(&now)
                {
                    rules = rules.keep_headers_of_named(name);
                    continue;
                }
                let kind = kind.resolve(&now)?;
                if now.rows(Region::all().kind(kind)).next().is_none() {
                    let name = now.kind_name(kind).map(|name| name.to_string());
                    absent.kinds.push(name.unwrap_or_else(|| kind.to_string()));
                }
                rules = rules.keep_headers_of(kind);
            }
            for prefix in &self.keep_header_tag {
                if now.tags(prefix).next().is_none() {
                    absent.tags.push(prefix.clone());
                }
                rules = rules.keep_headers_tagged(prefix);
            }
        }
        if self.forget_digests {
            rules = rules.forget_digests();
        }
        let drop = |rules: AskedRetention, name| rules.drop_entity(name);
        rules = self.drop_entity.iter().fold(rules, drop);
        let drop = |rules: AskedRetention, prefix| rules.drop_entities(prefix);
        Ok((self.drop_prefix.iter().fold(rules, drop), absent))
    }
}

/// Removes events that are not to be kept.
pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.has_no_rule() {
        let message = "no rule says what to keep or to drop, so there is nothing to compact: give \
            --rules, --keep-newest, --keep-since, --drop-entity or --drop-prefix; with --dry-run too it is only said \
            what would go";
        return Err(WrongUsage(message.to_owned()).into());
    }
    let (asked, absent) = args.rules()?;
    let rules = Retention::try_from(&asked)?;
    if !absent.is_empty() && !args.allow_absent {
        show_refused(args, &absent)?;
        return Ok(Outcome::ProblemFound);
    }
    if args.dry_run {
        return plan(args, &rules);
    }
    if !args.yes && !is_confirmed(args, &rules)? {
        return Ok(Outcome::Fine);
    }
    let (done, closed) = change(
        &args.store,
        "compacting",
        |store, on_progress| compact(store, &rules, on_progress),
        |other, on_progress| other.compact(&asked, on_progress),
    )?;
    first_of([
        closed.err().map(Into::into),
        show_compaction(args, &done).err().map(Into::into),
    ])?;
    Ok(outcome(&done.missing))
}

/// Says why nothing was removed, with the fields of what a compaction or a plan says.
fn show_refused(args: &Args, absent: &Absent) -> io::Result<()> {
    let mut screen = Screen::new();
    if args.store.json {
        let json = match args.dry_run {
            true => {
                let mut plan = CompactionPlan::default();
                absent.note(&mut plan.missing);
                plan_json(&plan)
            }
            false => {
                let mut done = Compacted::default();
                absent.note(&mut done.missing);
                compacted_json(&done)
            }
        };
        screen.json(&json)?;
        return screen.flush();
    }
    let what = if args.rules.is_some() {
        "rules name what is not there, so that what they were to keep could go"
    } else {
        "headers were to be kept that are not there"
    };
    screen.text(&format!("{what}; nothing was changed"))?;
    let rules = lines_of_absent_rules(&absent.rules);
    for line in lines_of_absent(&absent.kinds, &absent.tags).chain(rules) {
        screen.text(&line)?;
    }
    screen.text("with --allow-absent the others are compacted all the same")?;
    screen.flush()
}

fn compacted_json(done: &Compacted) -> Value {
    json!({
        "events_removed": done.events,
        "payloads_removed": done.headers,
        "segments_rewritten": done.segments,
        "bytes_before": done.bytes_before,
        "bytes_after": done.bytes_after,
        "segments_merged": done.merged,
        "missing_entities": done.missing.entities,
        "missing_prefixes": done.missing.prefixes,
        "missing_kinds": done.missing.kinds,
        "missing_tags": done.missing.tags,
        "missing_rules": done.missing.rules,
        "rules": effects_json(&done.rules),
        "records": done.records.iter().map(removals::as_json).collect::<Vec<_>>(),
    })
}

fn plan_json(plan: &CompactionPlan) -> Value {
    json!({
        "events_to_remove": plan.events,
        "payloads_to_remove": plan.headers,
        "segments_to_rewrite": plan.segments,
        "missing_entities": plan.missing.entities,
        "missing_prefixes": plan.missing.prefixes,
        "missing_kinds": plan.missing.kinds,
        "missing_tags": plan.missing.tags,
        "missing_rules": plan.missing.rules,
        "rules": effects_json(&plan.rules),
    })
}

/// What is said of kinds and tags that no event has, a line each.
fn lines_of_absent(kinds: &[String], tags: &[String]) -> impl Iterator<Item = String> {
    let kinds = kinds
        .iter()
        .map(|kind| format!("there is no event of the kind {kind}, or all of them were removed"));
    let tags = tags.iter().map(|prefix| {
        format!(
            "there is no event with a tag that begins with {prefix:?}, or all of them were removed"
        )
    });
    kinds.chain(tags)
}

fn show_compaction(args: &Args, done: &Compacted) -> io::Result<()> {
    let mut screen = Screen::new();
    if args.store.json {
        let json = compacted_json(done);
        screen.json(&json)?;
        return screen.flush();
    }
    let changed = done.events + done.headers;
    if changed == 0 && done.merged == 0 {
        screen.text("the rules keep every event; nothing was changed")?;
    } else if changed == 0 {
        screen.text("the rules keep every event")?;
    } else {
        screen.text(&format!(
            "removed {}{}; {} rewritten, {} before and {} now",
            count(done.events, "event"),
            payloads_of(done.headers),
            count(done.segments as u64, "segment"),
            size(done.bytes_before),
            size(done.bytes_after)
        ))?;
    }
    if done.merged > 0 {
        screen.text(&format!(
            "merged {} into those before",
            count(done.merged as u64, "short segment")
        ))?;
    }
    for line in done
        .rules
        .iter()
        .map(|effect| line_of_effect(effect, "removed"))
    {
        screen.text(&line)?;
    }
    for line in done.records.iter().flat_map(lines_of_record) {
        screen.text(&line)?;
    }
    for line in lines_of(&done.missing) {
        screen.text(&line)?;
    }
    screen.flush()
}

/// What is said of events of which the header is kept.
fn payloads_of(headers: u64) -> String {
    match headers {
        0 => String::new(),
        headers => format!(" and the payloads of {}", count(headers, "event")),
    }
}

/// Who was named and is nobody, a line each.
pub(super) fn lines_of(missing: &Missing) -> impl Iterator<Item = String> {
    let ids = missing
        .events
        .iter()
        .map(|id| format!("there is no event {id}"));
    let entities = missing.entities.iter().map(|name| {
        format!("there is no entity {name:?}: it never had an event, or all of them were removed")
    });
    let prefixes = missing.prefixes.iter().map(|prefix| {
        format!(
            "there is no entity whose name begins with {prefix:?}, or all their events were removed"
        )
    });
    let queries = missing.queries.iter();
    let queries =
        queries.map(|query| format!("there is no event of {query}, or all of them were removed"));
    let absent = lines_of_absent(&missing.kinds, &missing.tags);
    let named = ids.chain(entities).chain(prefixes);
    let rules = lines_of_absent_rules(&missing.rules);
    named.chain(queries).chain(absent).chain(rules)
}

/// What is said of rules that keep all of their events, and have none, a line each.
fn lines_of_absent_rules(rules: &[String]) -> impl Iterator<Item = String> {
    let rules = rules.iter();
    rules.map(|name| {
        format!("there is no event of the rule {name:?}, which keeps all that it is of")
    })
}

/// An operation on nobody is no success, whatever became of the others. Kinds and tags that may be absent are
/// none of it: those that may not were refused before.
const fn outcome(missing: &Missing) -> Outcome {
    let is_nobody = !missing.events.is_empty() || !missing.entities.is_empty();
    match !is_nobody && missing.prefixes.is_empty() {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    }
}

/// What the log records of what was done, a line each.
pub(super) fn lines_of_record(record: &Removal) -> [String; 2] {
    let at = rfc3339(record.wall_ms);
    let log = Hex(record.log);
    let id = Hex(record.id);
    [
        format!("{at}, by the rule: {}", record.rule),
        format!("recorded in the log {log} as {id}; `strandline removals` lists its sequences"),
    ]
}

/// What `call` does with the store, which is opened to write and closed after it, and what became of that; where another
/// process has it open and can be asked, what that does.
pub(super) fn change<T>(
    args: &StoreArgs,
    what: &'static str,
    call: impl FnOnce(&Store, OnProgress<'_>) -> Result<T, Error>,
    ask: impl FnOnce(Client, OnProgress<'_>) -> Result<T, Error>,
) -> anyhow::Result<(T, Result<(), Error>)> {
    let writer = Writer::of(&args.dir)?;
    let mut bar = Bar::new(what);
    let store = match writer {
        Writer::Own(store) => store,
        Writer::Other(client) => {
            let done = ask(client, &mut |progress| bar.show(progress));
            drop(bar);
            return Ok((done?, Ok(())));
        }
    };
    let done = call(&store, &mut |progress| bar.show(progress));
    drop(bar);
    let closed = store.close();
    match done {
        Ok(done) => Ok((done, closed)),
        Err(error) => Err(with_also(error.into(), [closed.err().map(Into::into)])),
    }
}

/// Says what would go, and asks on a terminal whether it is to. Where nothing would, nobody is asked; where nothing
/// would be left, somebody has to be.
fn is_confirmed(args: &Args, rules: &Retention) -> anyhow::Result<bool> {
    let plan = CompactionPlan::of(&args.store.open()?, rules)?;
    if plan.is_of_everything() {
        return confirm(
            &format!("{}: nothing would be left", line_of_plan(&plan)),
            args.yes,
        );
    }
    match plan.events + plan.headers {
        0 => Ok(true),
        _ => confirm_on_terminal(&line_of_plan(&plan), args.yes),
    }
}

fn line_of_plan(plan: &CompactionPlan) -> String {
    format!(
        "would remove {}{}, and rewrite {}",
        count(plan.events, "event"),
        payloads_of(plan.headers),
        count(plan.segments as u64, "segment")
    )
}

fn plan(args: &Args, rules: &Retention) -> anyhow::Result<Outcome> {
    let store = args.store.open()?;
    let plan = CompactionPlan::of(&store, rules)?;
    let mut screen = Screen::new();
    if args.store.json {
        let json = plan_json(&plan);
        screen.json(&json)?;
    } else {
        screen.text(&format!("{}; nothing was changed", line_of_plan(&plan)))?;
        for effect in &plan.rules {
            screen.text(&line_of_effect(effect, "would remove"))?;
        }
        if plan.is_of_everything() {
            screen.text("nothing would be left: to do it asks for --yes")?;
        }
        for line in lines_of(&plan.missing) {
            screen.text(&line)?;
        }
    }
    screen.flush()?;
    Ok(outcome(&plan.missing))
}
