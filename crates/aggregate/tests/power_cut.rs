//! The power is cut after each step of commands on an aggregate whose states are saved: files that are not synced may be
//! whole, torn, empty or gone then, and ahead of the log; whatever is loaded is what the log says.

use crate::bank::{Account, Command, accounts, store_at};
use std::sync::Arc;
use strandline::Store;
use strandline::fs::{Fill, Keep, Loss, SimDisk, SimFs};
use strandline_aggregate::{Repository, Snapshots};

const COMMANDS: u64 = 12;

fn open(fs: &SimFs) -> Arc<Store> {
    store_at(Arc::new(fs.clone()), "/bank.strand").0
}

fn saving(store: &Arc<Store>) -> Repository<Account> {
    accounts(store).with_snapshots(Snapshots::of_version(1).every(2))
}

fn deposit(accounts: &Repository<Account>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        accounts.execute("1", &Command::Deposit(number)).unwrap();
    }
}

#[test]
fn what_a_power_cut_leaves_of_saved_states_is_used_where_it_is_of_the_log() {
    let fs = SimFs::new(SimDisk::new());
    let store = open(&fs);
    deposit(&saving(&store), 0..4);
    let _ = fs.take_steps();
    let mut disk = fs.disk();
    deposit(&saving(&store), 4..COMMANDS);
    let steps = fs.take_steps();
    drop(store);
    let (mut used, mut discarded) = (0, 0);
    for (at, step) in steps.iter().enumerate() {
        for seed in 0..3_u64 {
            let keep = [Keep::None, Keep::Any, Keep::Prefix][seed as usize];
            let fill = [Fill::Zeros, Fill::Random][at % 2];
            let mut cut = disk.clone();
            if seed > 0 {
                cut.apply_partly(step, seed);
            }
            let seed = seed + at as u64 * 3;
            let fs = SimFs::new(cut.crash(&Loss { keep, fill, seed }));
            let store = open(&fs);
            let what = format!("step {at} of {}: {step:?}, {keep:?}", steps.len());
            let kept = saving(&store);
            let loaded = kept.load("1").unwrap();
            let plain = accounts(&store).load("1").unwrap();
            assert_eq!(loaded.version, plain.version, "{what}");
            assert_eq!(loaded.state, plain.state, "{what}");
            used += kept.snapshot_counts().used;
            discarded += kept.snapshot_counts().discarded;
            // Another course from here on, over what is left.
            let from = plain.state.events;
            deposit(&kept, from..from + 3);
            let sum = plain.state.cents + (from..from + 3).sum::<u64>();
            assert_eq!(saving(&store).load("1").unwrap().state.cents, sum, "{what}");
        }
        disk.apply(step);
    }
    assert!(
        used > 0 && discarded > 0,
        "{used} used, {discarded} discarded"
    );
}
