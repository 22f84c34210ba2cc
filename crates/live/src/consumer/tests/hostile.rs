//! Files that nobody wrote so, very many of them, and disks that are full.

use super::{Claimant, Claimed, LEASE, NAME, ROOT, claim, claimant, consumer, place};
use crate::consumer::{Consumer, Fate};
use crate::{ConsumerInfo, ConsumerKind, ErrorKind, Request};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, MemFs, OpenMode, SimDisk, SimFs, replace_file};

fn write(fs: &dyn Fs, path: &Path, bytes: &[u8]) {
    let file = fs.open(path, OpenMode::Create).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

fn names(fs: &dyn Fs, dir: &Path) -> Vec<String> {
    let names = fs.list_names(dir).unwrap();
    names.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn a_lease_that_says_anything_is_held_as_long_as_it_is_locked_and_no_longer_than_a_day() {
    let long = vec![b'1'; 1 << 20];
    let day_ms = 24 * 60 * 60 * 1000;
    for (bytes, lease_ms) in [
        (b"".as_slice(), 0),
        (b"\xff\xfe", 0),
        (
            b"{\"pid\":1,\"since_ms\":2,\"lease_ms\":18446744073709551615}\n",
            day_ms,
        ),
        (b"{\"pid\":-1}", 0),
        (&long, 0),
    ] {
        let fs = MemFs::new();
        let place = place(Arc::new(fs.clone()), 1);
        let dir = consumer(&place)
            .unwrap()
            .partition(1, 0)
            .unwrap()
            .dir()
            .to_path_buf();
        let path = dir.join("lease-0000000007");
        write(&fs, &path, bytes);
        let locked = fs.try_lock(&path).unwrap();
        let partition = consumer(&place).unwrap().partition(1, 0).unwrap();
        let claimed = Claimant::new(partition, LEASE).try_claim().unwrap();
        let Claimed::Held(Some(holder)) = claimed else {
            panic!("{claimed:?}");
        };
        assert_eq!(holder.lease_ms, lease_ms);
        drop(locked);
        assert_eq!(claim(&place).unwrap().unwrap().0.token(), 8);
    }
}

#[test]
fn a_partition_whose_tokens_are_used_up_says_so() {
    for name in ["lease-4294967295", "checkpoint-18446744073709551615.ckpt"] {
        let fs = MemFs::new();
        let place = place(Arc::new(fs.clone()), 1);
        let dir = consumer(&place)
            .unwrap()
            .partition(1, 0)
            .unwrap()
            .dir()
            .to_path_buf();
        write(&fs, &dir.join(name), b"x");
        let error = claim(&place).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
    }
}

/// Cause: the next lease had the name of what is no file, and everybody was told for good that somebody was faster.
#[test]
fn a_name_that_is_taken_by_what_is_no_lease_is_passed_over() {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    drop(claim(&place).unwrap().unwrap());
    let dir = consumer(&place)
        .unwrap()
        .partition(1, 0)
        .unwrap()
        .dir()
        .to_path_buf();
    fs.create_dir(&dir.join("lease-0000000002")).unwrap();
    let (mut lease, mut state) = claim(&place).unwrap().unwrap();
    assert_eq!(lease.token(), 3);
    lease.save(&mut state).unwrap();
}

#[test]
fn requests_that_nobody_made_so_are_refused_and_the_others_are_done() {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    let partition = consumer(&place).unwrap().partition(1, 0).unwrap();
    let request = |key: usize| Request::Park {
        key: format!("order:{key}"),
        reason: "looked wrong".to_owned(),
    };
    let asked: Vec<_> = (0..2_500)
        .map(|key| partition.ask(&request(key)).unwrap())
        .collect();
    let name = |number: usize| format!("request-00000000000000000000-{number:016x}.json");
    let wrong = [
        b"".to_vec(),
        b"{".to_vec(),
        b"{\"fly\":{}}".to_vec(),
        vec![b' '; (64 << 10) + 1],
    ];
    for (number, bytes) in wrong.iter().enumerate() {
        write(&fs, &partition.path(&name(number)), bytes);
    }
    let (mut lease, mut state) = claim(&place).unwrap().unwrap();
    assert_eq!(
        lease.requests(&state).unwrap().len(),
        1000,
        "as many as may be at once"
    );
    lease.apply_requests(&mut state, |_| Ok(())).unwrap();
    assert_eq!(state.parked.len(), asked.len());
    for (number, _) in wrong.iter().enumerate() {
        assert_eq!(partition.fate(&name(number)).unwrap(), Fate::Refused);
    }
    assert!(
        asked
            .iter()
            .all(|name| partition.fate(name).unwrap() == Fate::Applied)
    );
    assert!(state.answered.len() <= 1000, "{}", state.answered.len());

    let long = partition.ask(&Request::Discard {
        key: "x".repeat(64 << 10),
    });
    assert_eq!(long.unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// Cause: who was interrupted while asking left a file for good, and so did a request that was refused and that nobody
/// looked after.
#[test]
fn what_askers_leave_is_removed_after_a_day() {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    let dir = consumer(&place)
        .unwrap()
        .partition(1, 0)
        .unwrap()
        .dir()
        .to_path_buf();
    let day_ms = 24 * 60 * 60 * 1000_u64;
    let now_ms = 1_000;
    let request = |ms: u64| format!("request-{ms:020}-0123456789abcdef.json");
    for ms in [0, 500, now_ms + day_ms] {
        write(&fs, &dir.join(request(ms) + ".tmp"), b"x");
        write(&fs, &dir.join(format!("refused-{}", request(ms))), b"x");
    }
    let later = super::Place {
        clock: Arc::new(strandline_core::ManualClock::new(600 + day_ms)),
        ..place
    };
    let before = names(&fs, &dir).len();
    drop(claim(&later).unwrap().unwrap());
    let left = names(&fs, &dir);
    let left: Vec<_> = left
        .iter()
        .filter(|name| name.contains("request-"))
        .collect();
    assert_eq!((before, left.len()), (6, 2), "{left:?}");
}

#[test]
fn a_state_that_cannot_be_written_leaves_nothing_and_the_next_one_counts() {
    let fs = SimFs::new(SimDisk::new());
    let place = place(Arc::new(fs.clone()), 1);
    let (mut lease, mut state) = claim(&place).unwrap().unwrap();
    let dir: PathBuf = lease.partition().dir().to_path_buf();
    let before = names(&fs, &dir);
    fs.limit_growth(Some(0));
    for _ in 0..10 {
        state.counters.handled += 1;
        let error = lease.save(&mut state).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        // What is renewed is written where it was.
        lease.beat().unwrap();
    }
    assert_eq!(names(&fs, &dir), before);
    // Neither does a claim.
    let other = claimant(&super::place(Arc::new(fs.clone()), 2)).unwrap();
    assert_eq!(other.try_claim().unwrap_err().kind(), ErrorKind::Io);
    let asked = other.partition().ask(&Request::Replay { key: None });
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(names(&fs, &dir), before);
    fs.limit_growth(None);
    lease.save(&mut state).unwrap();
    drop(lease);
    assert_eq!(claim(&place).unwrap().unwrap().1.counters.handled, 10);
}

#[test]
fn a_consumer_that_cannot_be_made_leaves_nothing() {
    let fs = SimFs::new(SimDisk::new());
    let place = place(Arc::new(fs.clone()), 1);
    fs.create_dir_all(Path::new(ROOT)).unwrap();
    for bytes in 0..60 {
        fs.limit_growth(Some(bytes));
        let error = consumer(&place).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(names(&fs, Path::new(ROOT)).is_empty());
    }
    fs.limit_growth(None);
    consumer(&place).unwrap();
}

/// Cause: who made a consumer where the system renames to a new name in two steps, and was killed between them, left an
/// empty folder, and nobody could make the consumer any more.
#[test]
fn a_folder_that_is_empty_is_taken_and_one_that_is_not_stays() {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    consumer(&place).unwrap();
    let dir = Path::new(ROOT).join(names(&fs, Path::new(ROOT)).remove(0));
    fs.remove_dir(&dir.join("v1/0")).unwrap();
    fs.remove_dir(&dir.join("v1")).unwrap();
    for name in names(&fs, &dir) {
        fs.remove_file(&dir.join(name)).unwrap();
    }
    let made = consumer(&place).unwrap();
    assert_eq!(made.version().unwrap(), 1);

    fs.remove_file(&dir.join("checkpoint-00000000000000000000.ckpt"))
        .unwrap();
    assert_eq!(consumer(&place).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(names(&fs, Path::new(ROOT)).len(), 1, "and nothing else");
    assert_eq!(names(&fs, &dir), ["current", "v1"]);
}

#[test]
fn a_folder_of_another_name_is_not_taken_for_the_own() {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    consumer(&place).unwrap();
    let other = ConsumerInfo::new("other", ConsumerKind::Position, 1).unwrap();
    Consumer::open_or_create(&place, Path::new(ROOT), &other, 1).unwrap();
    // As if both names had one hash.
    let folders = names(&fs, Path::new(ROOT));
    let [one, two] = folders.as_slice() else {
        panic!("{folders:?}");
    };
    fs.exchange(&Path::new(ROOT).join(one), &Path::new(ROOT).join(two))
        .unwrap();
    for name in [NAME, "other"] {
        let error = Consumer::open(&place, Path::new(ROOT), name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[test]
fn a_consumer_whose_files_are_not_what_was_written_is_corrupt() {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    let info = ConsumerInfo::new(NAME, ConsumerKind::Projection, 1).unwrap();
    let made = Consumer::open_or_create(&place, Path::new(ROOT), &info, 1).unwrap();
    let folder = names(&fs, Path::new(ROOT)).remove(0);
    let dir = Path::new(ROOT).join(folder);
    let long = vec![b'1'; 1 << 20];
    for bytes in [
        b"".as_slice(),
        b"v1",
        b"v01\n",
        b"v4294967296\n",
        b"../..\n",
        b"\xff\n",
        &long,
    ] {
        replace_file(&fs, &dir.join("current"), bytes).unwrap();
        let error = made.version().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    let info = dir.join("checkpoint-00000000000000000000.ckpt");
    for bytes in [b"".as_slice(), b"STRAND", &long] {
        replace_file(&fs, &info, bytes).unwrap();
        let error = Consumer::open(&place, Path::new(ROOT), NAME).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}
