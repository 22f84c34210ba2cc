//! `key-store`: a file of keys, made, looked at, and encrypted anew. Forgets no key: that is `forget`'s.

use crate::args::{WrappingArgs, advised, keeping_owner, open_keys};
use crate::outcome::{Outcome, WrongUsage};
use crate::output::note;
use crate::terminal::{Screen, count};
use crate::times::Zone;
use clap::Subcommand;
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use strandline::fs::{Fs, OpenMode, OsFs};
use strandline_seal::{FileKeys, KeyRecord, Per, WrappingKey};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a file of keys, which has none yet. A wrapping key that is not there is made too.
    New {
        /// The new file.
        #[arg(value_name = "FILE")]
        keys: PathBuf,
        #[command(flatten)]
        wrapping: WrappingArgs,
    },
    /// Encrypt the keys with another wrapping key, which is made if it is not there. Once the one of before is
    /// destroyed, older copies of the file are of no use to anybody.
    Rotate {
        /// The file of keys.
        #[arg(value_name = "FILE")]
        keys: PathBuf,
        #[command(flatten)]
        wrapping: WrappingArgs,
        /// The file of the wrapping key from now on: another than that of before, which is destroyed after it.
        #[arg(long, value_name = "FILE")]
        new_wrapping_key: PathBuf,
    },
    /// List whose keys there are, and whose were forgotten when; with --json an object a line. Shows no key.
    List {
        /// The file of keys.
        #[arg(value_name = "FILE")]
        keys: PathBuf,
        #[command(flatten)]
        wrapping: WrappingArgs,
    },
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    match &args.what {
        What::New { keys, wrapping } => {
            if let Some(path) = &wrapping.wrapping_key {
                make_if_missing(path)?;
            }
            FileKeys::create(keys, wrapping.read()?).map_err(advised)?;
            let text = format!("{} is made, and has no keys yet", keys.display());
            say(args, json!({ "keys": 0 }), &text)?;
        }
        What::Rotate {
            keys,
            wrapping,
            new_wrapping_key,
        } => {
            let file = open_keys(keys, wrapping)?;
            make_if_missing(new_wrapping_key)?;
            let to = WrappingArgs {
                wrapping_key: Some(new_wrapping_key.clone()),
            };
            let to = to.read()?;
            keeping_owner(keys, || file.rotate(to))?;
            let records = file.records().map_err(advised)?.len() as u64;
            let text = format!(
                "{} of {} encrypted anew with {}; start what uses the file with that, and destroy the wrapping key of \
                 before, if it is another",
                count(records, "key"),
                keys.display(),
                new_wrapping_key.display()
            );
            say(args, json!({ "keys": records }), &text)?;
        }
        What::List { keys, wrapping } => {
            let keys = open_keys(keys, wrapping)?;
            list(&keys.records().map_err(advised)?, args.json)?;
        }
    }
    Ok(Outcome::Fine)
}

/// Makes a wrapping key where there is none.
fn make_if_missing(path: &Path) -> anyhow::Result<()> {
    let refused = |error: io::Error| {
        let path = path.display();
        WrongUsage(format!("the wrapping key {path} cannot be made: {error}"))
    };
    if path.as_os_str() == "-" {
        return Ok(());
    }
    let file = match OsFs.open(path, OpenMode::Create) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        file => file.map_err(refused)?,
    };
    let key = WrappingKey::random().map_err(refused)?;
    file.write_all_at(key.to_hex().as_bytes(), 0)
        .and_then(|()| file.write_all_at(b"\n", 64))
        .and_then(|()| file.sync())
        .map_err(refused)?;
    note(format_args!(
        "{} is made: the wrapping key. Keep a copy where the file of keys is not; without it nobody reads the keys",
        path.display()
    ));
    Ok(())
}

fn say(args: &Args, json: Value, text: &str) -> io::Result<()> {
    let mut screen = Screen::new();
    match args.json {
        true => screen.json(&json)?,
        false => screen.text(text)?,
    }
    screen.flush()
}

fn list(records: &[KeyRecord], is_json: bool) -> io::Result<()> {
    let mut screen = Screen::new();
    for record in records {
        let per = match record.per {
            Per::Entity => "entity",
            Per::Scope => "scope",
        };
        if is_json {
            screen.json(&json!({
                "id": record.id.to_string(),
                per: &*record.name,
                "created_ms": record.created_ms,
                "forgotten_ms": record.forgotten_ms,
            }))?;
            continue;
        }
        let zone = Zone::new(false);
        let forgotten = record.forgotten_ms;
        let forgotten =
            forgotten.map_or_else(String::new, |at| format!("  forgotten {}", zone.text(at)));
        screen.line(&format!(
            "{}  {}  {per} {:?}{forgotten}",
            record.id,
            zone.text(record.created_ms),
            record.name
        ))?;
    }
    if records.is_empty() {
        note("no keys");
    }
    screen.flush()
}
