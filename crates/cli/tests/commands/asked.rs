//! What can be asked for: events by their ids, also those of other programs, links, tags, kinds that are misspelt,
//! and the store as it was.

use crate::{expect, json, outcome, program, run, store};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A store of linked events of three years.
fn linked() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let lines = [
        r#"{"entity":"o:1","scope":"s","id":"00000000000000000000000000000001","tags":["a"],"type":"order.placed","time":"2020-05-01T00:00:00Z"}"#,
        r#"{"entity":"o:2","scope":"s","id":"00000000000000000000000000000002","tags":["b"],"type":"order.paid","time":"2021-05-01T00:00:00Z","causation":"00000000000000000000000000000001","correlation":"00000000000000000000000000000001"}"#,
        r#"{"entity":"o:3","scope":"s","id":"00000000000000000000000000000003","tags":["a","c"],"type":"order.paid","time":"2022-05-01T00:00:00Z"}"#,
    ];
    let file = dir.path().join("lines");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let path = dir.path().join("orders.strand");
    expect(0, &format!("import {{}} {}", file.display()), &path);
    (dir, path)
}

fn sequences(arguments: &[&str], store: &Path) -> Vec<u64> {
    let [command, rest @ ..] = arguments else {
        panic!("no command");
    };
    let ran = program().arg(command).arg(store).args(rest).output();
    let (code, out, err) = outcome(&ran.unwrap());
    assert_eq!(code, 0, "{arguments:?}: {err}");
    let events = out.lines().map(serde_json::from_str::<serde_json::Value>);
    let sequence = |event: serde_json::Value| event["sequence"].as_u64().unwrap();
    events.map(|event| sequence(event.unwrap())).collect()
}

/// The library could, the command line could not.
#[test]
fn events_are_found_by_ids_links_and_tags() {
    let (_dir, path) = linked();
    let one = "00000000000000000000000000000001";
    for (asked, expected) in [
        (&["--id", one][..], &[0][..]),
        (&["--id", one, "--entity", "o:2"], &[]),
        (&["--id", one, "--sequence", "1.."], &[]),
        (&["--id", "00000000-0000-0000-0000-00000000000f"], &[]),
        (&["--correlation", one], &[0, 1]),
        (&["--caused-by", one], &[1]),
        (&["--any-tag", "b", "--any-tag", "c"], &[1, 2]),
        (&["--any-tag", "b", "--any-tag", "c", "--tag", "a"], &[2]),
        (
            &[
                "--any",
                "--id 00000000000000000000000000000003",
                "--any",
                "--any-tag b",
            ],
            &[1, 2],
        ),
        (
            &["--any", "--any-tag c", "--any", "--tag b", "--any-tag", "a"],
            &[2],
        ),
    ] {
        for command in ["query", "export", "tail"] {
            let mut arguments = vec![command];
            arguments.extend(asked);
            if command != "export" {
                arguments.push("--json");
            }
            assert_eq!(sequences(&arguments, &path), expected, "{arguments:?}");
        }
    }
}

#[test]
fn a_store_is_asked_as_it_was() {
    let (_dir, path) = linked();
    for (time, expected) in [
        ("2019-01-01", &[][..]),
        ("2020-05-01T00:00:00Z", &[0]),
        ("2021-12-31", &[0, 1]),
        ("now", &[0, 1, 2]),
    ] {
        for command in ["query", "export", "tail"] {
            let mut arguments = vec![command, "--as-of", time];
            if command != "export" {
                arguments.push("--json");
            }
            assert_eq!(sequences(&arguments, &path), expected, "{arguments:?}");
        }
    }
    // A page of it goes on in it.
    let page = "query {} --as-of 2021-12-31 --json --newest --limit 1";
    let (_, out, err) = outcome(&run(page, &path));
    assert!(out.contains("\"sequence\":1"), "{out}");
    let next: serde_json::Value = serde_json::from_str(&err).unwrap();
    let next = format!("{page} --after {}", next["next"].as_str().unwrap());
    let (_, out, err) = outcome(&run(&next, &path));
    assert!(out.contains("\"sequence\":0"), "{out}");
    assert_eq!(err, "");
    for wrong in [
        "query {} --as-of 30",
        "tail {} --follow --as-of now",
        "query {} --any --as-of=now",
    ] {
        let (code, _, err) = outcome(&run(wrong, &path));
        assert_eq!(code, 2, "{wrong}: {err}");
    }
}

/// The id that an event had where it came from was not shown, and found nothing.
#[test]
fn an_event_is_found_by_the_id_that_another_program_gave_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let line = |source: &str| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"A234-1234\",\"source\":\"{source}\",\"type\":\"t\",\"data\":7}}\n"
        )
    };
    let file = dir.path().join("lines");
    std::fs::write(&file, line("/a") + &line("/b")).unwrap();
    let import = format!("import {{}} {} --format cloudevents", file.display());
    expect(0, &import, &path);
    let shown = expect(0, "query {} --event-of /b A234-1234", &path);
    assert_eq!(shown.lines().count(), 1);
    assert!(shown.contains("/b  id A234-1234  7"), "{shown}");
    assert_eq!(expect(0, "query {} --event-of /c A234-1234", &path), "");
    let bytes = expect(0, "inspect {} --event-of /b A234-1234", &path);
    assert!(bytes.contains("/b"), "{bytes}");
    for command in [
        "query {} --id A234-1234",
        "inspect {} --event A234-1234",
        "redact {} --event A234-1234",
    ] {
        let (code, _, err) = outcome(&run(command, &path));
        assert_eq!(code, 2, "{err}");
        assert!(
            err.contains("--event-of SOURCE A234-1234"),
            "{command}: {err}"
        );
    }
    let redacted = json(0, "redact {} --event-of /b A234-1234 --json", &path);
    assert_eq!(redacted["events_redacted"], 1);
    // The event's own id is in the line of JSON, which finds it too.
    let line = expect(0, "query {} --event-of /a A234-1234 --json", &path);
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    let own = format!("query {{}} --json --id {}", event["id"].as_str().unwrap());
    assert_eq!(expect(0, &own, &path), line);
}

/// All names were listed, in which the one that was meant had to be looked for.
#[test]
fn a_kind_that_is_misspelt_is_answered_with_what_is_near() {
    let (_dir, path) = linked();
    for (kind, said) in [
        ("order.payed", "did you mean `order.paid`"),
        ("placed", "did you mean `order.placed`?"),
        (
            "stock.taken",
            "no kind is called \"stock.taken\": there are order.paid, order.placed",
        ),
    ] {
        for command in ["query {} --kind", "tail {} --not-kind", "export {} --kind"] {
            let (code, out, err) = outcome(&run(&format!("{command} {kind}"), &path));
            assert_eq!((code, &*out), (2, ""), "{err}");
            assert!(err.contains(said), "{err}");
        }
    }
    let (_dir, unnamed) = store();
    let (_, _, err) = outcome(&run("query {} --kind order.paid", &unnamed));
    assert!(err.contains("no kind of the store has a name"), "{err}");
}

#[test]
fn the_help_of_any_says_how_to_quote() {
    let (_dir, path) = store();
    let help = expect(0, "query {} --help", &path);
    assert!(
        help.contains("so in quotes") && help.contains("--any '--tag course:3'"),
        "{help}"
    );
}

#[test]
fn removals_name_kinds() {
    let (_dir, path) = linked();
    let compact = "compact {} --keep-newest 1 --keep-header-kind order.placed --drop-entity o:2";
    expect(0, compact, &path);
    let shown = expect(0, "removals {}", &path);
    assert!(
        shown.contains("headers of kind order.placed, drop o:2"),
        "{shown}"
    );
}
