//! Commands on a store that a program has open, which does their work if it can be asked.

use crate::{expect, fill, json, outcome, run, store};
use std::sync::Arc;
use strandline::Store;
use strandline_control::Control;

fn said_by_whom() -> String {
    let own = std::process::id();
    format!(
        "done by process {own}, which has the store open and is asked through its control socket"
    )
}

/// Each was refused, and the service had to be stopped.
#[test]
fn a_store_in_use_is_changed_by_who_has_it() {
    let (_dir, path) = store();
    let held = Arc::new(Store::open(&path).unwrap());
    let _control = Control::open(&held).unwrap();
    let (code, out, err) = outcome(&run("compact {} --keep-newest 3", &path));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains(&said_by_whom()), "{err}");
    assert!(
        out.contains("removed 4 events; 1 segment rewritten"),
        "{out}"
    );
    assert!(out.contains("by the rule: keep newest 3"), "{out}");
    assert_eq!(held.snapshot().len(), 6);

    let (code, out, err) = outcome(&run("redact {} --entity order:1", &path));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains(&said_by_whom()), "{err}");
    assert!(out.contains("removed the payloads of 3 events"), "{out}");

    fill(&held, 10..12);
    assert_eq!(json(0, "checkpoint {} --json", &path)["sequence"], 12);
    let (_, _, err) = outcome(&run("checkpoint {}", &path));
    assert!(err.contains(&said_by_whom()), "{err}");
    assert!(held.verify().unwrap().is_intact());
}

/// Whoever reads the JSON does not see who did it.
#[test]
fn what_is_printed_is_what_the_command_itself_prints() {
    for command in [
        "compact {} --keep-newest 3 --drop-entity order:9 --json",
        "redact {} --entity order:1 --json",
        "redact {} --entity order:1 --entity nobody --missing-ok --json",
        "checkpoint {} --json",
    ] {
        let ((_own, alone), (_other, path)) = (store(), store());
        let held = Arc::new(Store::open(&path).unwrap());
        let _control = Control::open(&held).unwrap();
        let (code, own, _) = outcome(&run(command, &alone));
        let (other_code, other, err) = outcome(&run(command, &path));
        assert!(err.contains(&said_by_whom()), "{command}: {err}");
        assert_eq!(code, other_code, "{command}: {err}");
        let fields = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            // Of the time and of the log: the two stores have their own.
            drop_keys(
                value,
                &[
                    "wall_ms",
                    "digest",
                    "log",
                    "id",
                    "bytes_before",
                    "bytes_after",
                ],
            )
        };
        assert_eq!(fields(&own), fields(&other), "{command}");
    }
}

fn drop_keys(value: serde_json::Value, keys: &[&str]) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let kept = fields
                .into_iter()
                .filter(|(key, _)| !keys.contains(&key.as_str()));
            Value::Object(
                kept.map(|(key, value)| (key, drop_keys(value, keys)))
                    .collect(),
            )
        }
        Value::Array(all) => all.into_iter().map(|one| drop_keys(one, keys)).collect(),
        other => other,
    }
}

#[test]
fn what_is_refused_has_the_same_exit_code_and_text() {
    let (_dir, path) = store();
    let held = Arc::new(Store::open(&path).unwrap());
    let _control = Control::open(&held).unwrap();
    let (code, out, err) = outcome(&run("compact {} --keep-newest 0", &path));
    assert_eq!((code, &*out), (2, ""), "{err}");
    assert!(err.contains("the newest 0 events"), "{err}");
    let (code, _, err) = outcome(&run("compact {} --drop-entity nobody", &path));
    assert_eq!(code, 1, "{err}");
}

#[test]
fn where_nobody_listens_it_is_said_how_one_would() {
    let (_dir, path) = store();
    let held = Store::open(&path).unwrap();
    for command in [
        "checkpoint {}",
        "compact {} --keep-newest 1",
        "redact {} --entity order:1",
    ] {
        let (code, _, err) = outcome(&run(command, &path));
        assert_eq!(code, 1, "{command}: {err}");
        assert!(
            err.contains("next: close the program that writes it"),
            "{command}: {err}"
        );
        assert!(
            err.contains("where that program opens a control socket"),
            "{command}: {err}"
        );
    }
    std::fs::write(path.join("control.sock"), b"").unwrap();
    let (code, _, err) = outcome(&run("checkpoint {}", &path));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("control.sock is no socket"), "{err}");
    held.close().unwrap();
}

#[test]
fn what_is_at_work_is_shown() {
    let (_dir, path) = store();
    let (code, _, err) = outcome(&run("control {}", &path));
    assert_eq!(code, 1);
    assert!(err.contains("nobody listens to a control socket"), "{err}");
    let held = Arc::new(Store::open(&path).unwrap());
    let control = Control::open(&held).unwrap();
    expect(0, "checkpoint {}", &path);
    let shown = expect(0, "control {}", &path);
    let own = format!("{:<22}{}", "process", std::process::id());
    for line in [
        &*own,
        "at work               -",
        "last                  checkpoint at 20",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    let status = json(0, "control {} --json", &path);
    assert_eq!(status["store"]["events"], 10);
    assert_eq!(status["last"]["do"], "checkpoint");
    assert_eq!(
        expect(0, "control {} --cancel", &path).trim(),
        "nothing is at work"
    );
    drop(control);
    assert_eq!(outcome(&run("control {}", &path)).0, 1);
}
