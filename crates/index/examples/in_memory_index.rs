//! The index alone, with no store: a writer appends batches while a reader counts what it
//! sees; then the rows are sealed, and a block takes their place.
//!
//! Run it with `cargo run --package strandline-index --example in_memory_index`.

use std::error::Error;
use std::thread;
use strandline_core::{Coordinate, EventId, EventKind, Region};
use strandline_index::{Block, IndexReader, IndexWriter, Row, channel};

const PLACED: EventKind = EventKind::new(0x1, 0x001);
const PAID: EventKind = EventKind::new(0x1, 0x002);
const ORDERS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut writer, reader) = channel();
    let counting = {
        let reader = reader.clone();
        thread::spawn(move || count_until_all_are_visible(&reader))
    };
    for order in 0..ORDERS {
        append_order(&mut writer, order)?;
    }
    let snapshots = counting.join().map_err(|_| "the reader panicked")?;
    println!("{snapshots} snapshots, and none held half an order");

    let snapshot = reader.snapshot();
    let region = Region::all().entity_prefix("order:00").kind(PAID);
    println!("{region:?}\n  goes by {}", snapshot.explain(&region));
    for row in snapshot.query(&region).rev().take(3) {
        println!(
            "  {} {} at {}",
            row.sequence(),
            row.coordinate(),
            row.position()
        );
    }
    for (scope, events) in snapshot.scopes("") {
        println!("{events} events in {scope}");
    }

    // What will not change any more takes less memory as a block; readers notice nothing.
    let sealed = writer.seal()?.ok_or("no rows")?;
    let block = Block::from_vec(snapshot.export(sealed)?)?;
    let bytes = block.bytes();
    reader.replace(block)?;
    append_order(&mut writer, ORDERS)?;
    let region = Region::all().kind(PAID);
    let after = reader.snapshot();
    assert_eq!(after.query(&region).count(), ORDERS as usize + 1);
    assert_eq!(snapshot.query(&region).count(), ORDERS as usize);
    println!("{} events sealed in {bytes} bytes", snapshot.len());
    println!("{region:?}\n  goes by {}", after.explain(&region));
    Ok(())
}

/// Appends an order that is placed and paid at once: readers see both events or neither.
fn append_order(writer: &mut IndexWriter, order: u32) -> Result<(), Box<dyn Error>> {
    let scope = if order.is_multiple_of(3) { "us" } else { "eu" };
    let coordinate = Coordinate::new(format!("order:{order:04}"), scope)?;
    let coordinate = writer.intern(&coordinate)?;
    let first = writer.reserve(2)?;
    for (clock, kind) in [(0, PLACED), (1, PAID)] {
        let id = EventId::from_u128(u128::from(order) << 32 | u128::from(clock));
        writer.insert(&Row {
            sequence: first.checked_add(u64::from(clock)).ok_or("too many")?,
            id,
            coordinate,
            kind,
            wall_ms: 1_700_000_000_000 + u64::from(order),
            clock,
            position: u64::from(order) * 128,
            correlation: id,
            causation: None,
            hash: None,
        })?;
    }
    writer.publish(writer.gate().allocated());
    Ok(())
}

fn count_until_all_are_visible(reader: &IndexReader) -> u64 {
    let mut snapshots = 0;
    loop {
        let snapshot = reader.snapshot();
        snapshots += 1;
        let placed = snapshot.query(Region::all().kind(PLACED)).count();
        let paid = snapshot.query(Region::all().kind(PAID)).count();
        assert_eq!(placed, paid, "an order is visible as a whole");
        if snapshot.len() == u64::from(ORDERS) * 2 {
            return snapshots;
        }
    }
}
