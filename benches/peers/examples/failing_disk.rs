//! One store on a disk that fails to write, as `cargo xtask crash --kernel --program` prepares it:
//! `failing_disk STORE append|check DIR`.
//!
//! `append` makes synced appends until one fails, then 200 more, and prints what it was told; which
//! were acknowledged is kept in `target/failing-disk`. `check` opens the store and counts those of them
//! that are gone.

use std::path::Path;
use strandline_benches::engine::{Durability, Engine, EngineEntry, Failure, NewEvent};
use strandline_peers::ENTRIES;

/// Appends after the first that failed.
const AFTER: u64 = 200;
/// Appends before it, if none fails.
const MOST: u64 = 100_000;
const PAYLOAD_BYTES: usize = 400;
const KEPT: &str = "target/failing-disk";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, what, dir] = &arguments[..] else {
        return Err("failing_disk STORE append|check DIR".into());
    };
    let own = [strandline_benches::STRANDLINE];
    let found = ENTRIES.iter().chain(&own).find(|entry| entry.name == name);
    let entry = found.ok_or("no such store")?;
    let dir = Path::new(dir).join(name);
    std::fs::create_dir_all(&dir)?;
    match what.as_str() {
        "append" => append(entry, &dir),
        "check" => check(entry, &dir),
        _ => Err("append or check?".into()),
    }
}

fn payload(number: u64) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    bytes.into_iter().cycle().take(PAYLOAD_BYTES).collect()
}

fn append_one(engine: &dyn Engine, number: u64) -> Result<(), Failure> {
    let payload = payload(number);
    let event = NewEvent {
        entity_number: 0,
        entity: "sensor:1",
        scope: "hall",
        kind: 1,
        payload: &payload,
    };
    engine.append(&[event], Durability::Synced)
}

/// Appends until one fails, and goes on for a while.
fn append(entry: &EngineEntry, dir: &Path) -> Result<(), Failure> {
    let engine = (entry.open)(dir)?;
    let mut acknowledged = Vec::new();
    let mut next = 0;
    let first = loop {
        match append_one(&*engine, next) {
            Ok(()) => acknowledged.push(next),
            Err(failure) => break failure.to_string(),
        }
        next += 1;
        if next == MOST {
            break "nothing failed".to_owned();
        }
    };
    let before = acknowledged.len();
    let mut last = String::new();
    for number in next + 1..=next + AFTER {
        match append_one(&*engine, number) {
            Ok(()) => acknowledged.push(number),
            Err(failure) => last = failure.to_string(),
        }
    }
    let after = acknowledged.len() - before;
    println!("{}: {before} acknowledged, then: {first}", entry.name);
    println!("  {after} of {AFTER} acknowledged after that; the last that failed: {last}");
    let kept: Vec<_> = acknowledged.iter().map(u64::to_string).collect();
    std::fs::create_dir_all("target")?;
    std::fs::write(KEPT, kept.join("\n"))?;
    match engine.close() {
        Ok(()) => println!("  its close succeeded"),
        Err(failure) => println!("  its close failed: {failure}"),
    }
    Ok(())
}

/// Counts what was acknowledged and is gone.
fn check(entry: &EngineEntry, dir: &Path) -> Result<(), Failure> {
    let kept = std::fs::read_to_string(KEPT)?;
    let acknowledged: Vec<u64> = kept.lines().filter_map(|line| line.parse().ok()).collect();
    let engine = match (entry.open)(dir) {
        Ok(engine) => engine,
        Err(failure) => {
            let count = acknowledged.len();
            println!("  it does not open, with {count} acknowledged: {failure}");
            return Ok(());
        }
    };
    let mut found = std::collections::BTreeSet::new();
    let mut wrong = 0;
    let scanned = engine.scan(&mut |bytes| {
        let number = bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        match number.filter(|number| payload(*number) == bytes) {
            Some(number) => drop(found.insert(number)),
            None => wrong += 1,
        }
    });
    let lost = acknowledged
        .iter()
        .filter(|number| !found.contains(number))
        .count();
    println!(
        "  {} events there, {lost} of {} acknowledged lost, {wrong} wrong",
        found.len(),
        acknowledged.len()
    );
    if let Err(failure) = scanned {
        println!("  reading fails: {failure}");
    }
    match engine.verify() {
        Ok(count) => println!("  its own check passes, of {count} events"),
        Err(failure) => println!("  its own check: {failure}"),
    }
    Ok(())
}
