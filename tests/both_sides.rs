//! A segment that is damaged on both sides: in its footer, and in the frames that the footer would
//! be made anew from. What may be missing is an error, never a shorter answer.

use crate::answers::regions;
use crate::harness::{CREATED, KINDS, at, contents, dir, event, options, read, write};
use std::collections::BTreeMap;
use std::path::PathBuf;
use strandline::fs::MemFs;
use strandline::{
    Durability, Error, ErrorKind, Event, EventId, Region, Store, StoreOptions, StoredEvent,
};
use strandline_segment::Manifest;

const SECTIONS: usize = 41;
const PREFIX_BYTES: usize = 32;
const TABLE_OFFSET: usize = 8 + 40 + 16 + 32 + 16;
const BLOCK_HEADER_BYTES: usize = TABLE_OFFSET + SECTIONS * 32 + 8;

fn small(fs: &MemFs) -> StoreOptions {
    options(fs)
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written)
        .background_inline()
}

/// A closed store whose first segment, of three, has entities that the others have not.
fn made() -> (MemFs, Vec<StoredEvent>) {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let mut ids: Vec<EventId> = Vec::new();
    for number in 0..60_usize {
        let place = number % 4;
        let entity = match place {
            0 if number < 12 => format!("first:{}", number % 3),
            _ => format!("entity:{place}"),
        };
        let mut event = Event::bytes(KINDS[number % 3], vec![number as u8; 40])
            .tagged(format!("tag:{}", number % 3));
        if number % 5 == 0 {
            let bits = (number as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED);
            event = event.with_id(EventId::from_u128(bits));
        }
        if number % 4 == 3 {
            let before = ids[number - 2];
            event = event.caused_by(before).correlated_with(before);
        }
        let coordinate = at(&entity, &format!("scope/{}", number % 3));
        ids.push(store.append(&coordinate, event).unwrap().id);
        if number % 20 == 19 {
            // Leaves no room for what follows, so that there are three segments.
            let filler = Event::bytes(CREATED, vec![0; 40_000]);
            ids.push(store.append(&at("filler", "s"), filler).unwrap().id);
        }
    }
    let events = contents(&store.snapshot());
    store.close().unwrap();
    (fs, events)
}

/// The first segment's file, and where its frames end.
fn first_segment(fs: &MemFs) -> (PathBuf, usize) {
    let manifest = Manifest::read(fs, &dir()).unwrap().unwrap();
    assert!(manifest.segments().len() >= 3);
    let first = manifest.segments()[0];
    let end = first.end().unwrap().offset as usize;
    (dir().join(first.file_name()), end)
}

/// Flips a byte in the middle of a section of the first segment's footer, and one in the payload of
/// an event of that segment. None if the section is empty.
fn damaged(image: &MemFs, section: usize) -> Option<MemFs> {
    let fs = image.fork();
    let (path, end) = first_segment(&fs);
    let mut bytes = read(&fs, &path);
    let block = end + PREFIX_BYTES;
    let length = |section: usize| {
        let entry = block + TABLE_OFFSET + section * 32;
        u64::from_le_bytes(bytes[entry..entry + 8].try_into().unwrap()) as usize
    };
    let lengths: Vec<_> = (0..SECTIONS).map(length).collect();
    let sum: usize = lengths.iter().sum();
    let tree = bytes[end + 20..end + 24].try_into().unwrap();
    let tree = u32::from_le_bytes(tree) as usize;
    assert_eq!(block + BLOCK_HEADER_BYTES + sum + tree + 64, bytes.len());
    if lengths[section] == 0 {
        return None;
    }
    let before: usize = lengths[..section].iter().sum();
    bytes[block + BLOCK_HEADER_BYTES + before + lengths[section] / 2] ^= 0x04;
    let payload = bytes.windows(40).position(|window| window == [6; 40]);
    bytes[payload.unwrap() + 20] ^= 1;
    write(&fs, &path, &bytes);
    Some(fs)
}

/// What is asked of the events that are given beside the errors.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Given {
    /// That none is missing without an error.
    NotShorter,
    /// That each is right as well.
    Right,
}

fn is_corrupt(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

/// Checks that a query gives the events that it should, or errors for what it does not give.
fn check_query(
    what: &str,
    how: Given,
    events: impl Iterator<Item = Result<StoredEvent, Error>>,
    expected: &[&StoredEvent],
) -> bool {
    let mut errors = 0;
    let mut given = 0;
    let mut rest = expected.iter();
    for event in events {
        match event {
            Ok(event) => {
                given += 1;
                if how == Given::Right {
                    assert!(rest.any(|own| **own == event), "{what}: a wrong event");
                }
            }
            Err(error) => {
                is_corrupt(&error);
                errors += 1;
            }
        }
    }
    assert!(given >= expected.len() || errors > 0, "{what}: shorter");
    errors > 0
}

/// Every query shape, each forward and backward; gives how many told of damage.
fn check_queries(store: &Store, events: &[StoredEvent], section: usize, how: Given) -> usize {
    let now = store.snapshot();
    let mut told = 0;
    let mut regions = regions(events);
    regions.push(Region::all().entity("first:1"));
    regions.push(Region::all().entity_prefix("first:"));
    if section % 2 == 1 {
        // The first use finds the damage, and it is not to matter which one that is.
        regions.reverse();
    }
    for region in regions {
        let mut expected: Vec<_> = events
            .iter()
            .filter(|event| region.matches(event.header()))
            .collect();
        let what = format!("section {section}, {region:?}");
        told += usize::from(check_query(&what, how, now.query(&region), &expected));
        expected.reverse();
        told += usize::from(check_query(&what, how, now.query(&region).rev(), &expected));
        let rows = now.rows(&region).count();
        let is_whole = rows == expected.len();
        assert!(is_whole || now.damage().is_some(), "{what}: rows");
    }
    told
}

fn check_lookups(store: &Store, events: &[StoredEvent], section: usize, how: Given) {
    let is_found = |found: Option<StoredEvent>, event: &StoredEvent| match how {
        Given::NotShorter => assert!(found.is_some(), "section {section}"),
        Given::Right => assert_eq!(found.as_ref(), Some(event), "section {section}"),
    };
    let now = store.snapshot();
    let mut latest = BTreeMap::new();
    for event in events {
        latest.insert(event.coordinate.entity(), event);
        match now.get(event.id) {
            Ok(found) => is_found(found, event),
            Err(error) => is_corrupt(&error),
        }
    }
    for (entity, event) in latest {
        match now.latest(entity) {
            Ok(found) => is_found(found, event),
            Err(error) => is_corrupt(&error),
        }
        let count = now.stream(entity).count() as u32;
        let is_whole = count == event.clock + 1;
        assert!(is_whole || now.damage().is_some(), "section {section}");
    }
}

/// Appends to each entity, and to a new one, go on with the right clock or are refused.
fn check_appends(store: &Store, events: &[StoredEvent], section: usize) -> Vec<String> {
    let mut clocks: BTreeMap<&str, u32> = BTreeMap::from([("new", 0)]);
    for event in events {
        clocks.insert(event.coordinate.entity(), event.clock + 1);
    }
    let mut refused = Vec::new();
    for (entity, clock) in clocks {
        match store.append(&at(entity, "s"), event("next")) {
            Ok(receipt) => assert_eq!(receipt.clock, clock, "section {section}: {entity}"),
            Err(error) => {
                is_corrupt(&error);
                refused.push(entity.to_owned());
            }
        }
    }
    refused
}

fn check_sections(how: Given) {
    let (image, events) = made();
    let mut tried = 0;
    for section in 0..SECTIONS {
        let Some(fs) = damaged(&image, section) else {
            continue;
        };
        tried += 1;
        let open = || small(&fs.fork()).open(dir()).unwrap();
        let told = check_queries(&open(), &events, section, how);
        assert!(told > 0, "section {section}: the damaged event at least");
        check_lookups(&open(), &events, section, how);
        check_appends(&open(), &events, section);
        let after_queries = open();
        check_queries(&after_queries, &events, section, how);
        check_lookups(&after_queries, &events, section, how);
        check_appends(&after_queries, &events, section);
        assert!(!after_queries.verify().unwrap().is_intact());
    }
    assert!(tried > 25, "{tried} sections have bytes");
}

#[test]
fn a_segment_damaged_on_both_sides_gives_errors_and_no_shorter_answers() {
    check_sections(Given::NotShorter);
}

/// Numbers of a section that is lost read as zeros, and names as `?`: events of other entities, or of
/// none, were given before the error.
#[test]
fn a_segment_damaged_on_both_sides_gives_no_wrong_event() {
    check_sections(Given::Right);
}

/// An entity that cannot be looked for may have events: to begin its stream anew would fork it.
#[test]
fn an_append_to_an_entity_that_cannot_be_looked_for_is_refused() {
    let (image, events) = made();
    let entity_names = 1;
    let fs = damaged(&image, entity_names).unwrap();
    let refused = check_appends(&small(&fs).open(dir()).unwrap(), &events, entity_names);
    for entity in ["first:0", "first:1", "first:2", "new"] {
        assert!(refused.iter().any(|own| own == entity), "{refused:?}");
    }
}
