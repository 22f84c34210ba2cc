//! Names of kinds: they belong to their kinds for good, whatever becomes of events, files and processes.

use crate::backup::go_on;
use crate::compact::{assert_intact, copy, cut_footers};
use crate::harness::{at, contents, dir, files, open_faulty, options, remove, written};
use crate::merged_index::{inline, merged};
use std::io;
use std::sync::Arc;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::maintenance::rebuild;
use strandline::{
    AppendCondition, AppendOptions, Batch, ErrorKind, Event, EventId, EventKind, ExpectedVersion,
    KindConflict, Region, Sequence, Snapshot, Store, StoreOptions,
};

pub(crate) const PLACED: EventKind = EventKind::new(1, 1);
pub(crate) const PAID: EventKind = EventKind::new(1, 2);
pub(crate) const SHIPPED: EventKind = EventKind::new(2, 1);

/// The kinds that have events, with their names and how many.
pub(crate) fn kinds(now: &Snapshot) -> Vec<(EventKind, Option<String>, u64)> {
    let kinds = now.kinds().into_iter();
    kinds
        .map(|one| (one.kind, one.name.map(|name| name.to_string()), one.events))
        .collect()
}

pub(crate) fn named(kind: EventKind, name: &str) -> Event {
    Event::bytes(kind, vec![b'x'; 3000]).with_kind_name(name.to_owned())
}

pub(crate) fn plain(kind: EventKind) -> Event {
    Event::bytes(kind, vec![b'x'; 3000])
}

pub(crate) fn append(store: &Store, event: Event) -> Sequence {
    store
        .append(&at("order:1", "shop"), event)
        .unwrap()
        .sequence
}

/// The name that an event's record has.
fn written_name(store: &Store, sequence: Sequence) -> Option<String> {
    let now = store.snapshot();
    let region = Region::all().sequence(sequence.get()..=sequence.get());
    let event = now.query(&region).next().unwrap().unwrap();
    event.extensions.kind_name().map(str::to_owned)
}

pub(crate) fn small(fs: &MemFs) -> StoreOptions {
    written(fs).segment_bytes_max(64 << 10)
}

/// Appends events of three kinds, of which one gets no name, one gets it after a while and one has it from
/// the start, over so many segments.
pub(crate) fn fill(store: &Store, segments: usize) {
    let goal = store.stats().unwrap().segments + segments;
    let mut number = 0;
    while store.stats().unwrap().segments < goal {
        append(store, named(PLACED, "order.placed"));
        append(store, plain(SHIPPED));
        let paid = plain(PAID);
        let paid = if number > 2 {
            paid.with_kind_name("order.paid")
        } else {
            paid
        };
        append(store, paid);
        number += 1;
    }
}

/// What a store says of the kinds of [`fill`].
pub(crate) fn assert_named(store: &Store) {
    let now = store.snapshot();
    assert_eq!(now.kind_named("order.placed"), Some(PLACED));
    assert_eq!(now.kind_named("order.paid"), Some(PAID));
    assert_eq!(now.kind_named("order.shipped"), None);
    assert_eq!(store.kind_name(PLACED).as_deref(), Some("order.placed"));
    assert_eq!(now.kind_name(PAID).as_deref(), Some("order.paid"));
    assert_eq!(now.kind_name(SHIPPED), None);
    for (kind, name, events) in kinds(&now) {
        let expected = match kind {
            PLACED => Some("order.placed"),
            PAID => Some("order.paid"),
            _ => None,
        };
        assert_eq!(name.as_deref(), expected, "{kind}");
        let found = now.query(Region::all().kind(kind)).count();
        assert_eq!(found as u64, events, "{kind}");
    }
}

/// Refuses what contradicts the names of [`fill`], and writes nothing.
pub(crate) fn assert_refused(store: &Store) {
    let end = store.snapshot().visible();
    let refused = |event: Event| {
        let error = store.append(&at("order:9", "shop"), event).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KindConflict, "{error}");
        error.kind_conflict().unwrap().clone()
    };
    let KindConflict {
        kind_is,
        name_is_of,
        ..
    } = refused(named(PLACED, "order.sent"));
    assert_eq!(
        (kind_is.as_deref(), name_is_of),
        (Some("order.placed"), None)
    );
    let KindConflict {
        kind_is,
        name_is_of,
        ..
    } = refused(named(SHIPPED, "order.placed"));
    assert_eq!((kind_is, name_is_of), (None, Some(PLACED)));
    let KindConflict {
        kind_is,
        name_is_of,
        ..
    } = refused(named(PAID, "order.placed"));
    assert_eq!(
        (kind_is.as_deref(), name_is_of),
        (Some("order.paid"), Some(PLACED))
    );
    assert_eq!(store.snapshot().visible(), end);
}

#[test]
fn a_name_is_written_with_the_first_event_of_its_kind_in_a_segment() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let first = append(&store, plain(PLACED));
    assert_eq!(written_name(&store, first), None);
    let second = append(&store, named(PLACED, "order.placed"));
    assert_eq!(
        written_name(&store, second).as_deref(),
        Some("order.placed")
    );
    let third = append(&store, named(PLACED, "order.placed"));
    assert_eq!(written_name(&store, third), None);
    // Nothing takes a sequence of its own.
    assert_eq!((first.get(), third.get()), (0, 2));
    fill(&store, 1);
    append(&store, plain(PLACED));
    let segments = store.stats().unwrap().segments;
    let events = contents(&store.snapshot()).into_iter();
    let names = events.filter(|event| event.extensions.kind_name() == Some("order.placed"));
    assert_eq!(names.count(), segments, "once in each");
    assert_intact(&store);
}

#[test]
fn names_are_there_whichever_way_a_store_is_opened() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    fill(&store, 20);
    append(&store, named(PLACED, "order.placed"));
    assert!(!merged(&fs).is_empty());
    assert_named(&store);
    assert_refused(&store);
    assert_intact(&store);
    let killed = copy(&fs);
    store.close().unwrap();
    let checkpoints = || files(&fs, "checkpoint-").len();
    assert_eq!(checkpoints(), 1);
    type Way<'a> = (&'a str, &'a dyn Fn(&MemFs));
    let ways: [Way<'_>; 5] = [
        ("checkpoint and merged files", &|_| {}),
        ("footers", &|fs| remove(fs, "index-")),
        ("the active segment's frames", &|fs| {
            remove(fs, "checkpoint-")
        }),
        ("no footer", &|fs| {
            remove(fs, "index-");
            remove(fs, "checkpoint-");
            cut_footers(fs);
        }),
        ("no footer, killed", &|fs| {
            remove(fs, "index-");
            cut_footers(fs);
        }),
    ];
    for image in [&fs, &killed] {
        for (way, change) in ways {
            let fs = copy(image);
            change(&fs);
            for is_rebuilt in [false, true] {
                if is_rebuilt {
                    rebuild(inline(&fs), &dir(), &mut go_on).unwrap();
                }
                for options in [small(&fs).read_only(), inline(&fs)] {
                    let store = options.open(dir()).unwrap();
                    assert_named(&store);
                    assert_intact(&store);
                    if store.check_writable().is_ok() {
                        assert_refused(&store);
                    }
                    assert_eq!(store.open_report().notices, [""; 0], "{way}");
                    store.close().unwrap();
                }
            }
        }
    }
}

#[test]
fn the_active_segment_gets_a_name_once_however_often_it_is_opened() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    append(&store, named(PLACED, "order.placed"));
    store.close().unwrap();
    for is_rebuilt in [false, true, false] {
        if is_rebuilt {
            rebuild(options(&fs), &dir(), &mut go_on).unwrap();
        }
        let store = options(&fs).open(dir()).unwrap();
        let next = append(&store, named(PLACED, "order.placed"));
        assert_eq!(written_name(&store, next), None, "rebuilt: {is_rebuilt}");
        store.close().unwrap();
    }
}

#[test]
fn a_store_made_before_opens_and_its_kinds_get_names() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    while store.stats().unwrap().segments < 3 {
        append(&store, plain(PLACED));
    }
    store.close().unwrap();
    let store = small(&fs).open(dir()).unwrap();
    assert_eq!(store.kind_name(PLACED), None);
    let events = store.snapshot().len();
    assert_eq!(kinds(&store.snapshot()), [(PLACED, None, events)]);
    store.name_kind(PLACED, "order.placed").unwrap();
    store.name_kind(PLACED, "order.placed").unwrap();
    let error = store.name_kind(PLACED, "order.sent").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KindConflict);
    let error = store.name_kind(EventKind::from_bits(7), "x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let sequence = append(&store, plain(PLACED));
    assert_eq!(
        written_name(&store, sequence).as_deref(),
        Some("order.placed")
    );
    store.close().unwrap();
    let store = small(&fs).read_only().open(dir()).unwrap();
    let name = Some("order.placed".to_owned());
    assert_eq!(kinds(&store.snapshot()), [(PLACED, name, events + 1)]);
    assert_intact(&store);
}

#[test]
fn a_made_kind_takes_no_number_that_has_events_or_a_name() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    append(&store, plain(EventKind::new(0xF, 0)));
    append(&store, named(EventKind::new(0xF, 2), "b"));
    let made = ["a", "b", "c", "a"].map(|name| store.kind(name).unwrap().type_in_category());
    assert_eq!(made, [1, 2, 3, 1]);
    // Without an event it is forgotten.
    append(&store, plain(EventKind::new(0xF, 1)));
    store.close().unwrap();
    let store = options(&fs).open(dir()).unwrap();
    let made = ["d", "a", "b"].map(|name| store.kind(name).unwrap().type_in_category());
    assert_eq!(made, [3, 1, 2]);
    for wrong in ["", "a\n", &"x".repeat(256)] {
        assert_eq!(
            store.kind(wrong).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
    let longest = "x".repeat(255);
    let kind = store.kind(&longest).unwrap();
    let sequence = append(&store, plain(kind));
    assert_eq!(written_name(&store, sequence), Some(longest));
    store.close().unwrap();
    let store = options(&fs).read_only().open(dir()).unwrap();
    assert_eq!(store.kind("a").unwrap(), EventKind::new(0xF, 1));
    assert_eq!(store.kind("new").unwrap_err().kind(), ErrorKind::ReadOnly);
}

#[test]
fn a_full_category_is_an_error_that_says_so() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    let mut batch = Batch::new();
    for number in 0..4096 {
        let kind = store.kind(&format!("type {number}")).unwrap();
        batch.add(&at("order:1", "shop"), Event::bytes(kind, *b"x"));
    }
    let error = store.kind("one more").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert!(
        error.to_string().contains("all 4,096 of category 0xf"),
        "{error}"
    );
    store.append_batch(batch).unwrap();
    store.close().unwrap();
    let store = options(&fs).open(dir()).unwrap();
    assert_eq!(store.snapshot().kinds().len(), 4096);
    assert_eq!(
        store.kind("one more").unwrap_err().kind(),
        ErrorKind::Exhausted
    );
    assert_eq!(store.kind("type 4095").unwrap(), EventKind::new(0xF, 0xFFF));
    append(&store, named(EventKind::new(1, 1), "one more"));
    assert_eq!(store.kind("one more").unwrap(), EventKind::new(1, 1));
    assert_intact(&store);
}

#[test]
fn a_region_asks_for_kinds_by_their_names() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    append(&store, named(PLACED, "order.placed"));
    append(&store, named(PAID, "order.paid"));
    append(&store, plain(SHIPPED));
    append(&store, plain(PLACED));
    let found = |region: Region| {
        let now = store.snapshot();
        let rows: Vec<_> = now.rows(&region).map(|row| row.sequence().get()).collect();
        let events = now
            .query(&region)
            .map(|event| event.unwrap().sequence.get());
        assert_eq!(events.collect::<Vec<_>>(), rows);
        rows
    };
    let all = Region::all;
    assert_eq!(found(all().kind_named("order.placed")), [0, 3]);
    assert_eq!(
        found(all().kinds_named(["order.placed", "order.paid"])),
        [0, 1, 3]
    );
    assert_eq!(found(all().kinds_named(["order.sent", "order.paid"])), [1]);
    assert_eq!(found(all().kind_named("order.sent")), [0; 0]);
    assert_eq!(found(all().kind_named("order.sent").kind(SHIPPED)), [2]);
    assert_eq!(
        found(all().kind_named("order.paid").not_kinds([PAID])),
        [0; 0]
    );
    store.kind("order.sent").unwrap();
    assert_eq!(found(all().kind_named("order.sent")), [0; 0]);

    let since = |first: u64, name: &str| {
        let region = Region::all().kind_named(name);
        AppendCondition::since(Sequence::new(first)).none_in(region)
    };
    let here = at("order:2", "shop");
    let try_append = |condition: &AppendCondition| {
        let options = AppendOptions::new().condition(condition);
        store.append_with(&here, plain(SHIPPED), options)
    };
    let refused = try_append(&since(0, "order.paid")).unwrap_err();
    assert_eq!(refused.condition_conflict().unwrap().sequence.get(), 1);
    for condition in [
        since(2, "order.paid"),
        since(0, "order.sent"),
        since(0, "none"),
    ] {
        try_append(&condition).unwrap();
    }
    store.name_kind(SHIPPED, "order.shipped").unwrap();
    let refused = try_append(&since(0, "order.shipped")).unwrap_err();
    assert_eq!(refused.condition_conflict().unwrap().sequence.get(), 2);
}

#[test]
fn a_batch_that_is_refused_gives_no_name() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    append(&store, named(PAID, "order.paid"));
    let here = at("order:1", "shop");
    let refused = |events: Vec<Event>| {
        let batch = events
            .into_iter()
            .fold(Batch::new(), |batch, event| batch.push(&here, event));
        store.append_batch(batch).unwrap_err().kind()
    };
    let contradicts = vec![named(PLACED, "order.placed"), named(PAID, "order.sent")];
    assert_eq!(refused(contradicts), ErrorKind::KindConflict);
    let within = vec![named(PLACED, "order.placed"), named(PLACED, "order.sent")];
    assert_eq!(refused(within), ErrorKind::KindConflict);
    let twice = vec![
        named(PLACED, "order.placed"),
        named(SHIPPED, "order.placed"),
    ];
    assert_eq!(refused(twice), ErrorKind::KindConflict);
    let other = named(PLACED, "order.placed").expecting(ExpectedVersion::NoStream);
    assert_eq!(refused(vec![other]), ErrorKind::WrongExpectedVersion);
    assert_eq!(store.kind_name(PLACED), None);
    append(&store, named(PLACED, "anything"));
}

#[test]
fn a_write_that_fails_gives_no_name_and_the_next_one_does() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let store = open_faulty(&fs);
    append(&store, plain(PAID));
    let fault = Fault {
        after: 0,
        times: 1,
        error: io::ErrorKind::StorageFull,
        partial_bytes: 0,
    };
    fs.fail(Operation::Write, fault);
    let failed = store.append(&at("order:1", "shop"), named(PLACED, "order.placed"));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotWritten);
    fs.heal();
    assert_eq!(store.kind_name(PLACED), None);
    let sequence = append(&store, named(PLACED, "order.created"));
    assert_eq!(
        written_name(&store, sequence).as_deref(),
        Some("order.created")
    );
    // One that was known before is written with the next event that is.
    store.name_kind(PAID, "order.paid").unwrap();
    fs.fail(Operation::Write, fault);
    let failed = store.append(&at("order:1", "shop"), plain(PAID));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotWritten);
    fs.heal();
    let sequence = append(&store, plain(PAID));
    assert_eq!(
        written_name(&store, sequence).as_deref(),
        Some("order.paid")
    );
}

#[test]
fn a_repeat_may_be_called_anything() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    let here = at("order:1", "shop");
    let id = EventId::from_u128(7);
    let event = || Event::bytes(PLACED, *b"x").with_id(id).tagged("a");
    let first = store
        .append(&here, event().with_kind_name("order.placed"))
        .unwrap();
    for again in [
        event(),
        event().with_kind_name("order.placed"),
        event().with_kind_name("other"),
    ] {
        let again = store.append(&here, again).unwrap();
        assert!(again.repeated);
        assert_eq!(again.sequence, first.sequence);
    }
    assert_eq!(store.kind_name(PLACED).as_deref(), Some("order.placed"));
}
