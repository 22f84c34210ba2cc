//! `replicate`: a store that nobody writes, shipped to a bucket.

use crate::args::{Access, BucketArgs, confirm, open_to_write, refused_bucket, store_dir};
use crate::outcome::{Hinted, Outcome};
use crate::output::note;
use crate::terminal::{Screen, count, number, size};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::OsFs;
use strandline::maintenance::rfc3339;
use strandline::{Clock, Sequence, StoreOptions, SystemClock};
use strandline_replicate::{
    Bucket, Overview, OverviewError, RemoteOptions, ReplicateError, ReplicateOptions, Replicator,
    ReplicatorStage, ReplicatorStatus, TermRecord, bucket_fs, is_lazy,
};

/// How often it is told how far it is.
const NOTE_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is looked whether it goes on.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the store. No program may be writing it.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    #[command(flatten)]
    bucket: BucketArgs,
    /// Take the bucket over though another writer has it: that one is refused from then on. The log in the bucket
    /// must be the beginning of that of the store all the same.
    #[arg(long)]
    take_over: bool,
    /// Begin anew in a bucket that the store was shipped to before and that is empty now. Else that is refused: a disk may
    /// not be mounted.
    #[arg(long)]
    new_bucket: bool,
    /// Do not ask before a takeover.
    #[arg(long)]
    yes: bool,
    /// Give up when nothing was sent for so long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    args.bucket.check_apart(&args.dir)?;
    let mut options = StoreOptions::new().must_exist();
    let mut bucket = None;
    if is_lazy(&OsFs, &args.dir) {
        // Its sealed segments are there.
        let own = args.bucket.open(Access::Read)?;
        let fs = bucket_fs(&own, &args.dir, Arc::new(OsFs), &RemoteOptions::default())?;
        options = options.fs(Arc::new(fs));
        bucket = Some(own);
    }
    let store = open_to_write(options, &args.dir)?;
    let end = store.snapshot().visible();
    let bucket = bucket.map_or_else(|| args.bucket.open(Access::Write), Ok)?;
    if !announce(args, &look(&bucket, args)?, end)? {
        return Ok(Outcome::Fine);
    }
    let mut options = ReplicateOptions::new().new_bucket(args.new_bucket);
    if args.take_over {
        options = options.take_over(true);
    }
    let replicator =
        Replicator::start(&store, bucket, options).map_err(|error| refused(error, args))?;
    let status = match wait(&replicator, end, args) {
        Some(status) => status,
        None => return Err(stopped(replicator, args)),
    };
    replicator
        .stop(Duration::from_secs(args.timeout))
        .map_err(|error| refused(error, args))?;
    store.close()?;
    let mut screen = Screen::new();
    let total = status.requests.total();
    if args.json {
        screen.json(&json!({
            "end": status.replicated,
            "term": status.term,
            "bytes_sent": total.bytes_sent,
            "requests": status.requests,
        }))?;
    } else {
        screen.text(&format!(
            "{} has everything before sequence {}, in term {}: {} sent with {}",
            args.bucket.url,
            number(status.replicated),
            status.term.unwrap_or_default(),
            size(total.bytes_sent),
            count(total.requests, "request")
        ))?;
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

/// Says what is about to be done; `false` if it is not to be.
fn announce(args: &Args, found: &Overview, end: Sequence) -> anyhow::Result<bool> {
    let (dir, url) = (args.dir.display(), &args.bucket.url);
    let held = found
        .terms
        .last()
        .and_then(|term| term.record.as_ref().ok());
    let had = match (&found.log, held) {
        (Some(log), Some(record)) => format!(
            "the bucket has the log before sequence {}, {}",
            number(log.end.sequence.get()),
            held_by(record)
        ),
        (None, Some(record)) => format!("the bucket has no log yet, and is {}", held_by(record)),
        (_, None) => "the bucket has no log yet".to_owned(),
    };
    let plan = format!(
        "shipping {dir}, which has everything before sequence {}, to {url}; {had}",
        number(end.get())
    );
    match (args.take_over, held) {
        (true, Some(_)) => confirm(
            &format!(
                "{plan}; another writer of the bucket is refused from then on, and what it has not shipped is not in the log"
            ),
            args.yes,
        ),
        _ => {
            note(plan);
            Ok(true)
        }
    }
}

fn held_by(record: &TermRecord) -> String {
    format!(
        "held in term {} by {} (process {}) since {}",
        record.term,
        record.host,
        record.process,
        rfc3339(record.taken_ms)
    )
}

/// Waits until everything before `end` is replicated; `None` if it will not be, or nothing is sent for too long.
fn wait(replicator: &Replicator, end: Sequence, args: &Args) -> Option<ReplicatorStatus> {
    let clock = SystemClock::default();
    let mut told_at = Duration::ZERO;
    let mut moved = (Duration::ZERO, 0, 0);
    let mut error_told_at = None;
    loop {
        let is_done = replicator.wait_begun(LOOK) && replicator.wait_replicated(end, LOOK);
        let status = replicator.status();
        let is_over = matches!(
            status.stage,
            ReplicatorStage::Fenced | ReplicatorStage::Ended
        );
        if is_done {
            return Some(status);
        }
        let now = clock.elapsed();
        let sent = status.requests.total().bytes_sent;
        if (sent, status.replicated) != (moved.1, moved.2) && status.last_error.is_none() {
            moved = (now, sent, status.replicated);
        }
        if is_over || now.saturating_sub(moved.0) >= Duration::from_secs(args.timeout) {
            return None;
        }
        // Each try may have a text of its own, as how long it took is in it.
        let is_due =
            error_told_at.is_none_or(|at: Duration| now.saturating_sub(at) >= NOTE_INTERVAL);
        match &status.last_error {
            Some(error) if is_due => {
                error_told_at = Some(now);
                note(format_args!("{error}; trying again"));
            }
            Some(_) => {}
            None => error_told_at = None,
        }
        if now.saturating_sub(told_at) >= NOTE_INTERVAL {
            told_at = now;
            note(format_args!("shipping: {} sent", size(sent)));
        }
    }
}

/// Why it has ended, or why it was given up.
fn stopped(replicator: Replicator, args: &Args) -> anyhow::Error {
    let last = replicator.status().last_error;
    match replicator.wait_ended(Duration::ZERO) {
        Ok(error) => refused(error, args),
        Err(replicator) => {
            drop(replicator);
            let last = last.map_or_else(String::new, |error| format!(": {error}"));
            let error = anyhow::anyhow!("nothing could be sent for {} s{last}", args.timeout);
            hinted(
                error,
                "mend what is in the way and give the command again: it goes on with what the bucket has",
            )
        }
    }
}

/// What is in the bucket, if it says so in time.
fn look(bucket: &Bucket, args: &Args) -> anyhow::Result<Overview> {
    let (send, looked) = std::sync::mpsc::channel();
    let of = bucket.clone();
    let thread = std::thread::Builder::new().name("strandline-look".to_owned());
    // Nobody waits for it once it takes too long.
    thread.spawn(move || drop(send.send(Overview::read(&of, 1))))?;
    match looked.recv_timeout(Duration::from_secs(args.timeout)) {
        Ok(found) => found.map_err(refused_overview),
        Err(_) => Err(hinted(
            anyhow::anyhow!(
                "the bucket has not answered for {} s; nothing was sent",
                args.timeout
            ),
            "check the network and the endpoint: --endpoint or AWS_ENDPOINT_URL; the command can be given again",
        )),
    }
}

fn refused_overview(error: OverviewError) -> anyhow::Error {
    match error {
        OverviewError::Bucket(error) => refused_bucket(error),
        error => hinted(
            error.into(),
            "`strandline replicas` shows what is in the bucket",
        ),
    }
}

/// A failure to ship, with what to do about it.
fn refused(error: ReplicateError, args: &Args) -> anyhow::Error {
    let (dir, url) = (args.dir.display(), &args.bucket.url);
    let next = match error {
        ReplicateError::Bucket(error) | ReplicateError::Refused(error) => {
            return refused_bucket(error);
        }
        ReplicateError::Store(error) => return error.into(),
        ReplicateError::Fenced(record) => {
            let error = anyhow::anyhow!("the bucket is {}", held_by(&record));
            let next = format!(
                "if that writer is gone for good and {dir} has all that it shipped, give --take-over; to go on with \
                 what the bucket has, `strandline take-over {url} NEW`; else leave it to that writer"
            );
            return hinted(error, &next);
        }
        ReplicateError::BucketAhead { .. } | ReplicateError::Diverged(_) => format!(
            "the bucket has what {dir} has not: `strandline follow {url} NEW --once` fetches that; nothing was shipped"
        ),
        ReplicateError::OtherLog => {
            "give each store a prefix of its own in the URL; nothing was shipped".to_owned()
        }
        ReplicateError::BucketLost { .. } => {
            "check the URL and that its disk is mounted, or bring the objects back; to begin anew there, give --new-bucket"
                .to_owned()
        }
        ReplicateError::TermsLost { .. } | ReplicateError::TermLost { .. } => format!(
            "`strandline replicas {url}` shows what is there; nothing was shipped, and --new-bucket does not help"
        ),
        ReplicateError::NotDeleted => format!(
            "give the command again, with a longer --timeout or once deletions are allowed; `strandline replicas {url} \
             --check-removed` says what is left"
        ),
        _ => return error.into(),
    };
    hinted(error.into(), &next)
}

fn hinted(error: anyhow::Error, next: &str) -> anyhow::Error {
    let (next, is_usage) = (next.to_owned(), false);
    Hinted {
        error,
        next,
        is_usage,
    }
    .into()
}
