//! Names, ids, tags and times as text, and regions, whose answers are compared with a look at every
//! event.

use crate::verdict::Violation;
use std::sync::{Arc, OnceLock};
use strandline::fs::MemFs;
use strandline::maintenance::rfc3339;
use strandline::{
    Batch, Coordinate, Durability, Event, EventId, EventKind, KindFilter, Region, Store,
    StoreOptions,
};
use strandline_core::encode_tags;
use strandline_transfer::parse_rfc3339;

pub(super) fn names(input: &[u8]) -> Result<(), Violation> {
    let text = String::from_utf8_lossy(input);
    let (first, second) = text.split_once('\n').unwrap_or((&text, "s"));
    if let Ok(coordinate) = Coordinate::new(first, second)
        && (coordinate.entity(), coordinate.scope()) != (first, second)
    {
        return Err(Violation::new("a coordinate has other names"));
    }
    if let Ok(id) = first.parse::<EventId>()
        && id.to_string().parse::<EventId>().ok() != Some(id)
    {
        return Err(Violation::new("an id does not read back"));
    }
    let _ = encode_tags(text.split('\n').take(20));
    if let Some(wall_ms) = parse_rfc3339(first)
        && parse_rfc3339(&rfc3339(wall_ms)) != Some(wall_ms)
    {
        return Err(Violation::new(format!(
            "the time {wall_ms} does not read back"
        )));
    }
    Ok(())
}

/// A store of two segments and live rows.
fn store() -> &'static Store {
    static STORE: OnceLock<Store> = OnceLock::new();
    STORE.get_or_init(|| made().unwrap_or_else(|error| panic!("{error}")))
}

fn made() -> Result<Store, Box<dyn std::error::Error>> {
    let store = StoreOptions::new()
        .fs(Arc::new(MemFs::new()))
        .random_seed(5)
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(40 << 10)
        .durability(Durability::Written)
        .no_background_sync()
        .background_inline()
        .open("/store")?;
    let mut cause = None;
    for number in 0..120_u16 {
        let entity = format!("entity:{}", number % 7);
        let coordinate = Coordinate::new(&entity, format!("scope/{}", number % 4))?;
        let kind = EventKind::new(1 + (number % 2) as u8, number % 5);
        let mut event = Event::bytes(kind, vec![number as u8; 900]);
        if number % 3 == 0 {
            event = event.tagged(format!("tag:{}", number % 6));
        }
        if let Some(cause) = cause.filter(|_| number % 5 == 0) {
            event = event.caused_by(cause).correlated_with(cause);
        }
        let receipts = store.append_batch(Batch::new().push(&coordinate, event))?;
        cause = receipts.first().map(|receipt| receipt.id);
    }
    Ok(store)
}

/// A region that the bytes describe.
fn region(input: &[u8]) -> Region {
    let mut region = Region::all();
    let now = store().snapshot();
    let id = |which: u8| {
        let rows = now.rows(Region::all()).nth(usize::from(which) % 120);
        rows.map_or(EventId::from_u128(1), |row| row.id())
    };
    for part in input.as_chunks::<3>().0.iter().take(6) {
        let [what, a, b] = *part;
        let (low, high) = (a.min(b), a.max(b));
        region = match what % 14 {
            0 => region.entity(format!("entity:{}", a % 9)),
            1 => region.entity_prefix(if b % 2 == 0 { "entity:" } else { "e" }),
            2 => region.scope(format!("scope/{}", a % 5)),
            3 => region.kind(EventKind::new(1 + a % 3, u16::from(b % 6))),
            4 => region.kind(KindFilter::Any),
            5 => region.category(1 + a % 3),
            6 => region.clock(u32::from(low)..u32::from(high)),
            7 => region.clock(u32::from(a % 20)..),
            8 => region.sequence(u64::from(low)..=u64::from(high)),
            9 => region.tag(format!("tag:{}", a % 7)),
            10 => region.any_tag([format!("tag:{}", a % 7), format!("tag:{}", b % 7)]),
            11 => region.correlation(id(a)),
            12 => region.caused_by(id(a)),
            _ => region.wall_ms(u64::from(a)..),
        };
    }
    region
}

pub(super) fn regions(input: &[u8]) -> Result<(), Violation> {
    let region = region(input);
    let now = store().snapshot();
    let _ = now.explain(&region).to_string();
    let mut expected = Vec::new();
    for event in now.query(Region::all()) {
        let event = event.map_err(|error| Violation::new(error.to_string()))?;
        if region.matches(&event) {
            expected.push(event.sequence);
        }
    }
    let found: Vec<_> = now.rows(&region).map(|row| row.sequence()).collect();
    let mut backwards: Vec<_> = now.rows(&region).rev().map(|row| row.sequence()).collect();
    backwards.reverse();
    if found == expected && backwards == expected && now.query(&region).count() == found.len() {
        return Ok(());
    }
    let (found, expected) = (found.len(), expected.len());
    Err(Violation::new(format!(
        "{region:?} gives {found} events of {expected}"
    )))
}
