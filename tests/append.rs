//! Appending: sequences, clocks, ids, batches, idempotency, limits.

use crate::harness::{CHANGED, CREATED, at, contents, event, open, options, texts};
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::{
    BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, Coordinate, ErrorClass, ErrorKind, Event, EventId,
    EventKind, Hash, ManualClock, PAYLOAD_BYTES_MAX_DEFAULT, Sequence, Store, StoreOptions,
};

#[test]
fn the_first_append_of_a_fresh_store_gets_sequence_0() {
    let store = open(&MemFs::new());
    let receipt = store.append(&at("a", "s"), event("x")).unwrap();
    assert_eq!(receipt.sequence, Sequence::ZERO);
    assert_eq!(receipt.clock, 0);
}

#[test]
fn a_batch_with_one_oversized_item_leaves_nothing_and_burns_no_sequence() {
    let fs = MemFs::new();
    let store = options(&fs).payload_bytes_max(100).open("/store").unwrap();
    let coordinate = at("a", "s");
    let batch = Batch::new()
        .push(&coordinate, event("fits"))
        .push(&coordinate, Event::bytes(CREATED, vec![0; 101]))
        .push(&coordinate, event("fits too"));
    let error = store.append_batch(batch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(error.class(), ErrorClass::NotWritten);
    assert!(store.snapshot().is_empty());
    assert!(
        store.snapshot().entities("").next().is_none(),
        "no name is left either"
    );
    let receipt = store.append(&coordinate, event("next")).unwrap();
    assert_eq!(receipt.sequence, Sequence::ZERO);
}

#[test]
fn a_batch_larger_than_a_segment_is_refused_before_anything_is_written() {
    let store = options(&MemFs::new())
        .segment_bytes_max(64 << 10)
        .open("/store")
        .unwrap();
    let coordinate = at("a", "s");
    let mut batch = Batch::new();
    for _ in 0..100 {
        batch.add(&coordinate, Event::bytes(CREATED, vec![1; 1000]));
    }
    assert_eq!(
        store.append_batch(batch).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    assert!(store.snapshot().is_empty());
    assert_eq!(
        store.append(&coordinate, event("x")).unwrap().sequence,
        Sequence::ZERO
    );
}

#[test]
fn an_empty_batch_and_reserved_kinds_are_refused() {
    let store = open(&MemFs::new());
    let empty = store.append_batch(Batch::new()).unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::InvalidInput);
    let reserved = Event::bytes(EventKind::from_bits(0xD001), b"x".to_vec());
    let error = store.append(&at("a", "s"), reserved).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn clocks_count_each_entity_and_chains_link_them() {
    let store = open(&MemFs::new());
    for number in 0..6 {
        let entity = if number % 2 == 0 { "even" } else { "odd" };
        store
            .append(&at(entity, "s"), event(&number.to_string()))
            .unwrap();
    }
    let now = store.snapshot();
    let clocks: Vec<_> = now
        .stream("odd")
        .map(|event| event.unwrap().clock)
        .collect();
    assert_eq!(clocks, [0, 1, 2]);
    let hashes: Vec<Hash> = now.stream("odd").map(|event| event.unwrap().hash).collect();
    assert_eq!(now.latest("odd").unwrap().unwrap().hash, hashes[2]);
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn an_entity_may_be_written_under_several_scopes() {
    let store = open(&MemFs::new());
    store.append(&at("a", "one"), event("1")).unwrap();
    store.append(&at("a", "two"), event("2")).unwrap();
    let receipt = store.append(&at("a", "one"), event("3")).unwrap();
    assert_eq!(receipt.clock, 2, "the entity owns the stream");
    assert_eq!(store.snapshot().stream("a").count(), 3);
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn clock_and_id_order_hold_when_the_system_clock_jumps_back() {
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let fs = MemFs::new();
    let open = || options(&fs).clock(clock.clone()).open("/store").unwrap();
    let store = open();
    let mut receipts = Vec::new();
    for now in [
        1_700_000_000_000,
        1_600_000_000_000,
        5,
        1_700_000_000_001,
        0,
    ] {
        clock.set(now);
        receipts.push(store.append(&at("a", "s"), event("x")).unwrap());
    }
    store.close().unwrap();
    clock.set(1);
    let store = open();
    receipts.push(store.append(&at("a", "s"), event("x")).unwrap());
    assert!(receipts.is_sorted_by(|a, b| a.id < b.id && a.hlc < b.hlc && a.clock < b.clock));
    let keys: Vec<_> = contents(&store.snapshot())
        .iter()
        .map(|e| e.clock_key())
        .collect();
    assert!(
        keys.is_sorted_by(|a, b| a < b),
        "streams are ordered by (wall_ms, clock, id)"
    );
}

#[test]
fn links_default_to_the_event_itself_and_to_none() {
    let store = open(&MemFs::new());
    let cause = store.append(&at("a", "s"), event("1")).unwrap();
    let effect = event("2").caused_by(cause.id).correlated_with(cause.id);
    let effect = store.append(&at("b", "s"), effect).unwrap();
    let now = store.snapshot();
    let (cause, effect) = (
        now.get(cause.id).unwrap().unwrap(),
        now.get(effect.id).unwrap().unwrap(),
    );
    assert!(!cause.is_correlated() && cause.is_root_cause());
    assert!(effect.is_correlated() && effect.is_caused_by(cause.id) && !effect.is_root_cause());
}

#[test]
fn the_same_id_with_the_same_content_returns_the_first_receipt() {
    let fs = MemFs::new();
    let store = open(&fs);
    let id = EventId::from_u128(42);
    let first = store.append(&at("a", "s"), event("x").with_id(id)).unwrap();
    store.append(&at("a", "s"), event("other")).unwrap();
    let check = |store: &Store| {
        let again = store.append(&at("a", "s"), event("x").with_id(id)).unwrap();
        assert!(again.repeated && !first.repeated);
        assert_eq!(
            (again.id, again.sequence, again.hash),
            (first.id, first.sequence, first.hash)
        );
        assert_eq!(store.snapshot().len(), 2);
    };
    check(&store);
    store.close().unwrap();
    check(&open(&fs));
}

#[test]
fn the_same_id_with_other_content_is_a_conflict() {
    let store = open(&MemFs::new());
    let id = EventId::from_u128(42);
    store.append(&at("a", "s"), event("x").with_id(id)).unwrap();
    let others: [(Coordinate, Event); 5] = [
        (at("a", "s"), event("y")),
        (at("b", "s"), event("x")),
        (at("a", "t"), event("x")),
        (at("a", "s"), Event::bytes(CHANGED, b"x".to_vec())),
        (at("a", "s"), event("x").caused_by(id)),
    ];
    for (coordinate, event) in others {
        let error = store.append(&coordinate, event.with_id(id)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    assert_eq!(store.snapshot().len(), 1);
}

#[test]
fn a_batch_repeats_by_the_ids_of_its_members() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let id = EventId::from_u128;
    let batch = || {
        Batch::new()
            .push(&a, event("1").with_id(id(1)))
            .push(&a, event("2").with_id(id(2)))
    };
    let first = store.append_batch(batch()).unwrap();
    let again = store.append_batch(batch()).unwrap();
    assert!(again.iter().all(|receipt| receipt.repeated));
    assert_eq!(again[1].sequence, first[1].sequence);
    let twice = Batch::new()
        .push(&a, event("4").with_id(id(4)))
        .push(&a, event("4").with_id(id(4)));
    assert_eq!(
        store.append_batch(twice).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    assert_eq!(store.snapshot().len(), 2);
    for n in [5, 6] {
        store
            .append(&a, event(&n.to_string()).with_id(id(n)))
            .unwrap();
    }
    let never_a_batch = Batch::new()
        .push(&a, event("5").with_id(id(5)))
        .push(&a, event("6").with_id(id(6)));
    let again = store.append_batch(never_a_batch).unwrap();
    assert!(again.iter().all(|receipt| receipt.repeated));
    assert_eq!(store.snapshot().len(), 4);
}

#[test]
fn payloads_are_typed_and_say_what_they_are() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let json = store
        .append(&a, Event::json(CREATED, &("x", 1)).unwrap())
        .unwrap();
    let pack = store
        .append(&a, Event::message_pack(CREATED, &("x", 1)).unwrap())
        .unwrap();
    let now = store.snapshot();
    let json = now.get(json.id).unwrap().unwrap();
    let pack = now.get(pack.id).unwrap().unwrap();
    assert_eq!(json.payload_json::<(&str, u8)>().unwrap(), ("x", 1));
    assert_eq!(
        pack.payload_message_pack::<(String, u8)>().unwrap(),
        ("x".to_owned(), 1)
    );
    let wrong = pack.payload_json::<(String, u8)>().unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Payload);
    assert!(
        wrong.to_string().contains("MessagePack, not JSON"),
        "{wrong}"
    );
    assert_eq!(
        json.payload_json::<bool>().unwrap_err().kind(),
        ErrorKind::Payload
    );
}

#[test]
fn threads_share_a_store_and_each_append_gets_its_own_sequence() {
    let dir = tempfile::tempdir().unwrap();
    let store = StoreOptions::new().open(dir.path()).unwrap();
    let mut sequences: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let store = &store;
                scope.spawn(move || {
                    let coordinate = at(&format!("thread:{thread}"), "s");
                    (0..25)
                        .map(|n| {
                            let receipt = store.append(&coordinate, event("x")).unwrap();
                            assert_eq!(receipt.clock, n);
                            let now = store.snapshot();
                            assert!(now.get(receipt.id).unwrap().is_some(), "visible on return");
                            receipt.sequence.get()
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    sequences.sort_unstable();
    assert_eq!(sequences, (0..100).collect::<Vec<_>>());
    assert!(store.verify().unwrap().is_intact());
    store.close().unwrap();
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let store = open(&MemFs::new());
    store.append(&at("a", "s"), event("1")).unwrap();
    let before = store.snapshot();
    store.append(&at("a", "s"), event("2")).unwrap();
    assert_eq!(before.len(), 1);
    assert_eq!(before.stream("a").count(), 1);
    assert_eq!(
        before.latest("a").unwrap().unwrap().payload().unwrap(),
        b"1"
    );
    assert_eq!(texts(&store), ["1", "2"]);
}

#[test]
fn a_member_of_a_batch_is_linked_to_those_before_it_alone() {
    let store = open(&MemFs::new());
    let (a, b) = (at("a", "s"), at("b", "s"));
    let batch = Batch::new()
        .push(&a, event("command"))
        .push(&b, event("effect").caused_by_member(0))
        .push(
            &a,
            event("effect of that")
                .caused_by_member(1)
                .correlated_with_member(0),
        );
    let receipts = store.append_batch(batch).unwrap();
    let events = contents(&store.snapshot());
    assert!(events[0].is_root_cause());
    assert!(events[1].is_caused_by(receipts[0].id) && !events[1].is_correlated());
    assert!(events[2].is_caused_by(receipts[1].id));
    assert_eq!(events[2].correlation, receipts[0].id);
    assert!(store.verify().unwrap().is_intact());
    let itself = Batch::new().push(&a, event("x").caused_by_member(0));
    let later = Batch::new()
        .push(&a, event("x").correlated_with_member(1))
        .push(&a, event("y"));
    for batch in [itself, later] {
        let error = store.append_batch(batch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let alone = store.append(&a, event("x").caused_by_member(0));
    assert_eq!(alone.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(store.snapshot().len(), 3);
}

#[test]
fn a_batch_over_a_limit_is_refused_with_the_limit() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let mut many = Batch::new();
    for _ in 0..=BATCH_EVENTS_MAX {
        many.add(&a, Event::bytes(CREATED, Vec::new()));
    }
    let mut long = Batch::new();
    for _ in 0..5 {
        long.add(&a, Event::bytes(CREATED, vec![0; BATCH_BYTES_MAX / 4]));
    }
    for (batch, limit) in [(many, BATCH_EVENTS_MAX), (long, BATCH_BYTES_MAX)] {
        let error = store.append_batch(batch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains(&limit.to_string()), "{error}");
    }
    let small = options(&MemFs::new()).segment_bytes_max(64 << 10);
    let error = small
        .open("/store")
        .unwrap()
        .append(&a, Event::bytes(CREATED, vec![0; 64 << 10]))
        .unwrap_err();
    assert!(error.to_string().contains("65536 of a segment"), "{error}");
    let error = store
        .append(
            &a,
            Event::bytes(CREATED, vec![0; PAYLOAD_BYTES_MAX_DEFAULT + 1]),
        )
        .unwrap_err();
    assert!(
        error.to_string().contains("the limit is 16777216"),
        "{error}"
    );
    assert!(store.snapshot().is_empty());
}
