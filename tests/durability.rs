//! What is on the disk when an append returns, and what happens when the disk fails.

use crate::harness::{at, event, open, open_faulty, options, texts, until, written};
use std::io::ErrorKind as Io;
use std::sync::Arc;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::{AppendOptions, Durability, ErrorClass, ErrorKind, Sequence};

fn always(error: Io) -> Fault {
    Fault {
        after: 0,
        times: u64::MAX,
        error,
        partial_bytes: 0,
    }
}

fn once(error: Io) -> Fault {
    Fault {
        times: 1,
        ..always(error)
    }
}

#[test]
fn a_synced_append_syncs_and_a_written_one_does_not() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let store = open_faulty(&fs);
    let before = fs.calls(Operation::Sync);
    store.append(&at("a", "s"), event("1")).unwrap();
    assert_eq!(fs.calls(Operation::Sync), before + 1);
    let lazy = AppendOptions::new().durability(Durability::Written);
    let receipt = store.append_with(&at("a", "s"), event("2"), lazy).unwrap();
    assert_eq!(fs.calls(Operation::Sync), before + 1);
    let stats = store.stats().unwrap();
    assert_eq!(
        (
            stats.durable.get(),
            stats.written.get(),
            stats.visible.get()
        ),
        (1, 2, 2)
    );
    store.wait_durable(&receipt).unwrap();
    store.wait_durable_through(receipt.sequence).unwrap();
    for beyond in [receipt.sequence.get() + 1, u64::MAX] {
        let error = store
            .wait_durable_through(Sequence::new(beyond))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(fs.calls(Operation::Sync), before + 2);
    assert_eq!(store.stats().unwrap().durable.get(), 2);
    store.sync().unwrap();
    assert_eq!(
        fs.calls(Operation::Sync),
        before + 2,
        "nothing is left to sync"
    );
}

#[test]
fn a_written_event_is_synced_in_the_background() {
    let store = options(&MemFs::new())
        .durability(Durability::Written)
        .open("/store")
        .unwrap();
    store.append(&at("a", "s"), event("1")).unwrap();
    until("it is synced", || store.stats().unwrap().durable.get() == 1);
}

#[test]
fn one_append_writes_once() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let store = open_faulty(&fs);
    store.append(&at("a", "s"), event("1")).unwrap();
    let before = fs.calls(Operation::Write);
    store.append(&at("a", "s"), event("2")).unwrap();
    assert_eq!(fs.calls(Operation::Write), before + 1);
}

#[test]
fn a_failed_sync_stops_the_store_for_good() {
    let memory = MemFs::new();
    let fs = FaultFs::new(Arc::new(memory.clone()));
    let store = open_faulty(&fs);
    store.append(&at("a", "s"), event("kept")).unwrap();
    fs.fail(Operation::Sync, once(Io::Other));
    let error = store.append(&at("a", "s"), event("unknown")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert_eq!(error.class(), ErrorClass::Unknown);
    assert_eq!(error.ids().len(), 1);
    let syncs = fs.calls(Operation::Sync);

    // The disk is fine again; the store does not believe it.
    let error_again = store.append(&at("a", "s"), event("refused")).unwrap_err();
    assert_eq!(error_again.kind(), ErrorKind::Poisoned);
    assert_eq!(error_again.class(), ErrorClass::NotWritten);
    assert_eq!(store.sync().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(store.checkpoint().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(fs.calls(Operation::Sync), syncs, "no sync is tried again");
    assert!(store.stats().unwrap().poisoned.is_some());
    assert_eq!(
        texts(&store),
        ["kept"],
        "reads go on, up to what was durable"
    );
    assert_eq!(
        store
            .snapshot()
            .latest("a")
            .unwrap()
            .unwrap()
            .payload()
            .unwrap(),
        b"kept"
    );
    let id = error.ids()[0];
    assert!(
        store.snapshot().get(id).unwrap().is_none(),
        "never seen by this process"
    );
    drop(store);

    let store = open(&memory);
    assert_eq!(
        texts(&store),
        ["kept", "unknown"],
        "only the reopen can tell"
    );
    assert!(store.snapshot().get(id).unwrap().is_some());
}

#[test]
fn a_failed_sync_is_told_to_everyone_who_waits() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let store = open_faulty(&fs);
    fs.fail(Operation::Sync, always(Io::Other));
    let kinds: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let store = &store;
                scope.spawn(move || {
                    let coordinate = at(&format!("e{n}"), "s");
                    store.append(&coordinate, event("x")).unwrap_err().kind()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(kinds.contains(&ErrorKind::Unknown));
    for kind in kinds {
        assert!(
            matches!(kind, ErrorKind::Unknown | ErrorKind::Poisoned),
            "{kind:?}"
        );
    }
    assert!(store.snapshot().is_empty());
}

#[test]
fn a_full_disk_refuses_one_append_and_takes_the_next() {
    let memory = MemFs::new();
    let fs = FaultFs::new(Arc::new(memory.clone()));
    let store = open_faulty(&fs);
    store.append(&at("a", "s"), event("before")).unwrap();
    for partial_bytes in [0, 1, 50, 100, 150] {
        fs.fail(
            Operation::Write,
            Fault {
                partial_bytes,
                ..once(Io::StorageFull)
            },
        );
        let error = store.append(&at("b", "t"), event("refused")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotWritten);
        assert_eq!(error.class(), ErrorClass::NotWritten);
        assert!(store.snapshot().latest("b").unwrap().is_none());
    }
    for n in 0..10 {
        let receipt = store.append(&at("b", "t"), event(&n.to_string())).unwrap();
        assert_eq!(receipt.sequence.get(), n + 1, "no sequence was burned");
    }
    let live = texts(&store);
    assert_eq!(live.len(), 11);
    drop(store);
    let store = open(&memory);
    assert!(store.open_report().is_clean(), "{}", store.open_report());
    assert_eq!(texts(&store), live);
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_write_that_cannot_be_undone_stops_the_store() {
    let memory = MemFs::new();
    let fs = FaultFs::new(Arc::new(memory.clone()));
    let store = open_faulty(&fs);
    store.append(&at("a", "s"), event("kept")).unwrap();
    fs.fail(
        Operation::Write,
        Fault {
            partial_bytes: 40,
            ..once(Io::StorageFull)
        },
    );
    fs.fail(Operation::SetLen, always(Io::Other));
    let error = store.append(&at("a", "s"), event("torn")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    fs.heal();
    let refused = store.append(&at("a", "s"), event("x")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Poisoned);
    drop(store);
    let store = open(&memory);
    assert!(store.open_report().torn_tail);
    assert_eq!(texts(&store), ["kept"]);
}

#[test]
fn a_disk_that_is_full_during_a_rotation_costs_one_append() {
    let full = |after| Fault {
        after,
        ..once(Io::StorageFull)
    };
    let faults = (0..60).map(|after| (Operation::Write, full(after)));
    let faults = faults.chain((0..6).map(|after| (Operation::Create, full(after))));
    for (operation, fault) in faults {
        let memory = MemFs::new();
        let fs = FaultFs::new(Arc::new(memory.clone()));
        let store = strandline::StoreOptions::new()
            .fs(Arc::new(fs.clone()))
            .segment_bytes_max(64 << 10)
            .durability(Durability::Written)
            .no_background_sync()
            .open("/store")
            .unwrap();
        fs.fail(operation, fault);
        let mut taken = 0;
        for _ in 0..30 {
            let big = strandline::Event::bytes(crate::harness::CREATED, vec![b'x'; 20_000]);
            match store.append(&at("a", "s"), big) {
                Ok(_) => taken += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotWritten, "{fault:?} {error}"),
            }
        }
        assert!(taken >= 29, "{operation:?} {fault:?}");
        assert!(store.stats().unwrap().segments > 2);
        drop(store);
        let store = open(&memory);
        assert_eq!(store.snapshot().len(), taken, "{operation:?} {fault:?}");
        assert!(store.verify().unwrap().is_intact());
    }
}

#[test]
fn a_sync_that_fails_before_a_rotation_seals_nothing() {
    let memory = MemFs::new();
    let fs = FaultFs::new(Arc::new(memory.clone()));
    let store = strandline::StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written)
        .no_background_sync()
        .open("/store")
        .unwrap();
    let big = || strandline::Event::bytes(crate::harness::CREATED, vec![b'x'; 20_000]);
    for _ in 0..3 {
        store.append(&at("a", "s"), big()).unwrap();
    }
    fs.fail(Operation::Sync, once(Io::Other));
    let error = store.append(&at("a", "s"), big()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned);
    assert_eq!(store.stats().unwrap().segments, 1);
    assert_eq!(store.stats().unwrap().durable.get(), 0);
}

#[test]
fn a_written_event_survives_a_killed_process() {
    let fs = MemFs::new();
    let store = written(&fs).open("/store").unwrap();
    store.append(&at("a", "s"), event("1")).unwrap();
    let left_behind = fs.fork();
    assert_eq!(texts(&open(&left_behind)), ["1"]);
}
