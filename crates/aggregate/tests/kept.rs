//! States that are kept, in memory and in files: used where they are of the log as it is, and only there.

use crate::bank::{
    Account, Command, Strict, TooLittle, accounts, at, copied, evolved, store, store_at, store_in,
};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use strandline::Store;
use strandline::fs::{Fault, FaultFs, Fs, MemFs, OpenMode, Operation};
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline_aggregate::{
    Aggregate, ExecuteError, ExecuteOptions, Repository, Retry, SnapshotCounts, Snapshots,
};

fn every(events: u32) -> Snapshots {
    Snapshots::of_version(1).every(events)
}

fn saving(store: &Arc<Store>, snapshots: Snapshots) -> Repository<Account> {
    accounts(store).with_snapshots(snapshots)
}

fn deposit(accounts: &Repository<Account>, count: u64) {
    for _ in 0..count {
        accounts.execute("1", &Command::Deposit(1)).unwrap();
    }
}

/// Saved, used, discarded, failed.
fn counts(accounts: &Repository<Account>) -> (u64, u64, u64, u64) {
    let SnapshotCounts {
        saved,
        used,
        discarded,
        failed,
        ..
    } = accounts.snapshot_counts();
    (saved, used, discarded, failed)
}

/// The files under a directory.
fn files(fs: &dyn Fs, dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs.list(dir).unwrap_or_default() {
        let path = dir.join(&entry.name);
        match entry.kind {
            strandline::fs::EntryKind::Directory => found.extend(files(fs, &path)),
            _ => found.push(path),
        }
    }
    found
}

fn kept_files(fs: &dyn Fs) -> Vec<PathBuf> {
    files(fs, Path::new("/bank.strand.aggregates"))
}

fn read(fs: &dyn Fs, path: &Path) -> Vec<u8> {
    strandline_core::fs::read_file(fs, path, 1 << 30).unwrap()
}

fn write(fs: &dyn Fs, path: &Path, bytes: &[u8]) {
    fs.remove_file(path).unwrap();
    let file = fs.open(path, OpenMode::Create).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

#[test]
fn a_load_applies_what_came_after_the_saved_state() {
    let fs = MemFs::new();
    let (store, _) = store_in(&fs);
    let own = saving(&store, every(10));
    deposit(&own, 25);
    assert_eq!(counts(&own).0, 2);
    assert_eq!(kept_files(&fs).len(), 1, "one replaces the other");
    let other = saving(&store, every(10));
    let (applied, loaded) = evolved(|| other.load("1").unwrap());
    assert_eq!(
        (applied, loaded.version, loaded.state.cents),
        (5, Some(24), 25)
    );
    let (applied, done) = evolved(|| other.execute("1", &Command::Deposit(1)).unwrap());
    assert_eq!((applied, done.state.cents), (6, 26));
    assert_eq!(counts(&other), (0, 2, 0, 0));
    // As it was after the saved state, and before it.
    for (version, expected) in [(19, 0), (21, 2), (18, 19)] {
        let (applied, loaded) = evolved(|| other.load_at("1", version).unwrap());
        assert_eq!(
            (applied, loaded.state.cents),
            (expected, u64::from(version) + 1)
        );
    }
    let then = store.snapshot().snapshot_at(strandline::Sequence::new(7));
    assert_eq!(other.load_in(&then, "1").unwrap().state.cents, 7);
    // A load of a long stream saves it too.
    let fresh = saving(&store, every(4));
    fresh.load("1").unwrap();
    assert_eq!(counts(&fresh).0, 1);
    assert_eq!(evolved(|| fresh.load("1").unwrap()).0, 0);
}

#[test]
fn states_of_another_version_are_made_anew() {
    let store = store();
    deposit(&saving(&store, every(10)), 15);
    let newer = saving(&store, Snapshots::of_version(2).every(10));
    let (applied, loaded) = evolved(|| newer.load("1").unwrap());
    assert_eq!((applied, loaded.state.cents), (15, 15));
    assert_eq!(
        counts(&newer),
        (1, 0, 1, 0),
        "and saved in the place of the old one"
    );
    assert_eq!(evolved(|| newer.load("1").unwrap()).0, 0);
}

#[test]
fn whatever_is_damaged_costs_a_load_and_nothing_else() {
    let fs = MemFs::new();
    let (store, _) = store_in(&fs);
    deposit(&saving(&store, every(10)), 15);
    let path = kept_files(&fs).remove(0);
    let whole = read(&fs, &path);
    let damaged = |bytes: &[u8]| {
        write(&fs, &path, bytes);
        // Such that it is not saved again.
        let accounts = saving(&store, every(100));
        assert_eq!(accounts.load("1").unwrap().state.cents, 15);
        counts(&accounts)
    };
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        assert_eq!(damaged(&bytes), (0, 0, 1, 0), "bit of byte {at}");
    }
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        assert_eq!(damaged(&whole[..length]), (0, 0, 1, 0), "{length} bytes");
    }
    assert_eq!(damaged(&whole), (0, 1, 0, 0));
    fs.remove_file(&path).unwrap();
    let accounts = saving(&store, every(100));
    accounts.load("1").unwrap();
    assert_eq!(counts(&accounts), (0, 0, 0, 0), "there is none");
}

#[test]
fn entities_take_places_from_each_other_and_never_states() {
    let fs = MemFs::new();
    let (store, _) = store_in(&fs);
    let own = saving(&store, every(2).places(3));
    for number in 0..40_u64 {
        let id = (number % 10).to_string();
        own.execute(&id, &Command::Deposit(number % 10)).unwrap();
    }
    for id in 0..10_u64 {
        let loaded = own.load(&id.to_string()).unwrap();
        assert_eq!((loaded.state.cents, loaded.version), (id * 4, Some(3)));
    }
    assert!(kept_files(&fs).len() <= 3);
}

#[test]
fn a_state_that_is_not_of_the_log_is_not_used() {
    let fs = MemFs::new();
    let kept = || every(10).in_dir("/kept");
    let (store, _) = store_in(&fs);
    let image = {
        deposit(&saving(&store, kept()), 5);
        fs.fork()
    };
    deposit(&saving(&store, kept()), 10);
    // The log as it was before, with the state that was saved after that.
    for path in files(&fs, Path::new("/kept")) {
        image.create_dir_all(path.parent().unwrap()).unwrap();
        let file = image.open(&path, OpenMode::Create).unwrap();
        file.write_all_at(&read(&fs, &path), 0).unwrap();
    }
    let (earlier, _) = store_in(&image);
    let earlier = saving(&earlier, kept());
    assert_eq!(earlier.load("1").unwrap().state.cents, 5);
    assert_eq!(counts(&earlier), (0, 0, 1, 0));
    // On another course, which has other events up to there.
    for _ in 0..7 {
        earlier.execute("1", &Command::Deposit(2)).unwrap();
    }
    assert_eq!(earlier.load("1").unwrap().state.cents, 19);
    // Another store.
    let (other, _) = store_at(Arc::new(fs.clone()), "/other.strand");
    other
        .append(
            &at("0"),
            strandline::Event::typed(&crate::bank::Withdrawn { cents: 0 }).unwrap(),
        )
        .unwrap();
    deposit(&accounts(&other), 15);
    let other = saving(&other, kept());
    let (applied, _) = evolved(|| other.load("1").unwrap());
    assert_eq!((applied, counts(&other).2), (15, 1));
}

#[test]
fn what_is_removed_below_a_kept_state_is_in_it() {
    for with_cache in [false, true] {
        let store = store();
        let repository = || {
            let strict = Repository::<Strict>::new(&store)
                .unwrap()
                .with_snapshots(every(10));
            if with_cache {
                strict.with_cache(10)
            } else {
                strict
            }
        };
        let strict = repository();
        for _ in 0..12 {
            strict.execute("1", &Command::Deposit(1)).unwrap();
        }
        let run = |keep: Retention| compact(&store, &keep, &mut |_| ControlFlow::Continue(()));
        run(Retention::new().keep_newest(3)).unwrap();
        assert!(
            Repository::<Strict>::new(&store)
                .unwrap()
                .load("1")
                .is_err()
        );
        assert_eq!(
            strict
                .execute("1", &Command::Deposit(1))
                .unwrap()
                .state
                .0
                .cents,
            13
        );
        assert_eq!(repository().load("1").unwrap().state.0.cents, 13);
        // The event that the saved state ends with goes, and the one in memory stays, with its own.
        run(Retention::new().keep_newest(1)).unwrap();
        assert_eq!(strict.load("1").is_ok(), with_cache);
        // With the entity goes all.
        run(Retention::new().drop_entity("account:1")).unwrap();
        for strict in [strict, repository()] {
            let loaded = strict.load("1").unwrap();
            assert_eq!((loaded.state.0.cents, loaded.version), (0, None));
        }
    }
}

#[test]
fn a_state_is_forgotten_with_what_was_redacted() {
    let fs = MemFs::new();
    let (store, _) = store_in(&fs);
    let own = saving(&store, every(5)).with_cache(10);
    deposit(&own, 5);
    let first = store
        .snapshot()
        .stream("account:1")
        .next()
        .unwrap()
        .unwrap();
    let last = store.snapshot().latest("account:1").unwrap().unwrap();
    let run = |id| {
        let chosen = Redaction::new().event(id);
        redact(&store, &chosen, &mut |_| ControlFlow::Continue(())).unwrap();
    };
    run(first.id);
    assert_eq!(
        own.load("1").unwrap().state.cents,
        5,
        "it is in what is kept"
    );
    own.forget("1").unwrap();
    assert_eq!(kept_files(&fs), [] as [PathBuf; 0]);
    assert_eq!(own.load("1").unwrap().state.cents, 4);
    own.forget("2").unwrap();
    // Of the event that a state ends with it is noticed.
    run(last.id);
    assert_eq!(own.load("1").unwrap().state.cents, 3);
    assert_eq!(saving(&store, every(5)).load("1").unwrap().state.cents, 3);
}

#[test]
fn what_cannot_be_saved_hinders_nobody() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let (store, _) = store_at(Arc::new(fs.clone()), "/bank.strand");
    let own = saving(&store, every(5));
    deposit(&own, 4);
    let fault = Fault {
        after: 0,
        times: u64::MAX,
        error: std::io::ErrorKind::StorageFull,
        partial_bytes: 0,
    };
    fs.fail(Operation::Create, fault);
    deposit(&own, 3);
    let failed = own.snapshot_counts();
    assert_eq!((failed.saved, failed.failed), (0, 3), "each is due anew");
    assert!(failed.last_failure.unwrap().contains("write"));
    fs.heal();
    deposit(&own, 1);
    assert_eq!(counts(&own), (1, 0, 0, 3));
    assert_eq!(saving(&store, every(5)).load("1").unwrap().state.cents, 8);
}

#[test]
fn a_hot_aggregate_applies_what_is_new_and_nothing_else() {
    let store = store();
    let (hot, other) = (accounts(&store).with_cache(4), accounts(&store));
    deposit(&hot, 50);
    let (applied, done) = evolved(|| hot.execute("1", &Command::Withdraw(1)).unwrap());
    assert_eq!((applied, done.state.cents), (1, 49));
    other.execute("1", &Command::Withdraw(5)).unwrap();
    let (applied, done) = evolved(|| hot.execute("1", &Command::Withdraw(1)).unwrap());
    assert_eq!((applied, done.state.cents), (2, 43));
    // A state that somebody holds stays as it was.
    let held = hot.load("1").unwrap();
    hot.execute("1", &Command::Deposit(1)).unwrap();
    assert_eq!(held.state.cents, 43);
    // A refusal keeps it too, and an earlier moment takes nothing away.
    hot.execute("1", &Command::Withdraw(1_000)).unwrap_err();
    hot.load_at("1", 3).unwrap();
    let (applied, loaded) = evolved(|| hot.load("1").unwrap());
    assert_eq!((applied, loaded.state.cents), (0, 44));
    for id in 2..20 {
        hot.execute(&id.to_string(), &Command::Deposit(1)).unwrap();
    }
    assert_eq!(
        evolved(|| hot.load("1").unwrap()).0,
        54,
        "others came meanwhile"
    );
}

#[test]
fn a_hot_state_is_copied_for_who_holds_it_and_for_nobody_else() {
    let store = store();
    let (hot, other) = (accounts(&store).with_cache(4), accounts(&store));
    let before = copied();
    for _ in 0..5 {
        hot.execute("1", &Command::Deposit(1)).unwrap();
        hot.execute("1", &Command::Deposit(1)).unwrap();
        other.execute("1", &Command::Deposit(1)).unwrap();
    }
    assert_eq!(copied(), before);
    let held = hot.load("1").unwrap();
    hot.execute("1", &Command::Deposit(1)).unwrap();
    assert_eq!((copied(), held.state.cents), (before + 1, 15));
}

#[test]
fn no_update_is_lost_between_threads_that_share_what_is_kept() {
    const THREADS: usize = 4;
    let store = store();
    let own = saving(&store, every(3)).with_cache(4);
    let retry = Retry {
        tries_max: u32::MAX,
        ..Retry::default()
    };
    let options = ExecuteOptions::new().retry(retry);
    for id in ["1", "2"] {
        own.execute(id, &Command::Deposit(60)).unwrap();
    }
    let start = Barrier::new(THREADS);
    let taken: u64 = std::thread::scope(|scope| {
        let machine = || {
            start.wait();
            let once = |number: &usize| {
                let id = ["1", "2"][number % 2];
                match own.execute_with(id, &Command::Withdraw(1), &options) {
                    Ok(_) => true,
                    Err(ExecuteError::Rejected(TooLittle { cents })) => {
                        assert_eq!(cents, 0);
                        false
                    }
                    Err(error) => panic!("{error:?}"),
                }
            };
            (0..80).filter(once).count() as u64
        };
        let machines: Vec<_> = (0..THREADS).map(|_| scope.spawn(machine)).collect();
        let taken = machines.into_iter().map(|machine| machine.join().unwrap());
        taken.sum()
    });
    assert_eq!(taken, 120);
    for id in ["1", "2"] {
        let plain = accounts(&store).load(id).unwrap();
        let kept = own.load(id).unwrap();
        assert_eq!((&*kept.state, kept.version), (&*plain.state, plain.version));
        assert_eq!(plain.state.cents, 0);
    }
}

#[test]
fn a_reader_uses_saved_states_and_writes_none() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("bank.strand");
    let store = Arc::new(Store::open(&dir).unwrap());
    deposit(&saving(&store, every(5)), 7);
    let read = strandline::StoreOptions::new()
        .read_only()
        .open(&dir)
        .unwrap();
    let read = saving(&Arc::new(read), every(1));
    let (applied, loaded) = evolved(|| read.load("1").unwrap());
    assert_eq!((applied, loaded.state.cents), (2, 7));
    assert_eq!(counts(&read), (0, 1, 0, 0));
    assert_eq!(Strict::NAME, Account::NAME);
}
