//! Salvage: it goes on past whatever cannot be saved, says how much is lost, and writes nowhere else.

#![expect(
    clippy::disallowed_methods,
    reason = "it is about directories of the operating system, which are damaged behind the seam"
)]

use crate::harness::{CREATED, at};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline::maintenance::{Salvaged, salvage, salvage_into};
use strandline::{
    AppendOptions, Batch, Durability, Error, ErrorKind, Event, EventId, Hlc, ManualClock, Region,
    Store, StoreOptions,
};

pub(crate) const SEGMENT: &str = "segment-0000000001.log";

fn into(dir: &Path, target: &Path) -> Result<Salvaged, Error> {
    into_with(StoreOptions::new(), dir, target)
}

fn into_with(options: StoreOptions, dir: &Path, target: &Path) -> Result<Salvaged, Error> {
    salvage_into(options, dir, target, &mut |_| ControlFlow::Continue(()))
}

pub(crate) fn id(number: u64) -> EventId {
    EventId::from_u128(u128::from(number) + 1)
}

/// A closed store of events of 300 bytes over three entities, numbered by their ids, each a commit of its
/// own from 0 to 19, and one of a hundred after that.
pub(crate) fn made(dir: &Path, options: StoreOptions) -> PathBuf {
    let path = dir.join("orders");
    let store = options.open(&path).unwrap();
    let event = |number| Event::bytes(CREATED, vec![b'x'; 300]).with_id(id(number));
    let entity = |number| at(&format!("order:{}", number % 3), "eu");
    for number in 0..20 {
        store.append(&entity(number), event(number)).unwrap();
    }
    let batch = (20..120).fold(Batch::new(), |batch, number| {
        batch.push(&entity(number), event(number))
    });
    store.append_batch(batch).unwrap();
    store.close().unwrap();
    path
}

fn numbers(path: &Path) -> Vec<u128> {
    let store = StoreOptions::new().read_only().open(path).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    let snapshot = store.snapshot();
    let events = snapshot.query(Region::all());
    events
        .map(|event| event.unwrap().id.as_u128() - 1)
        .collect()
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Every name under a directory with its bytes.
pub(crate) fn listing(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            let to = std::fs::read_link(&path).unwrap().into_os_string();
            found.insert(path, to.into_encoded_bytes());
        } else if path.is_dir() {
            found.extend(listing(&path));
            found.insert(path, Vec::new());
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for (path, bytes) in listing(from) {
        std::fs::write(to.join(path.file_name().unwrap()), bytes).unwrap();
    }
}

/// The log was held against itself alone, so an end that is gone was no loss: "0 events saved, nothing was
/// lost" of a store that its own checkpoint says had thousands.
#[test]
fn what_is_lost_is_counted_against_whatever_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let whole = made(dir.path(), StoreOptions::new());
    let [checkpoint, manifest] = ["checkpoint-00000000000000000120.ckpt", "MANIFEST"];
    let cases: [(&str, &[&str], usize, u64, u64); 7] = [
        ("cut to the header", &[], 128, 120, 120),
        ("cut in the batch", &[], 15_000, 87, 87),
        ("cut before the batch", &[checkpoint], 9_400, 0, 0),
        ("no file", &[SEGMENT], 0, 120, 120),
        ("no MANIFEST", &[manifest], usize::MAX, 0, 0),
        ("no checkpoint", &[checkpoint], usize::MAX, 0, 0),
        ("neither", &[manifest, checkpoint], usize::MAX, 0, 0),
    ];
    for (number, (what, removed, length, lost, durable)) in cases.into_iter().enumerate() {
        let damaged = dir.path().join(format!("damaged-{number}"));
        copied(&whole, &damaged);
        change(&damaged.join(SEGMENT), |bytes| bytes.truncate(length));
        for name in removed {
            std::fs::remove_file(damaged.join(name)).unwrap();
        }
        let before = listing(&damaged);
        let target = dir.path().join(format!("saved-{number}"));
        let report = into(&damaged, &target).unwrap();
        assert_eq!(
            listing(&damaged),
            before,
            "{what}: nothing of it is changed"
        );
        if lost > 0 {
            assert_eq!(
                (report.lost, report.lost_durable),
                (lost, durable),
                "{what}"
            );
            assert_eq!(report.events + lost, 120, "{what}");
            assert!(!report.is_whole(), "{what}");
            assert!(report.proven_by.is_some(), "{what}");
        }
        assert_eq!(numbers(&target).len() as u64, report.events, "{what}");
        let is_provable = removed.len() < 2;
        assert_eq!(report.is_proven, is_provable, "{what}");
        if length == usize::MAX {
            assert!(
                report.is_whole() && report.events == 120,
                "{what}: {report:?}"
            );
        }
    }
}

/// Of a checkpoint that is damaged as well its name is left, which it got when it was whole.
#[test]
fn a_damaged_checkpoint_still_says_how_many_events_there_were() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), StoreOptions::new());
    change(&path.join(SEGMENT), |bytes| bytes.truncate(3_000));
    let checkpoint = path.join("checkpoint-00000000000000000120.ckpt");
    change(&checkpoint, |bytes| bytes[200] ^= 1);
    let report = into(&path, &dir.path().join("saved")).unwrap();
    assert_eq!(report.events + report.lost_durable, 120);
    let notice = report
        .notices
        .iter()
        .any(|notice| notice.contains("is damaged"));
    assert!(notice, "{:?}", report.notices);
}

/// Where the record that names a coordinate is lost, all others of its entity in the segment were too.
#[test]
fn a_lost_name_is_taken_from_what_was_made_of_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let small = || StoreOptions::new().segment_bytes_max(64 << 10);
    // With a checkpoint, and with a footer.
    for (number, sealed) in [false, true].into_iter().enumerate() {
        let path = made(&dir.path().join(number.to_string()), small());
        if sealed {
            let store = small().open(&path).unwrap();
            for number in 0..3 {
                let event = Event::bytes(CREATED, vec![b'y'; 30_000]).with_id(id(120 + number));
                store.append(&at("big", "eu"), event).unwrap();
            }
            store.close().unwrap();
        }
        change(&path.join(SEGMENT), |bytes| bytes[128 + 72 + 60] ^= 1);
        let target = dir.path().join(format!("saved-{number}"));
        let report = into(&path, &target).unwrap();
        assert_eq!(report.lost, 1, "{:?}", report.losses);
        let expected: Vec<_> = (1..if sealed { 123 } else { 120 }).collect();
        assert_eq!(numbers(&target), expected);
    }
}

/// A payload over the default limit of a new store ended the salvage, and hid what damage there was.
#[test]
fn what_the_old_store_held_the_new_one_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big");
    let options = StoreOptions::new().payload_bytes_max(40 << 20);
    let store = options.durability(Durability::Written).open(&path).unwrap();
    for number in 0..8 {
        let bytes = if number == 3 { 20 << 20 } else { 1000 };
        let event = Event::bytes(CREATED, vec![b'x'; bytes]).with_id(id(number));
        store.append(&at("big", "eu"), event).unwrap();
    }
    drop(store);
    let last = |bytes: &mut Vec<u8>| {
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[end - 20] ^= 1;
    };
    change(&path.join(SEGMENT), last);
    let target = dir.path().join("saved");
    let report = into(&path, &target).unwrap();
    assert_eq!(
        (report.events, report.losses.len()),
        (7, 1),
        "{:?}",
        report.losses
    );
    assert_eq!(numbers(&target), [0, 1, 2, 3, 4, 5, 6]);
    // A store that was opened by the caller, with the default limit.
    let own = Store::open(dir.path().join("own")).unwrap();
    let report = salvage(&strandline::fs::OsFs, &path, &own, &mut |_| {
        ControlFlow::Continue(())
    });
    assert_eq!(report.unwrap().events, 7);
}

/// A commit that a segment of the new store does not take ended the salvage with nothing saved.
#[test]
fn a_commit_that_fits_in_no_segment_is_split_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large");
    let store = Store::open(&path).unwrap();
    let event = |number, bytes| Event::bytes(CREATED, vec![b'x'; bytes]).with_id(id(number));
    let mut batch = Batch::new();
    for number in 0..1000 {
        // One fits in no segment of 64 KiB by any means.
        let bytes = if number == 500 { 100_000 } else { 200 };
        batch.add(&at("a", "eu"), event(number, bytes));
    }
    store.append_batch(batch).unwrap();
    store.append(&at("b", "eu"), event(1000, 10)).unwrap();
    store.close().unwrap();

    let small = || StoreOptions::new().segment_bytes_max(64 << 10);
    let own = dir.path().join("own");
    let target = small().open(&own).unwrap();
    let report = salvage(&strandline::fs::OsFs, &path, &target, &mut |_| {
        ControlFlow::Continue(())
    });
    let report = report.unwrap();
    target.close().unwrap();
    assert_eq!((report.events, report.split, report.lost), (1000, 1, 1));
    let [loss] = &report.losses[..] else {
        panic!("{:?}", report.losses)
    };
    assert_eq!(loss.sequence.map(strandline::Sequence::get), Some(500));
    assert_eq!(loss.id, Some(id(500)));
    assert!(loss.reason.contains("bytes"), "{}", loss.reason);
    assert_eq!(numbers(&own).len(), 1000);

    // Where the store is made for it, its segments are long enough.
    let made = dir.path().join("made");
    let report = into_with(small(), &path, &made).unwrap();
    assert_eq!((report.events, report.split), (1001, 0));
    assert!(report.is_whole());
    let commits = StoreOptions::new()
        .read_only()
        .open(&made)
        .unwrap()
        .verify();
    assert_eq!(commits.unwrap().commits, 2, "what was one commit is one");
}

#[test]
fn times_ahead_of_the_clock_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ahead");
    let month = Duration::from_secs(30 * 86_400).as_millis() as u64;
    let clock = std::sync::Arc::new(ManualClock::new(
        strandline::Clock::now_ms(&strandline::SystemClock::default()) + month,
    ));
    let store = StoreOptions::new()
        .clock(clock.clone())
        .open(&path)
        .unwrap();
    for number in 0..5 {
        store
            .append(
                &at("a", "eu"),
                Event::bytes(CREATED, []).with_id(id(number)),
            )
            .unwrap();
    }
    let times = |store: &Store| -> Vec<Hlc> {
        let snapshot = store.snapshot();
        snapshot
            .query(Region::all())
            .map(|event| event.unwrap().hlc)
            .collect()
    };
    let before = times(&store);
    store.close().unwrap();
    let target = dir.path().join("saved");
    let report = into(&path, &target).unwrap();
    assert_eq!((report.events, report.moved_times), (5, 0));
    assert_eq!(
        times(&StoreOptions::new().read_only().open(&target).unwrap()),
        before
    );
}

/// Paths were compared as texts, so `./S` or a link to it was another directory: the store itself was opened
/// to write, and repaired, which salvage promises not to do.
#[test]
fn nothing_is_ever_written_into_what_is_saved() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let path = made(root, StoreOptions::new());
    change(&path.join(SEGMENT), |bytes| bytes.truncate(9_000));
    std::fs::create_dir_all(path.join("inside")).unwrap();
    symlink(&path, root.join("link")).unwrap();
    symlink(path.join("inside"), root.join("into")).unwrap();
    symlink(root.join("nowhere"), root.join("dangling")).unwrap();
    std::fs::write(root.join("file"), "text").unwrap();
    std::fs::create_dir(root.join("others")).unwrap();
    std::fs::write(root.join("others/notes.txt"), "text").unwrap();
    std::fs::create_dir(root.join("models")).unwrap();
    std::fs::write(root.join("models/model.ckpt"), "weights").unwrap();
    let other = Store::open(root.join("other")).unwrap();
    other
        .append(&at("a", "b"), Event::bytes(CREATED, []))
        .unwrap();
    drop(other);
    copied(&path, &root.join("backup"));
    let before = listing(root);
    for target in [
        "orders",
        "./orders",
        "orders/../orders",
        "orders/inside/..",
        "link",
        "link/",
        "link/new",
        "orders/new",
        "orders/inside",
        "into",
        "into/deep/er",
        "",
        ".",
        "file",
        "file/under",
        "others",
        "models",
        "other",
        "backup",
    ] {
        let error = into(&path, &root.join(target)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{target}: {error}");
        assert_eq!(
            listing(root),
            before,
            "{target}: nothing is made or changed"
        );
    }
    assert!(into(&path, &root.join("dangling")).is_err());
    assert_eq!(listing(root), before);
    for source in ["others", "other/nothing"] {
        let error = into(&root.join(source), &root.join("new")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(listing(root), before);
    }
}

#[test]
fn an_empty_directory_or_a_link_to_one_is_filled() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), StoreOptions::new());
    let [empty, volume, link] = ["empty", "volume", "link"].map(|name| dir.path().join(name));
    std::fs::create_dir(&empty).unwrap();
    std::fs::create_dir_all(volume.join("lost+found")).unwrap();
    symlink(&empty, &link).unwrap();
    for target in [volume, link, dir.path().join("deep/er")] {
        assert_eq!(into(&path, &target).unwrap().events, 120);
        assert_eq!(numbers(&target).len(), 120);
    }
}

/// An interrupted salvage goes on where it was; a store that holds anything else is left alone, and told.
#[test]
fn an_interrupted_salvage_is_taken_up_and_another_store_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), StoreOptions::new());
    let target = dir.path().join("saved");
    let store = Store::open(&target).unwrap();
    let options = AppendOptions::new().durability(Durability::Written);
    let source = StoreOptions::new()
        .read_only()
        .open(&path)
        .unwrap()
        .snapshot();
    for event in source.query(Region::all().sequence(..16)) {
        let event = event.unwrap();
        let copy = Event::bytes(event.kind, event.payload().unwrap())
            .with_id(event.id)
            .at(event.hlc);
        store.append_with(&event.coordinate, copy, options).unwrap();
    }
    drop(store);
    let report = into(&path, &target).unwrap();
    assert_eq!((report.events, report.repeated), (104, 16));
    assert!(report.is_whole());
    let report = into(&path, &target).unwrap();
    assert_eq!((report.events, report.repeated), (0, 120));
    let all: Vec<_> = (0..120).collect();
    assert_eq!(numbers(&target), all);

    let store = Store::open(&target).unwrap();
    store
        .append(&at("new", "eu"), Event::bytes(CREATED, []).with_id(id(999)))
        .unwrap();
    drop(store);
    let before = listing(&target);
    let error = into(&path, &target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains("1 event that is not in"),
        "{error}"
    );
    assert_eq!(listing(&target), before);
    let store = Store::open(&target).unwrap();
    let go_on = &mut |_| ControlFlow::Continue(());
    let error = salvage(&strandline::fs::OsFs, &path, &store, go_on).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(store.snapshot().len(), 121);
}

/// What an earlier call could not save is not put after what followed it.
#[test]
fn the_order_stays_where_an_earlier_call_left_something_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), StoreOptions::new());
    let damaged = dir.path().join("damaged");
    copied(&path, &damaged);
    change(&damaged.join(SEGMENT), |bytes| bytes[2_000] ^= 1);
    let target = dir.path().join("saved");
    assert_eq!(into(&damaged, &target).unwrap().lost, 1);
    let report = into(&path, &target).unwrap();
    assert_eq!((report.events, report.repeated, report.lost), (0, 119, 1));
    let told = report.losses[0]
        .reason
        .contains("salvage into a new directory");
    assert!(told, "{:?}", report.losses);
}

/// A segment of another store that lies in the directory was saved as if it were of this one.
#[test]
fn a_segment_of_another_store_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), StoreOptions::new());
    let other = made(&dir.path().join("other"), StoreOptions::new());
    let strange = path.join("segment-0000000007.log");
    std::fs::copy(other.join(SEGMENT), strange).unwrap();
    for without in ["", "MANIFEST"] {
        if !without.is_empty() {
            std::fs::remove_file(path.join(without)).unwrap();
        }
        let target = dir.path().join(format!("saved{without}"));
        let report = into(&path, &target).unwrap();
        assert_eq!((report.events, report.repeated), (120, 0));
        assert_eq!(report.passed_over, ["segment-0000000007.log"]);
    }
}
