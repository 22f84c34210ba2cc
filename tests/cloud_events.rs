//! CloudEvents of other programs: they come out as they came in, whatever they have.

use crate::harness::{at, contents, exported};
use crate::imports::{CLOUD_EVENTS, LINES, cloud_event, fine, open, run};
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::PathBuf;
use strandline::fs::{MemFs, OsFs};
use strandline::maintenance::{Redaction, redact};
use strandline::{ErrorKind, Event, EventKind, Region, Store};
use strandline_transfer::LineFormat;

fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("fixtures").join("cloudevents").join(name);
    String::from_utf8(crate::harness::read(&OsFs, &path)).unwrap()
}

fn events(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn values(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Checks that a text of events goes in once, and comes out as these, through copies in both formats too.
fn check(text: &str, expected: &[Value]) {
    let store = open(&MemFs::new());
    let tried = fine(&store, CLOUD_EVENTS.trial(), text);
    let imported = fine(&store, CLOUD_EVENTS, text);
    assert_eq!(imported.events, expected.len() as u64);
    assert_eq!(tried, imported);
    let again = fine(&store, CLOUD_EVENTS, text);
    assert_eq!((again.events, again.repeated), (0, imported.events));
    let out = exported(&store, Region::all(), LineFormat::CloudEvents);
    assert_eq!(values(&out), expected, "{out}");
    // What came out is known where it came from, and is the same event in another store.
    assert_eq!(fine(&store, CLOUD_EVENTS, &out).repeated, imported.events);
    let payloads = |store: &Store| -> Vec<_> {
        let all = contents(&store.snapshot());
        all.iter()
            .map(|event| (event.id, event.payload().unwrap().to_vec()))
            .collect()
    };
    for (options, format) in [
        (CLOUD_EVENTS, LineFormat::CloudEvents),
        (LINES, LineFormat::Lines),
    ] {
        let copy = open(&MemFs::new());
        fine(&copy, options, exported(&store, Region::all(), format));
        assert_eq!(payloads(&copy), payloads(&store));
        assert_eq!(exported(&copy, Region::all(), LineFormat::CloudEvents), out);
        assert_eq!(fine(&copy, CLOUD_EVENTS, text).repeated, imported.events);
    }
    assert!(store.verify().unwrap().is_intact());
}

/// Types, ids, schemas, content types and extensions were gone: of three events that an import took, all had
/// one type afterwards, other ids and other sources.
#[test]
fn events_of_other_programs_come_out_as_they_came_in() {
    for name in ["specification.json", "conformance.json", "sdks.json"] {
        let text = file(name);
        let all = events(&text);
        check(&text, &all);
        let lines: Vec<_> = all.iter().map(Value::to_string).collect();
        check(&lines.join("\n"), &all);
        for (line, event) in lines.iter().zip(&all) {
            check(line, std::slice::from_ref(event));
        }
    }
    check("[]", &[]);
    check("\u{feff} [ \n ] \r\n", &[]);
}

/// A type that was a text became type 0 of a category, whatever it said.
#[test]
fn types_are_names_of_kinds_wherever_events_go() {
    let store = open(&MemFs::new());
    fine(&store, CLOUD_EVENTS, file("specification.json"));
    let now = store.snapshot();
    let placed = now.kind_named("com.shop.order.placed").unwrap();
    assert_eq!(now.query(Region::all().kind(placed)).count(), 1);
    assert_eq!(now.kinds().len(), 7);
    // Numbers of other stores differ: what counts is the name.
    let other = open(&MemFs::new());
    fine(&other, CLOUD_EVENTS, cloud_event("/a", "1", ""));
    for (options, format) in [
        (CLOUD_EVENTS, LineFormat::CloudEvents),
        (LINES, LineFormat::Lines),
    ] {
        let lines = exported(&store, Region::all(), format);
        let tried = fine(&other, options.trial(), &lines);
        assert_eq!(fine(&other, options, &lines), tried);
    }
    let there = other.snapshot();
    assert_ne!(there.kind_named("com.shop.order.placed"), Some(placed));
    assert_eq!(there.kinds().len(), 8);
}

/// Such a type became the kind of that number, and came out as another one, or was refused as none of an export.
#[test]
fn types_of_other_programs_that_look_like_those_of_an_export_are_names() {
    let names = [
        "strandline.kind.0xf000",
        "strandline.kind.0x1002",
        "strandline.kind.zzz",
        "strandline.kind.",
        "strandline.removal",
    ];
    let events = names
        .map(|name| cloud_event("/a", name, ",\"data\":{}").replace("\"t\"", &format!("{name:?}")));
    check(&events.concat(), &values(&events.concat()));
    // The names go on to events of the store's own.
    let store = open(&MemFs::new());
    fine(&store, CLOUD_EVENTS, events.concat());
    for name in names {
        let kind = store.kind(name).unwrap();
        store
            .append(&at("e", "s"), Event::json(kind, &1).unwrap())
            .unwrap();
    }
    let numbered = Event::json(EventKind::new(1, 9), &1).unwrap();
    store
        .append(
            &at("e", "s"),
            numbered.with_kind_name("strandline.kind.0x1003"),
        )
        .unwrap();
    let copy = open(&MemFs::new());
    let out = exported(&store, Region::all(), LineFormat::CloudEvents);
    assert_eq!(fine(&copy, CLOUD_EVENTS, &out).events, 11);
    let types = |lines: &str| -> Vec<_> {
        values(lines)
            .iter()
            .map(|event| event["type"].clone())
            .collect()
    };
    assert_eq!(
        types(&exported(&copy, Region::all(), LineFormat::CloudEvents)),
        types(&out)
    );
    let named = copy.snapshot().kind_named("strandline.kind.0x1003");
    assert_eq!(named, Some(EventKind::new(1, 9)));
    assert_eq!(fine(&store, CLOUD_EVENTS, &out).repeated, 11);
}

/// A member that is `null` was gone, where others of that value were kept.
#[test]
fn base64_that_is_null_comes_back_and_is_no_payload() {
    let null = ",\"data_base64\":null";
    let all = [
        "",
        ",\"data\":1",
        ",\"data\":null",
        ",\"datacontenttype\":\"image/png\"",
    ];
    let events: Vec<_> = all
        .iter()
        .enumerate()
        .map(|(number, rest)| cloud_event("/a", &number.to_string(), &format!("{rest}{null}")))
        .collect();
    check(&events.concat(), &values(&events.concat()));
    // It says nothing: without it the event is the same.
    let store = open(&MemFs::new());
    fine(&store, CLOUD_EVENTS, events.concat());
    let without = events.concat().replace(null, "");
    assert_eq!(fine(&store, CLOUD_EVENTS, without).repeated, 4);
    // `null` as data is a payload, and a second one beside base64.
    let two = cloud_event("/a", "x", ",\"data\":null,\"data_base64\":\"AA==\"");
    let error = run(&store, CLOUD_EVENTS, two).unwrap_err();
    assert!(error.to_string().contains("not both"), "{error}");
}

#[test]
fn kinds_of_a_program_keep_their_numbers_with_their_names() {
    let own = EventKind::new(1, 7);
    let store = open(&MemFs::new());
    let event = Event::json(own, &1).unwrap().with_kind_name("order.placed");
    store.append(&at("order:1", "eu"), event).unwrap();
    for (options, format) in [
        (CLOUD_EVENTS, LineFormat::CloudEvents),
        (LINES, LineFormat::Lines),
    ] {
        let lines = exported(&store, Region::all(), format);
        assert!(lines.contains("\"type\":\"order.placed\""), "{lines}");
        let copy = open(&MemFs::new());
        fine(&copy, options, &lines);
        assert_eq!(copy.snapshot().kind_named("order.placed"), Some(own));
        assert_eq!(fine(&copy, options, &lines).repeated, 1);
        // One of another name, or the name of another one.
        for (kind, name) in [(own, "order.paid"), (EventKind::new(1, 8), "order.placed")] {
            let other = open(&MemFs::new());
            other.name_kind(kind, name).unwrap();
            let tried = run(&other, options.trial(), &lines).unwrap_err();
            let error = run(&other, options, &lines).unwrap_err();
            assert_eq!(error.error.kind(), ErrorKind::KindConflict);
            assert_eq!(error.line, Some(1));
            assert_eq!(tried.to_string(), error.to_string());
            assert!(other.snapshot().is_empty());
        }
    }
}

#[test]
fn a_type_that_is_no_name_is_refused() {
    for name in ["x".repeat(256), "a\u{7}".to_owned()] {
        let name = serde_json::to_string(&name).unwrap();
        let line = cloud_event("/a", "1", "").replace("\"t\"", &name);
        for options in [CLOUD_EVENTS, CLOUD_EVENTS.trial()] {
            let error = run(&open(&MemFs::new()), options, &line).unwrap_err();
            assert_eq!(error.error.kind(), ErrorKind::InvalidInput, "{error}");
            assert_eq!(error.line, Some(1));
        }
    }
}

#[test]
fn several_batches_and_lines_may_follow_each_other() {
    let [one, two, three, four] = ["1", "2", "3", "4"].map(|id| cloud_event("/a", id, ""));
    let text = format!("[{one},{two}]\n{three}[]\n[\n{four}]\n[{one}\n]");
    let store = open(&MemFs::new());
    let imported = fine(&store, CLOUD_EVENTS, &text);
    assert_eq!((imported.events, imported.repeated), (4, 1));
    assert_eq!(imported.lines, text.lines().count() as u64);
}

#[test]
fn what_is_wrong_with_a_batch_is_named_with_its_line() {
    let event = |id: &str| cloud_event("/a", id, "").trim().to_owned();
    let (one, two) = (event("1"), event("2"));
    let wrong = two.replace("1.0", "0.3");
    for (text, line, reason) in [
        (format!("[{one},\n{wrong}]"), 2, "specversion"),
        (
            format!("[{one},\n\n{{\"specversion\"\n:\"0.3\"}}]"),
            3,
            "specversion",
        ),
        (format!("[{one},\n5]"), 2, "object of JSON"),
        (format!("[{one},\n]"), 2, "no array"),
        (format!("[{one}\n{two}]"), 2, "no array"),
        (
            format!("[{one}]{two}"),
            1,
            "something comes after the array",
        ),
        (format!("[{one},\n{two}\n"), 2, "no end"),
        (format!("[{one},\n{{\"id\":\n"), 2, "no end"),
        (format!("[{one},\n{two}\n}}"), 3, "no array"),
    ] {
        for trial in [false, true] {
            let options = if trial {
                CLOUD_EVENTS.trial()
            } else {
                CLOUD_EVENTS
            };
            let store = open(&MemFs::new());
            let error = run(&store, options, &text).unwrap_err();
            assert_eq!(error.line, Some(line), "{text}: {error}");
            assert_eq!(error.error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains(reason), "{error}");
            assert!(error.imported.events >= 1, "what came before is there");
        }
    }
}

/// The line was the one that the event begins in, and the column that of another.
#[test]
fn a_fault_within_an_event_of_a_batch_is_named_with_its_own_line() {
    let one = cloud_event("/a", "1", "");
    let one = one.trim();
    let begun = " {\n\"specversion\":\"1.0\",\n\"id\":\"A-1\",\n\"source\":\"/a\"";
    let content = ",\"type\":\"t\",\n\"time\":\"5\"}";
    for (text, line, reasons) in [
        (
            format!("[{one},\n{begun}\n    \"type\":\"t\"}}]"),
            6,
            [
                "expected `,` or `}` (column 5, in the event that begins in line 2)",
                "",
            ],
        ),
        // The fault is the end of a line, or before it.
        (
            format!("[{one},\n{begun},\"type\":\"t\\\n\"}}]"),
            5,
            [
                "invalid escape",
                "(column 25, in the event that begins in line 2)",
            ],
        ),
        (
            format!("[{one},\n{begun},\"type\":\"t\n\"}}]"),
            5,
            [
                "control character",
                "(column 23, in the event that begins in line 2)",
            ],
        ),
        (
            format!("[{one}, {{\"id\" 1}}]"),
            1,
            [&*format!("expected `:` (column {})", one.len() + 10), ""],
        ),
        (
            format!("[{one},\n{begun}{content}]"),
            2,
            ["event \"A-1\": time \"5\"", ""],
        ),
        (
            format!("[{one},{{\"id\":\"B\"}}]"),
            1,
            ["event \"B\": missing field", ""],
        ),
        // A place in a text of an event is none of a line.
        (
            format!("[{one},\n{begun},\"type\":\"t\",\"strandtags\":\"[\\n1]\"}}]"),
            2,
            [
                "event \"A-1\": strandtags is no array of texts in a text: invalid type: integer `1`, expected a string",
                "",
            ],
        ),
        ("{\"id\" 1}".to_owned(), 1, ["expected `:` (column 7)", ""]),
    ] {
        for options in [CLOUD_EVENTS, CLOUD_EVENTS.trial()] {
            let error = run(&open(&MemFs::new()), options, &text).unwrap_err();
            assert_eq!(error.line, Some(line), "{text}: {error}");
            for reason in reasons {
                assert!(error.to_string().contains(reason), "{reason}: {error}");
            }
        }
    }
}

#[test]
fn events_that_lack_what_an_event_needs_are_refused() {
    for event in events(&file("refused.json")) {
        let store = open(&MemFs::new());
        let error = run(&store, CLOUD_EVENTS, event.to_string()).unwrap_err();
        assert_eq!(
            error.error.kind(),
            ErrorKind::InvalidInput,
            "{event}: {error}"
        );
        assert!(store.snapshot().is_empty());
    }
}

#[test]
fn too_many_attributes_are_refused_with_the_limit() {
    let long = "x".repeat(4000);
    let store = open(&MemFs::new());
    for text in [
        cloud_event("/a", &long, ""),
        cloud_event("/a", "1", &format!(",\"ext\":{long:?}")),
    ] {
        let error = run(&store, CLOUD_EVENTS, &text).unwrap_err();
        assert!(error.to_string().contains("the limit is 3584"), "{error}");
    }
}

#[test]
fn the_same_event_with_another_attribute_is_told_apart_by_its_name() {
    let first = cloud_event(
        "/a",
        "1",
        ",\"ext\":1,\"time\":\"2020-01-01T00:00:00Z\",\"not\":null",
    );
    let store = open(&MemFs::new());
    fine(&store, CLOUD_EVENTS, &first);
    // A time is no part of what an event is here, and `null` is nothing said.
    let moved = first.replace("2020", "2021").replace(",\"not\":null", "");
    assert_eq!(fine(&store, CLOUD_EVENTS, &moved).repeated, 1);
    let error = run(&store, CLOUD_EVENTS, first.replace(":1,", ":2,")).unwrap_err();
    assert_eq!(error.error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("another attribute"), "{error}");
}

/// The id was the one that is made of both, which nobody knows.
#[test]
fn a_conflict_names_the_id_and_source_of_another_program() {
    let uuid = "018f4e66-0000-7000-8000-000000000001";
    for (source, id) in [("/a", "A-1"), ("/a", uuid), ("strandline:s", "A-1")] {
        let first = cloud_event(source, id, ",\"subject\":\"e\",\"data\":1");
        let other = first.replace("\"data\":1", "\"data\":2");
        let store = open(&MemFs::new());
        fine(&store, CLOUD_EVENTS, &first);
        let own = contents(&store.snapshot()).first().unwrap().id;
        let expected = format!(
            "line 1: event {id:?} of source {source:?} (id {own}) is there already, with another payload"
        );
        for text in [format!("[{}]", other.trim()), other] {
            for options in [CLOUD_EVENTS, CLOUD_EVENTS.trial()] {
                let error = run(&store, options, &text).unwrap_err();
                assert_eq!(error.error.kind(), ErrorKind::Conflict);
                assert_eq!(error.to_string(), expected);
            }
        }
    }
    let own = cloud_event("strandline:s", uuid, ",\"subject\":\"e\",\"data\":1");
    let store = open(&MemFs::new());
    fine(&store, CLOUD_EVENTS, &own);
    let error = run(
        &store,
        CLOUD_EVENTS,
        own.replace("\"data\":1", "\"data\":2"),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("event {uuid} is there")),
        "{error}"
    );
}

/// Attributes are in the header, which a redaction does not touch.
#[test]
fn a_redaction_takes_the_data_of_a_foreign_event_and_leaves_its_attributes() {
    let store = open(&MemFs::new());
    let line = cloud_event(
        "/a",
        "1",
        ",\"subject\":\"jane\",\"ext\":\"kept\",\"data\":\"gone\"",
    );
    fine(&store, CLOUD_EVENTS, &line);
    let mut go_on = |_| ControlFlow::Continue(());
    redact(&store, &Redaction::new().entity("jane"), &mut go_on).unwrap();
    let out = exported(&store, Region::all(), LineFormat::CloudEvents);
    assert!(
        out.contains("\"kept\"") && out.contains("strandredacted"),
        "{out}"
    );
    assert!(!out.contains("gone"), "{out}");
    assert_eq!(fine(&store, CLOUD_EVENTS, &line).repeated, 1);
    assert!(store.verify().unwrap().is_intact());
}
