//! `export`: events as lines, to a file or to standard output.

use crate::args::{OpenArgs, QueryArgs, open_whole, store_dir, tell_no_events};
use crate::files::Output;
use crate::outcome::{Advised, Outcome, WrongUsage, hint};
use crate::output::note;
use crate::terminal::{Bar, Screen, count, size};
use std::path::{Path, PathBuf};
use strandline::{Error, ErrorKind, Region};
use strandline_transfer::{Exported, LineFormat, export, export_exact, export_opened};

/// What lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Objects of JSON with `entity`, `scope`, `type`, `payload` and more, each of which is in docs/export.md.
    Lines,
    /// CloudEvents 1.0 as JSON.
    Cloudevents,
    /// A file of Apache Parquet, a row an event, for DuckDB, pandas and their like.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    pub(crate) const fn format(self) -> LineFormat {
        match self {
            Self::Lines => LineFormat::Lines,
            Self::Cloudevents => LineFormat::CloudEvents,
            // Rows are read as lines.
            #[cfg(feature = "parquet")]
            Self::Parquet => LineFormat::Lines,
        }
    }

    /// Whether it is a table, which is whole or none.
    pub(crate) const fn is_table(self) -> bool {
        match self {
            Self::Lines | Self::Cloudevents => false,
            #[cfg(feature = "parquet")]
            Self::Parquet => true,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the store.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    /// A new file to write to, which has its name once it is whole; a pipe, a device, or `-` for standard
    /// output, the default. A file that is there is not overwritten.
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is written.
    #[arg(long, value_enum, default_value_t = Format::Lines)]
    format: Format,
    /// Write the whole log with everything that its hashes cover: `import --exact` makes a copy of the store of it, in
    /// which receipts, heads and proofs hold. In lines of their own format; docs/export.md has the fields.
    #[arg(long, conflicts_with = "format")]
    exact: bool,
    /// Print what was exported as JSON.
    #[arg(long, requires = "output")]
    json: bool,
    #[command(flatten)]
    open: OpenArgs,
    #[command(flatten)]
    query: QueryArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let opener = args.open.opener()?;
    if args.exact && opener.is_some() {
        let message = "an exact export is of what the log has: leave --keys out, and take the file of keys along";
        return Err(WrongUsage(message.to_owned()).into());
    }
    let store = open_whole(&args.dir)?;
    let snapshot = args.query.snapshot(store.snapshot())?;
    let query = args.query.query(&snapshot)?;
    if args.exact && (args.query.has_time() || query != Region::all().into()) {
        let message = "an exact export is of the whole log: leave out what chooses events";
        return Err(WrongUsage(message.to_owned()).into());
    }
    let format = args.format.format();
    let mut bar = Bar::new("exporting");
    let mut show = |progress| bar.show(progress);
    let mut out = match &args.output {
        None => Output::standard(),
        Some(path) => Output::open(path)?,
    };
    let outcome = match opener.as_deref() {
        _ if args.exact => export_exact(&store, &mut out, &mut show),
        #[cfg(feature = "parquet")]
        opener if args.format.is_table() => {
            strandline_transfer::export_parquet(&snapshot, &query, opener, &mut out, &mut show)
        }
        None => export(&snapshot, &query, format, &mut out, &mut show),
        Some(opener) => export_opened(&snapshot, &query, opener, format, &mut out, &mut show),
    };
    drop(bar);
    let (is_standard, is_unread) = (out.is_standard(), out.is_unread());
    let (exported, written) = match outcome {
        Ok(exported) => (exported, Ok(())),
        Err(error) if args.format.is_table() => (Exported::default(), Err(error.into())),
        Err(error) => (Exported::default(), Err(stopped(error, &out))),
    };
    out.finish(written)?;
    if is_unread {
        return Ok(Outcome::Fine);
    }
    if exported.redacted > 0 && !args.exact {
        note(format_args!(
            "{} had no payload any more: it was redacted, and an import passes them over",
            count(exported.redacted, "event")
        ));
    }
    if exported.forgotten > 0 {
        note(format_args!(
            "the key of {} was forgotten: they were written sealed, as they are",
            count(exported.forgotten, "event")
        ));
    }
    if exported.events == 0 && args.output.is_none() {
        tell_no_events();
    }
    match &args.output {
        // Not among the lines.
        Some(_) if is_standard => summary(args, &exported).iter().for_each(note),
        Some(_) => {
            let mut screen = Screen::new();
            for line in summary(args, &exported) {
                screen.text(&line)?;
            }
            screen.flush()?;
        }
        None => {}
    }
    Ok(Outcome::Fine)
}

/// What is said where an event cannot be read: how much of the output is good, or how to have that.
fn stopped(error: Error, out: &Output) -> anyhow::Error {
    let is_damage = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Io);
    if is_damage && out.keeps_a_part() {
        let lines = count(out.lines(), "line");
        let message = format!("the export stopped, and what was written before is good, {lines}");
        return Error::new(error.kind(), message).with_source(error).into();
    }
    match hint(error.kind()).filter(|_| is_damage) {
        Some(hint) => {
            let next = format!("{hint}; to have what can be read before it, leave -o out");
            Advised { error, next }.into()
        }
        None => error.into(),
    }
}

fn summary(args: &Args, exported: &Exported) -> Vec<String> {
    let Exported {
        events,
        bytes,
        redacted,
        forgotten,
        removals,
        removed,
        ..
    } = *exported;
    if args.json {
        let places = match args.exact {
            true => format!(",\"removed\":{removed}"),
            false => String::new(),
        };
        return vec![format!(
            "{{\"events\":{events},\"bytes\":{bytes},\"redacted\":{redacted},\
             \"forgotten\":{forgotten},\"removals\":{removals}{places}}}"
        )];
    }
    let file = args.output.as_deref().unwrap_or(Path::new("-"));
    let (events, bytes) = (count(events, "event"), size(bytes));
    let mut lines = vec![format!("{events}, {bytes} in {}", file.display())];
    if args.exact {
        lines.push(format!(
            "the whole log: the places of {}, and {}, are among it; {} had no payload any more",
            count(removed, "removed event"),
            count(removals, "note"),
            count(redacted, "event")
        ));
    } else if removals > 0 {
        lines.push(format!(
            "{} of removals among them",
            count(removals, "record")
        ));
    }
    lines
}
