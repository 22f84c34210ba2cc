//! `heads`: heads signed and kept elsewhere.

use crate::anchors::{BucketsArgs, is_witness};
use crate::args::{StoreArgs, log_signer_key};
use crate::outcome::{Hinted, Outcome};
use crate::output::note;
use crate::terminal::{Screen, count};
use crate::times::parse_interval;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use strandline::{ErrorKind, Store};
use strandline_anchor::{AnchorError, Anchored, Anchors};

/// How long after a failure a place is tried again, if the interval is longer.
const RETRY: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Sign the head of a store, as far as it is durable, and keep it in each place that is named.
    ///
    /// Before that it is proved that the log goes on from the newest head that each has. If it does not, nothing is signed,
    /// and the exit code is 1.
    Sign(SignArgs),
}

#[derive(Debug, clap::Args)]
struct SignArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The key that signs: the file that `key new` made.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where to keep it: a file, to which heads are appended; a directory (with a `/` at its end if it is not there yet),
    /// for a file each; a bucket, s3://BUCKET/PREFIX or file:///DIRECTORY, for an object each; the URL of a witness, http://
    /// or https://; or `command:` and a command of the shell, to which it is given. May be given several times.
    #[arg(long, value_name = "PLACE", required = true)]
    to: Vec<String>,
    /// What the log is called, if not as the key.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Go on until interrupted, beside whoever writes the store, and sign a head each time so much time has gone by and the
    /// log has grown: `60s`, `10m`, `1h`. What is proven durable is signed, which the newest commit is once another one
    /// follows: the last one of a writer that has closed the store is signed by the next call. A place that fails is told
    /// and tried again; one that contradicts the log ends it, with exit code 1.
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    every: Option<Duration>,
    #[command(flatten)]
    buckets: BucketsArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let Command::Sign(args) = &args.command;
    let key = log_signer_key(&args.key)?;
    let store = args.store.open_whole()?;
    let mut anchors = Anchors::new(key);
    if let Some(origin) = &args.origin {
        anchors = anchors.origin(origin);
    }
    // What a witness signs is in what those after it keep.
    let (witnesses, others): (Vec<_>, Vec<_>) = args.to.iter().partition(|to| is_witness(to));
    for to in witnesses.into_iter().chain(others) {
        anchors = anchors.sink(args.buckets.sink(to)?);
    }
    if let Some(every) = args.every {
        return go_on(args, store, anchors.interval(every), every);
    }
    let anchored = anchors.anchor(&store).map_err(advised)?;
    say(args, &anchored)?;
    Ok(match anchored.failed.is_empty() {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

fn say(args: &SignArgs, anchored: &Anchored) -> std::io::Result<()> {
    let mut screen = Screen::new();
    match args.store.json {
        true => screen.json(&as_json(anchored))?,
        false => show(&mut screen, anchored)?,
    }
    screen.flush()
}

/// Signs now and then, what others have written meanwhile too. It may be interrupted anywhere: each place has a head or has
/// not.
fn go_on(
    args: &SignArgs,
    mut store: Store,
    mut anchors: Anchors,
    every: Duration,
) -> anyhow::Result<Outcome> {
    loop {
        let mut is_kept = true;
        match anchors.tick(&store) {
            Ok(None) => {}
            Ok(Some(anchored)) => {
                say(args, &anchored)?;
                is_kept = anchored.failed.is_empty();
            }
            Err(error) => return Err(advised(error)),
        }
        std::thread::sleep(if is_kept { every } else { every.min(RETRY) });
        match store.refresh() {
            Err(error) if error.kind() == ErrorKind::LogBehindCheckpoint => {
                // Whether the log goes on from its heads is seen before one is signed.
                note(format_args!("{error}; opening what is there now"));
                store = args.store.open_whole()?;
            }
            refreshed => drop(refreshed?),
        }
    }
}

fn advised(error: AnchorError) -> anyhow::Error {
    match error {
        AnchorError::Store(error) => error.into(),
        error @ AnchorError::Refused { .. } => Hinted {
            error: anyhow::anyhow!("nothing was signed: {error}"),
            next: "`strandline verify` with --anchors says what is wrong with the store".to_owned(),
            is_usage: false,
        }
        .into(),
        error => error.into(),
    }
}

fn show(screen: &mut Screen, anchored: &Anchored) -> std::io::Result<()> {
    let checkpoint = anchored.checkpoint.unverified();
    let (origin, head) = (checkpoint.origin(), checkpoint.head());
    let events = count(head.size, "event");
    screen.text(&format!("{origin}, {events}, root {}", head.root))?;
    for place in &anchored.kept {
        screen.text(&format!("kept in {place}"))?;
    }
    for place in &anchored.unchanged {
        screen.text(&format!("{place} has it already"))?;
    }
    for (place, size) in &anchored.by_others {
        let events = count(*size, "event");
        screen.text(&format!(
            "!! {place} has a head of {events} that this key has not signed: is it the log's key?"
        ))?;
    }
    for (place, error) in &anchored.failed {
        screen.text(&format!("!! not kept in {place}: {}", causes(error)))?;
    }
    Ok(())
}

/// An error and its causes.
fn causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", causes(cause)),
        None => error.to_string(),
    }
}

fn as_json(anchored: &Anchored) -> serde_json::Value {
    let checkpoint = anchored.checkpoint.unverified();
    let failed = anchored.failed.iter();
    let failed = failed.map(|(place, error)| json!({ "place": place, "reason": causes(error) }));
    let by_others = anchored.by_others.iter();
    let by_others = by_others.map(|(place, size)| json!({ "place": place, "size": size }));
    json!({
        "log": checkpoint.origin(),
        "size": checkpoint.head().size,
        "root": checkpoint.head().root.to_string(),
        "checkpoint": anchored.checkpoint.to_string(),
        "kept": anchored.kept,
        "unchanged": anchored.unchanged,
        "failed": failed.collect::<Vec<_>>(),
        "by_others": by_others.collect::<Vec<_>>(),
    })
}
