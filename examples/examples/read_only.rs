//! Reads beside a writer: `cargo run -p strandline-examples --example read_only`.

use strandline::{Coordinate, Event, EventKind, Store, StoreOptions};

const SAID: EventKind = EventKind::new(0x4, 0x001);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("chat.strand");
    let writer = Store::open(&path)?;
    let room = Coordinate::new("room:1", "chat")?;
    writer.append(&room, Event::json(SAID, "hello")?)?;

    // Another process could do this: it takes no lock and changes nothing.
    let reader = StoreOptions::new().read_only().open(&path)?;
    writer.append(&room, Event::json(SAID, "anyone there?")?)?;
    for event in reader.snapshot().stream("room:1") {
        println!("{}", event?.payload_json::<String>()?);
    }

    match StoreOptions::new().open(&path) {
        Err(error) => println!("a second writer is refused: {error}"),
        Ok(_) => println!("a second writer was let in"),
    }
    Ok(())
}
