//! `replicas`: what is in a bucket: who held it when, how far the log goes, what it takes.

mod check_removed;
mod refused;

use crate::args::{Access, BucketArgs, ZoneArgs};
use crate::outcome::Outcome;
use crate::output::note;
use crate::terminal::{Screen, count, duration, number, size};
use crate::times::Zone;
use refused::refused;
use serde_json::{Value, json};
use std::time::Duration;
use strandline::{Clock, Hex, SystemClock};
use strandline_replicate::{
    Amount, Bucket, Key, Lack, LackKind, LogOverview, ObjectAmounts, Overview, TermKind,
    TermOverview, TermRecord, Unfinished, remove_unfinished,
};

/// How many objects are named that are lacking, of a kind.
const LACKS_SHOWN: usize = 4;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    bucket: BucketArgs,
    /// Show the newest so many terms.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    limit: usize,
    #[command(flatten)]
    zone: ZoneArgs,
    /// Look in every object for payloads that the log says are gone, by a compaction or a redaction. Reads all of the
    /// bucket; old versions that it may keep are not looked at.
    #[arg(long)]
    check_removed: bool,
    /// Remove the files that writers of earlier terms have left in a directory when they were killed while they put
    /// objects there. Who begins a term does that, too.
    #[arg(long, conflicts_with = "check_removed")]
    remove_unfinished: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let bucket = args.bucket.open(Access::Read)?;
    if args.check_removed {
        return check_removed::run(&bucket, args.json);
    }
    if args.remove_unfinished {
        return clear(&bucket, args.json);
    }
    let overview = Overview::read(&bucket, args.limit.max(1)).map_err(refused)?;
    let now_ms = SystemClock::default().now_ms();
    let mut screen = Screen::new();
    if args.json {
        screen.json(&as_json(&bucket, &overview, now_ms))?;
    } else {
        show(&mut screen, &bucket, &overview, now_ms, &args.zone.zone())?;
    }
    screen.flush()?;
    let problems = problems(&overview);
    for problem in &problems {
        note(format_args!("problem: {problem}"));
    }
    Ok(match problems.is_empty() {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

/// Removes what killed writers have left, and says what that was and what stays.
fn clear(bucket: &Bucket, as_json: bool) -> anyhow::Result<Outcome> {
    let Unfinished { removed, left, .. } = remove_unfinished(bucket).map_err(refused)?;
    let mut screen = Screen::new();
    if as_json {
        screen.json(&json!({ "bucket": bucket.name(), "removed": removed, "left": left }))?;
    } else {
        for file in &removed {
            screen.text(&format!("{file}  removed"))?;
        }
        for file in &left {
            screen.text(&format!(
                "{file}  stays: a writer of the newest term may be at it, or it is somebody else's"
            ))?;
        }
        let removed = u64::try_from(removed.len()).unwrap_or(u64::MAX);
        screen.text(&format!("{} removed", count(removed, "file")))?;
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

/// What needs a person.
fn problems(overview: &Overview) -> Vec<String> {
    let mut problems = Vec::new();
    if overview.terms_count == 0 {
        let total = overview.objects.total();
        problems.push(match total.objects {
            0 => "there is no log in the bucket: no term was taken".to_owned(),
            _ => "no term is there, though there are objects: check the prefix of the URL; if it is right, somebody deleted \
                  what is under terms/: bring it back"
                .to_owned(),
        });
    }
    if overview.terms_missing > 0 {
        problems.push(format!(
            "{} below the newest one is gone: somebody or a lifecycle rule deletes under terms/, and that may let an \
             old writer acknowledge; end that, and have the writer begin a new term",
            count(overview.terms_missing, "term")
        ));
    }
    problems.extend(lacking(overview));
    for term in &overview.terms {
        if let Err(error) = &term.record {
            problems.push(format!("term {}: {error}", term.term));
        }
    }
    problems
}

/// Whether a key is one of some kind.
type IsKind = fn(&Key) -> bool;

/// What is lacking, and what helps.
fn lacking(overview: &Overview) -> Vec<String> {
    let kinds: [(IsKind, &str); 4] = [
        (
            |key| matches!(key, Key::Term(_)),
            "somebody deleted what says who has a term that has other objects: who ships in it puts it again within half an \
             hour, if it lives; else bring it back from a version of the bucket, as no next term is taken without it",
        ),
        (
            |key| matches!(key, Key::State { .. }),
            "the newest list of what is there is gone: who ships puts another one within half an hour, or when it is \
             started; else bring it back from a version of the bucket",
        ),
        (
            |key| matches!(key, Key::Chunk { .. }),
            "chunks of the log are missing or cut off: nobody reads past one that no state covers. Who ships has what was in \
             them read again within half an hour, or when it is started; where it was killed while it put them, they never \
             were there, and nothing after them was acknowledged",
        ),
        (
            |key| matches!(key, Key::Data { .. }),
            "files of the log are missing or cut off: who ships puts again what it has itself within half an hour, or when \
             it is started; else bring them back from a version or a copy of the bucket",
        ),
    ];
    let mut problems = Vec::new();
    for (is_of, advice) in kinds {
        let of: Vec<_> = overview
            .lacking
            .iter()
            .filter(|lack| is_of(&lack.key))
            .collect();
        let shown: Vec<_> = of
            .iter()
            .take(LACKS_SHOWN)
            .map(ToString::to_string)
            .collect();
        let more = match of.len().saturating_sub(LACKS_SHOWN) {
            0 => String::new(),
            more => format!(", and {more} more (--json lists them)"),
        };
        if !shown.is_empty() {
            problems.push(format!("{}{more}: {advice}", shown.join(", ")));
        }
    }
    problems
}

/// Who has a term, for people.
fn holder(record: &TermRecord) -> String {
    format!("{} (process {})", record.host, record.process)
}

const fn how(kind: TermKind) -> &'static str {
    match kind {
        TermKind::Start => "start",
        TermKind::Restart => "restart",
        TermKind::TakeOver => "take-over",
    }
}

fn show(
    screen: &mut Screen,
    bucket: &Bucket,
    overview: &Overview,
    now_ms: u64,
    zone: &Zone,
) -> anyhow::Result<()> {
    screen.text(bucket.name())?;
    if let Some(newest) = overview.terms.last()
        && let Ok(record) = &newest.record
    {
        screen.line(&format!(
            "held in term {} by {} since {}",
            newest.term,
            holder(record),
            zone.text(record.taken_ms)
        ))?;
        if !newest.has_state {
            screen.line(&format!(
                "term {} has no state yet: its writer is at it, or ended before it was",
                newest.term
            ))?;
        }
    }
    if let Some(log) = &overview.log {
        screen.line(&format!(
            "the log goes to sequence {}: {}, {}",
            number(log.end.sequence.get()),
            count(u64::try_from(log.segments).unwrap_or(u64::MAX), "segment"),
            size(log.bytes)
        ))?;
        screen.line(&format!(
            "last shipped {} ago, at {}",
            age(log, now_ms),
            zone.text(log.written_ms)
        ))?;
    }
    show_terms(screen, overview, zone)?;
    screen.line("")?;
    let ObjectAmounts {
        terms,
        chunks,
        states,
        segments,
        tails,
        indexes,
        others,
        ..
    } = overview.objects;
    for (what, amount) in [
        ("terms", terms),
        ("chunks", chunks),
        ("states", states),
        ("segments", segments),
        ("joined chunks", tails),
        ("indexes", indexes),
        ("of others", others),
        ("together", overview.objects.total()),
        ("to be deleted", overview.superseded),
    ] {
        screen.line(&format!(
            "{what:<14}  {:>9}  {:>8}",
            number(amount.objects),
            size(amount.bytes)
        ))?;
    }
    Ok(())
}

fn show_terms(screen: &mut Screen, overview: &Overview, zone: &Zone) -> anyhow::Result<()> {
    if overview.terms.is_empty() {
        return Ok(());
    }
    screen.line("")?;
    let hidden = usize::try_from(overview.terms_count).unwrap_or(usize::MAX);
    let hidden = hidden.saturating_sub(overview.terms.len());
    for TermOverview { term, record, .. } in overview.terms.iter().rev() {
        screen.line(&match record {
            Ok(record) => format!(
                "term {term:<6}  {}  {:<9}  {}",
                zone.text(record.taken_ms),
                how(record.how),
                holder(record)
            ),
            Err(error) => format!("term {term:<6}  {error}"),
        })?;
    }
    if hidden > 0 {
        screen.line(&format!("and {hidden} before these; --limit shows more"))?;
    }
    Ok(())
}

/// How long ago the log grew, by the object store's clock and by this machine's, which may differ.
fn age(log: &LogOverview, now_ms: u64) -> String {
    duration(Duration::from_millis(now_ms.saturating_sub(log.written_ms)))
}

fn as_json(bucket: &Bucket, overview: &Overview, now_ms: u64) -> Value {
    let amount = |amount: Amount| json!({ "objects": amount.objects, "bytes": amount.bytes });
    let objects = &overview.objects;
    let identity = overview.terms.iter().rev();
    let identity = identity.filter_map(|term| term.record.as_ref().ok()).next();
    let log = overview.log.as_ref().map(|log| {
        json!({
            "term": log.term.get(),
            "state": log.state,
            "chunks": log.chunks,
            "end": log.end.sequence,
            "segments": log.segments,
            "bytes": log.bytes,
            "written_ms": log.written_ms,
            "age_ms": now_ms.saturating_sub(log.written_ms),
        })
    });
    json!({
        "bucket": bucket.name(),
        "identity": identity.map(|record| Hex(record.identity).to_string()),
        "log": log,
        "terms": overview.terms.iter().map(term_json).collect::<Vec<_>>(),
        "terms_count": overview.terms_count,
        "terms_missing": overview.terms_missing,
        "objects": {
            "terms": amount(objects.terms),
            "chunks": amount(objects.chunks),
            "states": amount(objects.states),
            "segments": amount(objects.segments),
            "tails": amount(objects.tails),
            "indexes": amount(objects.indexes),
            "others": amount(objects.others),
            "total": amount(objects.total()),
        },
        "superseded": amount(overview.superseded),
        "lacking": overview.lacking.iter().map(lack_json).collect::<Vec<_>>(),
        "problems": problems(overview),
    })
}

fn lack_json(lack: &Lack) -> Value {
    let (bytes, needed) = match lack.kind {
        LackKind::Length { bytes, needed } => (Some(bytes), Some(needed)),
        _ => (None, None),
    };
    json!({ "key": lack.key.to_string(), "bytes": bytes, "needed_bytes": needed })
}

fn term_json(term: &TermOverview) -> Value {
    match &term.record {
        Ok(record) => json!({
            "term": term.term.get(),
            "has_state": term.has_state,
            "owner": record.owner.to_string(),
            "host": record.host,
            "process": record.process,
            "taken_ms": record.taken_ms,
            "how": how(record.how),
        }),
        Err(error) => json!({
            "term": term.term.get(),
            "has_state": term.has_state,
            "error": error.to_string(),
        }),
    }
}
