//! A process over several entities, whose steps say what caused them:
//! `cargo run -p strandline-examples --example saga`.
//!
//! Each step has an id made from its cause, so a process that is killed and starts over repeats
//! nothing. All have the correlation of the order, which tells its story.

use serde::{Deserialize, Serialize};
use strandline::{Coordinate, Event, EventEnum, EventId, EventPayload, Hash, Region, Store};

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "placed")]
struct Placed {
    cents: u64,
}

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x2, 0x001), name = "reserved")]
struct Reserved {
    cents: u64,
}

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x3, 0x001), name = "charge-refused")]
struct ChargeRefused;

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x3, 0x002), name = "charged")]
struct Charged;

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x2, 0x002), name = "released")]
struct Released;

#[derive(EventEnum)]
enum Step {
    Placed(Placed),
    Reserved(Reserved),
    ChargeRefused(ChargeRefused),
    Charged(Charged),
    Released(Released),
}

type Failure = Box<dyn std::error::Error>;

/// What follows from an event: the entity, and what happens to it.
fn next(step: Step) -> Option<(&'static str, Step)> {
    match step {
        Step::Placed(Placed { cents }) => Some(("stock:77", Step::Reserved(Reserved { cents }))),
        Step::Reserved(Reserved { cents: ..=5_000 }) => Some(("card:4", Step::Charged(Charged))),
        Step::Reserved(_) => Some(("card:4", Step::ChargeRefused(ChargeRefused))),
        Step::ChargeRefused(_) => Some(("stock:77", Step::Released(Released))),
        Step::Charged(_) | Step::Released(_) => None,
    }
}

/// The id of what follows from an event, and of nothing else.
fn id_of_effect(cause: EventId) -> EventId {
    let hash = Hash::of(&cause.as_u128().to_le_bytes());
    let half = hash.as_bytes().first_chunk();
    EventId::from_u128(half.map_or(0, |half| u128::from_le_bytes(*half)))
}

/// Takes every process a step further, from whatever is in the store.
fn run(store: &Store) -> Result<usize, Failure> {
    let registry = Step::registry()?;
    let mut steps = 0;
    for event in store.snapshot().query(Region::all()) {
        let event = event?;
        if let Some((entity, step)) = next(registry.decode(&event)?) {
            let effect = step.to_event()?.with_id(id_of_effect(event.id));
            let effect = effect.correlated_with(event.correlation);
            let effect = effect.caused_by(event.id);
            let receipt = store.append(&Coordinate::new(entity, "shop")?, effect)?;
            steps += usize::from(!receipt.repeated);
        }
    }
    Ok(steps)
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("shop.strand"))?;
    for (number, cents) in [(1, 4_200), (2, 9_900)] {
        let order = Coordinate::new(format!("order:{number}"), "shop")?;
        store.append(&order, Event::typed(&Placed { cents })?)?;
    }
    while run(&store)? > 0 {}
    let now = store.snapshot();
    let events: Vec<_> = now.query(Region::all()).collect::<Result<_, _>>()?;
    for root in events.iter().filter(|event| event.is_root_cause()) {
        println!("{}", root.coordinate.entity());
        for event in events.iter().filter(|event| event.correlation == root.id) {
            println!("   {} {}", event.coordinate.entity(), event.kind);
        }
    }
    assert_eq!(events.len(), 2 + 2 + 3);
    store.close()?;
    Ok(())
}
