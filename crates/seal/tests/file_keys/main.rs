//! Files of keys: what is kept, who may read it, what power cuts and damage leave, several processes.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at files behind the seam"
)]

mod added;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{
    Fill, Fs, Keep, Loss, MemFs, OpenMode, SimDisk, SimFs, read_file, replace_file,
};
use strandline::{Clock, Error, ErrorKind, ManualClock, SealKeyId};
use strandline_seal::{FileKeys, Found, KeyFileOptions, KeyStore, Subject, WrappingKey};

pub(crate) const SEVEN: Subject<'static> = Subject::Entity("customer:7");
pub(crate) const EIGHT: Subject<'static> = Subject::Entity("customer:8");

/// Length of a file that has no key.
const BASE_BYTES: usize = 8 + 4 + 16 + 8 + 72 + 4 + 8;

pub(crate) fn path() -> PathBuf {
    PathBuf::from("/keys/customers.keys")
}

pub(crate) fn wrapping(n: u8) -> WrappingKey {
    WrappingKey::new([n; 32])
}

/// A file of keys is to be seen as soon as it was changed: the clock of these stands still.
pub(crate) fn options(fs: &Arc<dyn Fs>) -> KeyFileOptions {
    KeyFileOptions::new()
        .fs(fs.clone())
        .clock(Arc::new(ManualClock::new(1_000)))
        .look_interval(Duration::ZERO)
        .lock_wait_max(Duration::ZERO)
}

pub(crate) fn memory() -> Arc<dyn Fs> {
    let fs = MemFs::new();
    fs.create_dir_all(Path::new("/keys")).unwrap();
    Arc::new(fs)
}

pub(crate) fn kind_of<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

pub(crate) fn secret(keys: &FileKeys, subject: Subject<'_>) -> [u8; 32] {
    *keys.current(subject).unwrap().unwrap().secret()
}

pub(crate) fn is_forgotten(keys: &FileKeys, id: SealKeyId) -> bool {
    matches!(keys.find(id).unwrap(), Found::Forgotten { .. })
}

#[test]
fn keys_are_there_after_a_restart_and_forgotten_ones_are_not() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    assert!(keys.current(SEVEN).unwrap().is_none());
    let seven = keys.create(SEVEN).unwrap();
    assert_eq!(
        keys.create(SEVEN).unwrap().id(),
        seven.id(),
        "one at a time"
    );
    let scope = keys.create(Subject::Scope("customer:7")).unwrap();
    assert_ne!(seven.secret(), scope.secret());
    assert_eq!(
        keys.create_all([SEVEN, EIGHT, Subject::Scope("shop")])
            .unwrap(),
        2
    );
    let again = options(&fs).open(path(), wrapping(1)).unwrap();
    assert_eq!(&secret(&again, SEVEN), seven.secret());
    assert_ne!(secret(&again, SEVEN), secret(&again, EIGHT));

    assert!(again.forget(SEVEN).unwrap());
    assert!(!again.forget(SEVEN).unwrap() && !again.forget(Subject::Entity("nobody")).unwrap());
    for keys in [
        &keys,
        &again,
        &options(&fs).open(path(), wrapping(1)).unwrap(),
    ] {
        assert_eq!(kind_of(keys.current(SEVEN)), ErrorKind::Forgotten);
        assert!(is_forgotten(keys, seven.id()));
        assert_eq!(keys.records().unwrap()[0].forgotten_ms, Some(1_000));
        assert!(matches!(keys.find(scope.id()).unwrap(), Found::Key(_)));
        assert!(matches!(
            keys.find(SealKeyId::from_bytes([0; 16])).unwrap(),
            Found::Unknown
        ));
    }
    let anew = keys.create(SEVEN).unwrap();
    assert_ne!(anew.id(), seven.id());
    assert_eq!(&secret(&again, SEVEN), anew.secret());
    assert!(is_forgotten(&again, seven.id()));
}

#[test]
fn no_key_is_in_the_file_as_it_is() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    let key = keys.create(SEVEN).unwrap();
    let bytes = read_file(&*fs, &path(), 1 << 20).unwrap();
    assert!(
        !bytes
            .windows(8)
            .any(|part| part == &key.secret()[..8] || part == [1; 8])
    );
    for debug in [format!("{keys:?}"), format!("{key:?}")] {
        assert!(!debug.contains("secret"), "{debug}");
    }
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("customers.keys");
    let keys = FileKeys::create(&path, wrapping(1)).unwrap();
    for _ in 0..2 {
        keys.create(SEVEN).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(
        kind_of(FileKeys::create(&path, wrapping(1))),
        ErrorKind::InvalidInput
    );
}

#[test]
fn what_cannot_be_used_is_told_by_its_kind() {
    let fs = memory();
    assert_eq!(
        kind_of(options(&fs).open(path(), wrapping(1))),
        ErrorKind::NotFound
    );
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    keys.create(SEVEN).unwrap();
    assert_eq!(
        kind_of(options(&fs).open(path(), wrapping(2))),
        ErrorKind::InvalidInput
    );
    let good = read_file(&*fs, &path(), 1 << 20).unwrap();
    let mut version = good.clone();
    version[8] = 3;
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for (bytes, kind) in [
        (b"STRNDLOG and more".to_vec(), ErrorKind::InvalidInput),
        (Vec::new(), ErrorKind::InvalidInput),
        (version, ErrorKind::UnsupportedVersion),
        (flipped, ErrorKind::Corrupt),
        (good[..BASE_BYTES - 1].to_vec(), ErrorKind::Corrupt),
    ] {
        replace_file(&*fs, &path(), &bytes).unwrap();
        assert_eq!(kind_of(options(&fs).open(path(), wrapping(1))), kind);
    }
    // Damage is told by whoever has it open, once it looks, and repaired by a copy that is put back.
    replace_file(&*fs, &path(), &good).unwrap();
    assert!(keys.current(SEVEN).unwrap().is_some());
}

#[test]
fn a_record_is_of_its_subject_and_its_file() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    keys.create_all([SEVEN, EIGHT]).unwrap();
    keys.forget(EIGHT).unwrap();
    let bytes = read_file(&*fs, &path(), 1 << 20).unwrap();
    let resealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        bytes.truncate(bytes.len() - 8);
        change(&mut bytes);
        let checksum = strandline_core::Salt::NONE.checksum(0, &bytes);
        bytes.extend_from_slice(&checksum.0.to_le_bytes());
        replace_file(&*fs, &path(), &bytes).unwrap();
        options(&fs).open(path(), wrapping(1)).unwrap()
    };
    let (header, name) = (BASE_BYTES - 8, 1 + 1 + 16 + 8 + 8 + 1);
    let record = name + "customer:7".len() + 72;
    // The name of one becomes that of another.
    let keys = resealed(&|bytes| bytes[header + name + 9] = b'9');
    assert_eq!(
        kind_of(keys.current(Subject::Entity("customer:9"))),
        ErrorKind::Corrupt
    );
    // A forgotten key comes back.
    let keys = resealed(&|bytes| {
        bytes[header + record] = 1;
        bytes[header + record + 26..header + record + 34].fill(0);
    });
    assert_eq!(kind_of(keys.current(EIGHT)), ErrorKind::Corrupt);
    // One is called forgotten that is not.
    let keys = resealed(&|bytes| {
        bytes[header] = 2;
        bytes[header + 26] = 1;
    });
    let id = keys.records().unwrap()[0].id;
    assert_eq!(kind_of(keys.find(id)), ErrorKind::Corrupt);
}

#[test]
fn a_rotation_leaves_the_wrapping_key_of_before_nothing() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    let (seven, eight) = (keys.create(SEVEN).unwrap(), keys.create(EIGHT).unwrap());
    keys.forget(EIGHT).unwrap();
    let beside = options(&fs).open(path(), wrapping(1)).unwrap();
    keys.rotate(wrapping(2)).unwrap();
    assert_eq!(
        kind_of(options(&fs).open(path(), wrapping(1))),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        kind_of(beside.current(SEVEN)),
        ErrorKind::InvalidInput,
        "a process with the old one"
    );
    let again = options(&fs).open(path(), wrapping(2)).unwrap();
    for keys in [&keys, &again] {
        assert_eq!(&secret(keys, SEVEN), seven.secret());
        assert!(is_forgotten(keys, eight.id()));
        keys.create(Subject::Scope("shop")).unwrap();
    }
}

#[test]
fn two_processes_see_what_the_other_has_done() {
    let fs = memory();
    let one = options(&fs).create(path(), wrapping(1)).unwrap();
    let other = options(&fs).open(path(), wrapping(1)).unwrap();
    let seven = one.create(SEVEN).unwrap();
    assert_eq!(other.create(SEVEN).unwrap().id(), seven.id());
    assert_eq!(&secret(&other, SEVEN), seven.secret());
    other.forget(SEVEN).unwrap();
    assert!(is_forgotten(&one, seven.id()));
    // While another one changes the file nobody else does, and reading goes on.
    let lock = fs
        .try_lock(Path::new("/keys/customers.keys.lock"))
        .unwrap()
        .unwrap();
    assert_eq!(kind_of(one.create(EIGHT)), ErrorKind::Locked);
    assert!(one.current(EIGHT).unwrap().is_none());
    drop(lock);
    one.create(EIGHT).unwrap();
}

#[test]
fn a_key_forgotten_elsewhere_is_used_for_the_interval_at_most() {
    let fs = memory();
    let clock = Arc::new(ManualClock::new(1_000));
    let other = options(&fs).create(path(), wrapping(1)).unwrap();
    let seven = other.create(SEVEN).unwrap();
    let of_clock: Arc<dyn Clock> = clock.clone();
    let keys = options(&fs)
        .clock(of_clock)
        .look_interval(Duration::from_secs(1));
    let keys = keys.open(path(), wrapping(1)).unwrap();
    other.forget(SEVEN).unwrap();
    clock.set(1_999);
    assert!(keys.current(SEVEN).unwrap().is_some());
    clock.set(2_000);
    assert_eq!(kind_of(keys.current(SEVEN)), ErrorKind::Forgotten);
    // What it does not know it looks for at once.
    let eight = other.create(EIGHT).unwrap();
    assert!(matches!(keys.find(eight.id()).unwrap(), Found::Key(_)));
    assert!(is_forgotten(&keys, seven.id()));
}

/// However long it is until the next look: a change looks.
#[test]
fn a_change_goes_on_from_what_another_process_has_done() {
    let fs = memory();
    let long = || options(&fs).look_interval(Duration::from_secs(3600));
    let one = long().create(path(), wrapping(1)).unwrap();
    let other = long().open(path(), wrapping(1)).unwrap();
    let seven = one.create(SEVEN).unwrap();
    one.forget(SEVEN).unwrap();
    other.create(EIGHT).unwrap();
    let again = options(&fs).open(path(), wrapping(1)).unwrap();
    assert!(is_forgotten(&again, seven.id()));
    assert!(again.current(EIGHT).unwrap().is_some());
}

/// Cause: a file was taken for the one that was read if it had been changed as often, and a copy that was put back and
/// changed since has been: the next change put back what was before the copy, without the keys made since.
#[test]
fn a_copy_that_was_put_back_is_seen_though_it_was_changed_as_often() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    keys.create(SEVEN).unwrap();
    let copy = read_file(&*fs, &path(), 1 << 20).unwrap();
    let eight = keys.create(EIGHT).unwrap();
    replace_file(&*fs, &path(), &copy).unwrap();
    let other = options(&fs).open(path(), wrapping(1)).unwrap();
    let shop = other.create(Subject::Scope("shop")).unwrap();
    assert!(matches!(keys.find(eight.id()).unwrap(), Found::Unknown));
    keys.create(Subject::Scope("office")).unwrap();
    let again = options(&fs).open(path(), wrapping(1)).unwrap();
    assert!(matches!(again.find(shop.id()).unwrap(), Found::Key(_)));
}

#[test]
fn threads_make_one_key() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| keys.create(SEVEN).unwrap().id()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(keys.records().unwrap().len(), 1);
}

/// What a disk has after a power cut at each step of a life of a file: it opens, with the keys of before the step or of
/// after it, and nothing that was said to be kept is lost, nor a key there again that was said to be forgotten.
#[test]
fn a_power_cut_at_any_step_leaves_the_file_of_before_or_of_after() {
    let sim = SimFs::new(SimDisk::new());
    sim.create_dir_all(Path::new("/keys")).unwrap();
    sim.sync_dir(Path::new("/")).unwrap();
    let fs: Arc<dyn Fs> = Arc::new(sim.clone());
    let mut done = Vec::new();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    done.push(sim.steps_count());
    let seven = keys.create(SEVEN).unwrap();
    done.push(sim.steps_count());
    keys.create(EIGHT).unwrap();
    done.push(sim.steps_count());
    keys.forget(SEVEN).unwrap();
    done.push(sim.steps_count());
    keys.rotate(wrapping(2)).unwrap();
    done.push(sim.steps_count());

    let steps = sim.take_steps();
    for cut in done[0]..=steps.len() {
        for (keep, fill) in [
            (Keep::None, Fill::Old),
            (Keep::All, Fill::Old),
            (Keep::Any, Fill::Zeros),
            (Keep::Any, Fill::Random),
            (Keep::Prefix, Fill::Old),
        ] {
            for seed in 0..4 {
                let mut disk = SimDisk::new();
                steps[..cut].iter().for_each(|step| disk.apply(step));
                if let Some(step) = steps.get(cut) {
                    disk.apply_partly(step, seed);
                }
                let disk = disk.crash(&Loss { keep, fill, seed });
                check_after_cut(
                    disk,
                    done.iter().filter(|end| **end <= cut).count(),
                    seven.id(),
                );
            }
        }
    }
}

/// `done` of the five calls had returned.
fn check_after_cut(disk: SimDisk, done: usize, seven: SealKeyId) {
    let fs: Arc<dyn Fs> = Arc::new(SimFs::new(disk));
    let old = options(&fs).open(path(), wrapping(1));
    let new = options(&fs).open(path(), wrapping(2));
    let keys = match (old, new) {
        (Ok(keys), Err(_)) => {
            assert!(done < 5, "the rotation was done");
            keys
        }
        (Err(_), Ok(keys)) => {
            assert!(done >= 4, "the rotation had not begun");
            keys
        }
        (old, new) => panic!("with {done} done: {old:?}, {new:?}"),
    };
    let records = keys.records().unwrap();
    assert!(records.len() >= (done - 1).min(2), "a key is lost");
    match keys.find(seven).unwrap() {
        Found::Unknown => assert_eq!(done, 1),
        Found::Key(_) => assert!(done < 4, "a forgotten key is back"),
        Found::Forgotten { .. } => assert!(done >= 3),
        other => panic!("{other:?}"),
    }
    // And it can be gone on with.
    keys.create(Subject::Scope("shop")).unwrap();
    keys.forget(SEVEN).unwrap();
    assert!(
        !fs.list(Path::new("/keys"))
            .unwrap()
            .iter()
            .any(|entry| entry.name.ends_with(".tmp"))
    );
}

#[test]
fn a_change_that_fails_is_told_and_the_next_one_sees_what_came_of_it() {
    let sim = SimFs::new(SimDisk::new());
    sim.create_dir_all(Path::new("/keys")).unwrap();
    let fs: Arc<dyn Fs> = Arc::new(sim.clone());
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    let seven = keys.create(SEVEN).unwrap();
    sim.limit_growth(Some(0));
    let refused = keys.forget(SEVEN).unwrap_err();
    assert!(refused.kind() == ErrorKind::Io && refused.is_of_full_disk());
    assert!(
        keys.current(SEVEN).unwrap().is_some(),
        "it was not forgotten, and nothing says so"
    );
    sim.limit_growth(None);
    assert!(keys.forget(SEVEN).unwrap());
    assert!(is_forgotten(&keys, seven.id()));
    assert!(fs.open(&path(), OpenMode::Read).is_ok());
}
