//! `import`: lines of a file or of standard input into a store.

use super::export::Format;
use crate::args::{CATEGORY_DEFAULT, StoreArgs, open_to_write};
use crate::files::Input;
use crate::outcome::{Outcome, WrongUsage, first_of};
use crate::terminal::{Bar, Screen, count, number};
use serde_json::json;
use std::io::{self, BufReader};
use std::path::PathBuf;
use strandline::{BATCH_BYTES_MAX, ErrorKind, StoreOptions};
use strandline_transfer::{ImportError, ImportOptions, Imported, import, try_import};

/// How much of the lines is read at once.
const BUFFER_BYTES: usize = 1 << 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// The lines: a file, a pipe, or `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What lines look like.
    #[arg(long, value_enum, default_value_t = Format::Lines)]
    format: Format,
    /// The category of kinds that are a number below 0x1000, the type, and of events without a kind.
    #[arg(long, value_name = "NUMBER", default_value_t = CATEGORY_DEFAULT)]
    category: u8,
    /// Where the lines come from, by any name. A line without an id that is equal to one that is there
    /// already is that event, unless it is imported under another name. CloudEvents have a source of
    /// their own.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    source: String,
    /// Take times that are more than a minute ahead of this machine's clock. Every later event of the
    /// store will have such a time, too.
    #[arg(long)]
    allow_future: bool,
    /// Check every line against what is there, and append nothing: says what the import would, without
    /// a lock, and makes no file.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let input = Input::open(&args.file)?;
    let bytes = input.bytes();
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut options = ImportOptions::new()
        .format(args.format.format())
        .category(args.category)
        .source(&args.source)
        .input_bytes(bytes);
    if args.allow_future {
        options = options.allow_future();
    }
    // The limit on payloads is one for programs that append; what a store had may go into another.
    let store_options = StoreOptions::new().payload_bytes_max(BATCH_BYTES_MAX);
    let mut bar = Bar::new("importing");
    let mut on_progress = |progress| bar.show(progress);
    let (outcome, closed) = if args.check {
        let dir = &args.store.dir;
        let tried = try_import(dir, &store_options, &mut input, options, &mut on_progress);
        (tried, Ok(()))
    } else {
        let store = open_to_write(store_options, &args.store.dir)?;
        let imported = import(&store, &mut input, options, &mut on_progress);
        (imported, store.close())
    };
    drop(bar);
    let imported = match &outcome {
        Ok(imported) => imported,
        Err(error) => &error.imported,
    };
    let shown = match &outcome {
        // Nothing came of it.
        Err(error) if error.line.is_none() && imported.lines == 0 => Ok(()),
        _ => show(args, imported, outcome.as_ref().err()),
    };
    let stopped = outcome.err().map(|error| match error.line {
        None if error.error.kind() == ErrorKind::InvalidInput => {
            WrongUsage(error.to_string()).into()
        }
        None if error.imported.lines == 0 => anyhow::Error::from(error.error),
        _ => anyhow::Error::from(error),
    });
    let closed = closed.err().map(Into::into);
    first_of([stopped, closed, shown.err().map(Into::into)])?;
    Ok(Outcome::Fine)
}

fn show(args: &Args, imported: &Imported, error: Option<&ImportError>) -> io::Result<()> {
    let mut screen = Screen::new();
    let Imported {
        lines,
        events,
        repeated,
        moved_times,
        redacted,
        removals,
        ..
    } = *imported;
    if args.store.json {
        let json = json!({
            "lines": lines,
            "events": events,
            "repeated": repeated,
            "moved_times": moved_times,
            "redacted": redacted,
            "removals": removals,
            "checked_only": args.check,
            "wrong_line": error.and_then(|error| error.line),
            "error": error.map(|error| error.error.to_string()),
        });
        screen.line(&json.to_string())?;
        return screen.flush();
    }
    let verb = if args.check {
        "would be imported"
    } else {
        "imported"
    };
    screen.text(&format!(
        "{} {verb}, {} there already, {} read",
        count(events, "event"),
        number(repeated),
        count(lines, "line")
    ))?;
    if moved_times > 0 {
        screen.text(&format!(
            "{} came earlier than the one before, and got its time",
            count(moved_times, "event")
        ))?;
    }
    if removals > 0 {
        screen.text(&format!(
            "{} of removals in another store {verb}",
            count(removals, "record")
        ))?;
    }
    if redacted > 0 {
        screen.text(&format!(
            "{} without a payload passed over",
            count(redacted, "event")
        ))?;
    }
    screen.flush()
}
