//! `export`: events as lines, to a file or to standard output.

use crate::Outcome;
use crate::args::{RegionArgs, open, tell_no_events};
use crate::bar::Bar;
use crate::failure::WrongUsage;
use crate::files::{Standard, Stream};
use crate::inspect::size;
use crate::text::count;
use std::path::PathBuf;
use strandline::maintenance::{Exported, LineFormat, export};

/// What lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// JSON with the fields of docs/export.md.
    Lines,
    /// CloudEvents 1.0 as JSON.
    Cloudevents,
}

impl Format {
    pub(crate) const fn format(self) -> LineFormat {
        match self {
            Self::Lines => LineFormat::Lines,
            Self::Cloudevents => LineFormat::CloudEvents,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the store.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// A new file to write to. Default: standard output.
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    /// What lines look like.
    #[arg(long, value_enum, default_value_t = Format::Lines)]
    format: Format,
    /// Print what was exported as JSON.
    #[arg(long, requires = "output")]
    json: bool,
    #[command(flatten)]
    region: RegionArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let snapshot = open(&args.dir)?.snapshot();
    let region = args.region.region()?;
    let format = args.format.format();
    let mut bar = Bar::new("exporting");
    let mut show = |progress| bar.show(progress);
    let Some(path) = &args.output else {
        let mut out = Standard::new();
        let exported = export(&snapshot, &region, format, &mut out, &mut show);
        // Whoever reads the lines has seen enough.
        if !out.is_closed {
            let exported = exported?;
            warn_of_redacted(&exported);
            if exported.events == 0 {
                tell_no_events();
            }
        }
        return Ok(Outcome::Fine);
    };
    let mut out = Stream::create(path)
        .map_err(|error| WrongUsage(format!("{} cannot be made: {error}", path.display())))?;
    let exported = export(&snapshot, &region, format, &mut out, &mut show)?;
    out.sync()?;
    drop(bar);
    warn_of_redacted(&exported);
    let Exported {
        events,
        bytes,
        removals,
        ..
    } = exported;
    if args.json {
        let redacted = exported.redacted;
        println!(
            "{{\"events\":{events},\"bytes\":{bytes},\"redacted\":{redacted},\
             \"removals\":{removals}}}"
        );
    } else {
        let (events, bytes) = (count(events, "event"), size(bytes));
        println!("{events}, {bytes} in {}", path.display());
        if removals > 0 {
            println!("{} of removals among them", count(removals, "record"));
        }
    }
    Ok(Outcome::Fine)
}

fn warn_of_redacted(exported: &Exported) {
    if exported.redacted > 0 {
        eprintln!(
            "{} had no payload any more: it was redacted, and an import passes them over",
            count(exported.redacted, "event")
        );
    }
}
