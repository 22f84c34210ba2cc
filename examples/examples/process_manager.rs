//! A process manager: a reactor that takes each order a step further, and parks those that cannot go on:
//! `cargo run -p strandline-examples --example process_manager`.
//!
//! Each step has an id made from its cause, so a step that is taken twice, after a crash for one, is written once. An
//! order that is parked holds up no other, and goes on where it was once a person says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use strandline::{Coordinate, Event, EventId, EventKind, Hash, Region, Store, StoredEvent};
use strandline_live::{Backoff, Failure, Live, PartitionBy};

const PLACED: EventKind = EventKind::new(0x1, 0x001);
const CHARGED: EventKind = EventKind::new(0x2, 0x001);
const SHIPPED: EventKind = EventKind::new(0x3, 0x001);

/// The id of what follows from an event, and of nothing else.
fn id_of_effect(cause: EventId) -> EventId {
    let hash = Hash::of(&cause.as_u128().to_le_bytes());
    let half = hash.as_bytes().first_chunk();
    EventId::from_u128(half.map_or(0, |half| u128::from_le_bytes(*half)))
}

/// What follows from an event.
fn step(store: &Store, event: &StoredEvent, knows_cards: bool) -> Result<(), Failure> {
    let (entity, kind) = match event.kind {
        PLACED => {
            let card: String = event.payload_json()?;
            if card.is_empty() && !knows_cards {
                return Err(Failure::park("there is no card to charge"));
            }
            ("cards", CHARGED)
        }
        CHARGED => ("parcels", SHIPPED),
        _ => return Ok(()),
    };
    let effect = Event::json(kind, &())?
        .with_id(id_of_effect(event.id))
        .correlated_with(event.correlation)
        .caused_by(event.id);
    store.append(&Coordinate::new(entity, "shop")?, effect)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let store = Arc::new(Store::open(dir.path().join("shop.strand"))?);
    let live = Live::open(&store)?;
    let knows_cards = Arc::new(AtomicBool::new(false));
    let manager = live
        .reactor("orders", Region::all().scope("shop"))
        .by(PartitionBy::Correlation)
        .partitions(4)
        .backoff(Backoff::default())
        .start({
            let (store, knows_cards) = (store.clone(), knows_cards.clone());
            move |event, _| step(&store, event, knows_cards.load(Ordering::Relaxed))
        })?;

    let place = |number: u32, card: &str| -> Result<_, strandline::Error> {
        let order = Coordinate::new(format!("order:{number}"), "shop")?;
        store.append(&order, Event::json(PLACED, card)?)
    };
    let (first, second, third) = (place(1, "4111")?, place(2, "")?, place(3, "4222")?);
    let kinds_of = |receipt: &strandline::Receipt| -> Result<Vec<EventKind>, strandline::Error> {
        let of_order = Region::all().correlation(receipt.id);
        let now = store.snapshot();
        now.query(of_order).map(|event| Ok(event?.kind)).collect()
    };
    // Waits until an order has come so far.
    let wait = |receipt: &strandline::Receipt, steps: usize| -> Result<(), strandline::Error> {
        while kinds_of(receipt)?.len() < steps {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    };
    wait(&first, 3)?;
    wait(&third, 3)?;
    // The second is handled too, as far as the manager goes on without a person.
    manager.wait_until(&second, Duration::from_secs(60))?;
    println!("order:2 has {:?}", kinds_of(&second)?);
    assert_eq!(kinds_of(&second)?, [PLACED]);

    // Somebody has looked at it.
    knows_cards.store(true, Ordering::Relaxed);
    live.replay("orders", None)?;
    wait(&second, 3)?;
    println!("order:2 has {:?}", kinds_of(&second)?);
    manager.drain()?;
    Ok(())
}
