//! `import`: lines of a file or of standard input into a store.

use super::export::Format;
use crate::args::{CATEGORY_DEFAULT, StoreArgs, open_to_write};
use crate::files::Input;
#[cfg(feature = "parquet")]
use crate::files::open_file;
use crate::outcome::{Advised, Outcome, WrongUsage, first_of};
use crate::terminal::{Bar, Screen, count, number};
use serde_json::json;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use strandline::fs::OsFs;
use strandline::maintenance::is_vacant;
use strandline::{BATCH_BYTES_MAX, Error, ErrorKind, Hex, StoreOptions};
use strandline_transfer::{
    ImportError, ImportOptions, Imported, ImportedExact, check_exact, first_event, import,
    import_exact, try_import,
};

/// How much of the lines is read at once.
const BUFFER_BYTES: usize = 1 << 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// The lines: a file, a pipe, or `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What is read.
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
    /// a lock, and makes no file and no store.
    #[arg(long)]
    check: bool,
    /// Make a new store of an exact export: a copy of the one that was exported, with the same identity, hashes and
    /// sequences. Every hash is made again and compared, and there is no store before all of it was verified. With
    /// --check the lines are all that is looked at, up to the last hash, and no store is made.
    #[arg(long, conflicts_with_all = ["format", "category", "source", "allow_future"])]
    exact: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    #[cfg(feature = "parquet")]
    if args.format.is_table() {
        let file = open_file(&args.file)?;
        let rows = strandline_transfer::ParquetLines::new(file);
        let mut rows =
            rows.map_err(|error| WrongUsage(format!("{}: {error}", args.file.display())))?;
        return run_lines(args, &mut rows, None);
    }
    let input = Input::open(&args.file)?;
    let bytes = input.bytes();
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    if args.exact {
        return run_exact(args, &mut input);
    }
    run_lines(args, &mut input, bytes)
}

/// Imports lines, of which there are so many bytes.
fn run_lines(args: &Args, input: &mut dyn BufRead, bytes: Option<u64>) -> anyhow::Result<Outcome> {
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
    let is_new = is_new(&args.store.dir)?;
    let Ran {
        outcome,
        closed,
        is_made,
    } = import_lines(args, store_options, input, options, is_new)?;
    let imported = match &outcome {
        Ok(imported) => imported,
        Err(error) => &error.imported,
    };
    let shown = match &outcome {
        // Nothing came of it.
        Err(error) if error.line.is_none() && imported.lines == 0 => Ok(()),
        _ => show(args, imported, is_made, outcome.as_ref().err()),
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

/// Makes a copy of a log of its exact export.
fn run_exact(args: &Args, input: &mut dyn BufRead) -> anyhow::Result<Outcome> {
    let dir = &args.store.dir;
    if !is_new(dir)? {
        let message = format!(
            "{} holds a store, and an exact import makes a copy of the one that was exported, with the identity of \
             that: name a directory that is empty or not there yet",
            dir.display()
        );
        return Err(WrongUsage(message).into());
    }
    let mut bar = Bar::new("importing");
    let mut on_progress = |progress| bar.show(progress);
    let imported = match args.check {
        true => check_exact(input, &mut on_progress),
        false => import_exact(&StoreOptions::new(), dir, input, &mut on_progress),
    };
    drop(bar);
    let imported = imported.map_err(|error| match error.line {
        None => anyhow::Error::from(error.error),
        Some(_) => {
            let next =
                "nothing was made, as an exact export is imported as a whole: export it again"
                    .to_owned();
            let error = Error::new(error.error.kind(), error.to_string());
            Advised { error, next }.into()
        }
    })?;
    show_exact(args, &imported)?;
    Ok(Outcome::Fine)
}

fn show_exact(args: &Args, imported: &ImportedExact) -> io::Result<()> {
    let mut screen = Screen::new();
    let ImportedExact {
        lines,
        events,
        redacted,
        removed,
        notes,
        origin,
        end,
        ..
    } = imported;
    let log = Hex(origin.identity).to_string();
    if args.store.json {
        let json = json!({
            "lines": lines,
            "events": events,
            "redacted": redacted,
            "removed": removed,
            "notes": notes,
            "log": log,
            "epoch": origin.epoch,
            "end": end.sequence,
            "log_hash": end.log_hash,
            "checked_only": args.check,
        });
        screen.json(&json)?;
        return screen.flush();
    }
    let verb = if args.check {
        "would be imported"
    } else {
        "imported"
    };
    screen.text(&format!(
        "{} {verb}, {} without a payload, the places of {}, and {}; every hash is that of its content",
        count(*events, "event"),
        number(*redacted),
        count(*removed, "removed event"),
        count(*notes, "note")
    ))?;
    let copy = match args.check {
        true => args.file.display(),
        false => args.store.dir.display(),
    };
    screen.text(&format!(
        "{copy} is a copy of the log {log}, which ends at {} with the hash {}: compare that with one that was kept",
        end.sequence,
        end.log_hash
    ))?;
    screen.flush()
}

/// Whether a store is to be made.
///
/// # Errors
///
/// `WrongUsage` if the directory has something else in it.
fn is_new(dir: &Path) -> Result<bool, anyhow::Error> {
    is_vacant(&OsFs, dir).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => {
            let message = format!("{error}; name the directory of a store, or of a new one");
            WrongUsage(message).into()
        }
        _ => error.into(),
    })
}

/// What came of an import.
struct Ran {
    outcome: Result<Imported, ImportError>,
    closed: Result<(), Error>,
    /// Whether a store was made for it, or would be.
    is_made: bool,
}

/// Imports lines, or tries to. A store is made for them only once one of them was read.
fn import_lines(
    args: &Args,
    store_options: StoreOptions,
    input: &mut dyn BufRead,
    options: ImportOptions,
    is_new: bool,
) -> Result<Ran, Error> {
    let dir = &args.store.dir;
    let mut bar = Bar::new("importing");
    let mut on_progress = |progress| bar.show(progress);
    if args.check {
        let outcome = try_import(dir, &store_options, input, options, &mut on_progress);
        let is_made = is_new && outcome.as_ref().map_or_else(is_any_in, is_any);
        return Ok(Ran {
            outcome,
            closed: Ok(()),
            is_made,
        });
    }
    let first = match is_new {
        true => first_event(&store_options, input, options),
        false => Ok((Vec::new(), true)),
    };
    let (first, is_any) = match first {
        Ok((first, is_any)) => (first, is_any),
        Err(error) => {
            return Ok(Ran {
                outcome: Err(error),
                closed: Ok(()),
                is_made: false,
            });
        }
    };
    let mut input = io::Read::chain(first.as_slice(), input);
    if !is_any {
        let outcome = try_import(dir, &store_options, &mut input, options, &mut on_progress);
        return Ok(Ran {
            outcome,
            closed: Ok(()),
            is_made: false,
        });
    }
    let store = open_to_write(store_options, dir)?;
    let outcome = import(&store, &mut input, options, &mut on_progress);
    Ok(Ran {
        outcome,
        closed: store.close(),
        is_made: is_new,
    })
}

/// Whether an event was read, or the record of a removal.
const fn is_any(imported: &Imported) -> bool {
    imported.events + imported.repeated + imported.redacted + imported.removals > 0
}

/// The same of an import that stopped.
const fn is_any_in(error: &ImportError) -> bool {
    is_any(&error.imported)
}

fn show(
    args: &Args,
    imported: &Imported,
    is_made: bool,
    error: Option<&ImportError>,
) -> io::Result<()> {
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
            "new_store": is_made,
            "checked_only": args.check,
            "wrong_line": error.and_then(|error| error.line),
            "error": error.map(|error| error.error.to_string()),
        });
        screen.json(&json)?;
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
    if is_made {
        let made = if args.check { "would be" } else { "was" };
        screen.text(&format!(
            "{} {made} made: there was no store",
            args.store.dir.display()
        ))?;
    } else if lines == 0 || (!is_any(imported) && error.is_none()) {
        screen.text("there is no event in the lines; nothing was changed")?;
    }
    if moved_times > 0 {
        let (late, have) = match moved_times {
            1 => ("1 event was late".to_owned(), "its time is"),
            many => (
                format!("{} events were late", number(many)),
                "their times are",
            ),
        };
        screen.text(&format!(
            "{late}: {have} before the newest one of the store, which is taken in the place of it, as times \
             of a store never go back"
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
