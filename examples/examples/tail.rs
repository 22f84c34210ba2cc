//! The newest events of a query, and those that come, a line each:
//! `cargo run -p strandline-examples --example tail -- DIR [SCOPE]` beside whoever writes the store; without a
//! directory it shows itself on a store of its own, and ends.
//!
//! It opens the store to read only, so it takes no lock and holds nobody up. No event that commits late is
//! passed over: what a reader sees is all below a watermark, and nothing appears below it later.

use strandline::{
    Coordinate, Event, EventKind, Query, Region, Sequence, Start, Store, StoreOptions, StoredEvent,
};

const SAID: EventKind = EventKind::new(0x4, 0x001);
const LEFT: EventKind = EventKind::new(0x4, 0x002);

type Failure = Box<dyn std::error::Error>;

/// Shows the `newest` events of a query, and then each that comes, until one of them is the last.
fn tail(
    store: &Store,
    query: &Query,
    newest: usize,
    is_last: impl Fn(&StoredEvent) -> bool,
) -> Result<(), Failure> {
    let now = store.snapshot();
    let first = now.rows(query.clone().limit(newest)).rev().last();
    let before = first.and_then(|row| row.sequence().get().checked_sub(1));
    // From there the cursor goes on to what comes, without a gap and without a repeat.
    let start = before.map_or(Start::Beginning, |before| {
        Start::After(Sequence::new(before))
    });
    let mut cursor = store.follow(query, start)?;
    loop {
        let event = cursor.next()?;
        println!("{}", line(store, &event));
        if is_last(&event) {
            return Ok(());
        }
    }
}

/// Sequence, time of day in UTC, entity, kind and what is in it.
fn line(store: &Store, event: &StoredEvent) -> String {
    let seconds = event.hlc.wall_ms() / 1000;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let kind = store.kind_name(event.kind);
    let kind = kind.map_or_else(|| event.kind.to_string(), |name| name.to_string());
    let payload = match event.payload() {
        Ok(payload) => String::from_utf8_lossy(payload).into_owned(),
        Err(_) => "(redacted)".to_owned(),
    };
    let (sequence, entity) = (event.sequence, event.coordinate.entity());
    format!("{sequence:>8} {hour:02}:{minute:02}:{second:02} {entity:<12} {kind:<8} {payload}")
}

/// A store of its own: some events are there, more come while it looks on.
fn demonstrate() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("chat.strand");
    let writer = Store::open(&path)?;
    writer.name_kind(SAID, "said")?;
    writer.name_kind(LEFT, "left")?;
    let room = Coordinate::new("room:1", "chat")?;
    for number in 0..100 {
        writer.append(&room, Event::json(SAID, &format!("message {number}"))?)?;
    }
    let reader = StoreOptions::new().read_only().open(&path)?;
    std::thread::scope(|scope| {
        let shown = scope.spawn(|| {
            let chat = Region::all().scope("chat").into();
            let is_last = |event: &StoredEvent| event.kind == LEFT;
            tail(&reader, &chat, 3, is_last).map_err(|error| error.to_string())
        });
        writer.append(&room, Event::json(SAID, "anyone there?")?)?;
        writer.append(
            &Coordinate::new("room:2", "elsewhere")?,
            Event::json(SAID, "not shown")?,
        )?;
        writer.append(&room, Event::json(LEFT, "bye")?)?;
        Ok(shown.join().map_err(|_| "it panicked")??)
    })
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let Some(dir) = arguments.next() else {
        return demonstrate();
    };
    let mut region = Region::all();
    if let Some(scope) = arguments.next() {
        region = region.scope(scope);
    }
    let store = StoreOptions::new().read_only().open(dir)?;
    tail(&store, &region.into(), 10, |_| false)
}
