//! `backup`.

use crate::Outcome;
use crate::bar::Bar;
use crate::inspect::size;
use crate::text::count;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{CopyMode, backup};

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
    if args.json {
        let json = json!({
            "end": done.end,
            "segments_copied": done.copied,
            "segments_linked": done.linked,
            "segments_kept": done.kept,
            "bytes": done.bytes,
        });
        println!("{json}");
    } else {
        println!(
            "{} has everything before sequence {}: {} copied ({}), {} linked, {} kept",
            args.target.display(),
            done.end,
            count(done.copied as u64, "segment"),
            size(done.bytes),
            done.linked,
            done.kept
        );
    }
    Ok(Outcome::Fine)
}
