//! Lines of an import that are unlike what programs write, or are written by other programs.

use crate::harness::{contents, exported};
use crate::imports::{CLOUD_EVENTS, LINES, cloud_event, fine, line, open, refused, run};
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::{ErrorKind, Event, EventKind, MADE_KINDS_CATEGORY, PayloadEncoding, Region};
use strandline_transfer::{LineFormat, export};

/// The last millisecond that a time can have, and years that RFC 3339 has no digits for: they were written
/// as times that could not be read.
#[test]
fn far_years_and_leap_seconds_come_back() {
    let last = (1_u64 << 48) - 1;
    let store = open(&MemFs::new());
    let leap = r#"{"entity":"e","scope":"s","time":"2016-12-31t23:59:60.9999+00:00"}"#;
    let lines = [
        leap,
        "\n",
        &line(253_402_300_799_999, 1),
        &line(253_402_300_800_000, 2),
        &line(last, 3),
    ];
    fine(&store, LINES.allow_future(), lines.concat());
    let times: Vec<_> = contents(&store.snapshot())
        .iter()
        .map(|event| event.hlc.wall_ms())
        .collect();
    assert_eq!(
        times,
        [
            1_483_228_800_999,
            253_402_300_799_999,
            253_402_300_800_000,
            last
        ]
    );
    for (options, format) in [
        (LINES, LineFormat::Lines),
        (CLOUD_EVENTS, LineFormat::CloudEvents),
    ] {
        let lines = exported(&store, Region::all(), format);
        let copy = open(&MemFs::new());
        assert_eq!(fine(&copy, options.allow_future(), lines).events, 4);
        let copied: Vec<_> = contents(&copy.snapshot())
            .iter()
            .map(|event| event.hlc)
            .collect();
        assert!(
            contents(&store.snapshot())
                .iter()
                .map(|event| event.hlc)
                .eq(copied)
        );
    }
    // After the last reading there is none, which is no line's fault.
    let end =
        line(last, 4).replace("\"wall_ms\"", "\"counter\":4294967295,\"wall_ms\"") + &line(last, 5);
    let tried = run(&store, LINES.trial(), &end).unwrap_err();
    let error = run(&store, LINES, &end).unwrap_err();
    assert_eq!(
        (error.line, error.error.kind(), error.imported.events),
        (None, ErrorKind::Exhausted, 1)
    );
    assert_eq!(
        (tried.to_string(), tried.imported),
        (error.to_string(), error.imported)
    );
}

#[test]
fn odd_lines_are_read_or_refused_for_what_they_are() {
    let rest = r#""entity":"e","scope":"s""#;
    let of = |fields: &str| format!("{{{rest}{fields}}}");
    for (line, reason) in [
        (of("\0"), "expected `,` or `}`"),
        (of(r#","entity":"f""#), "duplicate field `entity`"),
        (
            of(r#","payload":1,"payload":1"#),
            "duplicate field `payload`",
        ),
        (of(r#","payload":1,"payload_base64":"""#), "not both"),
        (of(r#","wall_ms":18446744073709551616"#), "invalid type"),
        (of(r#","wall_ms":-1"#), "invalid value"),
        (of(r#","wall_ms":1.0"#), "invalid type"),
        (of(r#","kind":"0x+12""#), "a kind is `0x1002`"),
        (of(r#","kind":"0x""#), "a kind is `0x1002`"),
        (of(r#","kind":18446744073709551615"#), "16 bits"),
        (of(r#","encoding":256"#), "0 to 255"),
        (
            of(r#","encoding":"message_pack","payload":[18446744073709551616]"#),
            "64 bits",
        ),
        (
            of(r#","encoding":"message_pack","payload":{"a":1,"a":2}"#),
            "twice",
        ),
        (of(r#","time":"2016-02-30T00:00:00Z""#), "no such day"),
        (of(r#","time":"1969-12-31T23:59:59Z""#), "before 1970"),
        (of(r#","time":"2016-02-29T00:00:00""#), "without its zone"),
        (of(r#","time":"2016-02-29T00:00:00 Z""#), "a space"),
        (
            of(r#","id":"{018f4e66-0000-7000-8000-000000000001}""#),
            "32 hexadecimal digits",
        ),
        (of(r#","id":"""#), "32 hexadecimal digits"),
        (r#"["e","s"]"#.to_owned(), "object of JSON"),
        ("\u{0}".to_owned(), "object of JSON"),
        (format!("{{{rest}}}\r{{{rest}}}"), "trailing characters"),
    ] {
        let store = open(&MemFs::new());
        let expected = (2, ErrorKind::InvalidInput, reason);
        refused(&store, LINES, &format!("{{{rest}}}\n{line}\n"), expected);
    }
    // Those that are fine, the last without an end.
    let fine_lines = [
        "\u{feff}".to_owned() + &of(""),
        of(r#","payload":{"a":1,"a":123456789012345678901234567890}"#) + "\r",
        String::new(),
        " ".to_owned() + &of(r#","payload":null"#) + "\t",
        of(r#","id":"018F4E66-0000-7000-8000-00000000000A""#),
        of(r#","id":"018f4e66000070008000000000000000a""#).replace("000a\"", "00a\""),
        "\u{feff}".to_owned()
            + &of(r#","encoding":"message_pack","payload":{"b":-0,"a":18446744073709551615}"#),
    ];
    let store = open(&MemFs::new());
    let imported = fine(&store, LINES, fine_lines.join("\n"));
    assert_eq!(
        (imported.lines, imported.events, imported.repeated),
        (7, 5, 1)
    );
    let payloads: Vec<_> = contents(&store.snapshot())
        .iter()
        .map(|event| event.payload().unwrap().to_vec())
        .collect();
    assert_eq!(
        payloads[1],
        br#"{"a":1,"a":123456789012345678901234567890}"#
    );
    assert_eq!(payloads[2], b"null");
    let object = [
        b"\x82\xa1b\xcb\x80\0\0\0\0\0\0\0\xa1a\xcf".as_slice(),
        &[0xff; 8],
    ]
    .concat();
    assert_eq!(payloads[4], object);
    let error = run(&store, LINES, b"{\"entity\":\"\xff\"}").unwrap_err();
    assert_eq!(
        (error.line, error.error.kind()),
        (Some(1), ErrorKind::InvalidInput)
    );
    assert_eq!(fine(&store, LINES, "").lines, 0);
}

#[test]
fn odd_cloud_events_are_read_or_refused_for_what_they_are() {
    let long_name = "x".repeat(256);
    let of = |rest: &str| cloud_event("/a", "7", rest);
    for (line, reason) in [
        (cloud_event("/a", "", ""), "id is empty"),
        (cloud_event("", "7", ""), "source is empty"),
        (of("").replace("\"t\"", "\"\""), "type is empty"),
        (of("").replace("1.0", "0.3"), "specversion is \"0.3\""),
        (of("").replace("\"1.0\"", "1.0"), "invalid type"),
        (
            of("").replace("\"specversion\":\"1.0\",", ""),
            "missing field",
        ),
        (of(",\"id\":\"8\""), "duplicate field"),
        (of(",\"data\":1,\"data_base64\":\"AA==\""), "not both"),
        (of(",\"data_base64\":\"A\""), "no base64"),
        (of(",\"subject\":\"\""), "the entity is empty"),
        (of(",\"subject\":\"a\\u0000b\""), "control character"),
        (of(&format!(",\"subject\":{long_name:?}")), "has 256 bytes"),
        (
            cloud_event(&long_name, "7", ",\"subject\":\"x\""),
            "has 256 bytes",
        ),
        (of(",\"time\":\"2020-01-01\""), "a day"),
        (
            of(",\"time\":\"2020-01-01T00:00:00Z\",\"strandwallms\":\"5\""),
            "not both",
        ),
        (
            of(",\"strandcounter\":\"-1\""),
            "strandcounter is no number",
        ),
        (
            of(",\"strandversion\":\"65536\""),
            "strandversion is no number",
        ),
        (of(",\"strandtags\":\"a\""), "strandtags is no array"),
        (cloud_event("strandline:%f", "7", ""), "hexadecimal digits"),
        ("5".to_owned(), "object of JSON"),
        (of(",\"other\":1,\"other\":1"), "duplicate field"),
    ] {
        let store = open(&MemFs::new());
        let lines = cloud_event("/b", "7", "") + &line;
        refused(
            &store,
            CLOUD_EVENTS,
            &lines,
            (2, ErrorKind::InvalidInput, reason),
        );
    }
    let long_id = "i".repeat(3000);
    let lines = [
        of(",\"data\":null,\"data_base64\":null").replace("null,\"data_base64\":null", "null"),
        cloud_event(
            "/a",
            &long_id,
            ",\"subject\":null,\"time\":null,\"other\":[{}]",
        ),
        cloud_event(
            "/a",
            "\u{0}\n",
            ",\"datacontenttype\":\"Application/JSON; charset=utf-8\",\"data_base64\":\"e30=\"",
        ),
        cloud_event(
            "/a",
            "8",
            ",\"datacontenttype\":\"application/msgpack\",\"data_base64\":\"gA==\"",
        ),
        cloud_event(
            "/a",
            "9",
            ",\"datacontenttype\":\"image/png\",\"data_base64\":\"AP8=\"",
        ),
        cloud_event(
            "/a",
            "10",
            ",\"datacontenttype\":\"text/plain\",\"data\":\"hi\"",
        ),
        cloud_event("/a", "11", ",\"time\":\"2020-02-29T23:00:00.25-01:00\""),
    ];
    // Rust escapes a NUL in another way than JSON.
    let lines = lines.concat().replace("\\0", "\\u0000");
    let store = open(&MemFs::new());
    assert_eq!(fine(&store, CLOUD_EVENTS, &lines).events, 7);
    assert_eq!(fine(&store, CLOUD_EVENTS, &lines).repeated, 7);
    let events = contents(&store.snapshot());
    let encodings: Vec<_> = events.iter().map(|event| event.encoding).collect();
    let [json, raw] = [PayloadEncoding::JSON, PayloadEncoding::RAW];
    assert_eq!(
        encodings,
        [
            json,
            raw,
            json,
            PayloadEncoding::MESSAGE_PACK,
            raw,
            json,
            raw
        ]
    );
}

/// What somebody wrote was shown as it is: as long as it is, and with what a terminal obeys.
#[test]
fn an_error_shows_no_more_of_a_line_than_people_read() {
    let store = open(&MemFs::new());
    let long = "é\\u001b[2J".repeat(50_000);
    for line in [
        format!("{{\"{long}\":1}}"),
        format!("{{\"entity\":\"e\",\"scope\":\"s\",\"id\":\"{long}\"}}"),
        format!("{{\"entity\":\"e\",\"scope\":\"s\",\"kind\":\"{long}\"}}"),
        format!("{{\"entity\":\"e\",\"scope\":\"s\",\"time\":\"{long}\"}}"),
        format!("{{\"entity\":\"e\",\"scope\":\"s\",\"encoding\":\"{long}\"}}"),
        format!(
            "{{\"entity\":\"e\",\"scope\":\"s\",\"encoding\":\"message_pack\",\"payload\":{{\"{long}\":1,\"{long}\":1}}}}"
        ),
        format!("[{long}]"),
        "\u{1b}".repeat(9),
    ] {
        let error = run(&store, LINES, &line).unwrap_err().to_string();
        assert!(error.len() < 2500, "{}", error.len());
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

/// A kind that was made for a name got the first number that was free; events of another kind, which had no name
/// and that number, became events of it.
#[test]
fn a_kind_without_a_name_is_not_taken_for_one_that_was_made() {
    let here = strandline::Coordinate::new("e", "s").unwrap();
    let store = open(&MemFs::new());
    let unnamed = EventKind::new(MADE_KINDS_CATEGORY, 0);
    let append = |kind| store.append(&here, Event::bytes(kind, *b"x")).unwrap();
    append(unnamed);
    let named = store.kind("order.placed").unwrap();
    append(named);
    append(unnamed);
    // The name comes first.
    let (mut lines, mut go_on) = (Vec::new(), |_| ControlFlow::Continue(()));
    let later = Region::all().sequence(1..);
    export(
        &store.snapshot(),
        &later,
        LineFormat::Lines,
        &mut lines,
        &mut go_on,
    )
    .unwrap();
    let copy = open(&MemFs::new());
    assert_eq!(fine(&copy, LINES.trial(), &lines).events, 2);
    assert_eq!(fine(&copy, LINES, &lines).events, 2);
    let now = copy.snapshot();
    let kinds: Vec<_> = now
        .kinds()
        .into_iter()
        .map(|one| (one.kind, one.events))
        .collect();
    assert_eq!(kinds, [(unnamed, 1), (named, 1)]);
    assert_eq!(
        now.rows(Region::all().kind_named("order.placed")).count(),
        1
    );
    // Where its number is taken, the store makes another one.
    let (mut lines, one) = (Vec::new(), Region::all().sequence(1..=1));
    export(
        &store.snapshot(),
        &one,
        LineFormat::Lines,
        &mut lines,
        &mut go_on,
    )
    .unwrap();
    let other = open(&MemFs::new());
    other.append(&here, Event::bytes(named, *b"y")).unwrap();
    assert_eq!(fine(&other, LINES, &lines).events, 1);
    let kind = other.snapshot().kind_named("order.placed").unwrap();
    assert_ne!(kind, named);
}

/// A trial says of a name what the import says, whoever has the kind or the name.
#[test]
fn names_that_contradict_are_refused_in_a_trial_too() {
    let store = open(&MemFs::new());
    store.name_kind(EventKind::new(1, 1), "a").unwrap();
    let line = |kind: &str, name: &str| {
        format!("{{\"entity\":\"e\",\"scope\":\"s\",\"kind\":\"{kind}\",\"type\":\"{name}\"}}\n")
    };
    for (first, second, reason) in [
        (("0x1001", "a"), ("0x1001", "b"), "as it is named \"a\""),
        (
            ("0x1001", "a"),
            ("0x1002", "a"),
            "is the name of kind 0x1001",
        ),
    ] {
        let lines = line(first.0, first.1) + &line(second.0, second.1);
        let tried = run(&store, LINES.trial(), &lines).unwrap_err();
        let error = run(&store, LINES, &lines).unwrap_err();
        for error in [tried, error] {
            assert_eq!(
                (error.line, error.error.kind()),
                (Some(2), ErrorKind::KindConflict)
            );
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
