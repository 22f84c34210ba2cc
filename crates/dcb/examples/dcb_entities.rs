//! What the trait costs, and what entities cost: the same events appended to the store itself, through the trait with
//! one entity, and through it with the first tag for an entity.
//!
//! `cargo run --release -p strandline-dcb --example dcb_entities [EVENTS [TAGS]]`

use std::path::Path;
use strandline::{
    Clock, Coordinate, Durability, Event, PayloadEncoding, Store, StoreOptions, SystemClock,
};
use strandline_dcb::{DcbStore, Places};
use umadb_dcb::{DcbEvent, DcbEventStoreSync};

const EVENT_TYPE: &str = "Happened";
const DATA_BYTES: usize = 200;

/// The tag of an event: one of so many, in no order.
fn tag(number: u64, tags: u64) -> String {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    format!("entity:{}", mixed % tags)
}

fn open(dir: &Path, name: &str) -> Result<Store, strandline::Error> {
    // The disk would be what is measured.
    let options = StoreOptions::new().durability(Durability::Written);
    options.open(dir.join(name))
}

/// Runs the appends of `events` numbers, one event each, and says how many a second.
fn measure(
    name: &str,
    events: u64,
    append: impl Fn(u64) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<(), Box<dyn std::error::Error>> {
    let clock = SystemClock::default();
    for number in 0..events {
        append(number)?;
    }
    let ns = clock.elapsed().as_nanos() / u128::from(events.max(1));
    println!("{name:<28} {ns:>6} ns an event");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let events = args.next().map_or(Ok(100_000), |text| text.parse())?;
    let tags = args
        .next()
        .map_or(Ok(20_000_u64), |text| text.parse())?
        .max(1);
    let dir = tempfile::tempdir()?;

    let store = open(dir.path(), "direct.strand")?;
    let kind = store.kind(EVENT_TYPE)?;
    let place = Coordinate::new("dcb", "dcb")?;
    measure("the store, one entity", events, |number| {
        let event = Event::encoded(kind, PayloadEncoding::RAW, vec![7; DATA_BYTES]);
        store.append(&place, event.tagged(tag(number, tags)))?;
        Ok(())
    })?;
    store.close()?;

    let untagged = Coordinate::new("untagged", "dcb")?;
    for (name, places) in [
        ("the trait, one entity", Places::Dcb),
        ("the trait, the first tag", Places::FirstTag(untagged)),
    ] {
        let store = DcbStore::new(open(dir.path(), name)?).places(places);
        measure(name, events, |number| {
            let event = DcbEvent::default()
                .event_type(EVENT_TYPE)
                .tags([tag(number, tags)])
                .data(vec![7; DATA_BYTES]);
            store.append(vec![event], None, None)?;
            Ok(())
        })?;
    }
    Ok(())
}
