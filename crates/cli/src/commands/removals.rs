//! `removals`: what the log says of its compactions and redactions.

use crate::args::{StoreArgs, ZoneArgs};

use crate::outcome::Outcome;
use crate::terminal::{Bar, Screen, count, number};
use crate::times::Zone;
use serde_json::json;
use strandline::fs::OsFs;
use strandline::maintenance::{Inventory, Removal, RemovalChange, removals};
use strandline::{EventKind, Hex, Sequence, Snapshot};

/// How many runs of sequences are shown of a removal.
const RUNS_SHOWN: usize = 4;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    zone: ZoneArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let store = args.store.open_whole()?;
    let mut bar = Bar::new("reading");
    let all = removals(&store, &mut |progress| bar.show(progress))?;
    drop(bar);
    let now = store.snapshot();
    let mut screen = Screen::new();
    let zone = args.zone.zone();
    if args.store.json {
        let all: Vec<_> = all.iter().map(as_json).collect();
        screen.json(&serde_json::Value::from(all))?;
    } else if all.is_empty() {
        screen.line("no compaction and no redaction is recorded")?;
    }
    for removal in all.iter().filter(|_| !args.store.json) {
        show(&mut screen, removal, &now, &zone)?;
    }
    let unrecorded_before = Inventory::of(&OsFs, &args.store.dir)?.unrecorded_before;
    match unrecorded_before.map(Sequence::get) {
        _ if args.store.json => {}
        Some(0) => {}
        Some(before) => screen.text(&format!(
            "removals before sequence {before} are not recorded: the store was made by an earlier version"
        ))?,
        None => screen
            .text("earlier removals are not recorded: the store was made by an earlier version")?,
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

const fn change(removal: &Removal) -> &'static str {
    match removal.change {
        RemovalChange::Removed => "removed",
        RemovalChange::Redacted => "redacted",
    }
}

/// A rule with the names of kinds, where it has their numbers and the store their names.
fn named(rule: &str, now: &Snapshot) -> String {
    const BEFORE: &str = "keep headers of kind ";
    let parts = rule.split(", ").map(|part| {
        let kind = part.strip_prefix(BEFORE);
        let kind = kind.and_then(|kind| EventKind::parse(kind, 1).ok());
        match kind.and_then(|kind| now.kind_name(kind)) {
            Some(name) => format!("{BEFORE}{name}"),
            None => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn show(
    screen: &mut Screen,
    removal: &Removal,
    now: &Snapshot,
    zone: &Zone,
) -> std::io::Result<()> {
    let events = count(removal.events, "event");
    let when = zone.text(removal.wall_ms);
    screen.text(&format!(
        "{when}  {events} {}: {}",
        change(removal),
        // The kinds of another log may have other names.
        match removal.is_foreign {
            true => removal.rule.clone(),
            false => named(&removal.rule, now),
        }
    ))?;
    let runs = removal.sequences.iter().take(RUNS_SHOWN);
    let mut shown: Vec<_> = runs
        .map(|run| format!("{}..{}", run.start, run.end))
        .collect();
    let more = removal.sequences.len().saturating_sub(RUNS_SHOWN);
    if more > 0 {
        shown.push(format!("{} more (--json lists all)", number(more as u64)));
    }
    screen.text(&format!("  sequences {}", shown.join(", ")))?;
    if !removal.is_done {
        screen
            .text("  the log does not say that it was done: it was interrupted, or is under way")?;
    }
    if removal.is_foreign {
        let log = Hex(removal.log);
        screen.text(&format!(
            "  in another log ({log}), whose record came with an import; nothing is missing here by it"
        ))?;
    }
    Ok(())
}

/// A removal as `removals --json` lists it.
pub(super) fn as_json(removal: &Removal) -> serde_json::Value {
    let runs = removal.sequences.iter();
    let sequences: Vec<_> = runs.map(|run| json!([run.start, run.end])).collect();
    json!({
        "change": change(removal),
        "wall_ms": removal.wall_ms,
        "rule": removal.rule,
        "events": removal.events,
        "sequences": sequences,
        "digest": removal.digest.to_string(),
        "done": removal.is_done,
        "foreign": removal.is_foreign,
        "log": Hex(removal.log).to_string(),
        "id": Hex(removal.id).to_string(),
    })
}
