//! `salvage`: what is left of a damaged store, into a new one.

use crate::Outcome;
use crate::args::StoreArgs;
use crate::bar::Bar;
use crate::failure::WrongUsage;
use crate::screen::Screen;
use crate::text::{count, number};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use strandline::StoreOptions;
use strandline::fs::OsFs;
use strandline::maintenance::{Loss, Salvaged, salvage};

/// How many losses are listed for people.
const LOSSES_LISTED: usize = 50;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Directory of the new store. Nothing in DIR is changed.
    #[arg(value_name = "NEW")]
    target: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.store.dir == args.target {
        return Err(WrongUsage("NEW is DIR; name another directory".to_owned()).into());
    }
    if !args.store.dir.is_dir() {
        let dir = args.store.dir.display();
        return Err(WrongUsage(format!("there is no directory {dir}")).into());
    }
    let target = StoreOptions::new()
        // What is saved keeps its times, whatever clock gave them.
        .clock_drift_max(Duration::MAX)
        .open(&args.target)?;
    let mut bar = Bar::new("saving");
    let salvaged = salvage(&OsFs, &args.store.dir, &target, &mut |progress| {
        bar.show(progress)
    });
    drop(bar);
    let salvaged = salvaged?;
    target.close()?;
    let mut screen = Screen::new();
    if args.store.json {
        screen.line(&as_json(&salvaged).to_string())?;
    } else {
        show(&mut screen, args, &salvaged)?;
    }
    screen.flush()?;
    let is_whole = salvaged.losses.is_empty() && salvaged.missing.is_empty();
    Ok(match is_whole {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

fn show(screen: &mut Screen, args: &Args, salvaged: &Salvaged) -> std::io::Result<()> {
    let Salvaged {
        events,
        unchained,
        repeated,
        removed,
        removals,
        losses,
        missing,
        passed_over,
        ..
    } = salvaged;
    screen.line(&format!(
        "{} saved into {}",
        count(*events, "event"),
        args.target.display()
    ))?;
    if *unchained > 0 {
        screen.text(&format!(
            "{} of them follow an event that is lost: their checksums are right, their chains \
             cannot be followed",
            number(*unchained)
        ))?;
    }
    if *removed > 0 {
        screen.line(&format!(
            "{} had been removed by a compaction",
            count(*removed, "event")
        ))?;
    }
    if *removals > 0 {
        screen.line(&format!(
            "{} of compactions and redactions kept",
            count(*removals, "record")
        ))?;
    }
    if *repeated > 0 {
        screen.line(&format!("{} there already", count(*repeated, "event")))?;
    }
    for name in passed_over {
        screen.text(&format!(
            "{name} was not read: it is not the file that counts for a segment"
        ))?;
    }
    let (redacted, losses): (Vec<_>, Vec<_>) = losses.iter().partition(|loss| loss.is_redacted);
    if !redacted.is_empty() {
        screen.line(&format!(
            "{} had been redacted, and {} not saved (--json lists them)",
            count(redacted.len() as u64, "event"),
            if redacted.len() == 1 { "is" } else { "are" }
        ))?;
    }
    for loss in losses.iter().take(LOSSES_LISTED) {
        screen.text(&format!("!! {}", line(loss)))?;
    }
    if losses.len() > LOSSES_LISTED {
        let more = losses.len() - LOSSES_LISTED;
        screen.text(&format!("!! {more} more losses (--json lists all)"))?;
    }
    for range in missing {
        screen.text(&format!(
            "!! no event was saved of sequences {}..{}",
            range.start, range.end
        ))?;
    }
    if losses.is_empty() && missing.is_empty() {
        return screen.line(match redacted.is_empty() {
            true => "nothing was lost",
            false => "nothing else was lost",
        });
    }
    Ok(())
}

fn line(loss: &Loss) -> String {
    let mut text = loss.file.clone();
    if let Some(offset) = loss.offset {
        text += &format!(", offset {offset}");
    }
    if let Some(bytes) = loss.bytes {
        text += &format!(", {bytes} bytes");
    }
    if let Some(sequence) = loss.sequence {
        text += &format!(", sequence {sequence}");
    }
    format!("{text}: {}", loss.reason)
}

fn as_json(salvaged: &Salvaged) -> serde_json::Value {
    let losses: Vec<_> = salvaged
        .losses
        .iter()
        .map(|loss| {
            json!({
                "file": loss.file,
                "offset": loss.offset,
                "bytes": loss.bytes,
                "sequence": loss.sequence,
                "reason": loss.reason,
                "redacted": loss.is_redacted,
            })
        })
        .collect();
    let missing: Vec<_> = salvaged
        .missing
        .iter()
        .map(|range| json!([range.start, range.end]))
        .collect();
    json!({
        "events": salvaged.events,
        "unchained": salvaged.unchained,
        "repeated": salvaged.repeated,
        "removed": salvaged.removed,
        "removals": salvaged.removals,
        "losses": losses,
        "missing": missing,
        "passed_over": salvaged.passed_over,
    })
}
