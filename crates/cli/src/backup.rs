//! `backup` and `restore`.

use crate::Outcome;
use crate::bar::Bar;
use crate::inspect::size;
use crate::screen::Screen;
use crate::text::count;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{CopyMode, Existing, backup, restore};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the store. A program may be writing it.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Directory of the backup; an earlier backup there is brought up to date.
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    /// Copy sealed segments instead of linking them, so that damage to one strikes one only.
    #[arg(long)]
    copy: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// Directory of the backup.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// Where the store is to be.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Move a store that is there aside, and keep it.
    #[arg(long)]
    replace: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let mode = if args.copy {
        CopyMode::Copy
    } else {
        CopyMode::Link
    };
    let mut bar = Bar::new("copying");
    let done = backup(&fs, &args.dir, &args.target, mode, &mut |progress| {
        bar.show(progress)
    })?;
    drop(bar);
    let mut screen = Screen::new();
    if args.json {
        let json = json!({
            "end": done.end,
            "segments_copied": done.copied,
            "segments_linked": done.linked,
            "segments_kept": done.kept,
            "bytes": done.bytes,
        });
        screen.line(&json.to_string())?;
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
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

pub(crate) fn run_restore(args: &RestoreArgs) -> anyhow::Result<Outcome> {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let existing = match args.replace {
        true => Existing::MoveAside,
        false => Existing::Refuse,
    };
    let mut bar = Bar::new("restoring");
    let mut show = |progress| bar.show(progress);
    let done = restore(&fs, &args.backup, &args.dir, existing, &mut show)?;
    drop(bar);
    let mut screen = Screen::new();
    if args.json {
        let json = json!({
            "end": done.end,
            "replaced": done.replaced.as_ref().map(|path| path.display().to_string()),
            "index_problems": done.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        screen.line(&json.to_string())?;
    } else {
        let dir = args.dir.display();
        screen.text(&format!(
            "{dir} has everything before sequence {}",
            done.end
        ))?;
        if let Some(replaced) = &done.replaced {
            screen.text(&format!(
                "the store that was there is {} now",
                replaced.display()
            ))?;
        }
        if let Some(first) = done.left_out.first() {
            screen.text(&format!(
                "indexes of the backup are wrong and were left out ({first})"
            ))?;
            screen.text("the next opening makes them anew from the log, which is intact")?;
        }
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}
