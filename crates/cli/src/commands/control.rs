//! `control`: the program that has a store open, asked what it is doing, and to stop that.

use crate::args::{StoreArgs, ZoneArgs};
use crate::outcome::Outcome;
use crate::terminal::{Screen, number, size};
use crate::times::Zone;
use crate::writer::other;
use serde_json::json;
use strandline_control::{LastWork, RunningWork, Status};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Stop the compaction, redaction, backup or verification that is at work, so that it changes nothing.
    #[arg(long)]
    cancel: bool,
    #[command(flatten)]
    zone: ZoneArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    match args.cancel {
        true => cancel(args),
        false => show(args),
    }
}

fn cancel(args: &Args) -> anyhow::Result<Outcome> {
    let cancelled = other(&args.store.dir)?.cancel()?;
    let mut screen = Screen::new();
    match &cancelled {
        _ if args.store.json => screen.json(&json!({ "cancelled": cancelled }))?,
        Some(name) => screen.text(&format!(
            "the {name} is to stop at the next point at which it can; whoever asked for it is told"
        ))?,
        None => screen.line("nothing is at work")?,
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

fn show(args: &Args) -> anyhow::Result<Outcome> {
    let status = other(&args.store.dir)?.status()?;
    let mut screen = Screen::new();
    if args.store.json {
        screen.json(&serde_json::to_value(&status)?)?;
    } else {
        for (name, value) in lines_of(&status, &args.zone.zone()) {
            screen.line(&format!("{name:<22}{value}"))?;
        }
        for problem in &status.store.segment_problems {
            screen.text(&format!("!! {problem}"))?;
        }
        if let Some(reason) = &status.store.poisoned {
            screen.text(&format!("!! writing has stopped: {reason}"))?;
        }
    }
    screen.flush()?;
    let store = &status.store;
    let is_fine = store.poisoned.is_none() && store.segment_problems.is_empty();
    Ok(match is_fine && store.index_damaged == 0 {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

fn lines_of(status: &Status, zone: &Zone) -> Vec<(&'static str, String)> {
    let store = &status.store;
    let mut lines = vec![
        ("process", status.process.to_string()),
        ("listens since", zone.text(status.since_ms)),
        ("at work", running(status.running.as_ref(), zone)),
        ("last", last(status.last.as_ref(), zone)),
        ("events", number(store.events)),
        ("entities", number(store.entities)),
        ("segments", number(store.segments)),
        ("on disk", size(store.bytes_on_disk)),
        ("written below", number(store.written.get())),
        ("visible below", number(store.visible.get())),
        ("durable below", number(store.durable.get())),
    ];
    if let Some(replicated) = store.replicated {
        lines.push(("replicated below", number(replicated.get())));
    }
    lines.push(("appends in flight", number(store.in_flight)));
    lines
}

fn running(running: Option<&RunningWork>, zone: &Zone) -> String {
    let Some(running) = running else {
        return "-".to_owned();
    };
    let total = running.total.map(|total| format!(" of {}", number(total)));
    format!(
        "{}, {}{} done, asked for by process {} {}{}",
        running.name,
        number(running.done),
        total.unwrap_or_default(),
        running.asked_by,
        zone.text(running.since_ms),
        match running.cancelled {
            true => ", is to stop",
            false => "",
        }
    )
}

fn last(last: Option<&LastWork>, zone: &Zone) -> String {
    let Some(last) = last else {
        return "-".to_owned();
    };
    let came_to = last
        .error
        .as_ref()
        .map(|error| format!(", which failed: {error}"));
    format!(
        "{} at {}, asked for by process {}{}",
        last.name,
        zone.text(last.ended_ms),
        last.asked_by,
        came_to.unwrap_or_default()
    )
}
