//! `verify`: is every byte, chain and row what was written, and what was kept elsewhere?

use crate::args::StoreArgs;
use crate::outcome::Outcome;
use crate::receipts;
use crate::terminal::{Bar, Screen, count, number};
use serde_json::json;
use std::path::PathBuf;
use strandline::fs::OsFs;
use strandline::maintenance::{Kept, Verified, verify, verify_files};
use strandline::{Error, ErrorKind, Hash, ProblemKind, VerifyReport};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Check that the log went through this log hash: one that an earlier verify printed, and that
    /// was kept elsewhere.
    #[arg(long, value_name = "LOGHASH")]
    head: Option<Hash>,
    /// Check the receipts in this file, or in standard input for `-`: JSON, one or more, after each
    /// other or in arrays. May be given several times.
    #[arg(long, value_name = "FILE")]
    receipt: Vec<PathBuf>,
    #[cfg(feature = "proof")]
    #[command(flatten)]
    held: crate::anchors::HeldArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut kept = Kept::default();
    kept.head = args.head;
    for path in &args.receipt {
        kept.receipts.extend(receipts::read(path)?);
    }
    #[cfg(feature = "proof")]
    let (held, mut heads) = (args.held.read()?, None);
    let mut bar = Bar::new("verifying");
    let mut on_progress = |progress| bar.show(progress);
    let (verified, refused) = match args.store.open_whole() {
        Ok(store) => {
            #[cfg(feature = "proof")]
            if let Some(held) = &held {
                heads = Some(held.against(&store));
            }
            (verify(&store, &kept, &mut on_progress)?, None)
        }
        // What is there is looked at all the same.
        Err(error) if is_damage(&error) => {
            let verified = verify_files(&OsFs, &args.store.dir, &kept, &mut on_progress)?;
            (verified, Some(error))
        }
        Err(error) => return Err(error.into()),
    };
    drop(bar);
    let refused = refused.as_ref();
    let mut screen = Screen::new();
    #[cfg_attr(not(feature = "proof"), expect(unused_mut, reason = "heads say more"))]
    let (mut json, mut is_sound) = (as_json(&verified, refused), true);
    if !args.store.json {
        show(&mut screen, &verified, &kept, refused)?;
    }
    #[cfg(feature = "proof")]
    if held.is_some() {
        is_sound = show_heads(&mut screen, &mut json, heads, args.store.json)?;
    }
    if args.store.json {
        screen.json(&json)?;
    }
    screen.flush()?;
    Ok(
        match verified.is_intact() && refused.is_none() && is_sound {
            true => Outcome::Fine,
            false => Outcome::ProblemFound,
        },
    )
}

/// Shows what the store is, held against heads that were kept, or adds it to the JSON; and says whether it is well. One
/// that does not open, or cannot be read, is held against none.
#[cfg(feature = "proof")]
fn show_heads(
    screen: &mut Screen,
    json: &mut serde_json::Value,
    heads: Option<Result<strandline_anchor::HeadsReport, Error>>,
    as_json: bool,
) -> std::io::Result<bool> {
    let reason = match heads {
        Some(Ok(report)) => {
            match as_json {
                true => json["heads"] = crate::anchors::as_json(&report),
                false => crate::anchors::show(screen, &report)?,
            }
            return Ok(report.is_sound());
        }
        Some(Err(error)) => error.to_string(),
        None => "the store does not open".to_owned(),
    };
    match as_json {
        true => json["heads"] = json!({ "sound": false, "reason": reason }),
        false => screen.text(&format!("!! the heads are held against nothing: {reason}"))?,
    }
    Ok(false)
}

/// Whether a store does not open because of what it holds, or of what the disk does not give back.
fn is_damage(error: &Error) -> bool {
    let kinds = [ErrorKind::Corrupt, ErrorKind::LogBehindCheckpoint];
    kinds.contains(&error.kind()) || error.is_of_failing_disk()
}

fn show(
    screen: &mut Screen,
    verified: &Verified,
    kept: &Kept,
    refused: Option<&Error>,
) -> std::io::Result<()> {
    let report = &verified.report;
    if let Some(error) = refused {
        screen.text(&format!("!! the store does not open: {error}"))?;
    }
    show_counts(screen, report)?;
    if refused.is_none() {
        screen.line(&format!("log hash {}", report.log_hash))?;
    }
    if let Some(at) = verified.head_at {
        screen.text(&format!(
            "the head that was kept is the log's before sequence {at}"
        ))?;
    }
    for notice in &verified.notices {
        screen.text(notice)?;
    }
    if !kept.receipts.is_empty() && verified.mismatches.is_empty() {
        screen.line(&format!(
            "{} kept and found",
            count(kept.receipts.len() as u64, "receipt")
        ))?;
    }
    for problem in &report.problems {
        screen.text(&format!("!! {problem}"))?;
    }
    for mismatch in &verified.mismatches {
        screen.text(&format!("!! {mismatch}"))?;
    }
    let refusals = usize::from(refused.is_some() && report.problems.is_empty());
    let problems = report.problems.len() + verified.mismatches.len() + refusals;
    screen.line(&match problems {
        0 => "intact".to_owned(),
        problems => count(problems as u64, "problem"),
    })?;
    for hint in hints(report, refused) {
        screen.text(&format!("  next: {hint}"))?;
    }
    Ok(())
}

/// How much there is, and how much of it was removed.
fn show_counts(screen: &mut Screen, report: &VerifyReport) -> std::io::Result<()> {
    let events = match report.damaged {
        0 => count(report.events, "event"),
        _ => format!(
            "{} of {} good",
            number(report.good()),
            count(report.total(), "event")
        ),
    };
    screen.text(&format!(
        "{events}, {}, {}",
        count(report.commits, "commit"),
        count(report.entities, "entity")
    ))?;
    match report.unchained {
        0 => {}
        1 => screen.text(
            "1 of them follows a damaged one in its stream: what it follows cannot be told",
        )?,
        unchained => screen.text(&format!(
            "{} of them follow a damaged one in their streams: what they follow cannot be told",
            number(unchained)
        ))?,
    }
    if report.removed > 0 {
        screen.line(&format!(
            "{} removed by compactions, in their places in the chains",
            count(report.removed, "event")
        ))?;
    }
    if report.redacted > 0 {
        screen.line(&format!(
            "{} without payload, by redactions",
            count(report.redacted, "event")
        ))?;
    }
    if report.removals > 0 {
        let interrupted = match report.interrupted {
            0 => String::new(),
            interrupted => format!(", {} of them not done", number(interrupted)),
        };
        screen.text(&format!(
            "{} of removals in the log{interrupted} (strandline removals lists them)",
            count(report.removals, "record")
        ))?;
    }
    if let Some(before) = report.unrecorded_before {
        screen.text(&format!(
            "removals before sequence {before} are not recorded: the store was made by an earlier \
             version"
        ))?;
    }
    Ok(())
}

/// What mends what was found.
fn hints(report: &VerifyReport, refused: Option<&Error>) -> Vec<&'static str> {
    let has = |kind| report.problems.iter().any(|problem| problem.kind == kind);
    let mut hints = Vec::new();
    if has(ProblemKind::Log) || refused.is_some() {
        hints.push(
            "restore a backup, `strandline restore BACKUP DIR`, or keep what can be read, \
             `strandline salvage DIR NEW`",
        );
    }
    if has(ProblemKind::Index) && refused.is_none() {
        hints.push(
            "make what is wrong with the indexes anew from the log, `strandline rebuild DIR`",
        );
    }
    hints
}

fn as_json(verified: &Verified, refused: Option<&Error>) -> serde_json::Value {
    let report = &verified.report;
    let problems: Vec<_> = report
        .problems
        .iter()
        .map(|problem| {
            json!({
                "sequence": problem.sequence,
                "events": problem.events,
                "kind": match problem.kind {
                    ProblemKind::Index => "index",
                    _ => "log",
                },
                "file": problem.file,
                "message": problem.message,
            })
        })
        .collect();
    json!({
        "intact": verified.is_intact() && refused.is_none(),
        "refused": refused.map(ToString::to_string),
        "events": report.events,
        "good": report.good(),
        "damaged": report.damaged,
        "unchained": report.unchained,
        "removed": report.removed,
        "redacted": report.redacted,
        "removals": report.removals,
        "removals_interrupted": report.interrupted,
        "unrecorded_before": report.unrecorded_before,
        "commits": report.commits,
        "entities": report.entities,
        "log_hash": report.log_hash.to_string(),
        "head_at": verified.head_at,
        "problems": problems,
        "mismatches": verified.mismatches,
        "notices": verified.notices,
    })
}
