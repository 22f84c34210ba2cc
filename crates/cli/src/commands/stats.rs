//! `stats`: counts, watermarks and sizes.

use crate::args::StoreArgs;
use crate::outcome::Outcome;
use crate::terminal::{Screen, number, size};
use strandline::{CacheStats, KindCount, Tracked};

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
            "visible": stats.visible,
            "durable": stats.durable,
            "kinds": kinds.iter().map(kind_json).collect::<Vec<_>>(),
            "tracked": tracked.iter().map(tracked_json).collect::<Vec<_>>(),
            "segments": stats.segments,
            "bytes_on_disk": stats.bytes_on_disk,
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
    let per_event = stats.bytes_on_disk.checked_div(stats.events);
    for (name, value) in [
        ("events", number(stats.events)),
        ("entities", number(stats.entities)),
        ("scopes", number(stats.scopes)),
        ("segments", number(stats.segments as u64)),
        ("on disk", size(stats.bytes_on_disk)),
        (
            "bytes an event",
            per_event.map_or_else(|| "-".to_owned(), number),
        ),
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
