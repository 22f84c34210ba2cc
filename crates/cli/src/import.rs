//! `import`: lines of a file or of standard input into a store.

use crate::Outcome;
use crate::args::{CATEGORY_DEFAULT, StoreArgs};
use crate::bar::Bar;
use crate::export::Format;
use crate::failure::WrongUsage;
use crate::files::Stream;
use crate::text::{count, number};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use strandline::maintenance::{ImportError, ImportOptions, Imported, import};
use strandline::{ErrorKind, StoreOptions};

/// How much of the lines is read at once.
const BUFFER_BYTES: usize = 1 << 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// The lines; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What lines look like.
    #[arg(long, value_enum, default_value_t = Format::Lines)]
    format: Format,
    /// The category of kinds that are a number below 0x1000, the type, and of events without a kind.
    #[arg(long, value_name = "NUMBER", default_value_t = CATEGORY_DEFAULT)]
    category: u8,
    /// Check every line, and append nothing.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut bytes = None;
    let mut input: Box<dyn BufRead> = if args.file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let file = Stream::open(&args.file).map_err(|error| {
            WrongUsage(format!("{} cannot be read: {error}", args.file.display()))
        })?;
        bytes = file.len().ok();
        Box::new(BufReader::with_capacity(BUFFER_BYTES, file))
    };
    let mut options = ImportOptions::new()
        .format(args.format.format())
        .category(args.category)
        .input_bytes(bytes);
    if args.check {
        options = options.trial();
    }
    let store = StoreOptions::new().open(&args.store.dir)?;
    let mut bar = Bar::new("importing");
    let outcome = import(&store, &mut *input, options, &mut |progress| {
        bar.show(progress)
    });
    drop(bar);
    let imported = match &outcome {
        Ok(imported) => imported,
        Err(error) => &error.imported,
    };
    show(args, imported, outcome.as_ref().err());
    store.close()?;
    match outcome {
        Ok(_) => Ok(Outcome::Fine),
        Err(error) if error.line.is_none() && error.error.kind() == ErrorKind::InvalidInput => {
            Err(WrongUsage(error.to_string()).into())
        }
        Err(error) => {
            eprintln!("error: {error}");
            if error.line.is_some() {
                eprintln!(
                    "  next: mend the line and import the file again: what is in the store is \
                     passed over"
                );
            }
            Ok(Outcome::ProblemFound)
        }
    }
}

fn show(args: &Args, imported: &Imported, error: Option<&ImportError>) {
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
        println!("{json}");
        return;
    }
    let verb = if args.check {
        "would be imported"
    } else {
        "imported"
    };
    println!(
        "{} {verb}, {} there already, {} read",
        count(events, "event"),
        number(repeated),
        count(lines, "line")
    );
    if moved_times > 0 {
        println!(
            "{} came earlier than the one before, and got its time",
            count(moved_times, "event")
        );
    }
    if removals > 0 {
        println!(
            "{} of removals in another store {verb}",
            count(removals, "record")
        );
    }
    if redacted > 0 {
        println!("{} without a payload passed over", count(redacted, "event"));
    }
}
