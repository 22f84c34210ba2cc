//! Appends, reads back, queries: `cargo run -p strandline-examples --example quickstart`.

use serde::{Deserialize, Serialize};
use strandline::{Batch, Coordinate, Event, EventKind, Region, Store};

const ORDER_PLACED: EventKind = EventKind::new(0x1, 0x001);
const ORDER_PAID: EventKind = EventKind::new(0x1, 0x002);
const STOCK_TAKEN: EventKind = EventKind::new(0x2, 0x001);

#[derive(Debug, Serialize, Deserialize)]
struct Placed {
    total: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Taken {
    pieces: u32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("orders.strand"))?;
    let order = Coordinate::new("order:1042", "eu/payments")?;
    let stock = Coordinate::new("stock:77", "eu/warehouse")?;

    let placed = store.append(&order, Event::json(ORDER_PLACED, &Placed { total: 4200 })?)?;
    let receipts = store.append_batch(
        Batch::new()
            .push(&order, Event::json(ORDER_PAID, &())?.caused_by(placed.id))
            .push(
                &stock,
                Event::message_pack(STOCK_TAKEN, &Taken { pieces: 3 })?.caused_by(placed.id),
            ),
    )?;
    if let Some(last) = receipts.last() {
        println!("appended up to sequence {}", last.sequence);
    }

    let now = store.snapshot();
    for event in now.stream("order:1042") {
        let event = event?;
        println!("{}: {} at {}", event.clock, event.kind, event.hlc);
        if event.kind == ORDER_PLACED {
            println!("   total {}", event.payload_json::<Placed>()?.total);
        }
    }
    let effects = now.query(Region::all()).filter_map(Result::ok);
    for event in effects.filter(|event| event.is_caused_by(placed.id)) {
        println!(
            "caused by the order: {} of {}",
            event.kind, event.coordinate
        );
    }
    store.close()?;
    Ok(())
}
