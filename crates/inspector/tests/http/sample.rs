//! A store with something of everything: kinds with names and without, tags, links, sealed segments, payloads of each
//! kind, and contents that would harm a page that trusts them.

use std::path::Path;
use strandline::{Batch, Coordinate, Durability, Event, EventKind, Store, StoreOptions};

/// A name that is markup, and one from right to left with an override in it.
pub(crate) const MARKUP: &str = "<script>alert(1)</script>\"'&";
pub(crate) const RIGHT_TO_LEFT: &str = "\u{202e}\u{05e9}\u{05dc}\u{05d5}\u{05dd}/..";

pub(crate) const ORDERS: u64 = 200;

/// Makes it, and leaves it open to write.
pub(crate) fn store(dir: &Path) -> Store {
    let options = StoreOptions::new().durability(Durability::Written);
    let store = options.segment_bytes_max(64 << 10).open(dir).unwrap();
    let placed = store.kind("order.placed").unwrap();
    let paid = store.kind("order.paid").unwrap();
    for number in 0..ORDERS {
        let order =
            Coordinate::new(format!("order:{number}"), format!("shop/{}", number % 3)).unwrap();
        let total = serde_json::json!({"order": number, "total": number * 100, "state": "placed"});
        let first = Event::json(placed, &total)
            .unwrap()
            .tagged(format!("customer:{}", number % 10));
        let receipt = store.append(&order, first).unwrap();
        if number % 2 == 0 {
            let total = serde_json::json!({"order": number, "paid": true, "state": "paid"});
            let second = Event::json(paid, &total).unwrap();
            store
                .append(
                    &order,
                    second.correlated_with(receipt.id).caused_by(receipt.id),
                )
                .unwrap();
        }
    }
    let at = |entity: &str, scope: &str| Coordinate::new(entity, scope).unwrap();
    let raw = EventKind::new(2, 7);
    store
        .append(
            &at(MARKUP, MARKUP),
            Event::bytes(raw, MARKUP.as_bytes().to_vec()).tagged(MARKUP),
        )
        .unwrap();
    store
        .append(
            &at(RIGHT_TO_LEFT, "x"),
            Event::bytes(raw, vec![0, 159, 146, 150]),
        )
        .unwrap();
    store
        .append(
            &at(&"long".repeat(63), &"s".repeat(255)),
            Event::message_pack(raw, &("a", 1)).unwrap(),
        )
        .unwrap();
    let mut batch = Batch::new();
    for number in 0..3 {
        batch.add(&at("batch", "b"), Event::json(placed, &number).unwrap());
    }
    store.append_batch(batch).unwrap();
    store
}
