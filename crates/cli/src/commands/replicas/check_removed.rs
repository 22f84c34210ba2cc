//! `replicas --check-removed`: whether objects of a bucket have payloads that the log says are gone.

use super::refused::refused;
use crate::outcome::Outcome;
use crate::output::note;
use crate::terminal::{Bar, Screen, count, number};
use serde_json::{Value, json};
use strandline_replicate::{Bucket, Leftover, RemovedCheck, RemovedCheckError, check_removed};

/// How many runs of sequences are shown of an object.
const RUNS_SHOWN: usize = 4;

pub(super) fn run(bucket: &Bucket, as_json: bool) -> anyhow::Result<Outcome> {
    let mut bar = Bar::new("reading");
    let checked = check_removed(bucket, &mut |progress| bar.show(progress));
    drop(bar);
    let check = match checked {
        Ok(check) => check,
        Err(RemovedCheckError::Overview(error)) => return Err(refused(error)),
        Err(error) => return Err(error.into()),
    };
    let mut screen = Screen::new();
    match as_json {
        true => screen.json(&json_of(bucket, &check))?,
        false => show(&mut screen, &check)?,
    }
    screen.flush()?;
    for problem in problems(&check) {
        note(format_args!("problem: {problem}"));
    }
    Ok(match check.is_clean() {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

fn show(screen: &mut Screen, check: &RemovedCheck) -> std::io::Result<()> {
    screen.text(&format!(
        "the log before sequence {} tells of {}, by which {} gone; {} read, {} payloads that should be gone",
        number(check.end.get()),
        count(check.removals, "compaction or redaction"),
        match check.gone {
            1 => "1 event or its payload is".to_owned(),
            gone => format!("{} events or their payloads are", number(gone)),
        },
        match check.objects {
            1 => "1 object was".to_owned(),
            objects => format!("{} objects were", number(objects)),
        },
        match check.leftovers.is_empty() {
            true => "and none has".to_owned(),
            false => format!("and {} of them have", number(check.leftovers.len() as u64)),
        }
    ))?;
    for left in &check.leftovers {
        screen.text(&format!("{}  {}", left.key, sequences(left)))?;
    }
    for unread in &check.unread {
        screen.text(&format!("{}  not read: {}", unread.key, unread.reason))?;
    }
    for file in &check.unfinished {
        screen.text(&format!("{file}  a part of an object"))?;
    }
    if check.passed_over > 0 {
        screen.text(&format!(
            "{} of somebody else not looked at",
            count(check.passed_over, "object")
        ))?;
    }
    screen.text("old versions of objects, if the bucket keeps them, were not looked at")
}

fn sequences(left: &Leftover) -> String {
    let runs = left.sequences.iter().take(RUNS_SHOWN);
    let mut shown: Vec<_> = runs
        .map(|run| format!("{}..{}", run.start, run.end))
        .collect();
    if left.sequences.len() > RUNS_SHOWN {
        shown.push("more (--json lists them)".to_owned());
    }
    format!(
        "{}: sequences {}",
        count(left.events, "payload"),
        shown.join(", ")
    )
}

/// What needs a person, and what helps.
fn problems(check: &RemovedCheck) -> Vec<&'static str> {
    let has = |wanted: &dyn Fn(&Leftover) -> bool| check.leftovers.iter().any(wanted);
    let all = [
        (
            has(&|left| !left.is_listed),
            "objects that the log does not need any more have payloads that are gone from it: the writer deletes them \
             after its grace, an hour by default, that of its next term at the latest; give the command again then",
        ),
        (
            has(&|left| left.is_listed && left.is_done),
            "the log in the bucket still has payloads that it says are gone: the files that replace these were not \
             shipped yet, or older ones were put back",
        ),
        (
            has(&|left| !left.is_done),
            "a compaction or redaction was begun and is not said to be done: it was interrupted, or what says so was not \
             shipped yet; give it again, and ship the store",
        ),
        (
            !check.unread.is_empty(),
            "of objects that cannot be read nobody knows what they have",
        ),
        (
            !check.unfinished.is_empty(),
            "files in the directory have parts of objects that a writer was putting when it was killed: who begins a \
             term there removes those of earlier terms, and so does `replicas URL --remove-unfinished`; the others may be \
             of a writer that lives: delete them while nothing writes there",
        ),
    ];
    let found = all.into_iter().filter(|(is_found, _)| *is_found);
    found.map(|(_, text)| text).collect()
}

fn json_of(bucket: &Bucket, check: &RemovedCheck) -> Value {
    let leftovers = check.leftovers.iter().map(|left| {
        let runs = left.sequences.iter();
        let runs: Vec<_> = runs.map(|run| json!([run.start, run.end])).collect();
        json!({
            "key": left.key.to_string(),
            "is_listed": left.is_listed,
            "is_done": left.is_done,
            "events": left.events,
            "sequences": runs,
            "sequences_are_all": left.sequences.len() < Leftover::RUNS_MAX,
        })
    });
    let unread = check.unread.iter();
    let unread = unread.map(|one| json!({ "key": one.key.to_string(), "reason": one.reason }));
    json!({
        "bucket": bucket.name(),
        "term": check.term.get(),
        "state": check.state,
        "end": check.end,
        "removals": check.removals,
        "gone": check.gone,
        "objects": check.objects,
        "deleted_meanwhile": check.deleted,
        "passed_over": check.passed_over,
        "leftovers": leftovers.collect::<Vec<_>>(),
        "unread": unread.collect::<Vec<_>>(),
        "unfinished": check.unfinished,
        "problems": problems(check),
    })
}
