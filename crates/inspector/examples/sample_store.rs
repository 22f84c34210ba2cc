//! Serves a store with something of everything, hostile contents among it: to look at, and for `cargo xtask inspector`,
//! which holds what a browser shows of it against what it prints: the facts of the store, as a line of JSON.
//!
//! Each line that it reads has it append some events, as a program does while somebody looks. It ends with its input.
//!
//! Arguments, all of which may be left out: of how many events more the store is to be, of how many entities these are, and
//! a directory for it that stays; one that is there already is served as it is.

use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::OsFs;
use strandline::{
    Batch, Coordinate, Durability, Event, EventKind, Hlc, Region, Store, StoreOptions,
};
use strandline_inspector::Inspector;
use strandline_inspector::anchor::proof::{LogPolicy, SignerKey};
use strandline_inspector::anchor::{Anchors, FileSink, KeptHeads};
use strandline_live::Live;

/// Markup as a name, that would leave a trace if it ran.
const MARKUP: &str = "<img src=x onerror=\"globalThis.harmed=1\">";
const RIGHT_TO_LEFT: &str = "\u{202e}\u{05e9}\u{05dc}\u{05d5}\u{05dd}";

/// Who signs heads of the log, and how many there are.
const SIGNER: &str = "example.org/orders";
const HEADS: u64 = 2;

const CUSTOMERS: u64 = 40;
const ORDERS: u64 = 900;
/// When the first order is, in milliseconds since 1970, and how long the orders take.
const FIRST_MS: u64 = 1_767_225_600_000;
const SPAN_MS: u64 = 45 * 86_400_000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).map_or(Ok(0), |text| text.parse::<u64>());
    let (events, entities) = (number(0)?, number(1)?);
    let temporary = tempfile::tempdir()?;
    let kept = arguments.get(2).map(PathBuf::from);
    let dir = kept.unwrap_or_else(|| temporary.path().join("orders.strand"));
    let store = match dir.join("MANIFEST").exists() {
        true => Store::open(&dir)?,
        false => {
            let store = store(&dir, events, entities.max(1))?;
            store.checkpoint()?;
            store
        }
    };
    let heads = temporary.path().join("orders.heads");
    let anchored = anchor(&store, &heads)?;
    let inspector = Inspector::bind(&dir, Some(0))?;
    let read = move || KeptHeads::read(&OsFs, &heads).map_err(|error| error.to_string());
    let inspector = inspector.heads(read, LogPolicy::new(key()?.verifier()));
    let mut facts = of(&store, &inspector.address())?;
    if let Some(facts) = facts.as_object_mut() {
        facts.insert("anchored".to_owned(), anchored.into());
    }
    println!("{facts}");
    std::io::stdout().flush()?;
    // It ends with this program.
    std::thread::spawn(move || inspector.run());
    for line in std::io::stdin().lock().lines() {
        line?;
        append_a_while(&store)?;
    }
    Ok(())
}

/// The key of the log, which everybody knows.
fn key() -> Result<SignerKey> {
    Ok(SignerKey::from_seed(SIGNER.parse()?, [7; 32]))
}

/// Keeps two heads of the log, and appends some events after them. Gives how many are anchored.
fn anchor(store: &Store, heads: &Path) -> Result<u64> {
    let kind = store.kind("order.placed")?;
    let order = Coordinate::new("order:anchored", "shop/eu")?;
    let mut anchors = Anchors::new(key()?).sink(FileSink::new(Arc::new(OsFs), heads));
    for number in 0..HEADS {
        store.append(&order, Event::json(kind, &json!({ "anchored": number }))?)?;
        anchors.anchor(store)?;
    }
    let anchored = store.snapshot().visible().get();
    for number in 0..40 {
        store.append(&order, Event::json(kind, &json!({ "late": number }))?)?;
    }
    store.sync()?;
    Ok(anchored)
}

/// Makes it, over some weeks, and leaves it open to write.
fn store(dir: &Path, events: u64, entities: u64) -> Result<Store> {
    orders(dir)?.close()?;
    // With segments of many events, that hold long payloads too.
    let options = StoreOptions::new().durability(Durability::Written);
    let store = options.open(dir)?;
    many(&store, events, entities)?;
    store.close()?;
    let store = Store::open(dir)?;
    hostile(&store)?;
    consumer(&store)?;
    store.sync()?;
    Ok(store)
}

/// Orders, in several segments.
fn orders(dir: &Path) -> Result<Store> {
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
    Ok(store)
}

/// Appends so many events of so many entities, taking turns, in batches.
fn many(store: &Store, events: u64, entities: u64) -> Result<()> {
    const AT_ONCE: u64 = 1_000;
    let kinds = ["meter.read", "meter.checked", "meter.replaced"].map(|name| store.kind(name));
    let kinds = kinds
        .into_iter()
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let mut number = 0;
    while number < events {
        let mut batch = Batch::new();
        for number in number..events.min(number + AT_ONCE) {
            let meter = number % entities;
            let at = Coordinate::new(format!("meter:{meter:07}"), format!("town/{}", meter % 10))?;
            let kind = kinds.iter().cycle().nth(usize::try_from(number % 3)?);
            let kind = kind.ok_or("there are kinds")?;
            let value = json!({ "meter": meter, "value": number / entities, "unit": "kWh", "is_estimated": number % 7 == 0 });
            let event = Event::json(*kind, &value)?.tagged(format!("district:{}", meter % 500));
            batch.add(
                &at,
                event.at(Hlc::new(FIRST_MS + SPAN_MS + number * 100, 0)?),
            );
        }
        store.append_batch(batch)?;
        number += AT_ONCE;
    }
    Ok(())
}

/// What would harm a page that trusts it.
fn hostile(store: &Store) -> Result<()> {
    let raw = EventKind::new(2, 7);
    let long = Coordinate::new(longest(), "s".repeat(255))?;
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
    store.append_batch(batch)?;
    store.append(&long, Event::bytes(raw, vec![b'x'; 16 << 20]))?;
    Ok(())
}

/// A name of 255 bytes.
fn longest() -> String {
    "long".repeat(63) + "est"
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
    let longest = longest();
    let long = now
        .latest(&longest)?
        .ok_or("the longest payload is there")?;
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
        "markup": MARKUP,
        "right_to_left": RIGHT_TO_LEFT,
        "longest": longest,
        "long_event": long.id.to_string(),
        "long_bytes": long.payload()?.len(),
        "signer": SIGNER,
        "heads": HEADS,
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
