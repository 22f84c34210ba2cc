//! `prove`: an event, with all that its digest is made of and the proof that it is in the log.

use crate::args::{foreign_event_id, log_signer_key, open_whole, parse_event_id, store_dir};
use crate::files::Output;
use crate::outcome::{Outcome, WrongUsage};
use crate::output::note;
use clap::ArgAction;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use strandline::fs::OsFs;
use strandline::{EventId, Region, Sequence, Snapshot, Store};
use strandline_anchor::{KeptHeads, Proved, prove};
use strandline_proof::{Checkpoint, SignedCheckpoint};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
#[command(group = clap::ArgGroup::new("signed").required(true))]
pub struct Args {
    /// Directory of the store. A program may be writing it.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    /// The event with this id.
    #[arg(long, value_name = "ID", value_parser = parse_event_id, group = "which")]
    event: Option<EventId>,
    /// The event that another program calls so: the `source` and the `id` of its CloudEvents event.
    #[arg(long, value_names = ["SOURCE", "ID"], num_args = 2, action = ArgAction::Set, group = "which")]
    event_of: Option<Vec<String>>,
    /// The event with this sequence. Of one that was removed, all there is to prove is its digest.
    #[arg(long, value_name = "SEQUENCE", group = "which")]
    sequence: Option<u64>,
    /// Sign the log as it is now, as far as it is durable, with this key: the file that `key new` made.
    #[arg(long, value_name = "FILE", group = "signed")]
    key: Option<PathBuf>,
    /// Prove it by a head that was signed before: the newest in this file or directory, as `heads sign` keeps them. Who
    /// has that head trusts the proof.
    #[arg(long, value_name = "FILE", group = "signed")]
    head: Option<PathBuf>,
    /// What the log is called, if not as the key.
    #[arg(long, value_name = "NAME", requires = "key")]
    origin: Option<String>,
    /// Leave the payload out: its hash stands in its place, of which nobody makes it.
    #[arg(long)]
    without_payload: bool,
    /// A new file to write to; default: standard output.
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let store = open_whole(&args.dir)?;
    let now = store.snapshot();
    let Some(proved) = found(args, &now)? else {
        note(
            "no event has this id: if a compaction has removed it, its digest is proved by \
             --sequence, which is in its receipt",
        );
        return Ok(Outcome::ProblemFound);
    };
    let proof = prove(&now, proved, signed(args, &store)?)?;
    let text = proof.to_string();
    let mut out = match &args.output {
        None => Output::standard(),
        Some(path) => Output::open(path)?,
    };
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    out.finish(written.map_err(Into::into))?;
    Ok(Outcome::Fine)
}

/// The event that is asked for, or the digest of one that was removed.
fn found(args: &Args, now: &Snapshot) -> anyhow::Result<Option<Proved>> {
    let foreign = args.event_of.as_deref().and_then(foreign_event_id);
    let id = match (args.event.or(foreign), args.sequence) {
        (Some(id), _) => id,
        (None, Some(number)) if number < now.visible().get() => {
            let row = now.rows(Region::all().sequence(number..=number)).next();
            match row {
                Some(row) => row.id(),
                None => return Ok(Some(Proved::Digest(Sequence::new(number)))),
            }
        }
        _ => {
            let end = now.visible();
            return Err(WrongUsage(format!("the log has sequences below {end}")).into());
        }
    };
    let without_payload = args.without_payload;
    let is_there = now.get_with(id, |_| ())?.is_some();
    Ok(is_there.then_some(Proved::Event {
        id,
        without_payload,
    }))
}

/// The head by which it is proved.
fn signed(args: &Args, store: &Store) -> anyhow::Result<SignedCheckpoint> {
    if let Some(path) = &args.head {
        return Ok(kept_head(path, &store.snapshot())?);
    }
    let path = args.key.as_deref().unwrap_or(Path::new("-"));
    let key = log_signer_key(path)?;
    let origin = args.origin.as_deref().unwrap_or(key.name().as_str());
    let checkpoint = Checkpoint::new(origin, store.durable_head()?)?;
    Ok(SignedCheckpoint::sign(checkpoint, &key)?)
}

/// The head in a file or directory that proves most.
fn kept_head(path: &Path, now: &Snapshot) -> Result<SignedCheckpoint, WrongUsage> {
    let wrong =
        |reason: &dyn std::fmt::Display| WrongUsage(format!("{}: {reason}", path.display()));
    let kept = KeptHeads::read(&OsFs, path).map_err(|error| wrong(&error))?;
    kept.newest_within(now)
        .ok_or_else(|| wrong(&"there is no head in it of so many events as the log has, or fewer"))
}
