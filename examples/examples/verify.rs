//! Proves a store: `cargo run -p strandline-examples --example verify`.

use strandline::{Coordinate, Durability, Event, EventKind, StoreOptions};

const MEASURED: EventKind = EventKind::new(0x3, 0x001);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("meter.strand");
    let store = StoreOptions::new()
        .durability(Durability::Written)
        .open(&path)?;
    let meter = Coordinate::new("meter:1", "cellar")?;
    for reading in 0..10_000_u32 {
        store.append(&meter, Event::bytes(MEASURED, reading.to_le_bytes()))?;
    }
    store.close()?;

    let store = StoreOptions::new().read_only().open(&path)?;
    println!("{}", store.open_report());
    let report = store.verify()?;
    println!(
        "{} events in {} commits; the log ends in {}",
        report.events, report.commits, report.log_hash
    );
    for problem in &report.problems {
        println!("{problem}");
    }
    assert!(report.is_intact());
    Ok(())
}
