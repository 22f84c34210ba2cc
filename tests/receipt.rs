//! Receipts: what they say, and that a check of one finds whatever differs.

use crate::harness::{at, event, open, read, segment, write, written};
use strandline::fs::MemFs;
use strandline::{
    AppendOptions, Batch, Durability, ErrorKind, EventId, Hash, Hlc, Receipt, ReceiptMismatch,
    Sequence, Store,
};

fn mismatches(store: &Store, receipt: &Receipt) -> Vec<ReceiptMismatch> {
    match store.snapshot().verify_receipt(receipt) {
        Ok(()) => Vec::new(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ReceiptMismatch);
            assert!(error.to_string().contains(&receipt.id.to_string()));
            error.receipt_mismatches().to_vec()
        }
    }
}

#[test]
fn every_receipt_holds_and_survives_json_and_a_reopen() {
    let fs = MemFs::new();
    let store = open(&fs);
    let mut receipts = Vec::new();
    for entity in ["a", "b", "a", "a"] {
        receipts.push(store.append(&at(entity, "s"), event(entity)).unwrap());
    }
    let batch = Batch::new()
        .push(&at("a", "t"), event("1"))
        .push(&at("c", "s"), event("2"));
    receipts.extend(store.append_batch(batch).unwrap());
    store.close().unwrap();
    let store = open(&fs);
    for receipt in receipts {
        let json = serde_json::to_string(&receipt).unwrap();
        let kept: Receipt = serde_json::from_str(&json).unwrap();
        assert_eq!(kept, receipt);
        assert_eq!(mismatches(&store, &kept), []);
    }
}

#[test]
fn each_difference_is_found_and_named() {
    let store = open(&MemFs::new());
    store.append(&at("b", "s"), event("0")).unwrap();
    let held = store.append(&at("a", "s"), event("1")).unwrap();
    let other = store.append(&at("a", "s"), event("2")).unwrap();
    let unknown = EventId::from_u128(1);
    let check = |receipt: Receipt, expected: &[ReceiptMismatch]| {
        assert_eq!(mismatches(&store, &receipt), expected);
    };
    check(held, &[]);
    let sequence = Sequence::new(9);
    let stored = held.sequence;
    check(
        Receipt { sequence, ..held },
        &[ReceiptMismatch::Sequence { stored }],
    );
    let stored = held.clock;
    check(
        Receipt { clock: 5, ..held },
        &[ReceiptMismatch::Clock { stored }],
    );
    let (hlc, stored) = (Hlc::new(1, 1).unwrap(), held.hlc);
    check(Receipt { hlc, ..held }, &[ReceiptMismatch::Hlc { stored }]);
    let (hash, stored) = (Hash::ZERO, held.hash);
    check(
        Receipt { hash, ..held },
        &[ReceiptMismatch::Hash { stored }],
    );
    check(
        Receipt {
            id: unknown,
            ..held
        },
        &[ReceiptMismatch::OtherEvent { id: held.id }],
    );
    let beyond = Receipt {
        id: unknown,
        sequence: Sequence::new(3),
        ..held
    };
    let visible = Sequence::new(3);
    check(beyond, &[ReceiptMismatch::BeyondEnd { visible }]);
    let all = mismatches(
        &store,
        &Receipt {
            id: other.id,
            ..held
        },
    );
    assert_eq!(all.len(), 4, "sequence, clock, time and hash: {all:?}");
    assert_eq!(
        store
            .snapshot()
            .verify_receipt(&beyond)
            .unwrap_err()
            .to_string(),
        format!(
            "the receipt of event {unknown} (sequence 3) does not hold: \
         the event is not there; the store ends before 3"
        )
    );
}

/// Whoever changes an event on disk, its checksums included, does not change what was given out.
#[test]
fn a_rewritten_event_is_found_by_its_receipt() {
    // The same clock and random bytes, so that the two stores differ in the payload alone.
    let (genuine, forged) = (MemFs::new(), MemFs::new());
    let clock = std::sync::Arc::new(strandline::ManualClock::new(1_700_000_000_000));
    let fill = |fs: &MemFs, text: &str| {
        let options = crate::harness::options(fs).clock(clock.clone());
        let store = options.open("/store").unwrap();
        let receipt = store.append(&at("a", "s"), event(text)).unwrap();
        (store, receipt)
    };
    let (store, receipt) = fill(&genuine, "true");
    let (_, other) = fill(&forged, "lies");
    assert_eq!(mismatches(&store, &receipt), []);
    drop(store);
    crate::harness::remove(&genuine, "checkpoint");
    let path = segment(&genuine);
    write(&genuine, &path, &read(&forged, &segment(&forged)));
    let reopened = open(&genuine);
    assert_eq!(
        mismatches(&reopened, &receipt),
        [ReceiptMismatch::Hash { stored: other.hash }]
    );
}

#[test]
fn a_receipt_says_whether_its_event_is_durable() {
    let fs = MemFs::new();
    let store = written(&fs).open("/store").unwrap();
    let a = at("a", "s");
    let written = store.append(&a, event("1")).unwrap();
    assert!(!written.durable);
    let synced = AppendOptions::new().durability(Durability::Synced);
    assert!(store.append_with(&a, event("2"), synced).unwrap().durable);
    let id = EventId::from_u128(1);
    let first = store.append(&a, event("3").with_id(id)).unwrap();
    assert!(!first.durable);
    store.wait_durable(&first).unwrap();
    assert!(store.append(&a, event("3").with_id(id)).unwrap().durable);
}
