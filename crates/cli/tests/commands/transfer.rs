//! `export` and `import`.

use crate::{PAID, PLACED, at, expect, json, outcome, run, store};
use std::path::Path;
use strandline::{
    Batch, Event, EventId, Hlc, PayloadEncoding, Region, Store, StoreOptions, StoredEvent,
};

/// A store with everything that an event can have.
fn varied(path: &Path) -> Store {
    let store = Store::open(path).unwrap();
    let time = |ms, counter| Hlc::new(ms, counter).unwrap();
    let id = EventId::from_u128(0x8b4f_e342_5135_e63d_9fd7_6997_832a_9ffe);
    let order = at("order:\"1\"", "eu/größe %");
    let json = |text: &str| Event::encoded(PLACED, PayloadEncoding::JSON, text.into());
    for event in [
        json("{\"b\": 1, \"a\" : 1.50}")
            .with_id(id)
            .at(time(1_537_727_414_000, 0)),
        json("{\n\"pretty\": true\n}").at(time(1_537_727_414_000, 7)),
        json("not json").at(time(1_537_727_414_001, 0)),
        Event::json(PLACED, "text\u{2028}").unwrap().with_version(3),
        Event::message_pack(PAID, &(1, "two", 3.5)).unwrap(),
        Event::bytes(PAID, vec![0, 255, 10])
            .tagged("b \"x\"")
            .tagged("a:1"),
        Event::encoded(PAID, PayloadEncoding::from_code(200), vec![]),
    ] {
        store.append(&order, event.correlated_with(id)).unwrap();
    }
    let batch = Batch::new()
        .push(
            &at("order:2", "us"),
            Event::json(PAID, &()).unwrap().caused_by(id),
        )
        .push(&order, Event::json(PAID, &[1]).unwrap().caused_by_member(0));
    store.append_batch(batch).unwrap();
    let mut many = Batch::new();
    for number in 0..3000 {
        many.add(&order, Event::json(PLACED, &number).unwrap());
    }
    store.append_batch(many).unwrap();
    store
}

/// Everything of an event but its hash, which has a nonce of its own.
fn content(path: &Path) -> Vec<String> {
    let store = StoreOptions::new().read_only().open(path).unwrap();
    let line = |event: StoredEvent| {
        let mut header = event.header().clone();
        header.hash = strandline::Hash::ZERO;
        format!("{header:?} {:?}", event.payload().unwrap())
    };
    store
        .snapshot()
        .query(Region::all())
        .map(|event| line(event.unwrap()))
        .collect()
}

/// Checks that two stores have the same events.
fn check_equal(first: &Path, second: &Path) {
    let (first, second) = (content(first), content(second));
    assert_eq!(first.len(), second.len());
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
}

#[test]
fn export_then_import_gives_an_equal_store() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first.strand");
    varied(&first).close().unwrap();
    for format in ["lines", "cloudevents"] {
        let lines = dir.path().join(format);
        let second = dir.path().join(format!("{format}.strand"));
        let arguments = format!("export {{}} --format {format} -o {}", lines.display());
        assert!(expect(0, &arguments, &first).starts_with("3,009 events"));
        let arguments = format!("import {{}} {} --format {format} --json", lines.display());
        let imported = json(0, &arguments, &second);
        assert_eq!(
            (&imported["events"], &imported["moved_times"]),
            (&3009.into(), &0.into())
        );
        check_equal(&first, &second);
        assert!(expect(0, "verify {}", &second).ends_with("intact\n"));

        let again = json(0, &arguments, &second);
        assert_eq!(
            (&again["events"], &again["repeated"]),
            (&0.into(), &3009.into())
        );
    }
}

#[test]
fn an_import_goes_on_after_an_interruption() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first.strand");
    varied(&first).close().unwrap();
    let lines = dir.path().join("lines");
    expect(0, &format!("export {{}} -o {}", lines.display()), &first);
    let text = std::fs::read_to_string(&lines).unwrap();
    let second = dir.path().join("second.strand");
    // What an import that was killed leaves: the first lines.
    let part = dir.path().join("part");
    let half: String = text
        .lines()
        .take(1700)
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&part, half).unwrap();
    expect(0, &format!("import {{}} {}", part.display()), &second);
    let rest = json(
        0,
        &format!("import {{}} {} --json", lines.display()),
        &second,
    );
    assert_eq!(
        (&rest["events"], &rest["repeated"]),
        (&1309.into(), &1700.into())
    );
    check_equal(&first, &second);
}

const LINE: &str = r#"{"entity": "src/lib.rs", "scope": "src", "kind": 2, "wall_ms": 1537727414000, "correlation": "8b4fe3425135e63d9fd76997832a9ffe", "payload": {"added": 3}}"#;

#[test]
fn lines_without_an_id_are_imported_once() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    std::fs::write(&lines, format!("{LINE}\n\n{LINE}\n")).unwrap();
    let path = dir.path().join("src.strand");
    let import = format!("import {{}} {} --json", lines.display());
    assert_eq!(
        json(0, &import, &path)["events"],
        2,
        "equal lines are two events"
    );
    assert_eq!(json(0, &import, &path)["repeated"], 2);
    let shown = expect(0, "query {} --json --limit 1", &path);
    for part in [
        "\"kind\":\"0x1002\"",
        "\"wall_ms\":1537727414000",
        "\"correlation\":\"8b4fe342-5135-e63d-9fd7-6997832a9ffe\"",
        "\"payload\":{\"added\": 3}",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn kinds_come_in_every_documented_form() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kinds.strand");
    let lines = dir.path().join("lines");
    let line = |kind: &str| format!("{{\"entity\":\"e\",\"scope\":\"s\"{kind}}}\n");
    let forms = [
        ",\"kind\":2",
        ",\"kind\":4098",
        ",\"kind\":\"0x1002\"",
        ",\"category\":1,\"type\":2",
    ];
    std::fs::write(&lines, forms.map(line).concat()).unwrap();
    expect(0, &format!("import {{}} {}", lines.display()), &path);
    assert_eq!(
        json(0, "inspect {} --json", &path)["contents"]["kinds"][0]["events"],
        4
    );
    std::fs::write(&lines, line(",\"kind\":5") + &line("")).unwrap();
    expect(
        0,
        &format!("import {{}} {} --category 2", lines.display()),
        &path,
    );
    let shown = expect(0, "query {} --category 2 --json", &path);
    assert!(
        shown.contains("0x2005") && shown.contains("0x2000"),
        "{shown}"
    );
}

#[test]
fn a_wrong_line_is_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let good = r#"{"entity":"e","scope":"s","kind":1,"id":"00000000000000000000000000000001"}"#;
    for (number, (line, reason)) in [
        ("{", "EOF while parsing"),
        ("[]", "an object of JSON"),
        (r#"["e","s"]"#, "an object of JSON"),
        (r#"{"entity":"e","kind":1}"#, "missing field `scope`"),
        (
            r#"{"entity":"e","scope":"s","kidn":1}"#,
            "unknown field `kidn`",
        ),
        (r#"{"entity":"","scope":"s"}"#, "the entity is empty"),
        (r#"{"entity":"e","scope":"s","kind":"what"}"#, "a kind is"),
        (r#"{"entity":"e","scope":"s","kind":"0xd001"}"#, "reserved"),
        (r#"{"entity":"e","scope":"s","kind":70000}"#, "16 bits"),
        (
            r#"{"entity":"e","scope":"s","kind":1,"category":1}"#,
            "`category` and `type`",
        ),
        (
            r#"{"entity":"e","scope":"s","id":"7"}"#,
            "32 hexadecimal digits",
        ),
        (
            r#"{"entity":"e","scope":"s","wall_ms":99999999999999}"#,
            "in the future",
        ),
        (
            r#"{"entity":"e","scope":"s","wall_ms":999999999999999}"#,
            "last representable time",
        ),
        (
            r#"{"entity":"e","scope":"s","time":"yesterday"}"#,
            "RFC 3339",
        ),
        (
            r#"{"entity":"e","scope":"s","payload_base64":"x"}"#,
            "no base64",
        ),
        (r#"{"entity":"e","scope":"s","tags":[""]}"#, "empty"),
        (
            r#"{"entity":"e","scope":"s","version":0}"#,
            "versions begin at 1",
        ),
        (
            r#"{"entity":"e","scope":"s","kind":2,"id":"00000000000000000000000000000001"}"#,
            "another kind",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let lines = dir.path().join("lines");
        std::fs::write(&lines, format!("{good}\n{line}\n{good}\n")).unwrap();
        let path = dir.path().join(format!("{number}.strand"));
        let import = format!("import {{}} {} --json", lines.display());
        let (code, out, err) = outcome(&run(&import, &path));
        assert_eq!(code, 1, "{line}: {err}");
        assert!(
            err.contains("line 2: ") && err.contains(reason),
            "{line}: {err}"
        );
        assert!(err.contains("next: mend the line"), "{line}: {err}");
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (&report["wrong_line"], &report["events"]),
            (&2.into(), &1.into())
        );
        assert_eq!(json(0, "stats {} --json", &path)["events"], 1, "{line}");
    }
}

#[test]
fn a_check_appends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    std::fs::write(&lines, LINE).unwrap();
    let path = dir.path().join("src.strand");
    let checked = expect(
        0,
        &format!("import {{}} {} --check", lines.display()),
        &path,
    );
    assert!(checked.contains("1 event would be imported"), "{checked}");
    assert!(!path.exists());
}

/// A check opened the store to write: it took the lock, and left a store where there was none.
#[test]
fn a_check_makes_no_file_and_needs_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    std::fs::write(&lines, format!("{LINE}\n{LINE}\n")).unwrap();
    let check = format!("import {{}} {} --check --json", lines.display());
    let path = dir.path().join("none/src.strand");
    assert_eq!(json(0, &check, &path)["events"], 2);
    assert!(!path.parent().unwrap().exists());
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert_eq!(json(0, &check, &empty)["events"], 2);
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0);

    let path = dir.path().join("src.strand");
    let files = || -> Vec<_> {
        let listed = std::fs::read_dir(&path).unwrap();
        let mut files: Vec<_> = listed
            .map(|entry| {
                let path = entry.unwrap().path();
                let metadata = path.metadata().unwrap();
                (path, metadata.len(), metadata.modified().unwrap())
            })
            .collect();
        files.sort();
        files
    };
    let store = Store::open(&path).unwrap();
    store
        .append(&at("e", "s"), Event::bytes(PAID, *b"x"))
        .unwrap();
    let before = files();
    let checked = json(0, &check, &path);
    assert_eq!(
        (&checked["events"], &checked["checked_only"]),
        (&2.into(), &true.into())
    );
    assert_eq!(files(), before);
    store.close().unwrap();
}

/// A check did not know of the lines before the one it looked at.
#[test]
fn a_check_finds_what_the_import_would() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    let line = |id: u32, payload: u32, ms: u64| {
        format!(
            "{{\"entity\":\"e\",\"scope\":\"s\",\"id\":\"{id:032x}\",\"payload\":{payload},\"wall_ms\":{ms}}}\n"
        )
    };
    let between: String = (10..1510).map(|id| line(id, 0, 5000)).collect();
    for (number, (rest, code)) in [
        (line(1, 1, 5000), 0),
        (line(1, 2, 5000), 1),
        (between.clone() + &line(1, 1, 1), 0),
        (between + &line(1, 2, 1) + "{", 1),
        (line(2, 1, 99_999_999_999_999), 1),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(&lines, line(1, 1, 5000) + &rest).unwrap();
        let path = dir.path().join(format!("{number}.strand"));
        let import = format!("import {{}} {} --json", lines.display());
        let mut checked = json(code, &format!("{import} --check"), &path);
        let imported = json(code, &import, &path);
        checked["checked_only"] = false.into();
        assert_eq!(checked, imported);
    }
}

/// An import of a store's own export was refused where the clock of the machine had been ahead.
#[test]
fn times_ahead_are_refused_unless_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    let time = |text: &str| {
        let fields = format!("\"entity\":\"e\",\"scope\":\"s\",\"time\":{text:?}");
        format!("{{{fields}}}\n")
    };
    std::fs::write(
        &lines,
        time("2020-01-01T00:00:00Z") + &time("2222-01-01T00:00:00Z"),
    )
    .unwrap();
    let path = dir.path().join("ahead.strand");
    let import = format!("import {{}} {}", lines.display());
    let (code, _, err) = outcome(&run(&import, &path));
    assert_eq!(code, 1);
    for part in ["line 2: its time 2222-", "days ahead", "--allow-future"] {
        assert!(err.contains(part), "{part} in {err}");
    }
    let imported = json(0, &format!("{import} --allow-future --json"), &path);
    assert_eq!(
        (&imported["events"], &imported["repeated"]),
        (&1.into(), &1.into())
    );
    // The store's clock is there now, so a time before that is no news to it.
    std::fs::write(&lines, time("2221-01-01T00:00:00Z")).unwrap();
    assert_eq!(
        json(0, &format!("{import} --json"), &path)["moved_times"],
        1
    );
}

/// Payloads over the default limit came out of a store and did not go into another.
#[test]
fn whatever_payload_a_store_had_can_be_imported() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first.strand");
    let store = StoreOptions::new()
        .payload_bytes_max(32 << 20)
        .open(&first)
        .unwrap();
    store
        .append(&at("e", "s"), Event::bytes(PAID, vec![b'x'; 20 << 20]))
        .unwrap();
    store.close().unwrap();
    let lines = dir.path().join("lines");
    expect(0, &format!("export {{}} -o {}", lines.display()), &first);
    let second = dir.path().join("second.strand");
    let import = format!("import {{}} {} --json", lines.display());
    assert_eq!(json(0, &format!("{import} --check"), &second)["events"], 1);
    assert_eq!(json(0, &import, &second)["events"], 1);
}

/// An equal line of another file was taken for the same event, without a way to say that it is not.
#[test]
fn equal_lines_of_two_sources_are_two_events() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    std::fs::write(&lines, LINE).unwrap();
    let path = dir.path().join("src.strand");
    let import = format!("import {{}} {} --json", lines.display());
    for (source, events) in [
        ("", 1),
        ("", 0),
        (" --source a", 1),
        (" --source b", 1),
        (" --source a", 0),
    ] {
        assert_eq!(
            json(0, &format!("{import}{source}"), &path)["events"],
            events,
            "{source}"
        );
    }
}

#[test]
fn an_export_of_a_region_goes_to_standard_output() {
    let (_dir, path) = store();
    let lines = expect(0, "export {} --entity order:1", &path);
    assert_eq!(lines.lines().count(), 5);
    let (code, _, err) = outcome(&run("export {} -o /", &path));
    assert_eq!(code, 2, "{err}");
}

#[test]
fn an_exact_export_comes_back_as_the_same_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    varied(&path).close().unwrap();
    expect(0, "redact {} --entity order:2", &path);
    expect(0, "compact {} --keep-newest 40", &path);
    let (lines, again) = (dir.path().join("exact"), dir.path().join("again"));
    let copy = dir.path().join("copy.strand");
    let export = |to: &Path| format!("export {{}} --exact -o {}", to.display());
    let text = expect(0, &export(&lines), &path);
    assert!(text.contains("the whole log"), "{text}");
    let import = format!("import {{}} {} --exact", lines.display());
    let check = format!("{import} --check");
    let text = expect(0, &check, &copy);
    assert!(text.contains("would be imported"), "{text}");
    let checked = json(0, &format!("{check} --json"), &copy);
    assert!(!copy.exists() && checked["checked_only"] == true);
    let text = expect(0, &import, &copy);
    assert!(text.contains("every hash is that of its content"), "{text}");
    assert_eq!(
        checked["log_hash"],
        json(0, "verify {} --json", &copy)["log_hash"]
    );
    assert!(expect(0, "verify {}", &copy).ends_with("intact\n"));
    expect(0, &export(&again), &copy);
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&again), read(&lines));
    // Where a store is, none is made; nor of half a file; nor is it taken for other lines.
    let (code, _, error) = outcome(&run(&import, &copy));
    assert!(
        code == 2 && error.contains("holds a store"),
        "{code}: {error}"
    );
    let half = read(&lines);
    std::fs::write(&lines, &half[..half.len() / 2]).unwrap();
    let other = dir.path().join("other.strand");
    let (code, _, error) = outcome(&run(&import, &other));
    // Within a line or between two.
    assert!(code != 0 && error.contains("line"), "{code}: {error}");
    assert_eq!(outcome(&run(&check, &other)), (code, String::new(), error));
    assert!(!other.exists());
    let plain = format!("import {{}} {}", again.display());
    let (code, _, error) = outcome(&run(&plain, &other));
    assert!(
        code != 0 && error.contains("import --exact"),
        "{code}: {error}"
    );
    let (code, _, error) = outcome(&run("export {} --exact --entity order:1", &path));
    assert!(code == 2 && error.contains("whole log"), "{code}: {error}");
    let imported = json(
        0,
        &format!("import {{}} {} --exact --json", again.display()),
        &other,
    );
    let verified = json(0, "verify {} --json", &other);
    assert_eq!(imported["removed"], verified["removed"]);
    assert_eq!(imported["redacted"], verified["redacted"]);
}
