//! `stats`: counts, watermarks and sizes.

use crate::Outcome;
use crate::args::StoreArgs;
use crate::inspect::size;
use crate::screen::Screen;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let store = args.store.open()?;
    let stats = store.stats()?;
    let mut screen = Screen::new();
    if args.store.json {
        let json = serde_json::json!({
            "events": stats.events,
            "entities": stats.entities,
            "scopes": stats.scopes,
            "visible": stats.visible,
            "durable": stats.durable,
            "segments": stats.segments,
            "bytes_on_disk": stats.bytes_on_disk,
            "open_ms": store.open_report().duration.as_secs_f64() * 1e3,
        });
        screen.line(&json.to_string())?;
        screen.flush()?;
        return Ok(Outcome::Fine);
    }
    let per_event = stats.bytes_on_disk.checked_div(stats.events);
    for (name, value) in [
        ("events", stats.events.to_string()),
        ("entities", stats.entities.to_string()),
        ("scopes", stats.scopes.to_string()),
        ("segments", stats.segments.to_string()),
        ("on disk", size(stats.bytes_on_disk)),
        (
            "bytes an event",
            per_event.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string()),
        ),
        ("visible below", stats.visible.to_string()),
        ("proven durable below", stats.durable.to_string()),
    ] {
        screen.line(&format!("{name:<22}{value}"))?;
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}
