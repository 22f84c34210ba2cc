//! Events as types, and a type that changed: `cargo run -p strandline-examples --example typed_events`.

use serde::{Deserialize, Serialize};
use strandline::{Coordinate, Event, EventEnum, EventPayload, MessagePack, Store};

/// As the first release of the shop wrote it; kept to read what that wrote.
#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "placed")]
struct PlacedV1 {
    total: u64,
}

/// The second release counted cents, and was in a hurry: MessagePack.
#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "placed", version = 2, codec = MessagePack)]
struct PlacedV2 {
    cents: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "placed", version = 3)]
struct Placed {
    cents: u64,
    currency: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x002), name = "paid")]
struct Paid;

#[derive(Debug, PartialEq, EventEnum)]
enum OrderEvent {
    Placed(Placed),
    Paid(Paid),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("orders.strand"))?;
    let order = Coordinate::new("order:1042", "eu/payments")?;
    let placed = Placed {
        cents: 4300,
        currency: "CHF".to_owned(),
    };
    store.append(&order, Event::typed(&PlacedV1 { total: 42 })?)?;
    store.append(&order, Event::typed(&PlacedV2 { cents: 4250 })?)?;
    store.append(&order, OrderEvent::from(placed).to_event()?)?;
    store.append(&order, Event::typed(&Paid)?)?;

    // From the newest link of the chain to the oldest, each to a form that is known already.
    let registry = OrderEvent::registry()?
        .upcast(|PlacedV2 { cents }| Placed {
            cents,
            currency: "EUR".to_owned(),
        })?
        .upcast(|PlacedV1 { total }| PlacedV2 { cents: total * 100 })?;
    let mut cents = Vec::new();
    for event in store.snapshot().stream("order:1042") {
        let event = event?;
        match registry.decode(&event)? {
            OrderEvent::Placed(placed) => {
                println!("version {}: {placed:?}", event.version());
                cents.push(placed.cents);
            }
            OrderEvent::Paid(paid) => println!("{paid:?}"),
        }
    }
    assert_eq!(cents, [4200, 4250, 4300]);
    store.close()?;
    Ok(())
}
