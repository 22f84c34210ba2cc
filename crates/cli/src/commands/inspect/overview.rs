//! The overview: files, watermarks, names, kinds, times.

use super::args::Args;
use crate::args::open;
use crate::outcome::{Outcome, hint};
use crate::output::note;
use crate::terminal::plot::{bar, bars};
use crate::terminal::{Bar, Screen, column, count, number, size};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::time::Duration;
use strandline::fs::OsFs;
use strandline::maintenance::{Census, FooterState, Inventory, MergedFacts, SegmentFacts, rfc3339};
use strandline::{Error, ErrorKind, EventKind, OpenPath, OpenReport, Stats, Store};

/// Widest plot of the activity, in columns.
const PLOT_COLUMNS: usize = 80;
/// Columns of a bar beside a count.
const BAR_COLUMNS: usize = 16;
/// How many segments are listed at each end.
const SEGMENTS_LISTED: usize = 8;

/// What the index of a store that could be opened says.
struct Contents {
    stats: Stats,
    census: Census,
    kind_names: BTreeMap<EventKind, String>,
    entities: Vec<(String, u64)>,
    scopes: Vec<(String, u64)>,
    tags: Vec<(String, u64)>,
    tag_count: usize,
    opened: OpenReport,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let dir = &args.store.dir;
    let inventory = Inventory::of(&OsFs, dir)?;
    let opened = open(dir);
    let opened = match opened {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(error.into()),
        opened => opened,
    };
    let mut screen = Screen::new();
    let contents = match &opened {
        Ok(store) => Some(contents(args, store, screen.width())?),
        Err(_) => None,
    };
    let failure = opened.as_ref().err();
    let is_damaged = !inventory.problems.is_empty()
        || failure.is_some()
        || contents
            .as_ref()
            .is_some_and(|contents| !contents.opened.is_clean());
    if args.store.json {
        let json = as_json(&inventory, contents.as_ref(), failure);
        screen.json(&json)?;
    } else {
        screen.line(&format!("store {}", dir.display()))?;
        files(&mut screen, &inventory)?;
        if let Some(contents) = &contents {
            show(&mut screen, contents)?;
        }
        if let Some(before) = inventory.unrecorded_before.filter(|at| at.get() > 0) {
            screen.text(&format!(
                "removals before sequence {before} are not recorded"
            ))?;
        }
        for notice in &inventory.notices {
            screen.text(notice)?;
        }
        for problem in &inventory.problems {
            screen.text(&format!("!! {problem}"))?;
        }
    }
    screen.flush()?;
    if let Some(error) = failure {
        note(format_args!("the store does not open: {error}"));
        if let Some(hint) = hint(error.kind()) {
            note(format_args!("  next: {hint}"));
        }
    }
    Ok(match is_damaged {
        true => Outcome::ProblemFound,
        false => Outcome::Fine,
    })
}

fn contents(args: &Args, store: &Store, width: Option<usize>) -> Result<Contents, Error> {
    let snapshot = store.snapshot();
    let columns = width.unwrap_or(PLOT_COLUMNS).saturating_sub(2);
    let mut bar = Bar::new("counting");
    let parts = columns.min(PLOT_COLUMNS);
    let census = Census::take(&snapshot, parts, &mut |progress| bar.show(progress))?;
    Ok(Contents {
        stats: store.stats()?,
        kind_names: census
            .kinds
            .keys()
            .filter_map(|kind| Some((*kind, snapshot.kind_name(*kind)?.to_string())))
            .collect(),
        census,
        entities: most(snapshot.entities(""), args.top),
        scopes: most(snapshot.scopes(""), args.top),
        tags: most(snapshot.tags(""), args.top),
        tag_count: snapshot.tags("").count(),
        opened: store.open_report().clone(),
    })
}

/// The `count` names with the most events, those first; by name where they have equally many.
fn most(names: impl Iterator<Item = (String, u64)>, count: usize) -> Vec<(String, u64)> {
    let mut kept = BinaryHeap::new();
    for (name, events) in names {
        kept.push((Reverse(events), name));
        if kept.len() > count {
            kept.pop();
        }
    }
    let sorted = kept.into_sorted_vec().into_iter();
    sorted
        .map(|(Reverse(events), name)| (name, events))
        .collect()
}

fn files(screen: &mut Screen, inventory: &Inventory) -> io::Result<()> {
    let segments = &inventory.segments;
    let segment_count = count(segments.len() as u64, "segment");
    match inventory.manifest_number {
        Some(number) => screen.line(&format!("  manifest {number}, {segment_count}"))?,
        // Which segments count is not known; their files are listed with the others.
        None => screen.line("  no manifest")?,
    }
    if let Some(epoch) = inventory.epoch {
        screen.line(&format!("  epoch {epoch}"))?;
    }
    for (number, segment) in segments.iter().enumerate() {
        let left = segments.len() - number;
        if number < SEGMENTS_LISTED || left <= SEGMENTS_LISTED {
            screen.line(&format!("  {}", segment_line(segment)))?;
        } else if number == SEGMENTS_LISTED {
            let passed = segments.len() - 2 * SEGMENTS_LISTED;
            screen.line(&format!("  … {passed} more (--json lists all)"))?;
        }
    }
    for file in &inventory.merged {
        screen.line(&format!("  {}", merged_line(file)))?;
    }
    let files = inventory.checkpoints.iter().chain(&inventory.others);
    for file in files.chain(&inventory.quarantine) {
        screen.line(&format!("  {}  {}", file.name, size(file.bytes)))?;
    }
    Ok(())
}

fn merged_line(file: &MergedFacts) -> String {
    let MergedFacts {
        name,
        bytes,
        segments,
        current,
        rows,
        ..
    } = file;
    if let Some(damage) = &file.damage {
        return format!("{name}  {}  {damage}", size(*bytes));
    }
    let stale = match segments - current {
        0 => String::new(),
        stale => format!(", {stale} of them rewritten since"),
    };
    let rows = count(*rows, "row");
    let of = count(*segments as u64, "segment");
    format!("{name}  {}  {rows} of {of}{stale}", size(*bytes))
}

fn segment_line(segment: &SegmentFacts) -> String {
    let sequences = match segment.end_sequence {
        Some(end) => format!("sequences {}..{end}", segment.first_sequence),
        None => format!("sequences {}.., active", segment.first_sequence),
    };
    let Some(file_bytes) = segment.file_bytes else {
        return format!("{}  {sequences}  missing", segment.name);
    };
    let bytes = size(segment.frame_bytes.unwrap_or(file_bytes));
    let footer = match &segment.footer {
        FooterState::None if segment.end_sequence.is_some() => ", no footer".to_owned(),
        FooterState::None => String::new(),
        FooterState::Whole(bytes) => format!(", footer {}", size(*bytes)),
        FooterState::Damaged(_) => ", footer damaged".to_owned(),
    };
    format!("{}  {sequences}  {bytes}{footer}", segment.name)
}

fn show(screen: &mut Screen, contents: &Contents) -> io::Result<()> {
    let Contents { stats, census, .. } = contents;
    for line in contents.opened.to_string().lines() {
        screen.text(line)?;
    }
    screen.line(&format!(
        "visible below {}, proven durable below {}, {} on disk",
        number(stats.visible.get()),
        number(stats.durable.get()),
        size(stats.bytes_on_disk)
    ))?;
    screen.line(&format!(
        "{}, {}, {}, {}",
        count(stats.events, "event"),
        count(stats.entities, "entity"),
        count(stats.scopes, "scope"),
        count(census.kinds.len() as u64, "kind")
    ))?;
    let missing = stats.visible.get().saturating_sub(stats.events);
    if missing > 0 {
        screen.text(&format!(
            "{} removed (strandline removals lists by which rules)",
            count(missing, "event")
        ))?;
    }
    if let Some((first, last)) = census.wall_ms {
        screen.line(&format!("from {} to {}", rfc3339(first), rfc3339(last)))?;
        screen.line(&format!("  {}", bars(&census.activity)))?;
    }
    let named = |kind: &EventKind| match contents.kind_names.get(kind) {
        Some(name) => format!("{kind} {name}"),
        None => kind.to_string(),
    };
    let kinds = census.kinds.iter();
    let kinds: Vec<_> = kinds.map(|(kind, count)| (named(kind), *count)).collect();
    table(screen, "kinds", &kinds, kinds.len())?;
    let names = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    table(
        screen,
        "entities",
        &contents.entities,
        names(stats.entities),
    )?;
    table(screen, "scopes", &contents.scopes, names(stats.scopes))?;
    table(screen, "tags", &contents.tags, contents.tag_count)
}

fn table(screen: &mut Screen, title: &str, rows: &[(String, u64)], of: usize) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    match rows.len() < of {
        true => screen.line(&format!(
            "{title} ({} of {of} with the most events)",
            rows.len()
        ))?,
        false => screen.line(title)?,
    }
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max();
    let room = screen
        .width()
        .unwrap_or(100)
        .saturating_sub(BAR_COLUMNS + 16);
    let names = longest.unwrap_or(0).min(room.max(12));
    for (name, count) in rows {
        let bar = bar(*count, most, BAR_COLUMNS);
        let count = number(*count);
        screen.line(&format!("  {} {count:>11} {bar}", column(name, names)))?;
    }
    Ok(())
}

fn as_json(inventory: &Inventory, contents: Option<&Contents>, failure: Option<&Error>) -> Value {
    let files = |files: &[strandline::maintenance::FileFacts]| -> Vec<Value> {
        let file = |file: &strandline::maintenance::FileFacts| json!({"name": file.name, "bytes": file.bytes});
        files.iter().map(file).collect()
    };
    let segments: Vec<_> = inventory
        .segments
        .iter()
        .map(|segment| {
            json!({
                "name": segment.name,
                "number": segment.number,
                "generation": segment.generation,
                "first_sequence": segment.first_sequence,
                "end_sequence": segment.end_sequence,
                "frame_bytes": segment.frame_bytes,
                "file_bytes": segment.file_bytes,
                "footer_bytes": match &segment.footer {
                    FooterState::Whole(bytes) => Some(bytes),
                    _ => None,
                },
            })
        })
        .collect();
    let merged: Vec<_> = inventory
        .merged
        .iter()
        .map(|file| {
            json!({
                "name": file.name,
                "bytes": file.bytes,
                "segments": file.segments,
                "current": file.current,
                "rows": file.rows,
                "damage": file.damage,
            })
        })
        .collect();
    json!({
        "manifest": inventory.manifest_number,
        "epoch": inventory.epoch,
        "unrecorded_before": inventory.unrecorded_before,
        "segments": segments,
        "checkpoints": files(&inventory.checkpoints),
        "merged": merged,
        "others": files(&inventory.others),
        "quarantine": files(&inventory.quarantine),
        "left_over": inventory.notices,
        "problems": inventory.problems,
        "open_error": failure.map(ToString::to_string),
        "contents": contents.map(contents_json),
    })
}

fn contents_json(contents: &Contents) -> Value {
    let Contents { stats, census, .. } = contents;
    let names = |names: &[(String, u64)]| -> Vec<Value> {
        let name = |(name, events): &(String, u64)| json!({"name": name, "events": events});
        names.iter().map(name).collect()
    };
    let kinds: Vec<_> = census
        .kinds
        .iter()
        .map(|(kind, events)| {
            let name = contents.kind_names.get(kind);
            json!({"kind": kind.to_string(), "type": name, "events": events})
        })
        .collect();
    json!({
        "opened": contents.opened.to_string().lines().next(),
        "opening": opening_json(&contents.opened),
        "notices": contents.opened.notices,
        "visible": stats.visible,
        "durable": stats.durable,
        "bytes_on_disk": stats.bytes_on_disk,
        "events": stats.events,
        "removed": stats.visible.get().saturating_sub(stats.events),
        "entity_count": stats.entities,
        "scope_count": stats.scopes,
        "first_wall_ms": census.wall_ms.map(|(first, _)| first),
        "last_wall_ms": census.wall_ms.map(|(_, last)| last),
        "activity": census.activity,
        "kinds": kinds,
        "entities": names(&contents.entities),
        "scopes": names(&contents.scopes),
        "tag_count": contents.tag_count,
        "tags": names(&contents.tags),
    })
}

fn opening_json(report: &OpenReport) -> Value {
    let path = match report.path {
        OpenPath::Created => "created",
        OpenPath::Checkpoint => "checkpoint",
        OpenPath::Footers => "footers",
        OpenPath::Scan => "scan",
        _ => "other",
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let steps = report.times.steps().into_iter();
    let steps: Map<_, _> = steps
        .map(|(name, time)| (name.to_owned(), milliseconds(time).into()))
        .collect();
    json!({
        "path": path,
        "reason": report.reason,
        "ms": milliseconds(report.duration),
        "steps_ms": steps,
        "events_from_checkpoint": report.events_from_checkpoint,
        "events_from_footers": report.events_from_footers,
        "events_from_log": report.events_from_log,
        "checkpoint_bytes": report.checkpoint_bytes,
        "footers_used": report.footers_used,
        "footers_missing": report.footers_missing,
        "log_bytes": report.log_bytes,
        "torn_tail": report.torn_tail,
        "set_aside": report.set_aside,
        "removed": report.removed,
        "rewritten_bytes": report.rewritten_bytes,
    })
}
