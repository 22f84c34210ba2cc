//! `salvage`: what is left of a damaged store, into a new one.

use crate::args::StoreArgs;
use crate::outcome::{Advised, Outcome};
use crate::terminal::{Bar, Screen, count, number};
use serde_json::json;
use std::path::PathBuf;
use strandline::StoreOptions;
use strandline::maintenance::{Loss, Salvaged, salvage_into};

/// How many losses, and how many gaps, are listed for people.
const LINES_MAX: usize = 50;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Directory of the new store: one that is empty or not there yet, or what an interrupted salvage of
    /// DIR has left. Nothing in DIR is changed.
    #[arg(value_name = "NEW")]
    target: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut bar = Bar::new("saving");
    let options = StoreOptions::new();
    let salvaged = salvage_into(options, &args.store.dir, &args.target, &mut |progress| {
        bar.show(progress)
    });
    drop(bar);
    let salvaged = salvaged.map_err(|error| match error.is_of_full_disk() {
        true => {
            let next = format!(
                "make room on the disk of {} and give the same command again: it goes on from what is saved",
                args.target.display()
            );
            Advised { error, next }.into()
        }
        false => anyhow::Error::from(error),
    })?;
    let mut screen = Screen::new();
    if args.store.json {
        screen.json(&as_json(&salvaged))?;
    } else {
        show(&mut screen, args, &salvaged)?;
    }
    screen.flush()?;
    Ok(match salvaged.is_whole() {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

fn show(screen: &mut Screen, args: &Args, salvaged: &Salvaged) -> std::io::Result<()> {
    let target = args.target.display();
    screen.text(&format!(
        "{} saved into {target}",
        count(salvaged.events, "event")
    ))?;
    counts(screen, salvaged)?;
    for name in &salvaged.passed_over {
        screen.text(&format!(
            "{name} was not read: it is not the file that counts for a segment"
        ))?;
    }
    for notice in &salvaged.notices {
        screen.text(notice)?;
    }
    let (redacted, losses): (Vec<_>, Vec<_>) =
        salvaged.losses.iter().partition(|loss| loss.is_redacted);
    if !redacted.is_empty() {
        screen.text(&format!(
            "{} had been redacted, and {} not saved (--json lists them)",
            count(redacted.len() as u64, "event"),
            if redacted.len() == 1 { "is" } else { "are" }
        ))?;
    }
    for loss in losses.iter().take(LINES_MAX) {
        screen.text(&format!("!! {}", line(loss)))?;
    }
    for range in salvaged.missing.iter().take(LINES_MAX) {
        let are = if range.end - range.start == 1 {
            "is"
        } else {
            "are"
        };
        screen.text(&format!(
            "!! {} {are} not there",
            events(range.start, range.end - range.start)
        ))?;
    }
    let lines = losses.len().max(LINES_MAX) + salvaged.missing.len().max(LINES_MAX);
    if lines > 2 * LINES_MAX {
        let more = lines - 2 * LINES_MAX;
        screen.text(&format!("!! {more} more losses (--json lists all)"))?;
    }
    screen.text(&sum(salvaged, !redacted.is_empty()))?;
    if !salvaged.is_whole() {
        let dir = args.store.dir.display();
        screen.text(&format!(
            "  next: look for what is lost in a backup; keep {dir}, of which nothing was changed, until you \
             need it no more"
        ))?;
    }
    Ok(())
}

/// How many events and records became what.
fn counts(screen: &mut Screen, salvaged: &Salvaged) -> std::io::Result<()> {
    let lines = [
        (
            salvaged.unchained,
            "of them follows an event that is lost: its checksum is right, its chain cannot be followed",
            "of them follow an event that is lost: their checksums are right, their chains cannot be \
             followed",
        ),
        (
            salvaged.removed,
            "event had been removed by a compaction",
            "events had been removed by a compaction",
        ),
        (
            salvaged.removals,
            "record of compactions and redactions kept",
            "records of compactions and redactions kept",
        ),
        (
            salvaged.repeated,
            "event there already",
            "events there already",
        ),
        (
            salvaged.split,
            "commit was saved as several: the new store takes none as large",
            "commits were saved as several each: the new store takes none as large",
        ),
        (
            salvaged.moved_times,
            "event got a later time: one that is there already has it",
            "events got a later time: one that is there already has it",
        ),
    ];
    for (found, one, several) in lines {
        match found {
            0 => {}
            1 => screen.text(&format!("1 {one}"))?,
            found => screen.text(&format!("{} {several}", number(found)))?,
        }
    }
    Ok(())
}

/// What was lost, all in all.
fn sum(salvaged: &Salvaged, some_redacted: bool) -> String {
    let durable = salvaged.durable_before.get();
    let Salvaged {
        lost, lost_durable, ..
    } = *salvaged;
    let mut text = String::new();
    if lost_durable > 0 {
        let were = if durable == 1 { "was" } else { "were" };
        let shown = salvaged.proven_by.as_deref().unwrap_or("the store");
        let here = match salvaged.removed == 0 && !some_redacted {
            true => "here",
            false => "accounted for",
        };
        let are = |count| if count == 1 { "is" } else { "are" };
        let found = durable - lost_durable;
        text = format!(
            "{} {were} durable, as {shown} shows: {} {} {here}, {} {} lost",
            count(durable, "event"),
            number(found),
            are(found),
            number(lost_durable),
            are(lost_durable),
        );
    }
    if let later @ 1.. = lost - lost_durable {
        let later = match later {
            1 => "1 event that was not proven durable is lost".to_owned(),
            later => format!(
                "{} events that were not proven durable are lost",
                number(later)
            ),
        };
        text = match text.is_empty() {
            true => later,
            false => format!("{text}; {later}"),
        };
    }
    if !text.is_empty() {
        return text;
    }
    if !salvaged.is_whole() {
        return "every event that the store shows to have been there is accounted for; what else the \
                damaged bytes held is not known"
            .to_owned();
    }
    let what = match some_redacted {
        true => "nothing else",
        false => "nothing",
    };
    match salvaged.is_proven {
        true => format!("{what} was lost"),
        false => format!(
            "{what} is known to be lost; no MANIFEST or checkpoint is whole that would show whether the \
             end is there"
        ),
    }
}

/// Events by their sequences.
fn events(first: u64, count: u64) -> String {
    match count {
        0 | 1 => format!("event {first}"),
        count => format!(
            "events {first} to {} ({})",
            first.saturating_add(count - 1),
            number(count)
        ),
    }
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
        text += &format!(", {}", events(sequence.get(), loss.events));
    }
    if let Some(id) = loss.id {
        text += &format!(", id {id}");
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
                "events": loss.events,
                "id": loss.id.map(|id| id.to_string()),
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
        "split": salvaged.split,
        "moved_times": salvaged.moved_times,
        "durable_before": salvaged.durable_before,
        "proven_by": salvaged.proven_by,
        "proven": salvaged.is_proven,
        "lost": salvaged.lost,
        "lost_durable": salvaged.lost_durable,
        "whole": salvaged.is_whole(),
        "losses": losses,
        "missing": missing,
        "passed_over": salvaged.passed_over,
        "notices": salvaged.notices,
    })
}
