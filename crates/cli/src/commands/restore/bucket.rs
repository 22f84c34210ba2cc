//! `restore --from`: the log of a bucket, as it is or as it was.

use super::target::TargetArgs;
use crate::args::{Access, SettingArgs, ZoneArgs, bucket_url, refused_bucket};
use crate::outcome::{Hinted, Outcome, WrongUsage};
use crate::output::note;
use crate::terminal::{Bar, Screen, number, size};
use crate::times::Moment;
use serde_json::json;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::is_vacant;
use strandline::{ErrorKind, Sequence};
use strandline_replicate::{
    Bucket, FollowError, LogOverview, Overview, OverviewError, Until, restore,
};

/// From which bucket, and how far.
#[derive(Debug, clap::Args)]
pub(super) struct FromArgs {
    /// The bucket whose log is restored, in the place of a backup: s3://BUCKET/PREFIX or file:///DIRECTORY.
    #[arg(long, value_name = "URL", value_parser = bucket_url)]
    from: Option<String>,
    /// Restore the log as it was: a number is a sequence, the events before which are restored; or a time, as
    /// `2026-01-31T12:00` or `12h` ago, the events up to which are. Default: all that the bucket has. What was
    /// committed at once, as a batch or up to 1,000 lines of an import, is there as a whole or not at all: so the store
    /// may end before that, and the command says where.
    #[arg(long, value_name = "SEQUENCE|TIME", value_parser = at)]
    at: Option<At>,
    /// Say what would be restored and fetch nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    zone: ZoneArgs,
}

impl FromArgs {
    /// Refuses what is given for a bucket if there is none. The parser does not: it waives what an argument needs where
    /// that goes against another that is there.
    pub(super) fn check_unused(&self) -> Result<(), WrongUsage> {
        match self.at.is_some() || self.dry_run {
            true => Err(WrongUsage(
                "--at and --dry-run are of --from alone".to_owned(),
            )),
            false => Ok(()),
        }
    }
}

/// How far the log is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Sequence(u64),
    Time(Moment),
}

fn at(text: &str) -> Result<At, String> {
    match text.replace([',', '_'], "").parse() {
        Ok(sequence) => Ok(At::Sequence(sequence)),
        Err(_) => Moment::parse(text).map(At::Time),
    }
}

pub(super) fn run(from: &FromArgs, target: &TargetArgs) -> anyhow::Result<Outcome> {
    let url = from.from.as_deref().unwrap_or_default();
    let until = match from.at {
        None => Until::End,
        Some(At::Sequence(sequence)) => Until::Sequence(Sequence::new(sequence)),
        Some(At::Time(moment)) => {
            let time = from.zone.resolve("--at", Some(moment))?;
            time.map_or(Until::End, Until::TimeMs)
        }
    };
    let bucket = from.settings.open(url, Access::Read)?;
    if from.dry_run {
        return dry_run(&bucket, until, from, target);
    }
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    // Told before all is fetched for nothing.
    if !target.replace && !is_vacant(&*fs, &target.dir)? {
        let message = format!(
            "{} is taken: name a directory that is not there yet or empty, or give --replace",
            target.dir.display()
        );
        return Err(WrongUsage(message).into());
    }
    note(format_args!("fetching the log from {url}"));
    let mut bar = Bar::new("restoring");
    let mut show = |progress| bar.show(progress);
    let done = restore(
        &bucket,
        &fs,
        &target.dir,
        until,
        target.existing(),
        &mut show,
    );
    drop(bar);
    let done = done.map_err(|error| failed(error, url, target))?;
    let outcome = target.tell(&done)?;
    match until {
        Until::Sequence(wanted) if done.end < wanted => note(format_args!(
            "sequence {wanted} is within what was committed at once, which is restored as a whole or not at all"
        )),
        Until::TimeMs(_) if done.end == Sequence::ZERO => {
            note("nothing was committed as a whole up to that time: the store is empty");
        }
        _ => {}
    }
    Ok(outcome)
}

/// Says what would be restored.
fn dry_run(
    bucket: &Bucket,
    until: Until,
    from: &FromArgs,
    target: &TargetArgs,
) -> anyhow::Result<Outcome> {
    let url = from.from.as_deref().unwrap_or_default();
    let found = Overview::read(bucket, 1).map_err(|error| match error {
        OverviewError::Bucket(error) => refused_bucket(error),
        error => error.into(),
    })?;
    let Some(log) = found.log else {
        return Err(failed(FollowError::Empty, url, target));
    };
    let is_reached = !matches!(until, Until::Sequence(wanted) if wanted > log.end.sequence);
    let mut screen = Screen::new();
    if target.json {
        screen.json(&json!({
            "end": log.end.sequence,
            "term": log.term.get(),
            "bytes": log.bytes,
            "is_reached": is_reached,
        }))?;
    } else {
        screen.text(&planned(&log, until, from, target))?;
    }
    screen.flush()?;
    Ok(match is_reached {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}

fn planned(log: &LogOverview, until: Until, from: &FromArgs, target: &TargetArgs) -> String {
    let (dir, end) = (target.dir.display(), number(log.end.sequence.get()));
    let wanted = match until {
        Until::Sequence(wanted) if wanted > log.end.sequence => {
            return format!(
                "the log in the bucket ends before sequence {end}: nothing would be restored"
            );
        }
        Until::Sequence(wanted) => format!("the events before sequence {}", number(wanted.get())),
        Until::TimeMs(time) => format!("the events up to {}", from.zone.zone().text(time)),
        _ => format!("the events before sequence {end}"),
    };
    format!(
        "would fetch {} into {dir}.fetched, verify them, and put {wanted} into {dir}; the bucket has those before \
         sequence {end}, in term {}",
        size(log.bytes),
        log.term
    )
}

/// A failure to restore, with what to do about it.
fn failed(error: FollowError, url: &str, target: &TargetArgs) -> anyhow::Error {
    let dir = target.dir.display();
    let (next, is_usage) = match error {
        FollowError::Bucket(error) => return refused_bucket(error),
        FollowError::Store(error) if error.kind() != ErrorKind::Corrupt => return error.into(),
        FollowError::Empty => (
            format!("check the prefix of the URL: `strandline replicas {url}`"),
            true,
        ),
        FollowError::NotReached { end } => (
            format!("give a sequence up to {end}, or leave out --at"),
            true,
        ),
        FollowError::TermLost { .. } => (
            format!("`strandline replicas {url}` shows what is there and what is lacking"),
            false,
        ),
        FollowError::OtherLog { .. } | FollowError::Diverged { .. } => (
            format!(
                "{dir}.fetched is left of the restore of another log: remove it and give the command again"
            ),
            false,
        ),
        _ => (
            format!(
                "make room if the disk is full; if an object is damaged or gone, `strandline replicas {url} \
                 --check-removed` names it, to be put back from a version or a copy of the bucket. Then give the command \
                 again: what was fetched is in {dir}.fetched, and used"
            ),
            false,
        ),
    };
    let error = error.into();
    Hinted {
        error,
        next,
        is_usage,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_sequence_and_all_else_a_time() {
        assert_eq!(at("118796"), Ok(At::Sequence(118_796)));
        assert_eq!(at("1,234,567"), Ok(At::Sequence(1_234_567)));
        assert_eq!(at("1700000000000"), Ok(At::Sequence(1_700_000_000_000)));
        assert!(matches!(at("2026-01-31"), Ok(At::Time(_))));
        assert!(matches!(at("12h"), Ok(At::Time(Moment::Ago(_)))));
        assert!(at("soon").is_err());
    }
}
