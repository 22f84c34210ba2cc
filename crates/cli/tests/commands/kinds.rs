//! Kinds by their names: asked for, shown, exported and imported.

use crate::{PLACED, at, expect, json, outcome, run, store};
use std::path::Path;
use strandline::{Event, EventKind, Store};

/// The store of [`store`] with names for its kinds, and an event of a kind that the store made.
fn named(path: &Path) -> EventKind {
    let store = Store::open(path).unwrap();
    let made = store.kind("org.example.order.shipped").unwrap();
    let placed = Event::json(PLACED, &())
        .unwrap()
        .with_kind_name("order.placed");
    for event in [placed, Event::json(made, &()).unwrap()] {
        store.append(&at("order:1", "eu"), event).unwrap();
    }
    store.close().unwrap();
    made
}

#[test]
fn kinds_are_asked_for_and_shown_by_their_names() {
    let (_dir, path) = store();
    let made = named(&path);
    let placed = expect(0, "query {} --kind order.placed", &path);
    assert_eq!(placed.lines().count(), 6, "{placed}");
    assert!(
        placed.lines().all(|line| line.contains("order.placed")),
        "{placed}"
    );
    let both = "query {} --kind order.placed --kind 0x1002 --kind org.example.order.shipped";
    assert_eq!(expect(0, both, &path).lines().count(), 12);
    let all = expect(0, "tail {} --lines 12", &path);
    assert!(
        all.contains("0x1002") && all.contains("org.example.order.shipped"),
        "{all}"
    );
    assert!(!all.contains("0x1001"), "{all}");

    let (code, _, err) = outcome(&run("query {} --kind order.place", &path));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("no kind is called \"order.place\""), "{err}");
    assert!(
        err.contains("order.placed, org.example.order.shipped"),
        "{err}"
    );

    let stats = expect(0, "stats {}", &path);
    assert!(stats.contains("0x1001 order.placed"), "{stats}");
    assert!(stats.contains("0x1002 (no name)"), "{stats}");
    let kinds = &json(0, "stats {} --json", &path)["kinds"];
    assert_eq!(kinds[0]["type"], "order.placed");
    assert_eq!(kinds[0]["events"], 6);
    assert_eq!(kinds[1]["type"], serde_json::Value::Null);
    assert_eq!(kinds[2]["kind"], made.to_string());
    let overview = expect(0, "inspect {}", &path);
    assert!(overview.contains("0x1001 order.placed"), "{overview}");
}

#[test]
fn exported_lines_have_names_and_an_import_keeps_them() {
    let (dir, path) = store();
    let made = named(&path);
    let lines = expect(0, "export {}", &path);
    assert_eq!(
        lines
            .matches(r#""kind":"0x1001","type":"order.placed","#)
            .count(),
        6
    );
    let file = dir.path().join("lines.jsonl");
    std::fs::write(&file, &lines).unwrap();
    let other = dir.path().join("other.strand");
    let import = format!("import {{}} {}", file.display());
    expect(0, &import, &other);
    let strip = |lines: &str| -> Vec<serde_json::Value> {
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines
            .map(|mut line: serde_json::Value| {
                line.as_object_mut().unwrap().remove("hash");
                line
            })
            .collect()
    };
    assert_eq!(strip(&expect(0, "export {}", &other)), strip(&lines));
    let bytes = expect(0, "inspect {} --file segment-0000000001.log", &other);
    assert!(bytes.contains("the kind is called order.placed"), "{bytes}");
    // Once more, nothing is new.
    expect(0, &import, &other);
    let store = Store::open(&other).unwrap();
    assert_eq!(store.kind("org.example.order.shipped").unwrap(), made);
    assert_eq!(store.snapshot().len(), 12);
    store.close().unwrap();

    let line = r#"{"entity":"a","scope":"b","kind":"0x1001","type":"order.created"}"#;
    std::fs::write(&file, line).unwrap();
    let (code, _, err) = outcome(&run(&import, &other));
    assert_ne!(code, 0);
    assert!(err.contains(r#"as it is named "order.placed""#), "{err}");
    // A name alone is that of a kind: found, or made.
    let named = r#"{"entity":"a","scope":"b","type":"order.placed"}"#;
    std::fs::write(&file, named).unwrap();
    expect(0, &import, &other);
    assert!(expect(0, "query {} --entity a --json", &other).contains("0x1001"));
    for wrong in [
        r#"{"entity":"a","scope":"b","category":1,"type":"order.created"}"#,
        r#"{"entity":"a","scope":"b","kind":"0x1001","type":""}"#,
        r#"{"entity":"a","scope":"b","kind":"0x1001","type":7}"#,
    ] {
        std::fs::write(&file, wrong).unwrap();
        assert_ne!(outcome(&run(&import, &other)).0, 0, "{wrong}");
    }
}

/// A kind whose name looks like a number could not be asked for: another one's events came.
#[test]
fn names_that_look_like_numbers_are_names() {
    let (_dir, path) = store();
    let kinds = Store::open(&path).unwrap();
    for name in ["12", "1:2", "0x1002", "name:12", "0xd001"] {
        let kind = kinds.kind(name).unwrap();
        kinds
            .append(&at(name, "names"), Event::json(kind, &()).unwrap())
            .unwrap();
    }
    kinds.close().unwrap();
    let found = |kind: &str| {
        let lines = expect(0, &format!("query {{}} --json --kind {kind}"), &path);
        let first = lines
            .lines()
            .next()
            .map_or(serde_json::Value::Null, |line| {
                serde_json::from_str(line).unwrap()
            });
        (
            lines.lines().count(),
            first["entity"].as_str().unwrap_or_default().to_owned(),
        )
    };
    for (kind, events, entity) in [
        ("12", 1, "12"),
        ("name:12", 1, "12"),
        ("name:name:12", 1, "name:12"),
        ("0xd001", 1, "0xd001"),
        ("name:1:2", 1, "1:2"),
        ("name:0x1002", 1, "0x1002"),
        ("number:0x1002", 5, "order:1"),
        ("number:1:2", 5, "order:1"),
        ("2", 5, "order:1"),
        ("strandline.kind.0x1002", 5, "order:1"),
        ("number:12", 0, ""),
    ] {
        assert_eq!(found(kind), (events, entity.to_owned()), "{kind}");
    }
    for text in ["1:2", "0x1002"] {
        let (code, out, err) = outcome(&run(&format!("query {{}} --kind {text}"), &path));
        assert_eq!((code, &*out), (2, ""), "{err}");
        assert!(err.contains(&format!("`name:{text}`")), "{err}");
        assert!(err.contains("`number:0x1002`"), "{err}");
        let (code, ..) = outcome(&run(&format!("tail {{}} --not-kind {text}"), &path));
        assert_eq!(code, 2);
    }
    let (code, _, err) = outcome(&run("query {} --kind name:13", &path));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("no kind is called \"13\""), "{err}");
}
