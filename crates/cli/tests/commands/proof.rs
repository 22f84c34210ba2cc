//! `key`, `prove`, `check-proof`: what a stranger checks who has no store.

use crate::{expect, outcome, program, run, store};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use strandline::{EventId, Region, Store};

/// A key in a file, and its public one.
pub(crate) fn key(dir: &Path, name: &str) -> (PathBuf, String) {
    let file = dir.join(format!("{}.key", name.replace('/', "-")));
    let arguments = format!("key new {} --name {name}", file.display());
    let public = expect(0, &arguments, dir);
    (file, public.trim().to_owned())
}

pub(crate) fn ids(path: &Path) -> Vec<EventId> {
    let store = Store::open(path).unwrap();
    let now = store.snapshot();
    now.rows(Region::all()).map(|row| row.id()).collect()
}

/// Writes the proof of an event by a key.
fn prove(path: &Path, event: EventId, key: &Path, more: &str) -> String {
    let key = key.display();
    let arguments = format!("prove {{}} --event {event} --key {key}{more}");
    expect(0, &arguments, path)
}

fn checked(code: i32, proof: &str, public: &str, more: &[&str]) -> (String, Value) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tlog-proof");
    std::fs::write(&file, proof).unwrap();
    let check = |more: &[&str]| {
        let mut program = program();
        program
            .arg("check-proof")
            .arg(&file)
            .args(["--key", public]);
        let output = program.args(more).output().unwrap();
        let (found, out, err) = outcome(&output);
        assert_eq!(found, code, "{out}{err}");
        out
    };
    let json = [more, &["--json"]].concat();
    (check(more), serde_json::from_str(&check(&json)).unwrap())
}

#[test]
fn a_key_is_its_owners_alone_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (file, public) = key(dir.path(), "example.org/orders");
    assert!(public.starts_with("example.org/orders+"), "{public}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    assert!(secret.starts_with("PRIVATE+KEY+example.org/orders+"));
    let again = format!("key new {} --name other", file.display());
    let (code, _, err) = outcome(&run(&again, dir.path()));
    assert_eq!(code, 2, "{err}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
    let shown = expect(0, &format!("key show {}", file.display()), dir.path());
    assert_eq!(shown.trim(), public);
    let (_, other) = key(dir.path(), "example.org/others");
    assert_ne!(other, public);
    let spaced = program()
        .args(["key", "new", "x", "--name", "a b"])
        .output();
    assert_eq!(outcome(&spaced.unwrap()).0, 2);
}

#[test]
fn a_proof_is_checked_without_a_store() {
    let (dir, path) = store();
    let (file, public) = key(dir.path(), "example.org/orders");
    let ids = ids(&path);
    for (number, id) in ids.iter().enumerate() {
        let proof = prove(&path, *id, &file, "");
        let (shown, json) = checked(0, &proof, &public, &[]);
        assert!(shown.contains("proven: event number"), "{shown}");
        assert!(shown.contains(&id.to_string()), "{shown}");
        assert!(
            shown.contains(&format!("{{\"number\":{number}}}")),
            "{shown}"
        );
        assert_eq!(json["event"]["payload"]["number"], number);
        assert_eq!(
            (&json["size"], &json["index"]),
            (&10.into(), &number.into())
        );
    }
    let proof = prove(&path, ids[3], &file, " --without-payload");
    let (shown, json) = checked(0, &proof, &public, &[]);
    assert!(shown.contains("not in the proof"), "{shown}");
    assert_eq!(json["event"]["payload"], Value::Null);
}

#[test]
fn what_is_not_so_is_not_proven() {
    let (dir, path) = store();
    let (file, public) = key(dir.path(), "example.org/orders");
    let (_, other) = key(dir.path(), "example.org/others");
    let proof = prove(&path, ids(&path)[3], &file, "");
    let moved = proof.replace("index 3", "index 4");
    let (shown, json) = checked(1, &moved, &public, &[]);
    assert!(shown.contains("!! not proven"), "{shown}");
    assert_eq!(json["proven"], false);
    checked(1, &proof, &other, &[]);
    checked(1, &proof[..proof.len() - 30], &public, &[]);
    checked(1, "", &public, &[]);
    // A witness who is asked for has not signed.
    let witness = dir.path().join("witness");
    let arguments = format!(
        "key new {} --name witness.example --witness",
        witness.display()
    );
    let witness = expect(0, &arguments, &path);
    let (shown, _) = checked(1, &proof, &public, &["--witness", witness.trim()]);
    assert!(shown.contains("witness"), "{shown}");
    let unasked = ["--witness", witness.trim(), "--witnesses", "0"];
    checked(0, &proof, &public, &unasked);
    // Neither is a secret key one by which is checked, nor is none.
    let (code, _, err) = outcome(&run("check-proof x.tlog-proof", &path));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--key"), "{err}");
}

/// What was proved stays so: its digest, and all but the payload.
#[test]
fn redacted_and_removed_events_are_proven() {
    let (dir, path) = store();
    let (file, public) = key(dir.path(), "example.org/orders");
    let ids = ids(&path);
    let before = prove(&path, ids[4], &file, "");
    let (_, whole) = checked(0, &before, &public, &[]);
    expect(0, &format!("redact {{}} --event {}", ids[4]), &path);
    let (_, redacted) = checked(0, &prove(&path, ids[4], &file, ""), &public, &[]);
    assert_eq!(redacted["digest"], whole["digest"]);
    assert_eq!(redacted["event"]["payload"], Value::Null);
    assert_eq!(
        redacted["event"]["payload_hash"],
        whole["event"]["payload_hash"]
    );

    // Of each entity the newest two stay, of which the first follows one that is gone.
    expect(0, "compact {} --keep-newest 2", &path);
    for number in [6, 7, 8, 9] {
        let (_, json) = checked(0, &prove(&path, ids[number], &file, ""), &public, &[]);
        assert_eq!(json["event"]["payload"]["number"], number);
    }
    let key = file.display();
    let removed = expect(0, &format!("prove {{}} --sequence 4 --key {key}"), &path);
    let (shown, json) = checked(0, &removed, &public, &[]);
    assert!(shown.contains("the event is not in the proof"), "{shown}");
    assert_eq!(json["digest"], whole["digest"]);
    let gone = format!("prove {{}} --event {} --key {key}", ids[4]);
    let (code, out, err) = outcome(&run(&gone, &path));
    assert_eq!((code, &*out), (1, ""), "{err}");
    // And the proof that was given before still holds.
    checked(0, &before, &public, &[]);
}

#[test]
fn nothing_is_proven_without_a_signature() {
    let (_dir, path) = store();
    let (code, out, err) = outcome(&run("prove {} --sequence 1", &path));
    assert_eq!((code, &*out), (2, ""), "{err}");
    assert!(err.contains("--key"), "{err}");
    let (code, _, err) = outcome(&run("prove {} --sequence 10 --key x", &path));
    assert_eq!(code, 2, "{err}");
}
