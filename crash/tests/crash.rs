//! The harness on a sample, the harness itself, and a sentence on each bug that it found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use strandline::fs::{
    EntryKind, Fill, Fs, Keep, Loss, Operation, SimDisk, SimFault, SimFaultKind, SimFs,
};
use strandline::{
    AppendOptions, Coordinate, Durability, ErrorKind, Event, EventKind, Region, Snapshot,
    StoreOptions, StoredEvent,
};
use strandline_crash::explore::{Plan, explore};
use strandline_crash::recover::{record, replay};
use strandline_crash::{Defect, Workload, damage, sweep};

fn all() -> Vec<&'static Workload> {
    Workload::all().collect()
}

fn plan(defect: Option<Defect>) -> Plan {
    Plan {
        seed: 11,
        variants: 2,
        nested_every: 40,
        third_every: 10,
        long_every: 3,
        images_max: 800,
        defect,
        threads: 2,
    }
}

#[test]
fn a_power_cut_anywhere_leaves_whole_commits_and_all_that_was_acknowledged() {
    let (totals, failures) = explore(&all(), plan(None), &|_| {});
    let failures: Vec<_> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, Vec::<String>::new());
    assert!(totals.images >= 800 && totals.workloads >= 20);
}

#[test]
fn an_operation_that_fails_anywhere_loses_nothing_acknowledged() {
    let (totals, failures) = sweep::sweep(&all(), 3, 131, None, &|_| {});
    let failures: Vec<_> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, Vec::<String>::new());
    assert!(totals.faults > 200);
}

#[test]
fn damage_anywhere_is_an_error_or_reported_or_harmless() {
    let (totals, failures) = damage::damage(4999, &|_| {});
    let failures: Vec<_> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, Vec::<String>::new());
    assert!(totals.damaged > 200);
}

#[test]
fn a_store_that_breaks_a_rule_is_noticed() {
    for defect in [Defect::NoDirectorySync, Defect::SplitBatch] {
        let (_, failures) = explore(&all(), plan(Some(defect)), &|_| {});
        assert!(!failures.is_empty(), "{defect:?}");
    }
}

#[test]
fn a_workload_repeats_step_by_step() {
    for workload in Workload::all() {
        let steps = || -> Vec<_> {
            let run = record(workload, 5, None).unwrap();
            run.steps.iter().map(ToString::to_string).collect()
        };
        assert_eq!(steps(), steps(), "{}", workload.name);
        let at = "3a1/2m0".parse().unwrap();
        let (left, right) = (replay(workload, 5, &at), replay(workload, 5, &at));
        assert_eq!(left.0, right.0);
        assert!(left.1.is_ok() && right.1.is_ok(), "{}", workload.name);
    }
}

#[test]
fn one_failing_operation_can_be_repeated() {
    let workload = Workload::all().find(|w| w.name == "append").unwrap();
    let repeat = |fault: &str| sweep::replay(workload, 5, fault);
    assert!(repeat("a failed sync:3").unwrap().is_empty());
    assert!(repeat("EIO:100000").unwrap_err().contains("fewer calls"));
    assert!(repeat("EIO").unwrap_err().contains("ENOSPC for long"));
}

/// Who holds the pages of a store when its sync has failed.
#[derive(Debug, Clone, Copy)]
enum Holder {
    Nobody,
    /// A snapshot that outlives its store, in a process that opens it again.
    Snapshot,
    /// A reader in another process.
    Reader,
}

/// After a failed sync an opening believed what the cache showed, and wrote it again; ext4 takes a sync
/// of that for good and leaves the blocks marked as never written. What was appended after it stood
/// behind a gap once the power went. Dropping the cache did not help where somebody had the pages mapped.
#[test]
fn what_a_failed_sync_left_in_the_cache_goes_into_other_blocks() {
    for holder in [Holder::Nobody, Holder::Snapshot, Holder::Reader] {
        for calls in 0..4 {
            fail_and_open_again(holder, calls);
        }
    }
}

fn fail_and_open_again(holder: Holder, calls: u32) {
    let mut fs = SimFs::new(SimDisk::new());
    let options = |fs: &SimFs| StoreOptions::new().fs(Arc::new(fs.clone()));
    let open = |fs: &SimFs| options(fs).no_background_sync().open("/store");
    let coordinate = Coordinate::new("e", "s").unwrap();
    let event = |byte| Event::bytes(EventKind::new(1, 1), vec![byte; 2000]);
    let store = open(&fs).unwrap();
    store.append(&coordinate, event(0)).unwrap();
    let written = AppendOptions::new().durability(Durability::Written);
    store.append_with(&coordinate, event(1), written).unwrap();
    // What the disk keeps of a failed sync follows from the number of the call.
    for _ in 0..calls {
        fs.list(Path::new("/store")).unwrap();
    }
    fs.fail(SimFault {
        operation: Some(Operation::Sync),
        after: 0,
        times: 1,
        kind: SimFaultKind::SyncLoses,
    });
    let error = store.append(&coordinate, event(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    let held = match holder {
        Holder::Nobody => None,
        Holder::Snapshot => Some(store.snapshot()),
        Holder::Reader => {
            let reader = options(&fs.beside()).read_only().open("/store");
            Some(reader.unwrap().snapshot())
        }
    };
    let payloads = |snapshot: &Snapshot| -> Vec<u8> {
        let events = snapshot.query(Region::all()).map(Result::unwrap);
        let first = |event: StoredEvent| event.payload().unwrap().first().copied();
        events.filter_map(first).collect()
    };
    let read = held.as_ref().map(payloads);
    if !matches!(holder, Holder::Snapshot) {
        fs = fs.next_process();
    }
    drop(store);
    let store = open(&fs).unwrap();
    assert_eq!(
        payloads(&store.snapshot()),
        [0, 1, 2],
        "all are in the cache"
    );
    store.append(&coordinate, event(3)).unwrap();
    assert_eq!(held.as_ref().map(payloads), read, "{holder:?}");
    let fs = fs.power_cut(Loss {
        keep: Keep::None,
        fill: Fill::Old,
        seed: 1,
    });
    drop(store);
    let store = open(&fs).unwrap();
    let left = payloads(&store.snapshot());
    assert_eq!(left, [0, 1, 2, 3], "{holder:?}, {calls} calls before");
}

/// Each opening that had no room to keep the torn tail left a part of a copy in the quarantine, so
/// a full disk became fuller.
#[test]
fn a_torn_tail_that_cannot_be_kept_leaves_no_part_of_a_copy() {
    let fs = SimFs::new(SimDisk::new());
    let options = |fs: &SimFs| {
        StoreOptions::new()
            .fs(Arc::new(fs.clone()))
            .durability(Durability::Written)
            .no_background_sync()
    };
    let coordinate = Coordinate::new("e", "s").unwrap();
    let event = || Event::bytes(EventKind::new(1, 1), vec![7; 2000]);
    let store = options(&fs).open("/store").unwrap();
    for _ in 0..3 {
        store.append(&coordinate, event()).unwrap();
    }
    let fs = fs.next_process();
    drop(store);
    let segment = Path::new("/store/segment-0000000001.log");
    let file = fs
        .open(segment, strandline::fs::OpenMode::Append { end: 0 })
        .unwrap();
    let whole = file.len().unwrap();
    file.set_len(whole - 100).unwrap();
    let quarantined = |fs: &SimFs| {
        fs.list(Path::new("/store/quarantine"))
            .map_or(0, |all| all.len())
    };
    let files = |fs: &SimFs| {
        let all = fs.list(Path::new("/store")).unwrap().into_iter();
        all.filter(|entry| entry.kind == EntryKind::File).count()
    };
    let before = files(&fs);
    // No room for the new file of the segment, or for that and not for the torn bytes too.
    for room in [600, whole * 2 / 3 + 600] {
        fs.limit_growth(Some(usize::try_from(room).unwrap()));
        for _ in 0..3 {
            let error = options(&fs).open("/store").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
            assert_eq!((quarantined(&fs), files(&fs)), (0, before));
        }
    }
    fs.limit_growth(None);
    let store = options(&fs).open("/store").unwrap();
    assert_eq!((store.snapshot().len(), quarantined(&fs)), (2, 1));
}
