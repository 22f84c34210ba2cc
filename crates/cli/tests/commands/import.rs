//! `import`: what it makes, and what it says of lines that are not as it was told.

use crate::{expect, json, outcome, run, store};
use std::path::Path;
use strandline::Store;

const LINE: &str = r#"{"entity":"order:1","scope":"eu","kind":2,"payload":7}"#;
const CLOUD: &str = r#"{"specversion":"1.0","id":"1","source":"/a","type":"t"}"#;

/// The command that imports these lines.
fn import(dir: &Path, lines: &str) -> String {
    let file = dir.join("lines");
    std::fs::write(&file, lines).unwrap();
    format!("import {{}} {}", file.display())
}

/// A directory that was misspelt became a store, and nobody was told.
#[test]
fn a_store_that_is_made_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let command = import(dir.path(), LINE);
    let told = format!("{} was made: there was no store", path.display());
    let tried = expect(0, &format!("{command} --check"), &path);
    assert!(
        tried.contains("would be made: there was no store"),
        "{tried}"
    );
    let made = expect(0, &command, &path);
    assert!(made.contains(&told), "{made}");
    let again = expect(0, &command, &path);
    assert!(!again.contains("made"), "{again}");
    let empty = dir.path().join("empty");
    std::fs::create_dir_all(empty.join("lost+found")).unwrap();
    assert_eq!(
        json(0, &format!("{command} --json"), &empty)["new_store"],
        true
    );
    assert_eq!(
        json(0, &format!("{command} --json"), &empty)["new_store"],
        false
    );
}

/// A store was made beside what was there.
#[test]
fn a_directory_of_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("photos");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("cat.jpg"), "").unwrap();
    let command = import(dir.path(), LINE);
    for option in ["", " --check"] {
        let (code, out, err) = outcome(&run(&format!("{command}{option}"), &path));
        assert_eq!((code, &*out), (2, ""), "{err}");
        assert!(
            err.contains("is no store, and is not empty: cat.jpg"),
            "{err}"
        );
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
    }
}

/// A store was made for lines of which none was an event.
#[test]
fn nothing_is_made_before_the_first_event_was_read() {
    let dir = tempfile::tempdir().unwrap();
    for (lines, options, code) in [
        ("what is this\n", "", 1),
        ("", "", 0),
        ("\n\n", "", 0),
        (CLOUD, "", 1),
        ("[]", " --format cloudevents", 0),
        (LINE, " --category 13", 2),
    ] {
        let path = dir.path().join("new/orders.strand");
        let command = import(dir.path(), lines) + options;
        let (found, out, err) = outcome(&run(&command, &path));
        assert_eq!(found, code, "{lines}: {out}{err}");
        assert!(!path.parent().unwrap().exists(), "{lines}");
        let said = out.contains("nothing was changed");
        assert_eq!(said, code == 0, "{lines}: {out}{err}");
        let (found, ..) = outcome(&run(&format!("{command} --check"), &path));
        assert_eq!(found, code, "{lines}");
    }
    // What comes after a good line is the import's.
    let path = dir.path().join("orders.strand");
    let lines = format!("[\n{CLOUD},\n{{}}]");
    let command = import(dir.path(), &lines) + " --format cloudevents --json";
    let imported = json(1, &command, &path);
    assert_eq!(
        (
            &imported["events"],
            &imported["wrong_line"],
            &imported["new_store"]
        ),
        (&1.into(), &3.into(), &true.into())
    );
}

/// Cause: there is no store where a restore was interrupted, so the check tried the lines on an empty one.
#[test]
fn a_check_foresees_that_a_restore_was_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.strand");
    let left = dir.path().join("new.strand.restoring-1");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("RESTORING"), "").unwrap();
    let command = import(dir.path(), LINE);
    for option in ["", " --check"] {
        let (code, out, err) = outcome(&run(&format!("{command}{option}"), &path));
        assert_eq!((code, &*out), (2, ""), "{err}");
        assert!(
            err.contains("restore again") && !err.contains("next:"),
            "{err}"
        );
        assert!(!path.exists());
    }
}

/// Lines of another format than the one that was said were to be mended.
#[test]
fn lines_of_another_format_are_told_of_the_format() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let batch = format!("[\n{CLOUD}]");
    for (lines, format, said) in [
        (LINE, "cloudevents", "import the file with --format lines"),
        (CLOUD, "lines", "import the file with --format cloudevents"),
        (
            &*batch,
            "lines",
            "import the file with --format cloudevents",
        ),
        (
            &*format!("{LINE}\n{CLOUD}"),
            "lines",
            "--format cloudevents",
        ),
        ("{}", "lines", "say with --format what the lines are"),
    ] {
        let command = import(dir.path(), lines);
        let (code, _, err) = outcome(&run(&format!("{command} --format {format}"), &path));
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(said), "{lines}: {err}");
    }
}

#[test]
fn times_that_go_back_are_moved_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let line = |ms: u64| format!("{{\"entity\":\"e\",\"scope\":\"s\",\"wall_ms\":{ms}}}\n");
    let command = import(dir.path(), &[5000, 4000, 6000].map(line).concat());
    let path = dir.path().join("times.strand");
    let tried = expect(0, &format!("{command} --check"), &path);
    assert!(
        tried.contains("1 event was late: its time is before"),
        "{tried}"
    );
    assert_eq!(
        json(0, &format!("{command} --json"), &path)["moved_times"],
        1
    );
    let shown = expect(0, "query {} --json", &path);
    let times: Vec<serde_json::Value> = shown
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["wall_ms"].clone())
        .collect();
    assert_eq!(times, [5000, 5000, 6000]);
}

/// A program's option was named to somebody at a command line.
#[test]
fn what_is_to_be_done_is_an_option_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let line = r#"{"entity":"e","scope":"s","time":"2222-01-01T00:00:00Z"}"#;
    let (code, _, err) = outcome(&run(&import(dir.path(), line), &path));
    assert_eq!(code, 1);
    assert!(
        err.contains("--allow-future") && !err.contains("::"),
        "{err}"
    );
    let (_dir, other) = store();
    expect(0, &format!("backup {{}} {}", path.display()), &other);
    let (code, _, err) = outcome(&run(&format!("restore {} {{}}", path.display()), &other));
    assert_eq!(code, 2);
    assert!(
        err.contains("give --replace") && !err.contains("::"),
        "{err}"
    );
}

#[test]
fn a_check_foresees_names_that_contradict() {
    let dir = tempfile::tempdir().unwrap();
    let line = |kind: &str| format!("{{\"entity\":\"e\",\"scope\":\"s\",{kind}}}\n");
    let named = line(r#""kind":"0x1001","type":"a""#);
    let made = line(r#""type":"x""#);
    for (number, lines) in [
        named.clone() + &line(r#""kind":"0x1001","type":"b""#),
        named + &line(r#""kind":"0x1002","type":"a""#),
        made.clone() + &line(r#""kind":"0x1005","type":"x""#),
        line(r#""kind":"0x1005","type":"x""#) + &made + &line(r#""kind":"0x1005","type":"y""#),
        line(r#""kind":"0x1009""#) + &line(r#""kind":"0x1001","type":"store.b""#),
    ]
    .into_iter()
    .enumerate()
    {
        let path = dir.path().join(format!("{number}.strand"));
        let store = Store::open(&path).unwrap();
        let kind = strandline::EventKind::new(1, 1);
        if number == 4 {
            store.name_kind(kind, "store.a").unwrap();
            let event = strandline::Event::bytes(kind, *b"x");
            store.append(&crate::at("e", "s"), event).unwrap();
        }
        store.close().unwrap();
        let command = import(dir.path(), &lines) + " --json";
        let (code, tried, err) = outcome(&run(&format!("{command} --check"), &path));
        assert_eq!(code, 1, "{lines}: {tried}");
        assert!(err.contains("cannot be named"), "{err}");
        let imported = json(1, &command, &path);
        let tried: serde_json::Value = serde_json::from_str(&tried).unwrap();
        for field in ["wrong_line", "events"] {
            assert_eq!(tried[field], imported[field], "{lines}");
        }
    }
}
