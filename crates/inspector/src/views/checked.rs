//! `Checked`: what verification found, as a view gives it.

use serde::Serialize;
use strandline::maintenance::{Removal, RemovalChange, Verified, removals};
use strandline::{Error, ProblemKind, Store};

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

impl Checked {
    /// What verification found, and what the log records of removals, if the store opens.
    pub(super) fn of(verified: Result<Verified, Error>, store: Option<&Store>) -> Self {
        let (verified, error) = match verified {
            Ok(verified) => (Some(verified), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let removals = store
            .and_then(|store| removals(store, &mut |_| std::ops::ControlFlow::Continue(())).ok());
        let removals = removals.unwrap_or_default();
        let report = verified.as_ref().map(|verified| &verified.report);
        let count = |of: fn(&strandline::VerifyReport) -> u64| report.map_or(0, of);
        let problems = report.map_or(&[][..], |report| &report.problems);
        Self {
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
