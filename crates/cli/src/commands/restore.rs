//! `restore`: a copy of a backup in the place of a store.

use crate::args::store_dir;
use crate::outcome::{Advised, Outcome};
use crate::terminal::{Bar, Screen};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{Existing, restore};
use strandline::{Error, ErrorKind};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the backup.
    #[arg(value_name = "BACKUP", value_parser = store_dir())]
    backup: PathBuf,
    /// Where the store is to be: nothing is there yet, or an empty directory, a mounted one too; or with
    /// --replace a store.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    /// Put it in the place of a store that is there, which is kept beside it as DIR.replaced-1.
    #[arg(long)]
    replace: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// What to do about an error: a damaged backup is not mended by restoring it.
fn advised(error: Error, args: &Args) -> anyhow::Error {
    let backup = args.backup.display();
    let dir = args.dir.display();
    let next = match error.kind() {
        ErrorKind::InvalidInput if !args.replace && error.to_string().contains("holds a store") => {
            format!(
                "give --replace to put the backup in its place: {dir} is kept then, beside it, as \
             {dir}.replaced-1"
            )
        }
        _ if error.is_of_full_disk() => format!(
            "make room on the disk of {dir} and give the command again; the backup was only read, and what \
             was at {dir} is there"
        ),
        ErrorKind::Corrupt | ErrorKind::LogBehindCheckpoint => format!(
            "restore another backup, or save what is left of this one: `strandline salvage {backup} NEW`; \
             `strandline verify {backup}` shows how much that is"
        ),
        ErrorKind::NotFound => {
            "check the path: a backup is a directory with a MANIFEST in it".to_owned()
        }
        _ => return error.into(),
    };
    Advised { error, next }.into()
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let existing = match args.replace {
        true => Existing::MoveAside,
        false => Existing::Refuse,
    };
    let mut bar = Bar::new("restoring");
    let mut show = |progress| bar.show(progress);
    let done = restore(&fs, &args.backup, &args.dir, existing, &mut show);
    drop(bar);
    let done = done.map_err(|error| advised(error, args))?;
    let mut screen = Screen::new();
    if args.json {
        let json = json!({
            "end": done.end,
            "epoch": done.epoch,
            "replaced": done.replaced.as_ref().map(|path| path.display().to_string()),
            "replaced_end": done.replaced_end,
            "index_problems": done.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        screen.json(&json)?;
    } else {
        let dir = args.dir.display();
        screen.text(&format!(
            "{dir} has everything before sequence {}",
            done.end
        ))?;
        if let Some(replaced) = &done.replaced {
            let ended = match done.replaced_end {
                Some(end) => format!("ended at sequence {end}"),
                None => "could not be opened".to_owned(),
            };
            screen.text(&format!(
                "the store that was there {ended}, and is {} now",
                replaced.display()
            ))?;
        }
        screen.text(&format!(
            "its epoch is {}: positions that were saved before are to begin anew",
            done.epoch
        ))?;
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
