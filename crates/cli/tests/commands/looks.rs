//! How events and problems look: columns, ids and tags, in full, with colours and without.

use crate::inspect::damage;
use crate::{PAID, PLACED, at, expect, outcome, program, run, segmented};
use std::path::{Path, PathBuf};
use std::process::Command;
use strandline::{AttributeValue, Attributes, Event, Store};
use tempfile::TempDir;

/// A store of two events, of which the second has all that an event may have.
fn linked() -> (TempDir, PathBuf, [String; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let store = Store::open(&path).unwrap();
    let json = serde_json::json!({ "total": 42, "lines": ["a", "b"] });
    let placed = Event::json(PLACED, &json).unwrap();
    let first = store.append(&at("order:1042", "eu"), placed).unwrap().id;
    let mut attributes = Attributes::new();
    let value = AttributeValue::Text("web".into());
    attributes.add("channel", value).unwrap();
    let paid = Event::bytes(PAID, vec![0xab; 20])
        .with_kind_name("order.paid")
        .tagged("customer:7")
        .tagged("vip")
        .with_attributes(attributes)
        .caused_by(first)
        .correlated_with(first);
    let second = store.append(&at("order:1042", "eu"), paid).unwrap().id;
    store.close().unwrap();
    (dir, path, [first.to_string(), second.to_string()])
}

/// They had neither ids nor tags, and nothing showed a payload as it is.
#[test]
fn events_are_shown_with_tags_and_with_ids_or_in_full_where_asked() {
    let (_dir, path, [first, second]) = linked();
    let lines = expect(0, "query {}", &path);
    assert!(lines.contains("eu  #customer:7 #vip  abab"), "{lines}");
    assert!(!lines.contains(&second), "{lines}");
    let lines = expect(0, "query {} --ids", &path);
    let ids = format!("id {second}  belongs to {first}  caused by {first}");
    assert!(lines.contains(&ids), "{lines}");
    assert_eq!(lines.lines().count(), 2);
    let full = expect(0, "tail {} --full", &path);
    for part in [
        "event 1  2",
        &format!("  id              {second}\n"),
        "  kind            order.paid (0x1002)\n",
        "  entity          order:1042, event 1 of it\n",
        "  tags            #customer:7 #vip\n",
        &format!("  belongs to      {first}\n"),
        &format!("  caused by       {first}\n"),
        "  attribute channel web\n",
        "  {\n    \"lines\": [\n      \"a\",\n      \"b\"\n    ],\n    \"total\": 42\n  }\n",
        "  abababab",
    ] {
        assert!(full.contains(part), "{part} in {full}");
    }
    for wrong in [
        "query {} --full --json",
        "query {} --ids --json",
        "tail {} --full --ids",
    ] {
        assert_eq!(outcome(&run(wrong, &path)).0, 2, "{wrong}");
    }
}

/// What the program prints on a terminal of so many columns; none where no terminal can be made.
fn on_terminal(columns: usize, arguments: &str, store: &Path, color: &str) -> Option<String> {
    let command = format!(
        "stty cols {columns} rows 24; '{}' {}",
        program().get_program().to_str().unwrap(),
        arguments.replace("{}", store.to_str().unwrap())
    );
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]);
    let output = script
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .env(color, "1");
    let output = output.stdin(std::process::Stdio::null()).output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: there is no `script` that makes a terminal");
        return None;
    };
    Some(String::from_utf8(output.stdout).unwrap().replace('\r', ""))
}

/// Columns were 40 and 20 wide for names, however short these were, and had no heading.
#[test]
fn a_terminal_has_columns_as_wide_as_what_is_in_them() {
    let (_dir, path, [first, _]) = linked();
    let Some(shown) = on_terminal(120, "query {} --ids", &path, "NO_COLOR") else {
        return;
    };
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["SEQ", "TIME", "KIND", "ENTITY", "SCOPE", "TAGS", "PAYLOAD"]
    );
    assert!(
        lines[1].contains("0x1001      order:1042  eu     "),
        "{shown}"
    );
    assert!(
        lines[1].contains(r#"{"lines":["a","b"],"total":42}"#),
        "{shown}"
    );
    assert!(lines[2].starts_with(&format!("     id {first}")), "{shown}");
    assert!(
        lines[3].contains("order.paid  order:1042  eu     #customer:7 #vip  abab"),
        "{shown}"
    );
    for line in &lines {
        assert!(
            line.chars().count() <= 120 && !line.contains('\u{1b}'),
            "{line}"
        );
    }
    // A narrow one has two lines for an event, and no heading.
    let narrow = on_terminal(80, "query {}", &path, "NO_COLOR").unwrap();
    assert!(
        !narrow.contains("SEQ") && narrow.contains("#customer:7"),
        "{narrow}"
    );
    // In colours where there may be some.
    let colored = on_terminal(120, "query {}", &path, "UNUSED").unwrap();
    assert!(colored.contains("\u{1b}[36morder.paid"), "{colored}");
    let without = on_terminal(120, "query {} --color never", &path, "UNUSED").unwrap();
    assert!(!without.contains('\u{1b}'), "{without}");
}

#[test]
fn problems_are_red_where_colours_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.strand");
    segmented(&path, 12).close().unwrap();
    damage(&path.join("segment-0000000001.log"), 15_000);
    let shown = expect(1, "verify {} --color always", &path);
    assert!(
        shown.contains("\u{1b}[31m\u{1b}[1m!! \u{1b}[0msegment-"),
        "{shown:?}"
    );
    assert!(shown.contains("\u{1b}[32m  next:\u{1b}[0m"), "{shown:?}");
    for plain in ["verify {}", "verify {} --color never"] {
        assert!(!expect(1, plain, &path).contains('\u{1b}'), "{plain}");
    }
    let nowhere = dir.path().join("nowhere");
    let (_, _, err) = outcome(&run("stats {} --color always", &nowhere));
    assert!(
        err.starts_with("\u{1b}[31m\u{1b}[1merror:\u{1b}[0m"),
        "{err:?}"
    );
    assert_eq!(outcome(&run("stats {} --color sometimes", &nowhere)).0, 2);
}
