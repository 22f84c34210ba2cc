//! `restore`: a copy of a backup, or of the log in a bucket, in the place of a store.

#[cfg(feature = "replicate")]
mod bucket;
mod target;

use crate::args::store_dir;
use crate::outcome::{Advised, Outcome};
use crate::terminal::Bar;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::restore;
use strandline::{Error, ErrorKind};
use target::TargetArgs;

#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
pub struct Args {
    /// Directory of the backup.
    #[arg(value_name = "BACKUP", value_parser = store_dir())]
    #[cfg_attr(
        feature = "replicate",
        arg(required_unless_present = "from", conflicts_with = "from")
    )]
    #[cfg_attr(not(feature = "replicate"), arg(required = true))]
    backup: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    #[cfg(feature = "replicate")]
    #[command(flatten)]
    bucket: bucket::FromArgs,
}

/// What to do about an error: a damaged backup is not mended by restoring it.
fn advised(error: Error, backup: &Path, args: &Args) -> anyhow::Error {
    let backup = backup.display();
    let dir = args.target.dir.display();
    let next = match error.kind() {
        ErrorKind::InvalidInput
            if !args.target.replace && error.to_string().contains("holds a store") =>
        {
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
    let Some(backup) = &args.backup else {
        #[cfg(feature = "replicate")]
        return bucket::run(&args.bucket, &args.target);
        #[cfg(not(feature = "replicate"))]
        return Err(crate::outcome::WrongUsage("name the backup".to_owned()).into());
    };
    #[cfg(feature = "replicate")]
    args.bucket.check_unused()?;
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let mut bar = Bar::new("restoring");
    let mut show = |progress| bar.show(progress);
    let done = restore(
        &fs,
        backup,
        &args.target.dir,
        args.target.existing(),
        &mut show,
    );
    drop(bar);
    let done = done.map_err(|error| advised(error, backup, args))?;
    args.target.tell(&done)
}
