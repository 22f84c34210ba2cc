//! `backup`: a store copied, or an earlier copy brought up to date.

use crate::args::store_dir;
use crate::outcome::{Advised, Outcome};
use crate::terminal::{Bar, Screen, count, size};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{BackupOptions, CopyMode, backup_with};
use strandline::{Error, ErrorKind};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the store. A program may be writing it.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    /// Directory of the backup: a new one, an empty one, or that of an earlier backup, which is brought
    /// up to date. It stays as it is until the new one was checked, and where it has events that the
    /// store has not.
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    /// Link sealed segments where the file system can, which costs no bytes. It is a point to go back to
    /// then: what strikes such a file on the disk strikes store and backup.
    #[arg(long)]
    link: bool,
    /// Copy everything, as is done without it.
    #[arg(long, hide = true, conflicts_with = "link")]
    copy: bool,
    /// Verify the whole backup before it takes the place of an earlier one, for nightly use.
    #[arg(long)]
    verify: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// What to do about an error: the store is backed up beside its writer and only read, so what is locked, and what
/// has no room, is the backup.
fn advised(error: Error, args: &Args) -> anyhow::Error {
    let target = args.target.display();
    let next = match error.kind() {
        ErrorKind::Locked => format!(
            "another backup into {target} is at work, or a program has {target} open to write; wait until it \
             is done"
        ),
        _ if error.is_of_full_disk() => format!(
            "make room on the disk of {target}, or name a directory on another disk, and give the command \
             again; the store was only read, and is as it was"
        ),
        _ => return error.into(),
    };
    Advised { error, next }.into()
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let mode = if args.link && !args.copy {
        CopyMode::Link
    } else {
        CopyMode::Copy
    };
    let mut how = BackupOptions::new().mode(mode);
    if args.verify {
        how = how.verify();
    }
    let mut bar = Bar::new("copying");
    let mut show = |progress| bar.show(progress);
    let done = backup_with(&fs, &args.dir, &args.target, how, &mut show);
    drop(bar);
    let done = done.map_err(|error| advised(error, args))?;
    let mut screen = Screen::new();
    if args.json {
        let json = json!({
            "end": done.end,
            "segments_copied": done.copied,
            "segments_linked": done.linked,
            "segments_kept": done.kept,
            "bytes": done.bytes,
            "index_problems": done.index_problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        screen.json(&json)?;
    } else {
        screen.text(&format!(
            "{} has everything before sequence {}: {} copied ({}), {} linked, {} kept",
            args.target.display(),
            done.end,
            count(done.copied as u64, "segment"),
            size(done.bytes),
            done.linked,
            done.kept
        ))?;
        if done.linked > 0 {
            screen.text(
                "a segment that is linked is one file with two names: what strikes it on the disk strikes store and \
                 backup; without --link the backup has files of its own, those that are linked now too",
            )?;
        }
        if let Some(first) = done.index_problems.first() {
            screen.text(&format!(
                "an index is wrong, of the store or of the backup ({first})"
            ))?;
            screen.text(&format!(
                "the log is intact; `strandline rebuild {}` makes them anew",
                args.dir.display()
            ))?;
        }
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}
