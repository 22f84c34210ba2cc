//! Segments that an opening did not look into: what can be read of a damaged one is counted as such, and
//! verification calls lost what a salvage cannot save.

use crate::compact::small;
use crate::harness::{dir, files, read, write};
use crate::merged_index::of_segments;
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::maintenance::{Kept, Salvaged, salvage, verify_files};
use strandline::{ProblemKind, VerifyReport};

const GO_ON: fn(strandline::maintenance::Progress) -> ControlFlow<()> =
    |_| ControlFlow::Continue(());

/// A store whose first segments are in a merged file, so that an opening takes nothing of theirs.
fn made() -> (MemFs, u64) {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    let events = store.snapshot().len();
    store.close().unwrap();
    (fs, events)
}

/// As an open store says it, as its files say it, and what a salvage makes of it. All three agree.
fn told(fs: &MemFs, what: &str) -> (VerifyReport, Salvaged) {
    let store = small(fs).read_only().open(dir()).unwrap();
    let opened = store.verify().unwrap();
    drop(store);
    let as_files = verify_files(fs, &dir(), &Kept::default(), &mut { GO_ON }).unwrap();
    let target = small(&MemFs::new()).open(dir()).unwrap();
    let saved = salvage(fs, &dir(), &target, &mut { GO_ON }).unwrap();
    let counts = |report: &VerifyReport| (report.good(), report.total(), report.damaged);
    let as_files = as_files.report;
    assert_eq!(
        counts(&opened),
        counts(&as_files),
        "{what}: {:?} {:?}",
        opened.problems,
        as_files.problems
    );
    assert_eq!(
        (saved.events, saved.lost),
        (opened.good(), opened.damaged),
        "{what}: {saved:?} {:?}",
        opened.problems
    );
    assert!(!opened.is_intact(), "{what}");
    let is_of_log = |problem: &strandline::Problem| problem.kind == ProblemKind::Log;
    assert!(
        opened.problems.iter().all(is_of_log),
        "{:?}",
        opened.problems
    );
    (opened, saved)
}

/// All events of a segment were called lost whose header alone was damaged.
#[test]
fn events_behind_the_damaged_header_of_a_file_are_read() {
    let (whole, events) = made();
    let path = files(&whole, "segment-").remove(1);
    // The format version among them.
    for place in [3, 9, 20, 60, 100] {
        let fs = whole.fork();
        let mut bytes = read(&fs, &path);
        bytes[place] ^= 1;
        write(&fs, &path, &bytes);
        let (report, saved) = told(&fs, &format!("byte {place}"));
        assert_eq!((report.good(), report.damaged), (events, 0), "{place}");
        assert!(saved.losses.is_empty(), "{:?}", saved.losses);
        let [problem] = &report.problems[..] else {
            panic!("{:?}", report.problems)
        };
        assert_eq!(problem.file.as_deref(), Some("segment-0000000002.log"));
    }
}

/// So were those of a file that had lost its end.
#[test]
fn events_of_a_file_that_is_too_short_are_read_as_far_as_it_goes() {
    let (whole, events) = made();
    let path = files(&whole, "segment-").remove(2);
    let bytes = read(&whole, &path);
    let of_first = 20_000..25_000;
    for (length, lost) in [(0, 3), (50, 3), (of_first.end, 2), (45_000, 1), (60_000, 1)] {
        let fs = whole.fork();
        write(&fs, &path, &bytes[..length]);
        let (report, _) = told(&fs, &format!("{length} bytes"));
        assert_eq!(
            (report.good(), report.damaged),
            (events - lost, lost),
            "{length}: {:?}",
            report.problems
        );
    }
}

/// What another file has under the name of a segment is none of its events.
#[test]
fn a_file_of_another_segment_or_of_another_course_costs_what_it_has_not() {
    let (whole, events) = made();
    let paths = files(&whole, "segment-");
    let fs = whole.fork();
    write(&fs, &paths[3], &read(&whole, &paths[1]));
    let (report, _) = told(&fs, "that of another segment");
    assert_eq!(report.damaged, 3, "{:?}", report.problems);
    assert_eq!(report.total(), events);
}

/// Damage by chance, in files that are opened and in others.
#[test]
fn an_open_store_and_its_files_and_a_salvage_agree() {
    let (whole, events) = made();
    let names = files(&whole, "segment-");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below).unwrap()
    };
    for round in 0..30 {
        let fs = whole.fork();
        for _ in 0..=next(3) {
            let path = &names[next(10)];
            let mut bytes = read(&fs, path);
            let start = match next(2) {
                0 => next(200),
                _ => next(60_000),
            };
            let end = start + 1 + next(if round % 2 == 0 { 20 } else { 20_000 });
            if end >= bytes.len() {
                continue;
            }
            match next(4) {
                0 => bytes.truncate(start),
                1 => bytes[start..end].fill(0),
                2 => bytes[start..end].fill(0xff),
                _ => bytes[start] ^= 1 << next(8),
            }
            write(&fs, path, &bytes);
        }
        let is_changed = names
            .iter()
            .any(|name| read(&fs, name) != read(&whole, name));
        if is_changed {
            let (report, _) = told(&fs, &format!("round {round}"));
            assert_eq!(report.total(), events, "round {round}");
        }
    }
}
