//! A service whose store is maintained while it runs: `cargo run -p strandline-examples --example controlled`.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use strandline::maintenance::unwatched;
use strandline::{Coordinate, Error, Event, EventKind, Store};
use strandline_control::{AskedRedaction, AskedRetention, Client, Control};

const READ: EventKind = EventKind::new(0x5, 0x001);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("meters.strand");

    // The service: one line more than without.
    let store = Arc::new(Store::open(&path)?);
    let control = Control::open(&store)?;
    let service = thread::spawn({
        let (store, meter) = (store.clone(), Coordinate::new("meter:7", "eu/grid")?);
        move || {
            for reading in 0..1_000_u32 {
                store.append(&meter, Event::json(READ, &reading)?)?;
            }
            Ok::<_, Error>(())
        }
    });

    // The operator, in another process: `strandline compact DIR --keep-newest 10` asks the same.
    let ask = || ask(&path);
    println!("{} events", ask()?.status()?.store.events);
    let rules = AskedRetention::new().keep_newest(10);
    let done = ask()?.compact(&rules, &mut unwatched)?;
    println!("{} removed while the service appends", done.events);
    service.join().map_err(|_| "the service panicked")??;

    let of = AskedRedaction::new().entity("meter:7");
    println!(
        "{} payloads redacted",
        ask()?.redact(&of, &mut unwatched)?.events
    );
    println!("a checkpoint of all before {}", ask()?.checkpoint()?);
    println!("intact: {}", ask()?.verify(&mut unwatched)?.intact);

    drop(control);
    Arc::into_inner(store)
        .ok_or("nobody else has it")?
        .close()?;
    Ok(())
}

fn ask(path: &Path) -> Result<Client, Box<dyn std::error::Error>> {
    Ok(Client::connect(path)?.ok_or("nobody listens")?)
}
