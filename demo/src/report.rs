//! The report: figures for people, or as JSON.

use crate::check::{Checked, Folded};
use crate::git::Repository;
use crate::ingest::{ADDED, DELETED, FileChange, Ingested};
use crate::plot::{date, sparkline};
use std::collections::HashMap;
use strandline::{Region, Store, StoredEvent, VerifyReport};

/// How many files, events and differences are shown.
const SHOWN: usize = 8;
const PLOT_WIDTH: usize = 24;
const NAME_WIDTH: usize = 36;

/// Everything that was measured and checked.
pub(crate) struct Outcome {
    pub(crate) ingested: Ingested,
    pub(crate) open_seconds: f64,
    pub(crate) verified: VerifyReport,
    pub(crate) verify_seconds: f64,
    pub(crate) checked: Checked,
    pub(crate) bytes_on_disk: u64,
    pub(crate) commits_reachable: u64,
    /// Whether the store stays when the command ends.
    pub(crate) kept: bool,
}

impl Outcome {
    /// Whether every file adds up and every chain holds.
    pub(crate) fn is_right(&self) -> bool {
        self.checked.differing.is_empty() && self.verified.is_intact()
    }

    fn events_per_second(&self) -> f64 {
        self.ingested.events as f64 / self.ingested.store_seconds()
    }

    fn bytes_per_event(&self) -> f64 {
        self.bytes_on_disk as f64 / (self.ingested.events.max(1)) as f64
    }

    /// The figures, for programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "events": self.ingested.events,
            "entities": self.verified.entities,
            "commits": self.ingested.commits,
            "commits_reachable": self.commits_reachable,
            "commits_split": self.ingested.split_commits,
            "seconds": self.ingested.seconds,
            "git_seconds": self.ingested.git_seconds,
            "store_seconds": self.ingested.store_seconds(),
            "events_per_second": self.events_per_second(),
            "bytes_on_disk": self.bytes_on_disk,
            "bytes_per_event": self.bytes_per_event(),
            "open_ms": self.open_seconds * 1e3,
            "verified_events": self.verified.events,
            "verify_seconds": self.verify_seconds,
            "problems": self.verified.problems.len(),
            "files_checked": self.checked.files,
            "files_differing": self.checked.differing.len(),
        })
    }
}

/// A count with its thousands apart.
fn count(number: u64) -> String {
    group(&number.to_string())
}

fn group(digits: &str) -> String {
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

/// A name that fits, its beginning left out if need be.
fn fit(name: &str, width: usize) -> String {
    let characters = name.chars().count();
    if characters <= width {
        return format!("{name:width$}");
    }
    let kept: String = name.chars().skip(characters + 1 - width).collect();
    format!("…{kept}")
}

/// Text that is shown in one piece.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A line of the form `what   value`.
    fn row(&mut self, what: &str, value: String) {
        self.line(&format!("  {what:<10} {value}"));
    }
}

/// Prints the report, for people.
pub(crate) fn print(
    repository: &Repository,
    store: &Store,
    folded: &Folded,
    outcome: &Outcome,
) -> anyhow::Result<()> {
    let out = &mut Page::default();
    let ingested = &outcome.ingested;
    out.line(&format!("The history of {}\n", repository.name()));
    out.row(
        "events",
        format!(
            "{} changes of {} files in {} commits",
            count(ingested.events),
            count(outcome.verified.entities),
            count(ingested.commits)
        ),
    );
    out.row(
        "history",
        format!(
            "along first parents; {} commits can be reached in all",
            count(outcome.commits_reachable)
        ),
    );
    if ingested.split_commits > 0 {
        let split = count(ingested.split_commits);
        out.row("", format!("{split} commits were too large for one batch"));
    }
    out.row(
        "time",
        format!(
            "{:.2} s, of which {:.2} s waiting for git",
            ingested.seconds, ingested.git_seconds
        ),
    );
    out.row(
        "rate",
        format!(
            "{} events a second, git's time aside",
            group(&format!("{:.0}", outcome.events_per_second()))
        ),
    );
    out.row(
        "durability",
        "each batch with the operating system, one sync at the end".to_owned(),
    );
    out.row(
        "disk",
        format!(
            "{} bytes, {:.0} an event",
            count(outcome.bytes_on_disk),
            outcome.bytes_per_event()
        ),
    );
    if ingested.events > 0 {
        print_activity(out, store, folded)?;
        print_most_changed(out, store, folded)?;
    }
    print_checks(out, store, outcome);
    Ok(strandline_cli::print(&out.0)?)
}

fn span(folded: &Folded) -> (i64, i64) {
    let first = folded.times.iter().copied().min().unwrap_or(0);
    let last = folded.times.iter().copied().max().unwrap_or(0);
    (first, last)
}

fn print_activity(out: &mut Page, store: &Store, folded: &Folded) -> anyhow::Result<()> {
    let (first, last) = span(folded);
    out.line("\nChanges over time\n");
    out.line(&format!(
        "  {} {} {}",
        date(first),
        sparkline(&folded.times, first, last, 50),
        date(last)
    ));
    let now = store.snapshot();
    out.line("\nFolders\n");
    let mut scopes: Vec<_> = now.scopes("").collect();
    scopes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut times: HashMap<&str, Vec<i64>> = HashMap::new();
    let all = Region::all();
    let scoped: Vec<_> = now.rows(&all).map(|row| row.coordinate()).collect();
    for (coordinate, time) in scoped.iter().zip(&folded.times) {
        times.entry(coordinate.scope()).or_default().push(*time);
    }
    for (scope, events) in scopes.iter().take(SHOWN) {
        let plot = sparkline(
            times.get(scope.as_str()).map_or(&[], Vec::as_slice),
            first,
            last,
            PLOT_WIDTH,
        );
        out.line(&format!(
            "  {} {:>9}  {plot}",
            fit(scope, NAME_WIDTH),
            count(*events)
        ));
    }
    if let Some((scope, _)) = scopes.first() {
        let shown = fit(scope, NAME_WIDTH);
        out.line(&format!("\nNewest in {}\n", shown.trim_end()));
        for event in now
            .query(Region::all().scope(scope.as_str()))
            .rev()
            .take(SHOWN)
        {
            print_event(out, &event?)?;
        }
    }
    Ok(())
}

fn print_most_changed(out: &mut Page, store: &Store, folded: &Folded) -> anyhow::Result<()> {
    let (first, last) = span(folded);
    let now = store.snapshot();
    let mut files: Vec<_> = folded.files.iter().collect();
    files.sort_by(|a, b| b.1.changes.cmp(&a.1.changes).then_with(|| a.0.cmp(b.0)));
    out.line("\nMost changed files\n");
    for (name, fold) in files.iter().take(SHOWN) {
        let mut times = Vec::new();
        for event in now.stream(name) {
            times.push(event?.payload_json::<FileChange>()?.time);
        }
        let plot = sparkline(&times, first, last, PLOT_WIDTH);
        out.line(&format!(
            "  {} {:>9}  {plot}",
            fit(name, NAME_WIDTH),
            count(fold.changes)
        ));
    }
    if let Some((name, fold)) = files.first() {
        out.line(&format!(
            "\nThe stream of {}: {} events, {} lines now\n",
            fit(name, NAME_WIDTH).trim_end(),
            count(fold.changes),
            fold.lines
        ));
        for event in now.stream(name).take(3) {
            print_event(out, &event?)?;
        }
        let newest: Vec<_> = now.stream(name).rev().take(3).collect();
        let older = usize::try_from(fold.changes)
            .unwrap_or(usize::MAX)
            .saturating_sub(3);
        if older > newest.len() {
            out.line("  …");
        }
        for event in newest.into_iter().take(older).rev() {
            print_event(out, &event?)?;
        }
    }
    Ok(())
}

fn print_event(out: &mut Page, event: &StoredEvent) -> anyhow::Result<()> {
    let change: FileChange = event.payload_json()?;
    let mark = match event.kind {
        ADDED => 'A',
        DELETED => 'D',
        _ => 'M',
    };
    out.line(&format!(
        "  {} {mark} {:<7} +{:<5} -{:<5} {}",
        date(change.time),
        change.commit.get(..7).unwrap_or(&change.commit),
        change.added,
        change.deleted,
        fit(event.coordinate.entity(), NAME_WIDTH).trim_end()
    ));
    Ok(())
}

fn print_checks(out: &mut Page, store: &Store, outcome: &Outcome) {
    out.line("\nChecks\n");
    out.row(
        "reopened",
        format!("in {:.1} ms", outcome.open_seconds * 1e3),
    );
    let verified = &outcome.verified;
    out.row(
        "chains",
        format!(
            "{} events in {} streams verified in {:.0} ms, {} problems",
            count(verified.events),
            count(verified.entities),
            outcome.verify_seconds * 1e3,
            verified.problems.len()
        ),
    );
    for problem in verified.problems.iter().take(SHOWN) {
        out.line(&format!("             {problem}"));
    }
    let checked = &outcome.checked;
    out.row(
        "files",
        format!(
            "{} files checked against the tree, {} differ",
            count(checked.files),
            checked.differing.len()
        ),
    );
    for difference in checked.differing.iter().take(SHOWN) {
        let in_store = difference
            .in_store
            .map_or("no events".to_owned(), |lines| format!("{lines} lines"));
        out.line(&format!(
            "             {}: {} lines in the tree, {in_store} in the store",
            difference.name, difference.in_tree
        ));
    }
    let more = checked.differing.len().saturating_sub(SHOWN);
    if more > 0 {
        out.line(&format!("             … and {more} more"));
    }
    out.row("log hash", outcome.verified.log_hash.to_string());
    let place = if outcome.kept {
        store.dir().display().to_string()
    } else {
        "was temporary; --dir DIR keeps it".to_owned()
    };
    out.row("store", place);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_names_are_laid_out() {
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(count(999), "999");
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("abcdef", 4), "…def");
    }
}
