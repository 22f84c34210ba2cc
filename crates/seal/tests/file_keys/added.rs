//! Keys that are added behind the others: what that costs, what others read of it, and what crashes leave.

use crate::{EIGHT, SEVEN, is_forgotten, kind_of, memory, options, path, secret, wrapping};
use std::sync::Arc;
use strandline::ErrorKind;
use strandline::fs::{Fs, read_file, replace_file};
use strandline_seal::{FileKeys, Found, KeyStore, Subject};

/// Bytes that a key is added in: length, record, checksum, sign.
const ADDED_BYTES: usize = 4 + (1 + 1 + 16 + 8 + 8 + 1 + "customer:7".len() + 72) + 8 + 8;

fn bytes_of(fs: &Arc<dyn Fs>) -> Vec<u8> {
    read_file(&**fs, &path(), 64 << 20).unwrap()
}

/// The generation that a file of keys has: how often it was replaced.
fn generation(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[28..36].try_into().unwrap())
}

/// A key that is made costs what it takes itself, however many there are; to forget one replaces the file, and no secret of
/// it is left there.
#[test]
fn a_key_more_adds_its_own_bytes_and_one_less_replaces_the_file() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    let names: Vec<_> = (0..5_000).map(|n| format!("customer:{n:06}")).collect();
    let subjects = names.iter().map(|name| Subject::Entity(name));
    assert_eq!(keys.create_all(subjects.clone()).unwrap(), 5_000);
    assert_eq!(keys.create_all(subjects).unwrap(), 0);
    for _ in 0..2 {
        let before = bytes_of(&fs);
        let made = keys.create(SEVEN).unwrap();
        let after = bytes_of(&fs);
        assert_eq!(after.len(), before.len() + ADDED_BYTES);
        assert!(after.starts_with(&before), "what was there is as it was");
        assert!(keys.forget(SEVEN).unwrap());
        let replaced = bytes_of(&fs);
        assert_eq!(generation(&replaced), generation(&before) + 1);
        let secret = &after[after.len() - 8 - 8 - 72..after.len() - 16];
        assert!(!replaced.windows(72).any(|part| part == secret));
        assert!(is_forgotten(&keys, made.id()));
    }
    let again = options(&fs).open(path(), wrapping(1)).unwrap();
    assert_eq!(again.records().unwrap(), keys.records().unwrap());
    // Twice in one call is once.
    assert_eq!(keys.create_all([EIGHT, EIGHT]).unwrap(), 1);
}

/// What a process has not seen yet is read from where it ended, and is the same.
#[test]
fn another_process_reads_what_was_added() {
    let fs = memory();
    let one = options(&fs).create(path(), wrapping(1)).unwrap();
    let other = options(&fs).open(path(), wrapping(1)).unwrap();
    let mut ids = Vec::new();
    for n in 0..20 {
        let (maker, reader) = if n % 3 == 0 {
            (&other, &one)
        } else {
            (&one, &other)
        };
        let name = format!("customer:{n}");
        let made = maker.create(Subject::Entity(&name)).unwrap();
        assert_eq!(&secret(reader, Subject::Entity(&name)), made.secret());
        ids.push(made.id());
        if n % 7 == 6 {
            maker.forget(Subject::Entity(&name)).unwrap();
            assert!(is_forgotten(reader, made.id()));
        }
    }
    for keys in [
        &one,
        &other,
        &options(&fs).open(path(), wrapping(1)).unwrap(),
    ] {
        let records = keys.records().unwrap();
        assert!(
            records
                .iter()
                .map(|record| record.id)
                .eq(ids.iter().copied())
        );
    }
}

/// A file of the version before, which has no place behind its records: it is read, and replaced by the first change.
#[test]
fn a_file_of_the_first_version_is_read_and_replaced_by_a_change() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    let seven = keys.create(SEVEN).unwrap();
    keys.rotate(wrapping(2)).unwrap();
    drop(keys);
    let mut bytes = bytes_of(&fs);
    bytes.truncate(bytes.len() - 8);
    bytes[8] = 1;
    let checksum = strandline_core::Salt::NONE.checksum(0, &bytes);
    bytes.extend_from_slice(&checksum.0.to_le_bytes());
    replace_file(&*fs, &path(), &bytes).unwrap();

    let keys = options(&fs).open(path(), wrapping(2)).unwrap();
    assert_eq!(&secret(&keys, SEVEN), seven.secret());
    assert_eq!(keys.create(SEVEN).unwrap().id(), seven.id());
    assert_eq!(bytes_of(&fs), bytes, "nothing was changed");
    keys.create(EIGHT).unwrap();
    let replaced = bytes_of(&fs);
    assert_eq!(
        (replaced[8], generation(&replaced)),
        (2, generation(&bytes) + 1)
    );
    keys.create(Subject::Scope("shop")).unwrap();
    assert_eq!(generation(&bytes_of(&fs)), generation(&replaced));
    // With bytes behind it, it was never written so.
    bytes.push(0);
    replace_file(&*fs, &path(), &bytes).unwrap();
    assert_eq!(
        kind_of(options(&fs).open(path(), wrapping(2))),
        ErrorKind::Corrupt
    );
}

/// A crash between a key and its sign: the key opens what was sealed with it, and nothing is sealed with it before the file
/// was replaced, as what the system has of it may not be on the disk.
#[test]
fn a_key_without_its_sign_is_made_durable_before_it_is_used() {
    let fs = memory();
    let keys = options(&fs).create(path(), wrapping(1)).unwrap();
    let seven = keys.create(SEVEN).unwrap();
    let bytes = bytes_of(&fs);
    for cut in [8, 1] {
        replace_file(&*fs, &path(), &bytes[..bytes.len() - cut]).unwrap();
        let keys = options(&fs).open(path(), wrapping(1)).unwrap();
        assert!(matches!(keys.find(seven.id()).unwrap(), Found::Key(_)));
        assert!(keys.current(SEVEN).unwrap().is_none());
        assert_eq!(keys.create(SEVEN).unwrap().id(), seven.id());
        assert_eq!(generation(&bytes_of(&fs)), generation(&bytes) + 1);
        assert_eq!(&secret(&keys, SEVEN), seven.secret());
    }
    // Of one that is not whole there is nothing, and the next one is made beside no rest of it.
    replace_file(&*fs, &path(), &bytes[..bytes.len() - 9]).unwrap();
    let keys = options(&fs).open(path(), wrapping(1)).unwrap();
    assert!(keys.current(SEVEN).unwrap().is_none());
    assert!(matches!(keys.find(seven.id()).unwrap(), Found::Unknown));
    assert_ne!(keys.create(SEVEN).unwrap().id(), seven.id());
    assert_eq!(generation(&bytes_of(&fs)), generation(&bytes) + 1);
}

/// A backup that is a second name of the file is never written to.
#[test]
fn a_second_name_of_the_file_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("keys"), dir.path().join("copy"));
    let keys = FileKeys::create(&path, wrapping(1)).unwrap();
    keys.create(SEVEN).unwrap();
    std::fs::hard_link(&path, &copy).unwrap();
    let before = std::fs::read(&copy).unwrap();
    keys.create(EIGHT).unwrap();
    assert_eq!(std::fs::read(&copy).unwrap(), before);
    let again = FileKeys::open(&path, wrapping(1)).unwrap();
    assert_eq!(again.records().unwrap().len(), 2);
}
