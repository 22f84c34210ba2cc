//! `integrity`: what verification found, the head of the log, and what was removed.

use super::View;
use super::context::Context;
use super::fault::Fault;
use super::same::Same;
use crate::asked::Asked;
use crate::text::{Table, time};
use serde::Serialize;
use std::time::Duration;
use strandline::maintenance::{
    Kept, Removal, RemovalChange, Verified, removals, verify, verify_files,
};
use strandline::{Error, ProblemKind, Store};

/// What may be asked: with `verify` a verification is begun, unless one is at work.
pub(crate) const INTEGRITY: &[&str] = &["verify"];

/// How long a request waits for them, in milliseconds.
const WAIT_MS: u64 = 80;
/// How many problems and removals are given.
const GIVEN: usize = 200;

/// A problem.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Problem {
    pub(crate) sequence: Option<u64>,
    pub(crate) events: u64,
    pub(crate) file: Option<String>,
    /// What mends it.
    pub(crate) mends: &'static str,
    pub(crate) message: String,
}

/// A compaction or redaction, as the log records it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RemovalSeen {
    pub(crate) wall_ms: u64,
    pub(crate) change: &'static str,
    pub(crate) rule: String,
    pub(crate) events: u64,
    pub(crate) is_done: bool,
    pub(crate) is_foreign: bool,
}

/// What verification found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Checked {
    /// Why it could not be done.
    pub(crate) error: Option<String>,
    pub(crate) is_intact: bool,
    pub(crate) events: u64,
    pub(crate) damaged: u64,
    pub(crate) unread: u64,
    pub(crate) removed: u64,
    pub(crate) redacted: u64,
    pub(crate) commits: u64,
    pub(crate) entities: u64,
    pub(crate) log_hash: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) problem_count: usize,
    pub(crate) notices: Vec<String>,
    pub(crate) removals: Vec<RemovalSeen>,
    pub(crate) removal_count: usize,
}

/// The head of the tree over the log.
#[derive(Debug, Serialize)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) root: String,
}

/// The integrity of a store.
#[derive(Debug, Serialize)]
pub(crate) struct Integrity {
    pub(crate) is_running: bool,
    /// How much is done, and of how much where that is known.
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    pub(crate) checked: Option<Checked>,
    /// How long ago that was.
    pub(crate) checked_ms_ago: Option<u64>,
    pub(crate) head: Option<Head>,
    pub(crate) head_error: Option<String>,
    pub(crate) same: Same,
}

/// The integrity of the store, of one that does not open too.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn integrity(context: &Context, asked: &Asked) -> Result<Integrity, Fault> {
    let opened = context.watch.now().ok();
    let seen = match asked.one("verify") {
        None => context.checked.seen(&()),
        Some(_) => {
            let (fs, dir) = (context.fs.clone(), context.dir.clone());
            let store = opened.as_ref().map(|opened| opened.store.clone());
            // What was found a moment ago is not looked for again by whoever looks how far it is.
            context.checked.ask(
                &(),
                Duration::from_secs(10),
                context.patience(WAIT_MS),
                move |on_progress| match store {
                    Some(store) => {
                        let verified = verify(&store, &Kept::default(), on_progress);
                        checked(verified, Some(&store))
                    }
                    None => checked(
                        verify_files(&*fs, &dir, &Kept::default(), on_progress),
                        None,
                    ),
                },
            )
        }
    };
    let (head, head_error) = match &opened {
        None => (None, None),
        Some(opened) => head(context, &opened.store),
    };
    let rust =
        "let verified = verify(&store, &Kept::default(), &mut |_| ControlFlow::Continue(()))?;";
    Ok(Integrity {
        is_running: seen.is_running,
        done: seen.progress.map_or(0, |progress| progress.done),
        total: seen.progress.and_then(|progress| progress.total),
        checked_ms_ago: seen
            .done
            .as_ref()
            .map(|(_, age)| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        checked: seen.done.map(|(checked, _)| (*checked).clone()),
        head,
        head_error,
        same: Same::new("verify", &context.dir, [], rust),
    })
}

/// The head of the tree, made once for each size, on a thread of its own.
fn head(context: &Context, store: &std::sync::Arc<Store>) -> (Option<Head>, Option<String>) {
    let now = store.snapshot();
    let size = now.visible().get();
    let seen = context
        .head
        .ask(&size, Duration::MAX, context.patience(WAIT_MS), move |_| {
            now.tree_head().map_err(|error| error.to_string())
        });
    let Some((head, _)) = seen.done else {
        return (None, None);
    };
    match &*head {
        Ok(head) => {
            let root = head.root.to_string();
            (
                Some(Head {
                    size: head.size,
                    root,
                }),
                None,
            )
        }
        Err(error) => (None, Some(error.clone())),
    }
}

fn checked(verified: Result<Verified, Error>, store: Option<&Store>) -> Checked {
    let (verified, error) = match verified {
        Ok(verified) => (Some(verified), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let removals =
        store.and_then(|store| removals(store, &mut |_| std::ops::ControlFlow::Continue(())).ok());
    let removals = removals.unwrap_or_default();
    let report = verified.as_ref().map(|verified| &verified.report);
    let count = |of: fn(&strandline::VerifyReport) -> u64| report.map_or(0, of);
    let problems = report.map_or(&[][..], |report| &report.problems);
    Checked {
        is_intact: verified.as_ref().is_some_and(Verified::is_intact),
        error,
        events: count(|report| report.events),
        damaged: count(|report| report.damaged),
        unread: count(|report| report.unread),
        removed: count(|report| report.removed),
        redacted: count(|report| report.redacted),
        commits: count(|report| report.commits),
        entities: count(|report| report.entities),
        log_hash: report
            .map(|report| report.log_hash.to_string())
            .unwrap_or_default(),
        problem_count: problems.len(),
        problems: problems.iter().take(GIVEN).map(problem).collect(),
        notices: verified
            .as_ref()
            .map(|verified| verified.notices.clone())
            .unwrap_or_default(),
        removal_count: removals.len(),
        removals: removals.iter().rev().take(GIVEN).map(removal).collect(),
    }
}

fn problem(problem: &strandline::Problem) -> Problem {
    Problem {
        sequence: problem.sequence.map(|sequence| sequence.get()),
        events: problem.events,
        file: problem.file.clone(),
        mends: match problem.kind {
            ProblemKind::Index => "strandline rebuild makes it anew from the log",
            _ => "restore a backup, or save what is left with strandline salvage",
        },
        message: problem.to_string(),
    }
}

fn removal(removal: &Removal) -> RemovalSeen {
    RemovalSeen {
        wall_ms: removal.wall_ms,
        change: match removal.change {
            RemovalChange::Removed => "compaction",
            RemovalChange::Redacted => "redaction",
        },
        rule: removal.rule.clone(),
        events: removal.events,
        is_done: removal.is_done,
        is_foreign: removal.is_foreign,
    }
}

impl View for Integrity {
    fn title(&self) -> String {
        "Integrity".to_owned()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["what", "time", "sequence", "events", "text"]);
        let Some(checked) = &self.checked else {
            return table;
        };
        for problem in &checked.problems {
            let sequence = problem.sequence.map(|sequence| sequence.to_string());
            let sequence = sequence.unwrap_or_default();
            table.row([
                "problem".to_owned(),
                String::new(),
                sequence,
                problem.events.to_string(),
                problem.message.clone(),
            ]);
        }
        for removal in &checked.removals {
            let row = [
                removal.change.to_owned(),
                time(removal.wall_ms),
                String::new(),
                removal.events.to_string(),
            ];
            table.row(row.into_iter().chain([removal.rule.clone()]));
        }
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
