//! `verify`: is every byte, chain and row what was written, and what was kept elsewhere?

use crate::Outcome;
use crate::args::StoreArgs;
use crate::bar::Bar;
use crate::receipts;
use crate::screen::Screen;
use crate::text::{count, number};
use serde_json::json;
use std::path::PathBuf;
use strandline::maintenance::{Kept, Verified, verify};
use strandline::{Hash, ProblemKind, VerifyReport};

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
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut kept = Kept::default();
    kept.head = args.head;
    for path in &args.receipt {
        kept.receipts.extend(receipts::read(path)?);
    }
    let store = args.store.open()?;
    let mut bar = Bar::new("verifying");
    let verified = verify(&store, &kept, &mut |progress| bar.show(progress))?;
    drop(bar);
    let mut screen = Screen::new();
    if args.store.json {
        screen.line(&as_json(&verified).to_string())?;
    } else {
        show(&mut screen, &verified, &kept)?;
    }
    screen.flush()?;
    Ok(match verified.is_intact() {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

fn show(screen: &mut Screen, verified: &Verified, kept: &Kept) -> std::io::Result<()> {
    let report = &verified.report;
    screen.line(&format!(
        "{}, {}, {}",
        count(report.events, "event"),
        count(report.commits, "commit"),
        count(report.entities, "entity")
    ))?;
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
    screen.line(&format!("log hash {}", report.log_hash))?;
    if let Some(at) = verified.head_at {
        screen.text(&format!(
            "the head that was kept is the log's before sequence {at}"
        ))?;
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
    let problems = report.problems.len() + verified.mismatches.len();
    screen.line(&match problems {
        0 => "intact".to_owned(),
        problems => count(problems as u64, "problem"),
    })?;
    for hint in hints(report) {
        screen.text(&format!("  next: {hint}"))?;
    }
    Ok(())
}

/// What mends what was found.
fn hints(report: &VerifyReport) -> Vec<&'static str> {
    let has = |kind| report.problems.iter().any(|problem| problem.kind == kind);
    let mut hints = Vec::new();
    if has(ProblemKind::Log) {
        hints.push(
            "restore a backup, `strandline restore BACKUP DIR`, or keep what can be read, \
             `strandline salvage DIR NEW`",
        );
    }
    if has(ProblemKind::Index) {
        hints.push(
            "make what is wrong with the indexes anew from the log, `strandline rebuild DIR`",
        );
    }
    hints
}

fn as_json(verified: &Verified) -> serde_json::Value {
    let report = &verified.report;
    let problems: Vec<_> = report
        .problems
        .iter()
        .map(|problem| {
            json!({
                "sequence": problem.sequence,
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
        "intact": verified.is_intact(),
        "events": report.events,
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
    })
}
