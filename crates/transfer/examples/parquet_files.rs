//! Files of Parquet for programs of others, and from them: `write DIR` writes a store's events there as
//! `events.parquet`, and as lines beside it; `check DIR` imports what was made of that, each file of Parquet in the
//! directory, and compares. `cargo xtask parquet` has DuckDB and pandas in between.

#![expect(
    clippy::disallowed_methods,
    reason = "files of its own, and of no store"
)]

use std::error::Error;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use strandline::maintenance::{Progress, Redaction};
use strandline::{Coordinate, Event, EventId, EventKind, Region, Store};
use strandline_transfer::{
    ImportOptions, LineFormat, ParquetLines, export, export_parquet, import,
};

type Done<T> = Result<T, Box<dyn Error>>;

const PLACED: EventKind = EventKind::new(1, 1);
/// Some row reads.
const EVENTS: u32 = 5000;

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn fill(store: &Store) -> Done<()> {
    store.name_kind(PLACED, "placed")?;
    let first = EventId::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0001);
    let order = Coordinate::new("order:\u{fc} \"1\"", "eu/payments")?;
    let placed = Event::json(
        PLACED,
        &serde_json::json!({"total": 4200, "note": "\u{fc}\n"}),
    )?;
    store.append(
        &order,
        placed.with_id(first).tagged("customer:7").tagged("web"),
    )?;
    let bytes = Event::bytes(EventKind::new(2, 5), vec![0, 255, 10]);
    store.append(&order, bytes.caused_by(first).with_version(3))?;
    store.append(
        &order,
        Event::json(PLACED, "to be gone")?.with_id(EventId::from_u128(9)),
    )?;
    for number in 0..EVENTS {
        let entity = Coordinate::new(format!("order:{}", number % 50), "us")?;
        store.append(&entity, Event::json(PLACED, &number)?.tagged("bulk"))?;
    }
    store.redact(&Redaction::new().event(EventId::from_u128(9)))?;
    Ok(())
}

/// The events of a store as lines, but for what an import gives anew, and events that it passes over.
fn lines(store: &Store) -> Done<Vec<serde_json::Value>> {
    let mut out = Vec::new();
    export(
        &store.snapshot(),
        Region::all(),
        LineFormat::Lines,
        &mut out,
        &mut go_on,
    )?;
    let mut lines = Vec::new();
    for line in std::str::from_utf8(&out)?.lines() {
        let mut line: serde_json::Value = serde_json::from_str(line)?;
        let Some(fields) = line
            .as_object_mut()
            .filter(|line| line.contains_key("entity"))
        else {
            continue;
        };
        if !fields.contains_key("redacted") {
            for unused in ["sequence", "clock", "hash"] {
                fields.remove(unused);
            }
            lines.push(line);
        }
    }
    Ok(lines)
}

fn write(dir: &Path) -> Done<()> {
    let store = Store::open(dir.join("store.strand"))?;
    fill(&store)?;
    let now = store.snapshot();
    let mut table = File::create(dir.join("events.parquet"))?;
    export_parquet(&now, Region::all(), None, &mut table, &mut go_on)?;
    let mut lines = File::create(dir.join("events.jsonl"))?;
    export(
        &now,
        Region::all(),
        LineFormat::Lines,
        &mut lines,
        &mut go_on,
    )?;
    Ok(())
}

fn check(dir: &Path) -> Done<()> {
    let expected = lines(&Store::open(dir.join("store.strand"))?)?;
    for name in ["events", "duckdb", "pandas"] {
        let copies = tempfile::tempdir()?;
        let copy = Store::open(copies.path().join("copy.strand"))?;
        let mut rows = ParquetLines::new(File::open(dir.join(format!("{name}.parquet")))?)?;
        let imported = import(&copy, &mut rows, ImportOptions::new(), &mut go_on)?;
        if lines(&copy)? != expected {
            return Err(format!("{name}.parquet has other events").into());
        }
        println!("== {name}.parquet: {} events as they were", imported.events);
    }
    Ok(())
}

fn main() -> Done<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", dir] => write(Path::new(dir)),
        ["check", dir] => check(Path::new(dir)),
        // By itself it writes and checks its own.
        _ => {
            let dir = tempfile::tempdir()?;
            write(dir.path())?;
            for name in ["duckdb", "pandas"] {
                let copy = dir.path().join(format!("{name}.parquet"));
                std::fs::copy(dir.path().join("events.parquet"), copy)?;
            }
            check(dir.path())
        }
    }
}
