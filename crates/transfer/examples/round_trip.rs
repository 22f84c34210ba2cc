//! Exports a store as CloudEvents, imports the lines into another one, and twice again: nothing comes twice.
//!
//! `cargo run -p strandline-transfer --example round_trip`

use std::ops::ControlFlow;
use strandline::{Coordinate, Event, EventKind, Region, Store, StoreOptions};
use strandline_transfer::{ImportOptions, LineFormat, export, import, try_import};

const PLACED: EventKind = EventKind::new(0x1, 0x001);
const PAID: EventKind = EventKind::new(0x1, 0x002);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let orders = Store::open(dir.path().join("orders.strand"))?;
    let order = Coordinate::new("order:1042", "eu/payments")?;
    let placed = orders.append(&order, Event::json(PLACED, &4200)?)?;
    orders.append(&order, Event::json(PAID, &())?.caused_by(placed.id))?;

    // Told how far it is, and stopped with `Break`.
    let mut go_on = |_| ControlFlow::Continue(());
    let mut lines = Vec::new();
    let format = LineFormat::CloudEvents;
    let exported = export(
        &orders.snapshot(),
        Region::all(),
        format,
        &mut lines,
        &mut go_on,
    )?;
    print!("{}", String::from_utf8_lossy(&lines));
    assert_eq!(exported.events, 2);

    let options = ImportOptions::new().format(format);
    let copy = dir.path().join("copy.strand");
    // What it would come to; makes and changes nothing.
    let tried = try_import(
        &copy,
        &StoreOptions::new(),
        &mut &*lines,
        options,
        &mut go_on,
    )?;
    assert!(tried.events == 2 && !copy.exists());

    let copy = Store::open(copy)?;
    let imported = import(&copy, &mut &*lines, options, &mut go_on)?;
    let again = import(&copy, &mut &*lines, options, &mut go_on)?;
    println!(
        "{} events imported, then {} and {} there already",
        imported.events, again.events, again.repeated
    );

    // A wrong line is named; what is before it is in the store.
    lines.extend_from_slice(b"{\"specversion\":\"1.0\"}\n");
    match import(&copy, &mut &*lines, options, &mut go_on) {
        Err(error) => {
            println!("{error}");
            assert_eq!(error.line, Some(3));
            Ok(())
        }
        Ok(_) => Err("a line without an id was taken".into()),
    }
}
