//! Imports: which events lines become, which line is said to be wrong, and that a trial says the same.

use crate::harness::{contents, dir, exported, written};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::maintenance::{Retention, compact};
use strandline::{
    ErrorKind, EventId, EventKind, ManualClock, RefusedTime, Region, Store, StoreOptions,
};
use strandline_transfer::{ImportError, ImportOptions, Imported, LineFormat, import};

/// What a line has that says nothing of it.
pub(crate) const KIND: EventKind = EventKind::new(1, 0);
pub(crate) const NOW: u64 = 1_700_000_000_000;

pub(crate) fn options(fs: &MemFs) -> StoreOptions {
    written(fs).clock(Arc::new(ManualClock::new(NOW)))
}

pub(crate) fn open(fs: &MemFs) -> Store {
    options(fs).open(dir()).unwrap()
}

pub(crate) fn run(
    store: &Store,
    options: ImportOptions,
    lines: impl AsRef<[u8]>,
) -> Result<Imported, ImportError> {
    let mut go_on = |_| ControlFlow::Continue(());
    import(store, &mut lines.as_ref(), options, &mut go_on)
}

pub(crate) fn fine(store: &Store, options: ImportOptions, lines: impl AsRef<[u8]>) -> Imported {
    run(store, options, lines).unwrap()
}

/// Checks that an import and a trial before it refuse a line, with all lines before it in the store.
pub(crate) fn refused(
    store: &Store,
    options: ImportOptions,
    lines: &str,
    (line, kind, reason): (u64, ErrorKind, &str),
) {
    let tried = run(store, options.trial(), lines).unwrap_err();
    let error = run(store, options, lines).unwrap_err();
    assert_eq!(
        (error.line, error.error.kind()),
        (Some(line), kind),
        "{error}"
    );
    assert!(error.to_string().contains(reason), "{error}");
    assert_eq!(
        (tried.line, tried.imported, tried.to_string()),
        (error.line, error.imported, error.to_string())
    );
    let before: Vec<&str> = lines.lines().take(line as usize - 1).collect();
    let again = fine(store, options, before.join("\n"));
    assert_eq!(again.events, 0, "all before it are there");
}

pub(crate) const LINES: ImportOptions = ImportOptions::new();
pub(crate) const CLOUD_EVENTS: ImportOptions = ImportOptions::new().format(LineFormat::CloudEvents);

pub(crate) fn line(wall_ms: u64, number: u64) -> String {
    format!("{{\"entity\":\"e\",\"scope\":\"s\",\"wall_ms\":{wall_ms},\"payload\":{number}}}\n")
}

/// A line with a payload of so many bytes.
pub(crate) fn long(number: u64, bytes: usize) -> String {
    let text = "x".repeat(bytes);
    format!(
        "{{\"entity\":\"e\",\"scope\":\"s\",\"id\":\"{number:032x}\",\"payload\":\"{text}\"}}\n"
    )
}

pub(crate) fn cloud_event(source: &str, id: &str, rest: &str) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"source\":{source:?},\"id\":{id:?},\"type\":\"t\"{rest}}}\n"
    )
}

/// Ids of foreign events were hashed over their time too, or taken as they were whatever their source.
#[test]
fn a_foreign_event_is_named_by_its_source_and_id_alone() {
    for id in [
        "7",
        "018f4e66-0000-7000-8000-000000000001",
        "018F4E66-0000-7000-8000-000000000001",
        "{018f4e66-0000-7000-8000-000000000001}",
    ] {
        let event = |source: &str, rest: &str| cloud_event(source, id, rest);
        let store = open(&MemFs::new());
        let times = ",\"subject\":\"x\",\"time\":\"2020-01-01T00:00:00Z\",\"data\":1";
        let later = times.replace("00Z", "09Z");
        let imported = fine(
            &store,
            CLOUD_EVENTS,
            event("/a", times) + &event("/a", &later),
        );
        assert_eq!((imported.events, imported.repeated), (1, 1), "{id}");
        let other = event("/b", times);
        assert_eq!(fine(&store, CLOUD_EVENTS, &other).events, 1, "{id}");
        let changed = other.clone() + &event("/b", &times.replace("\":1", "\":2"));
        let expected = (2, ErrorKind::Conflict, "another payload");
        refused(&store, CLOUD_EVENTS, &changed, expected);
        let moved = event("/a", &times.replace("\"x\"", "\"y\""));
        let expected = (1, ErrorKind::Conflict, "another entity or scope");
        refused(&store, CLOUD_EVENTS, &moved, expected);
        assert_eq!(store.snapshot().len(), 2);
    }
}

/// An event of an export keeps its id, and comes out of a second export with it.
#[test]
fn exported_events_keep_their_ids_in_both_formats() {
    let store = open(&MemFs::new());
    let foreign = cloud_event("/a", "7", ",\"subject\":\"x\",\"data\":{}");
    fine(&store, CLOUD_EVENTS, &foreign);
    fine(&store, LINES, line(5, 1) + &long(9, 3));
    let ids = |store: &Store| -> Vec<EventId> {
        contents(&store.snapshot())
            .iter()
            .map(|event| event.id)
            .collect()
    };
    for options in [LINES, CLOUD_EVENTS] {
        let format = if options == LINES {
            LineFormat::Lines
        } else {
            LineFormat::CloudEvents
        };
        let lines = exported(&store, Region::all(), format);
        let copy = open(&MemFs::new());
        fine(&copy, options, &lines);
        assert_eq!(ids(&copy), ids(&store));
        // Where it came from knows it, and so does the copy.
        for store in [&store, &copy] {
            assert_eq!(fine(store, CLOUD_EVENTS, &foreign).repeated, 1);
        }
    }
}

/// The newest event was taken for the store's clock, which stays where it is when events are removed.
#[test]
fn times_before_those_of_removed_events_are_moved_and_counted() {
    let older = |count: u64| (0..count).map(|at| line(1000 + at, at)).collect::<String>();
    for (kept, reopens) in [(true, false), (true, true), (false, false), (false, true)] {
        let fs = MemFs::new();
        let mut store = open(&fs);
        let of = |entity: &str, wall_ms: u64| line(wall_ms, 0).replace("\"e\"", entity);
        if kept {
            fine(&store, LINES, of("\"kept\"", 500));
        }
        fine(&store, LINES, of("\"gone\"", 2000));
        let drop = Retention::new().drop_entity("gone");
        compact(&store, &drop, &mut |_| ControlFlow::Continue(())).unwrap();
        if reopens {
            store.close().unwrap();
            store = open(&fs);
        }
        let count = 2500;
        let tried = fine(&store, LINES.trial(), older(count));
        let imported = fine(&store, LINES, older(count));
        assert_eq!(
            (imported.events, imported.moved_times),
            (count, 1000),
            "{kept} {reopens}"
        );
        assert_eq!(tried, imported);
    }
}

/// Readings whose counter is at its end go on in the next millisecond, and are no reason to stop.
#[test]
fn a_full_counter_stops_no_import() {
    let store = open(&MemFs::new());
    let full = line(5, 0).replace("\"wall_ms\":5", "\"wall_ms\":5,\"counter\":4294967295");
    let lines = full + &line(5, 1) + &line(4, 2);
    let tried = fine(&store, LINES.trial(), &lines);
    let imported = fine(&store, LINES, &lines);
    assert_eq!((imported.events, imported.moved_times), (3, 2));
    assert_eq!(tried, imported);
}

/// Batches were put together by what was worth a commit, and refused where a segment is shorter.
#[test]
fn lines_are_imported_into_segments_that_no_batch_fits_in() {
    let short = |fs: &MemFs| options(fs).segment_bytes_max(64 << 10).open(dir()).unwrap();
    let store = short(&MemFs::new());
    let lines: String = (0..1000).map(|number| long(number, 200)).collect();
    let tried = fine(&store, LINES.trial(), &lines);
    let imported = fine(&store, LINES, &lines);
    assert_eq!((imported.events, tried), (1000, imported));
    assert!(store.verify().unwrap().is_intact());
    let too_long = long(5000, 70_000);
    let lines = long(4998, 10) + &long(4999, 20) + &too_long + &long(5001, 10);
    let expected = (3, ErrorKind::TooLarge, "64");
    refused(&store, LINES, &lines, expected);
    assert_eq!(store.snapshot().len(), 1002);
    // One by one in a commit: what just fits.
    let lines: String = (0..5).map(|number| long(6000 + number, 60_000)).collect();
    assert_eq!(fine(&store, LINES, lines).events, 5);
    let store = options(&MemFs::new())
        .segment_bytes_max(4 << 20)
        .open(dir())
        .unwrap();
    let lines: String = (0..2000).map(|number| long(number, 6000)).collect();
    assert_eq!(fine(&store, LINES, lines).events, 2000);
    // Segments of three events, and of one line each.
    let few = options(&MemFs::new()).segment_events_max(3);
    let store = few.segment_bytes_max(64 << 10).open(dir()).unwrap();
    let lines: String = (0..300)
        .map(|number| long(number, 400 * (number as usize % 9)))
        .collect();
    assert_eq!(fine(&store, LINES, lines).events, 300);
    assert!(store.verify().unwrap().is_intact());
}

/// A batch has a limit on its bytes, too: 64 MiB, which few long lines reach.
#[test]
fn long_lines_are_imported_by_ones_and_twos() {
    let fs = MemFs::new();
    let store = options(&fs)
        .payload_bytes_max(48 << 20)
        .open(dir())
        .unwrap();
    let lines: String = [1, 40 << 20, 7 << 20, 30 << 20, 1]
        .into_iter()
        .enumerate()
        .map(|(number, bytes)| long(number as u64, bytes))
        .collect();
    assert_eq!(fine(&store, LINES, lines).events, 5);
}

/// Ids of lines without one had the number of the line in them.
#[test]
fn lines_without_an_id_are_known_again_wherever_they_stand() {
    let [a, b, c] = [1, 2, 3].map(|number| line(5, number));
    let store = open(&MemFs::new());
    let log = [&*a, &b, &a, &b].concat();
    assert_eq!(
        fine(&store, LINES, &log).events,
        4,
        "equal lines are two events"
    );
    // The first lines of the log went, and others came.
    let rotated = [
        "\n\u{feff}\r\n",
        &b,
        &a,
        " ",
        &c.replace('\n', "\r\n"),
        "\t",
        &b,
    ]
    .concat();
    let imported = fine(&store, LINES, &rotated);
    assert_eq!((imported.events, imported.repeated), (1, 3));
    // Another file with an equal line.
    let other = [&*c, &line(6, 4)].concat();
    let imported = fine(&store, LINES, other.trim_end());
    assert_eq!((imported.events, imported.repeated), (1, 1));
}

/// Exports of a store whose clock was ahead were refused in the middle, and by the store itself too.
#[test]
fn times_ahead_are_taken_if_they_are_asked_for_or_no_news() {
    const DAY: u64 = 86_400_000;
    let fs = MemFs::new();
    let clock = Arc::new(ManualClock::new(NOW + 30 * DAY));
    let store = written(&fs).clock(clock.clone()).open(dir()).unwrap();
    fine(
        &store,
        LINES,
        line(NOW + 30 * DAY, 1) + &line(NOW + 30 * DAY, 2),
    );
    let lines = exported(&store, Region::all(), LineFormat::Lines);
    // The clock was set right.
    clock.set(NOW);
    assert_eq!(
        fine(&store, LINES, &lines).repeated,
        2,
        "what is there is there"
    );
    for (wall_ms, moved) in [(NOW + 29 * DAY, 1), (NOW + 30 * DAY, 0), (5, 1)] {
        let imported = fine(&store, LINES, line(wall_ms, wall_ms));
        assert_eq!(
            (imported.events, imported.moved_times),
            (1, moved),
            "{wall_ms}"
        );
    }
    let copy = open(&MemFs::new());
    let ahead = line(NOW + 60_000, 0) + &lines;
    let expected = (2, ErrorKind::RefusedTime, "in the future, 30 days ahead");
    refused(&copy, LINES, &ahead, expected);
    let error = run(&copy, LINES, &ahead).unwrap_err().error;
    assert!(matches!(
        error.refused_time(),
        Some(RefusedTime::Ahead { now_ms: NOW, .. })
    ));
    let imported = fine(&copy, LINES.allow_future(), &ahead);
    assert_eq!(
        (imported.events, imported.repeated, imported.moved_times),
        (2, 1, 0)
    );
}

/// A trial has no event to compare a line with, but what it has kept of an earlier line.
#[test]
fn what_differs_is_named_wherever_the_first_one_is() {
    let id = "\"id\":\"00000000000000000000000000000007\"";
    let first = format!(
        "{{{id},\"entity\":\"e\",\"scope\":\"s\",\"kind\":1,\"version\":2,\"tags\":[\"a\",\"b\"],\
         \"correlation\":\"00000000000000000000000000000001\",\
         \"causation\":\"00000000000000000000000000000002\",\"encoding\":7,\"payload_base64\":\"AAAA\"}}\n"
    );
    for (from, to, what) in [
        ("\"entity\":\"e\"", "\"entity\":\"es\"", "entity or scope"),
        ("\"scope\":\"s\"", "\"scope\":\"t\"", "entity or scope"),
        ("\"kind\":1", "\"kind\":2", "kind"),
        ("\"encoding\":7", "\"encoding\":8", "encoding"),
        ("\"version\":2", "\"version\":3", "version"),
        ("\"b\"", "\"c\"", "set of tags"),
        ("[\"a\",\"b\"]", "[]", "set of tags"),
        ("0001\"", "0003\"", "correlation"),
        (
            "\"correlation\":\"00000000000000000000000000000001\",",
            "",
            "correlation",
        ),
        ("0002\"", "0003\"", "causation"),
        (
            "\"causation\":\"00000000000000000000000000000002\",",
            "",
            "causation",
        ),
        ("AAAA", "AAA=", "payload"),
    ] {
        let second = first.replace(from, to);
        assert_ne!(first, second);
        let expected = (2, ErrorKind::Conflict, what);
        refused(
            &open(&MemFs::new()),
            LINES,
            &(first.clone() + &second),
            expected,
        );
        let store = open(&MemFs::new());
        fine(&store, LINES, &first);
        refused(&store, LINES, &second, (1, ErrorKind::Conflict, what));
    }
    // In another order, twice, with the own id given, at another time: the same.
    let same = first.replace("[\"a\",\"b\"]", "[\"b\",\"a\",\"b\"]");
    let later = first.replace("\"kind\"", "\"wall_ms\":5,\"kind\"");
    let tried = fine(
        &open(&MemFs::new()),
        LINES.trial(),
        first.clone() + &same + &later,
    );
    let imported = fine(&open(&MemFs::new()), LINES, first.clone() + &same + &later);
    assert_eq!(
        (imported.events, imported.repeated, tried),
        (1, 2, imported)
    );
}
