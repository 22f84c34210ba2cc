//! Serves a store with something of everything, hostile contents among it: to look at, and for `cargo xtask inspector`,
//! which holds what a browser shows of it against what it prints: the facts of the store, as a line of JSON.
//!
//! Each line that it reads has it append some events, as a program does while somebody looks. It ends with its input.

use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::{
    Batch, Coordinate, Durability, Event, EventKind, Hlc, Region, Store, StoreOptions,
};
use strandline_inspector::Inspector;
use strandline_live::Live;

/// Markup as a name, that would leave a trace if it ran.
const MARKUP: &str = "<img src=x onerror=\"globalThis.harmed=1\">";
const RIGHT_TO_LEFT: &str = "\u{202e}\u{05e9}\u{05dc}\u{05d5}\u{05dd}";

const CUSTOMERS: u64 = 40;
const ORDERS: u64 = 900;
/// When the first order is, in milliseconds since 1970, and how long the orders take.
const FIRST_MS: u64 = 1_767_225_600_000;
const SPAN_MS: u64 = 45 * 86_400_000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path().join("orders.strand");
    let store = store(&dir)?;
    let inspector = Inspector::bind(&dir, Some(0))?;
    println!("{}", of(&store, &inspector.address())?);
    std::io::stdout().flush()?;
    // It ends with this program.
    std::thread::spawn(move || inspector.run());
    for line in std::io::stdin().lock().lines() {
        line?;
        append_a_while(&store)?;
    }
    Ok(())
}

/// Makes it, over some weeks, and leaves it open to write.
fn store(dir: &Path) -> Result<Store> {
    let options = StoreOptions::new().durability(Durability::Written);
    let store = options.segment_bytes_max(256 << 10).open(dir)?;
    let kinds = [
        "order.placed",
        "order.paid",
        "order.packed",
        "order.shipped",
        "order.cancelled",
    ];
    let kinds = kinds.iter().map(|name| store.kind(name));
    let kinds = kinds.collect::<std::result::Result<Vec<_>, _>>()?;
    for number in 0..ORDERS {
        // Busy by day, and busier by and by.
        let share = number * number / ORDERS;
        let at = FIRST_MS + SPAN_MS / ORDERS * share + number * 1_000;
        let scope = match number % 3 {
            0 => "shop/eu",
            1 => "shop/us",
            _ => "shop/asia",
        };
        let order = Coordinate::new(format!("order:{number}"), scope)?;
        let mut cause = None;
        let steps = if number % 9 == 0 {
            [0, 4, 9, 9]
        } else {
            [0, 1, 2, 3]
        };
        for (step, kind) in (0_u64..).zip(steps.iter().filter_map(|kind| kinds.get(*kind))) {
            let state = json!({
                "order": number, "step": step, "total": 1_900 + number % 50 * 10,
                "lines": [{"item": format!("tea-{}", number % 12), "count": 1 + number % 3}],
            });
            let mut event = Event::json(*kind, &state)?.at(Hlc::new(at + step * 60, 0)?);
            event = event.tagged(format!("customer:{}", number % CUSTOMERS));
            if let Some((first, last)) = cause {
                event = event.correlated_with(first).caused_by(last);
            }
            let receipt = store.append(&order, event)?;
            cause = Some((cause.map_or(receipt.id, |(first, _)| first), receipt.id));
        }
    }
    store.close()?;
    // With segments that hold long payloads.
    let store = Store::open(dir)?;
    hostile(&store)?;
    consumer(&store)?;
    store.sync()?;
    Ok(store)
}

/// What would harm a page that trusts it.
fn hostile(store: &Store) -> Result<()> {
    let raw = EventKind::new(2, 7);
    let long = Coordinate::new("long".repeat(63), "s".repeat(255))?;
    let mut batch = Batch::new();
    batch.add(
        &Coordinate::new(MARKUP, MARKUP)?,
        Event::json(raw, &json!({ MARKUP: MARKUP }))?.tagged(MARKUP),
    );
    batch.add(
        &Coordinate::new(RIGHT_TO_LEFT, "x")?,
        Event::bytes(raw, (0..=255).collect::<Vec<u8>>()),
    );
    batch.add(&long, Event::message_pack(raw, &("packed", 1, [0.5]))?);
    batch.add(&long, Event::bytes(raw, vec![b'x'; 15 << 20]));
    store.append_batch(batch)?;
    Ok(())
}

fn consumer(store: &Store) -> Result<()> {
    let position = store
        .snapshot()
        .position(strandline::Sequence::new(1_000))?;
    let store = Arc::new(StoreOptions::new().read_only().open(store.dir())?);
    let live = Live::open(&store)?;
    for name in ["mailer", MARKUP] {
        live.position(name)?.save(position)?;
    }
    Ok(())
}

/// What the store says of itself, and where it is looked at.
fn of(store: &Store, address: &str) -> Result<Value> {
    let now = store.snapshot();
    let entity = "order:100";
    let paid = Region::all().kind_named("order.paid");
    let event = now.latest(entity)?.map(|event| event.id.to_string());
    let raw = now.latest(RIGHT_TO_LEFT)?.map(|event| event.id.to_string());
    Ok(json!({
        "address": address,
        "events": now.len(),
        "visible": now.visible().get(),
        "entities": now.entities("").count(),
        "kind": "order.paid",
        "scope": "shop/eu",
        "events_of_kind": now.rows(&paid).count(),
        "events_of_kind_and_scope": now.rows(paid.scope("shop/eu")).count(),
        "entity": entity,
        "event": event,
        "raw_event": raw,
    }))
}

/// Appends some events, as a program does while somebody looks.
fn append_a_while(store: &Store) -> Result<()> {
    let kind = store.kind("order.placed")?;
    for number in 0..20 {
        let order = Coordinate::new(format!("order:late-{number}"), "shop/eu")?;
        store.append(&order, Event::json(kind, &json!({"late": number}))?)?;
        std::thread::sleep(Duration::from_millis(250));
    }
    Ok(())
}
