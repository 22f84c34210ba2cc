//! What fails while what is not proven durable goes into a new file.

use crate::carried::{append, fill, fill_proven, fill_unproven, plain, segments, small};
use crate::harness::{assert_same, contents, dir};
use std::sync::Arc;
use strandline::fs::{
    Fault, FaultFs, Fill, Keep, Loss, MemFs, Operation, SimDisk, SimFault, SimFaultKind, SimFs,
};
use strandline::{Durability, StoreOptions};

/// Whatever fails while a store is opened that was killed, or closed with a long last segment, for good
/// or once, the next process has all of it, and no power cut takes it from then on.
#[test]
fn an_opening_that_fails_anywhere_loses_nothing_and_is_completed_by_the_next() {
    let io = SimFaultKind::Error(std::io::ErrorKind::Other);
    let kinds = [(io, 1), (io, u64::MAX), (SimFaultKind::SyncLoses, 1)];
    for (proven, end) in [
        (5, "killed"),
        (20, "killed"),
        (20, "killed later"),
        (20, "closed"),
    ] {
        let fs = SimFs::new(SimDisk::new());
        let on = |fs: &SimFs| plain(StoreOptions::new().fs(Arc::new(fs.clone())).random_seed(7));
        let live = on(&fs).open(dir()).unwrap();
        fill_proven(&live, proven);
        if end == "killed later" {
            live.checkpoint().unwrap();
        }
        if end != "closed" {
            fill_unproven(&live);
        }
        let shown = contents(&live.snapshot());
        if end == "closed" {
            live.close().unwrap();
        } else {
            // What it calls from now on changes nothing.
            let _next = fs.next_process();
            drop(live);
        }
        let killed = fs.disk();
        for (kind, times) in kinds {
            for after in 0.. {
                let what = format!("{proven} {end} {kind:?} {times} {after}");
                let fs = SimFs::new(killed.clone());
                fs.fail(SimFault {
                    operation: None,
                    after,
                    times,
                    kind,
                });
                let opened = on(&fs).open(dir());
                let is_met = fs.first_fault_was_met();
                fs.heal();
                if let Ok(store) = &opened {
                    assert_eq!(contents(&store.snapshot()), shown, "{what}");
                }
                let fs = fs.next_process();
                drop(opened);
                let reader = on(&fs).read_only().open(dir()).expect(&what);
                let store = on(&fs).open(dir()).expect(&what);
                assert_eq!(contents(&store.snapshot()), shown, "{what}");
                reader.refresh().expect(&what);
                assert_eq!(contents(&reader.snapshot()), shown, "{what}");
                let fs = fs.power_cut(Loss {
                    keep: Keep::None,
                    fill: Fill::Old,
                    seed: 0,
                });
                drop((reader, store));
                let store = on(&fs).open(dir()).expect(&what);
                assert_eq!(contents(&store.snapshot()), shown, "{what}");
                if after % 8 == 0 {
                    assert!(store.verify().unwrap().is_intact(), "{what}");
                }
                if !is_met {
                    break;
                }
            }
        }
    }
}

/// However little space there is, what is not proven durable can be read, and is carried once there is
/// more.
#[test]
fn on_a_full_disk_everything_can_be_read_and_nothing_is_lost() {
    for proven in [5, 20] {
        let fs = SimFs::new(SimDisk::new());
        let on = |fs: &SimFs| plain(StoreOptions::new().fs(Arc::new(fs.clone())).random_seed(7));
        let live = on(&fs).open(dir()).unwrap();
        fill(&live, proven);
        let shown = contents(&live.snapshot());
        let mut fs = fs.next_process();
        drop(live);
        let mut refused = 0;
        for space in (0..).step_by(500) {
            fs.limit_growth(Some(space));
            let opened = on(&fs).open(dir());
            let reader = on(&fs).read_only().open(dir()).unwrap();
            assert_eq!(contents(&reader.snapshot()), shown);
            if let Ok(store) = opened {
                assert_eq!(contents(&store.snapshot()), shown);
                assert!(store.verify().unwrap().is_intact());
                break;
            }
            refused += 1;
            fs = fs.next_process();
        }
        assert!(refused > 2, "{refused}");
    }
}

/// A refresh that fails while a reader goes on in the segment that frames were carried into is made
/// good by the next one, whatever it had read of that.
#[test]
fn a_refresh_that_fails_after_a_carry_is_completed_by_the_next() {
    let fs = MemFs::new();
    let live = small(&fs).open(dir()).unwrap();
    fill(&live, 20);
    for failed in 0.. {
        let image = fs.fork();
        let faulty = FaultFs::new(Arc::new(image.clone()));
        let options = small(&image).fs(Arc::new(faulty.clone()));
        let reader = options.read_only().open(dir()).unwrap();
        let store = small(&image).open(dir()).unwrap();
        assert_eq!(segments(&image, &dir()), 2);
        for entity in ["entity:1", "new:1", "new:2", "later"] {
            append(&store, entity, "s0", Durability::Written);
        }
        let fault = Fault {
            after: failed,
            times: 1,
            error: std::io::ErrorKind::Other,
            partial_bytes: 0,
        };
        faulty.fail(Operation::Read, fault);
        let is_done = reader.refresh().is_ok();
        faulty.heal();
        append(&store, "new:2", "s0", Durability::Written);
        reader.refresh().unwrap();
        assert_same(&reader.snapshot(), &store.snapshot());
        if is_done {
            assert!(failed > 3);
            break;
        }
    }
}
