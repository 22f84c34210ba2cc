//! `stats`: counts, watermarks and sizes.

use crate::args::StoreArgs;
use crate::outcome::Outcome;
use crate::terminal::{Screen, count, number, size};
use strandline::fs::OsFs;
use strandline::maintenance::{quarantined, rfc3339};
use strandline::{CacheStats, KindCount, Region, Snapshot, Stats, Tracked};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let store = args.store.open()?;
    let stats = store.stats()?;
    let kinds = store.snapshot().kinds();
    let tracked = store.tracked_sources();
    let times = times(&store.snapshot());
    let quarantine = quarantined(&OsFs, store.dir());
    let removed = stats.visible.get().saturating_sub(stats.events);
    // As `inspect` does: whoever asks how a store is doing is told that something of it is damaged.
    let is_fine = store.open_report().is_clean()
        && stats.segment_problems.is_empty()
        && stats.index_damaged == 0;
    let outcome = match is_fine {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    };
    let mut screen = Screen::new();
    if args.store.json {
        let json = serde_json::json!({
            "epoch": store.epoch(),
            "events": stats.events,
            "entities": stats.entities,
            "scopes": stats.scopes,
            "removed": removed,
            "first_wall_ms": times.map(|(first, _)| first),
            "last_wall_ms": times.map(|(_, last)| last),
            "visible": stats.visible,
            "durable": stats.durable,
            "kinds": kinds.iter().map(kind_json).collect::<Vec<_>>(),
            "tracked": tracked.iter().map(tracked_json).collect::<Vec<_>>(),
            "segments": stats.segments,
            "bytes_on_disk": stats.bytes_on_disk,
            "quarantine": {
                "files": quarantine.len(),
                "bytes": quarantine.iter().map(|file| file.bytes).sum::<u64>(),
            },
            "caches": {
                "bytes_max": stats.caches.bytes_max,
                "heads": {
                    "bytes": stats.caches.heads.bytes,
                    "hits": stats.caches.heads.hits,
                    "misses": stats.caches.heads.misses,
                },
                "coordinates_bytes": stats.caches.coordinates_bytes,
                "names_bytes": stats.caches.names_bytes,
            },
            "index_damaged": stats.index_damaged,
            "segment_problems": stats.segment_problems,
            "notices": store.open_report().notices,
            "clock_ahead_ms": store.open_report().clock_ahead_ms,
            "open_ms": store.open_report().duration.as_secs_f64() * 1e3,
        });
        screen.json(&json)?;
        screen.flush()?;
        return Ok(outcome);
    }
    let epoch = store.epoch();
    let time = |wall_ms: Option<u64>| wall_ms.map_or_else(|| "-".to_owned(), rfc3339);
    for (name, value) in [
        ("events", number(stats.events)),
        ("removed", number(removed)),
        ("first", time(times.map(|(first, _)| first))),
        ("last", time(times.map(|(_, last)| last))),
        ("entities", number(stats.entities)),
        ("scopes", number(stats.scopes)),
        ("segments", number(stats.segments as u64)),
        ("on disk", size(stats.bytes_on_disk)),
        ("bytes an event", per_event(&stats, removed)),
        ("visible below", number(stats.visible.get())),
        ("proven durable below", number(stats.durable.get())),
        ("epoch", epoch.to_string()),
        ("caches", caches(&stats.caches)),
    ] {
        screen.line(&format!("{name:<22}{value}"))?;
    }
    for kind in &kinds {
        let name = kind.name.as_deref().unwrap_or("(no name)");
        let value = format!("{} {name}", kind.kind);
        screen.line(&format!("{value:<40}  {}", number(kind.events)))?;
    }
    for source in &tracked {
        let position = number(source.position);
        screen.text(&format!("source {} is at {position}", source.source))?;
    }
    for notice in &store.open_report().notices {
        screen.text(notice)?;
    }
    if !quarantine.is_empty() {
        screen.text(&format!(
            "{} in the quarantine, {}, which openings set aside (strandline inspect lists them)",
            count(quarantine.len() as u64, "file"),
            size(quarantine.iter().map(|file| file.bytes).sum())
        ))?;
    }
    for problem in &stats.segment_problems {
        screen.text(&format!("!! {problem}"))?;
    }
    if stats.index_damaged > 0 {
        screen.text(&format!(
            "!! {} of the index damaged, and made anew in memory (strandline verify says which)",
            match stats.index_damaged {
                1 => "1 part is".to_owned(),
                parts => format!("{} parts are", number(parts as u64)),
            }
        ))?;
    }
    screen.flush()?;
    Ok(outcome)
}

/// When the first and the last event were appended, in milliseconds since 1970. Times never go back in the commit
/// order.
fn times(snapshot: &Snapshot) -> Option<(u64, u64)> {
    let all = Region::all();
    let first = snapshot.rows(&all).next()?.wall_ms();
    let last = snapshot.rows(&all).next_back()?.wall_ms();
    Some((first, last))
}

/// What the files take for each event that is there. What removed ones have left in the log is in it.
fn per_event(stats: &Stats, removed: u64) -> String {
    let Some(bytes) = stats.bytes_on_disk.checked_div(stats.events) else {
        return "-".to_owned();
    };
    match removed {
        0 => number(bytes),
        1 => format!("{}, with what 1 removed one has left", number(bytes)),
        removed => format!(
            "{}, with what {} removed ones have left",
            number(bytes),
            number(removed)
        ),
    }
}

fn kind_json(kind: &KindCount) -> serde_json::Value {
    serde_json::json!({
        "kind": kind.kind.to_string(),
        "type": kind.name.as_deref(),
        "events": kind.events,
    })
}

fn tracked_json(source: &Tracked) -> serde_json::Value {
    serde_json::json!({
        "source": &*source.source,
        "position": source.position,
        "sequence": source.sequence,
    })
}

/// What the caches hold. A command that only reads appends nothing, so it keeps no heads.
fn caches(caches: &CacheStats) -> String {
    let held = caches.heads.bytes + caches.coordinates_bytes + caches.names_bytes;
    format!("{} of {}", size(held), size(caches.bytes_max))
}
