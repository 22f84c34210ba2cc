//! `take-over`: the log of a bucket gone on with here, in place of the writer that has it.

use crate::args::{Access, BucketArgs, confirm, refused_bucket, store_dir};
use crate::outcome::{Hinted, Outcome};
use crate::output::note;
use crate::terminal::{Screen, duration, number, size};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use strandline::maintenance::rfc3339;
use strandline::{Clock, Sequence, SystemClock};
use strandline_replicate::{
    Bucket, FollowError, Overview, OverviewError, RemoteOptions, ReplicateError, TakeOverError,
    TakeOverOptions, TakenOver, TermRecord, take_over,
};

/// How often it is looked whether it is done.
const LOOK: Duration = Duration::from_millis(100);
/// How often it is told how far it is.
const NOTE_INTERVAL: Duration = Duration::from_secs(5);
/// A writer that shipped something this shortly ago is most likely at work.
const AT_WORK: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    bucket: BucketArgs,
    /// Directory of the store that goes on: a new one, or that of a replica of this bucket, of which only what it lacks
    /// is fetched.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    /// Leave sealed segments in the bucket, to be fetched when they are read: ready after some requests, however long the
    /// log is. A program opens the directory with the bucket then (`bucket_fs` of strandline-replicate).
    #[arg(long)]
    lazy: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// How long to wait for the term to begin once it is taken, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let bucket = args.bucket.open(Access::Read)?;
    let found = Overview::read(&bucket, 1).map_err(|error| match error {
        OverviewError::Bucket(error) => refused_bucket(error),
        error => error.into(),
    })?;
    let Some(plan) = plan(&found, args) else {
        return Err(failed(FollowError::Empty.into(), args));
    };
    if !confirm(&plan, args.yes)? {
        return Ok(Outcome::Fine);
    }
    let taken = take(&bucket, args)?.map_err(|error| failed(error, args))?;
    let TakenOver {
        store,
        replicator,
        term,
        before,
        end,
        has_begun,
        is_lazy,
        ..
    } = taken;
    // Only what stands in the way of shipping is told; the log is here.
    let stopped = replicator.stop(Duration::from_secs(args.timeout));
    store.close()?;
    let mut screen = Screen::new();
    if args.json {
        screen.json(&json!({
            "term": term.get(),
            "has_begun": has_begun,
            "is_lazy": is_lazy,
            "end": end,
            "before": {
                "term": before.term.get(),
                "host": before.host,
                "process": before.process,
                "taken_ms": before.taken_ms,
            },
        }))?;
    } else {
        tell(&mut screen, args, &before, (term.get(), end, is_lazy))?;
    }
    screen.flush()?;
    if let (true, Err(error @ ReplicateError::NotDeleted)) = (has_begun, &stopped) {
        note(format_args!(
            "problem: {error}: the program that ships {} goes on with it; `strandline replicas {} --check-removed` says \
             what is left",
            args.dir.display(),
            args.bucket.url
        ));
        return Ok(Outcome::ProblemFound);
    }
    if !has_begun || stopped.is_err() {
        let error = stopped
            .err()
            .map_or_else(String::new, |error| format!(": {error}"));
        note(format_args!(
            "problem: term {term} is taken and has not begun{error}; until a program opens {} and ships it, readers wait",
            args.dir.display()
        ));
        return Ok(Outcome::ProblemFound);
    }
    Ok(Outcome::Fine)
}

/// What is about to happen; none if the bucket has no log.
fn plan(found: &Overview, args: &Args) -> Option<String> {
    let log = found.log.as_ref()?;
    let (dir, url) = (args.dir.display(), &args.bucket.url);
    let holder = found
        .terms
        .last()
        .and_then(|term| term.record.as_ref().ok());
    let (held, who) = match holder {
        Some(record) => (held_by(record), record.host.clone()),
        None => (
            "held by a writer whose term cannot be read".to_owned(),
            "that writer".to_owned(),
        ),
    };
    let ago = SystemClock::default()
        .now_ms()
        .saturating_sub(log.written_ms);
    let ago = Duration::from_millis(ago);
    let at_work = match ago < AT_WORK {
        true => format!(
            "\n{who} shipped something {} ago, so it seems to be at work: end it first if you can",
            duration(ago)
        ),
        false => String::new(),
    };
    Some(format!(
        "{url} is {held}\n\
         the log there has everything before sequence {}, {}, and was last shipped to {} ago{at_work}\n\
         a takeover fetches it into {dir} and begins a term here; {who} is refused from then on: its store takes no more \
         appends, and what it has not shipped is not in the log",
        number(log.end.sequence.get()),
        size(log.bytes),
        duration(ago)
    ))
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

/// Takes the bucket over, and tells now and then how far it is.
fn take(bucket: &Bucket, args: &Args) -> anyhow::Result<Result<TakenOver, TakeOverError>> {
    let timeout = Duration::from_secs(args.timeout);
    let mut options = TakeOverOptions::new().begin_timeout(timeout);
    if args.lazy {
        options = options.lazy(RemoteOptions::default());
    }
    let (of, dir) = (bucket.clone(), args.dir.clone());
    let thread = std::thread::Builder::new().name("strandline-take-over".to_owned());
    let thread = thread.spawn(move || take_over(&of, dir, options))?;
    let clock = SystemClock::default();
    let mut told_at = NOTE_INTERVAL;
    while !thread.is_finished() {
        std::thread::sleep(LOOK);
        if clock.elapsed() >= told_at {
            told_at = clock.elapsed() + NOTE_INTERVAL;
            let received = bucket.requests().total().bytes_received;
            note(format_args!("taking over: {} fetched", size(received)));
        }
    }
    thread
        .join()
        .map_err(|_| anyhow::anyhow!("the takeover panicked"))
}

fn tell(
    screen: &mut Screen,
    args: &Args,
    before: &TermRecord,
    (term, end, is_lazy): (u64, Sequence, bool),
) -> anyhow::Result<()> {
    let (dir, url) = (args.dir.display(), &args.bucket.url);
    screen.text(&format!(
        "took term {term} of {url}: {dir} has everything before sequence {}",
        number(end.get())
    ))?;
    if is_lazy {
        screen.text(&format!(
            "sealed segments are in the bucket, and are read there: a program opens {dir} through \
             `strandline_replicate::bucket_fs`; without the bucket it is refused"
        ))?;
    }
    screen.text(&format!(
        "next: open {dir} with the program that writes, and have it ship to {url}; its epoch is new, so positions that \
         were saved before are refused"
    ))?;
    screen.text(&format!(
        "on {}: end the program; what its store has from sequence {end} on was not taken along: `strandline export \
         STORE --sequence {end}.. -o rest.jsonl` writes it, and `strandline import` brings back what is to stay; then put \
         that store away, and follow the bucket into another directory",
        before.host
    ))?;
    Ok(())
}

/// A failure to take over, with what to do about it.
fn failed(error: TakeOverError, args: &Args) -> anyhow::Error {
    let (dir, url) = (args.dir.display(), &args.bucket.url);
    let (next, is_usage) = match error {
        TakeOverError::Follow(FollowError::Bucket(error))
        | TakeOverError::Replicate(
            ReplicateError::Bucket(error) | ReplicateError::Refused(error),
        ) => return refused_bucket(error),
        TakeOverError::Store(error) | TakeOverError::Follow(FollowError::Store(error)) => {
            return error.into();
        }
        TakeOverError::Follow(FollowError::Empty) => (
            format!("check the prefix of the URL: `strandline replicas {url}`"),
            true,
        ),
        TakeOverError::Follow(FollowError::TermLost { .. })
        | TakeOverError::Replicate(
            ReplicateError::TermLost { .. } | ReplicateError::TermsLost { .. },
        ) => (
            format!(
                "`strandline replicas {url}` shows what is there and what is lacking; no term was taken"
            ),
            false,
        ),
        TakeOverError::Follow(FollowError::Io { .. }) => (
            "mend what is in the way, as a disk that is full, and give the command again: what was fetched is used"
                .to_owned(),
            false,
        ),
        TakeOverError::Follow(ref error) if error.is_of_store() => (
            format!(
                "{dir} has a store that was written to: if this bucket was taken over into it before, its program opens it, \
                 ships it and has the bucket (`strandline replicate {dir} {url}` ships it without one); else name a \
                 directory that is not there yet"
            ),
            false,
        ),
        TakeOverError::Follow(_) => (
            format!(
                "end what follows or writes {dir}; if it is no replica of this bucket or was written to, name a directory \
                 that is not there yet; if an object is damaged or gone, `strandline replicas {url} --check-removed` names it"
            ),
            false,
        ),
        TakeOverError::Replicate(ReplicateError::Fenced(record)) => {
            let error = anyhow::anyhow!("another was faster: the bucket is {}", held_by(&record));
            let next =
                "leave it to that writer, or take it over from there, into a directory that is not there yet"
                    .to_owned();
            let is_usage = false;
            return Hinted {
                error,
                next,
                is_usage,
            }
            .into();
        }
        _ => return error.into(),
    };
    let error = error.into();
    Hinted {
        error,
        next,
        is_usage,
    }
    .into()
}
