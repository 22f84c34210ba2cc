//! Verification of damaged logs: it goes on, names the record, counts what is good, and cascades nowhere.

use crate::harness::{CREATED, DIR, at, dir, files, options, read, write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use strandline::fs::MemFs;
use strandline::maintenance::{self, Kept, Verified, verify, verify_files};
use strandline::{
    Batch, Durability, ErrorKind, Event, ProblemKind, Store, StoreOptions, VerifyReport,
};

const EVENTS: u64 = 120;

fn small(fs: &MemFs) -> StoreOptions {
    options(fs)
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written)
}

/// A closed store of four segments: batches of ten events of 2,000 bytes over three entities.
fn made() -> MemFs {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    for batch in 0..EVENTS / 10 {
        let numbers = batch * 10..batch * 10 + 10;
        let events = numbers.fold(Batch::new(), |events, number| {
            let payload = vec![0x20 + number as u8; 2_000];
            let entity = at(&format!("order:{}", number % 3), "eu");
            events.push(&entity, Event::bytes(CREATED, payload))
        });
        store.append_batch(events).unwrap();
    }
    assert!(store.stats().unwrap().segments >= 4);
    store.close().unwrap();
    fs
}

/// Where the payload of an event begins, in which file.
type Place = (PathBuf, usize);

/// The places of all payloads, which are the only long runs of one byte.
fn payloads(fs: &MemFs) -> Vec<Place> {
    let mut places = Vec::new();
    for path in files(fs, "segment-") {
        let bytes = read(fs, &path);
        let mut at = 0;
        while at + 1_000 < bytes.len() {
            let run = bytes[at..]
                .iter()
                .take_while(|byte| **byte == bytes[at])
                .count();
            if run >= 1_998 && bytes[at] != 0 {
                places.push((path.clone(), at));
            }
            at += run;
        }
    }
    assert_eq!(places.len() as u64, EVENTS);
    places
}

fn payload(fs: &MemFs, event: u64) -> Place {
    payloads(fs)[event as usize].clone()
}

fn change(fs: &MemFs, path: &Path, offset: usize) {
    let mut bytes = read(fs, path);
    bytes[offset] ^= 0x40;
    write(fs, path, &bytes);
}

fn verified(fs: &MemFs) -> VerifyReport {
    let store = small(fs).read_only().open(dir()).unwrap();
    store.verify().unwrap()
}

fn as_files(fs: &MemFs) -> Verified {
    let go_on = &mut |_| ControlFlow::Continue(());
    verify_files(fs, Path::new(DIR), &Kept::default(), go_on).unwrap()
}

/// It stopped at the first bad frame: 0 events, and nothing after it was looked at.
#[test]
fn one_bad_record_is_one_problem_and_all_others_are_checked() {
    for event in [0, 1, 9, 33, 60, EVENTS - 1] {
        let fs = made();
        let (path, offset) = payload(&fs, event);
        change(&fs, &path, offset + 1_000);
        let opened = verified(&fs);
        for report in [&opened, &as_files(&fs).report] {
            let [problem] = &report.problems[..] else {
                panic!("{event}: {:?}", report.problems)
            };
            let sequence = problem.sequence.map(strandline::Sequence::get);
            assert_eq!((sequence, problem.events), (Some(event), 1));
            assert_eq!(problem.kind, ProblemKind::Log);
            let file = path.file_name().unwrap().to_str().unwrap();
            assert_eq!(problem.file.as_deref(), Some(file));
            let text = problem.to_string();
            assert!(text.contains(&format!("event {event} is lost")), "{text}");
            let named = text.split("offset ").nth(1).unwrap();
            let named: usize = named.split(':').next().unwrap().parse().unwrap();
            // The record, not its frame: header of 44 bytes, and what is before the payload.
            assert!(
                named + 44 < offset && offset < named + 250,
                "{named} of {offset}"
            );
            assert_eq!((report.total(), report.good()), (EVENTS, EVENTS - 1));
            assert_eq!(report.entities, 3);
        }
    }
}

#[test]
fn damage_in_several_segments_is_told_of_each() {
    let fs = made();
    let struck = [5, 6, 40, 41, 42, 100];
    let places = payloads(&fs);
    for event in struck {
        let (path, offset) = &places[event as usize];
        change(&fs, path, offset + 500);
    }
    let report = verified(&fs);
    let told = report.problems.iter().flat_map(|one| {
        let first = one.sequence.unwrap().get();
        first..first + one.events
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told, struck, "{:?}", report.problems);
    assert_eq!(report.good(), EVENTS - 6);
    // Each entity has events on both sides of each gap.
    assert!(report.unchained > 0);
}

/// All of a sector that a disk gives back as zeros, over several frames.
#[test]
fn a_gap_is_one_problem_with_the_events_that_it_held() {
    let fs = made();
    let (path, begin) = payload(&fs, 3);
    let (same, end) = payload(&fs, 24);
    assert_eq!(path, same);
    let mut bytes = read(&fs, &path);
    bytes[begin..end + 1_000].fill(0);
    write(&fs, &path, &bytes);
    for report in [verified(&fs), as_files(&fs).report] {
        assert_eq!(report.good(), EVENTS - 22, "{:?}", report.problems);
        let lost: u64 = report.problems.iter().map(|problem| problem.events).sum();
        assert_eq!(lost, 22, "{:?}", report.problems);
        assert!(report.problems.len() <= 3, "{:?}", report.problems);
    }
}

/// A damaged header costs the frame its proof, and none of its events.
#[test]
fn events_behind_a_damaged_header_are_found() {
    let fs = made();
    let (path, offset) = payload(&fs, 10);
    let bytes = read(&fs, &path);
    let header = bytes[..offset]
        .windows(4)
        .rposition(|four| four == b"FRAM")
        .unwrap();
    change(&fs, &path, header + 20);
    let report = verified(&fs);
    assert_eq!(
        (report.good(), report.problems.len()),
        (EVENTS, 1),
        "{:?}",
        report.problems
    );
    assert!(!report.is_intact());
}

#[test]
fn a_wrong_event_behind_a_gap_is_still_found() {
    let fs = made();
    let (path, offset) = payload(&fs, 34);
    // Its checksums are made right, its hash is not.
    crate::forge::forge(&fs, &mut |_, sequence, body| {
        let mut body = body.to_vec();
        let last = body.len() - 1;
        body[last] ^= u8::from(sequence.get() == 50);
        Some(body)
    });
    assert_eq!(as_files(&fs).report.damaged, 1);
    change(&fs, &path, offset + 10);
    let report = as_files(&fs).report;
    let told: Vec<_> = report
        .problems
        .iter()
        .filter_map(|one| one.sequence)
        .collect();
    let told: Vec<_> = told.iter().map(|sequence| sequence.get()).collect();
    assert_eq!(
        (told, report.damaged),
        (vec![34, 50], 2),
        "{:?}",
        report.problems
    );
}

/// A store that does not open was not verified at all.
#[test]
fn a_store_that_does_not_open_is_verified_by_its_files() {
    let fs = made();
    let segments = files(&fs, "segment-");
    let last = segments.last().unwrap();
    let bytes = read(&fs, last);
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    write(&fs, last, &bytes[..end / 2]);
    let error = small(&fs).read_only().open(dir()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LogBehindCheckpoint);
    let cut = as_files(&fs).report;
    assert_eq!(cut.total(), EVENTS);
    assert!(cut.good() > 90 && cut.good() < EVENTS, "{}", cut.good());
    let lost: u64 = cut.problems.iter().map(|problem| problem.events).sum();
    assert_eq!(lost, EVENTS - cut.good(), "{:?}", cut.problems);

    // Without a segment in the middle: what follows it is checked, and the gap is told once.
    let fs = made();
    std::mem::drop(strandline::fs::Fs::remove_file(&fs, &segments[1]));
    let missing = as_files(&fs).report;
    assert_eq!(missing.total(), EVENTS);
    let lost: u64 = missing.problems.iter().map(|problem| problem.events).sum();
    assert_eq!((lost, missing.damaged), (EVENTS - missing.good(), lost));
    assert!(lost > 10 && lost < 60, "{lost}");
    assert!(
        missing.problems[0].message.contains("is missing"),
        "{:?}",
        missing.problems
    );

    let fs = made();
    write(&fs, &dir().join("MANIFEST"), b"no manifest");
    let unlisted = as_files(&fs).report;
    assert_eq!((unlisted.good(), unlisted.total()), (EVENTS, EVENTS));
    assert!(!unlisted.is_intact());
    let whole = as_files(&made());
    assert!(whole.is_intact(), "{:?}", whole.report.problems);
    let go_on = &mut |_| ControlFlow::Continue(());
    let nothing = verify_files(&MemFs::new(), Path::new(DIR), &Kept::default(), go_on);
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_kept_head_is_found_behind_damage() {
    let fs = made();
    let store: Store = small(&fs).read_only().open(dir()).unwrap();
    let mut kept = Kept::default();
    kept.head = Some(store.verify().unwrap().log_hash);
    drop(store);
    let (path, offset) = payload(&fs, 3);
    change(&fs, &path, offset + 10);
    let store = small(&fs).read_only().open(dir()).unwrap();
    let go_on = &mut |_| ControlFlow::Continue(());
    let verified = verify(&store, &kept, go_on).unwrap();
    assert_eq!(
        verified.head_at.map(strandline::Sequence::get),
        Some(EVENTS)
    );
    let verified = verify_files(&fs, &dir(), &kept, go_on).unwrap();
    assert_eq!(
        verified.head_at.map(strandline::Sequence::get),
        Some(EVENTS)
    );
    assert!(verified.mismatches.is_empty());
}

/// Damage by chance, of any length, in any file: what is told adds up, and the two that read past it agree.
#[test]
fn whatever_is_damaged_the_counts_add_up() {
    let whole = made();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let names = files(&whole, "");
    for round in 0..200 {
        let fs = whole.fork();
        for _ in 0..=next(3) {
            let path = &names[next(names.len() as u64) as usize];
            let mut bytes = read(&fs, path);
            if bytes.is_empty() {
                continue;
            }
            let start = next(bytes.len() as u64) as usize;
            let most = if next(2) == 0 { 20 } else { 20_000 };
            let end = (start + 1 + next(most) as usize).min(bytes.len());
            match next(4) {
                0 => bytes.truncate(start),
                1 => bytes[start..end].fill(0),
                2 => bytes[start..end].fill(0xff),
                _ => bytes[start] ^= 1 << next(8),
            }
            write(&fs, path, &bytes);
        }
        let report = as_files(&fs).report;
        assert!(
            report.good() <= report.total() && report.total() <= EVENTS,
            "{round}"
        );
        let target = small(&MemFs::new()).open(dir()).unwrap();
        let go_on = &mut |_| ControlFlow::Continue(());
        let saved = maintenance::salvage(&fs, Path::new(DIR), &target, go_on).unwrap();
        assert_eq!(
            saved.events + saved.lost,
            report.total(),
            "{round}: {saved:?}"
        );
        assert_eq!(
            saved.events,
            report.good(),
            "{round}: {:?} {saved:?}",
            report.problems
        );
        assert!(target.verify().unwrap().is_intact(), "{round}");
    }
}

/// Opening named the frame, which is at the front of a file where a batch is long.
#[test]
fn an_error_of_opening_names_the_record_too() {
    let fs = made();
    let (path, offset) = payload(&fs, 35);
    change(&fs, &path, offset + 100);
    let go_on = &mut |_| ControlFlow::Continue(());
    let error = maintenance::rebuild(small(&fs), &dir(), go_on).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let text = error.to_string();
    let named = text.split("record at offset ").nth(1).unwrap();
    let named: usize = named.split(';').next().unwrap().parse().unwrap();
    assert!(
        named + 44 < offset && offset < named + 250,
        "{text}: {offset}"
    );
}
