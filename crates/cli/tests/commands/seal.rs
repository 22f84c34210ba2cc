//! `key-store`, `forget`, and what reads sealed payloads.

use crate::{at, json, outcome, program};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use strandline::{Event, EventKind, Region, Store};
use strandline_seal::{FileKeys, Per, Sealer, WrappingKey};
use tempfile::TempDir;

const MOVED: EventKind = EventKind::new(1, 1);

/// A directory with a store of sealed and other events, a file of keys and its wrapping key.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        place.fine("key-store new {keys} --wrapping-key {wrapping}");
        let text = std::fs::read_to_string(place.path("wrapping.key")).unwrap();
        let wrapping = WrappingKey::from_hex(&text).unwrap();
        let keys = Arc::new(FileKeys::open(place.path("customers.keys"), wrapping).unwrap());
        let sealer = Sealer::new(keys, Per::Entity).unwrap();
        let store = Store::open(place.path("customers.strand")).unwrap();
        for (entity, street) in [
            ("customer:7", "Elm"),
            ("customer:8", "Oak"),
            ("customer:7", "Ash"),
        ] {
            let at = at(entity, "shop");
            let event = Event::json(MOVED, street).unwrap();
            store.append(&at, sealer.seal(&at, event).unwrap()).unwrap();
        }
        let plain = Event::json(MOVED, "Fir").unwrap();
        store.append(&at("customer:7", "shop"), plain).unwrap();
        store.close().unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program, with arguments that are separated by spaces; names in braces are files.
    fn run(&self, arguments: &str) -> Output {
        let arguments = arguments.split(' ').map(|argument| match argument {
            "{}" => self.path("customers.strand"),
            "{keys}" => self.path("customers.keys"),
            "{wrapping}" => self.path("wrapping.key"),
            "{new}" => self.path("wrapping-2.key"),
            "{copy}" => self.path("copy.strand"),
            "{lines}" => self.path("lines.jsonl"),
            "{lines}2" => self.path("opened.jsonl"),
            "{new}.keys" => self.path("others.keys"),
            argument => argument.into(),
        });
        let mut program = program();
        program.env_remove("STRANDLINE_WRAPPING_KEY");
        program.args(arguments).output().unwrap()
    }

    fn fine(&self, arguments: &str) -> String {
        let (code, text, error) = outcome(&self.run(arguments));
        assert_eq!(code, 0, "{arguments}: {text}{error}");
        text
    }

    fn fails(&self, code: i32, arguments: &str) -> String {
        let (is, text, error) = outcome(&self.run(arguments));
        assert_eq!(is, code, "{arguments}: {text}{error}");
        text + &error
    }
}

fn has_all(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn what_is_sealed_is_shown_with_its_key_alone() {
    let place = Place::new();
    let text = place.fine("query {}");
    has_all(&text, &["(sealed)", "\"Fir\""]);
    assert_eq!(text.matches("(sealed)").count(), 3);
    let opened = place.fine("query {} --keys {keys} --wrapping-key {wrapping}");
    has_all(&opened, &["\"Elm\"", "\"Oak\"", "\"Ash\"", "\"Fir\""]);
    let lines = place.fine("query {} --json");
    has_all(&lines, &["\"encoding\":\"sealed\"", "\"seal\":\""]);
    let lines = place.fine("query {} --json --keys {keys} --wrapping-key {wrapping}");
    has_all(&lines, &["\"payload\":\"Elm\""]);
    assert!(!lines.contains("seal"), "{lines}");
    // The wrapping key may be in the environment too.
    let text = std::fs::read_to_string(place.path("wrapping.key")).unwrap();
    let mut program = program();
    program.args(["query".into(), place.path("customers.strand")]);
    program.arg("--keys").arg(place.path("customers.keys"));
    program.env("STRANDLINE_WRAPPING_KEY", text.trim());
    let (code, text, error) = outcome(&program.output().unwrap());
    assert_eq!(code, 0, "{error}");
    has_all(&text, &["\"Elm\""]);
    let text = place.fails(2, "query {} --keys {keys}");
    has_all(&text, &["--wrapping-key", "STRANDLINE_WRAPPING_KEY"]);
}

#[test]
fn a_key_is_forgotten_once_somebody_says_so() {
    let place = Place::new();
    place.fine("backup {} {copy}");
    let keys = "--keys {keys} --wrapping-key {wrapping}";
    let text = place.fails(2, &format!("forget {{}} --entity customer:7 {keys}"));
    has_all(&text, &["2 events", "not sealed", "--yes"]);
    let text = place.fails(1, &format!("forget {{}} --entity customer:9 {keys} --yes"));
    has_all(&text, &["there is no key of entity \"customer:9\""]);
    place.fails(2, &format!("forget {{}} {keys} --yes"));
    has_all(&place.fine(&format!("query {{}} {keys}")), &["\"Elm\""]);

    let text = place.fine(&format!("forget {{}} --entity customer:7 {keys} --yes"));
    has_all(&text, &["is forgotten", "rotate"]);
    for store in ["{}", "{copy}"] {
        let text = place.fine(&format!("query {store} {keys}"));
        assert_eq!(text.matches("(forgotten)").count(), 2, "{text}");
        has_all(&text, &["\"Oak\"", "\"Fir\""]);
        place.fine(&format!("verify {store}"));
    }
    has_all(
        &place.fine(&format!("query {{}} --json {keys}")),
        &["\"forgotten\":true"],
    );
    let text = place.fine(&format!("forget {{}} --entity customer:7 {keys} --yes"));
    has_all(&text, &["was forgotten before"]);
    let text = place.fine(&format!(
        "forget {{}} --entity customer:8 {keys} --yes --json"
    ));
    let done: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&done["forgotten"], &done["events_forgotten"]),
        (&true.into(), &1.into())
    );
    let text = place.fine("key-store list {keys} --wrapping-key {wrapping}");
    assert_eq!(text.matches("forgotten").count(), 2, "{text}");
}

#[test]
fn sealed_events_are_exported_and_imported_as_they_are() {
    let place = Place::new();
    let keys = "--keys {keys} --wrapping-key {wrapping}";
    for format in ["lines", "cloudevents"] {
        let lines = place.fine(&format!("export {{}} --format {format}"));
        assert!(!lines.contains("Elm"), "{lines}");
        std::fs::write(place.path("lines.jsonl"), &lines).unwrap();
        place.fine(&format!("import {{copy}} {{lines}} --format {format}"));
        has_all(
            &place.fine(&format!("query {{copy}} {keys}")),
            &["\"Elm\"", "\"Oak\"", "\"Fir\""],
        );
        // Again, and nothing is new.
        place.fine(&format!("import {{copy}} {{lines}} --format {format}"));
        assert_eq!(place.fine("query {copy}").lines().count(), 4);
        std::fs::remove_dir_all(place.path("copy.strand")).unwrap();
        let opened = place.fine(&format!("export {{}} --format {format} {keys}"));
        has_all(&opened, &["\"Elm\"", "\"Oak\"", "\"Ash\""]);
        assert!(!opened.contains("seal"), "{opened}");
    }
    place.fine(&format!("forget {{}} --entity customer:7 {keys} --yes"));
    let opened = place.fine(&format!("export {{}} {keys}"));
    assert_eq!(opened.matches("\"seal\"").count(), 2, "{opened}");
    let (_, _, told) = outcome(&place.run(&format!("export {{}} {keys}")));
    has_all(&told, &["the key of 2 events was forgotten"]);
    let report = place.fine(&format!("export {{}} -o {{lines}}2 --json {keys}"));
    has_all(&report, &["\"forgotten\":2"]);
    let text = place.fails(2, &format!("export {{}} --exact {keys}"));
    has_all(&text, &["leave --keys out"]);
}

#[test]
fn tail_shows_what_is_sealed_to_who_has_the_keys() {
    let place = Place::new();
    let keys = "--keys {keys} --wrapping-key {wrapping}";
    assert_eq!(place.fine("tail {}").matches("(sealed)").count(), 3);
    let text = place.fine(&format!("tail {{}} {keys}"));
    has_all(&text, &["\"Elm\"", "\"Oak\"", "\"Ash\"", "\"Fir\""]);
    place.fine(&format!("forget {{}} --entity customer:7 {keys} --yes"));
    let text = place.fine(&format!("tail {{}} {keys}"));
    assert_eq!(text.matches("(forgotten)").count(), 2, "{text}");
    has_all(&text, &["\"Oak\"", "\"Fir\""]);
    has_all(
        &place.fine(&format!("tail {{}} --json {keys}")),
        &["\"forgotten\":true"],
    );
}

#[test]
fn inspect_shows_the_payload_of_an_event_to_who_has_the_keys() {
    let place = Place::new();
    let keys = "--keys {keys} --wrapping-key {wrapping}";
    let ids: Vec<_> = {
        let store = Store::open(place.path("customers.strand")).unwrap();
        let now = store.snapshot();
        now.rows(Region::all()).map(|row| row.id()).collect()
    };
    let (elm, plain) = (ids[0], ids[3]);
    assert!(
        !place
            .fine(&format!("inspect {{}} --event {elm}"))
            .contains("Elm")
    );
    let text = place.fine(&format!("inspect {{}} --event {elm} {keys}"));
    has_all(&text, &["seal", "payload \"Elm\""]);
    let text = place.fine(&format!("inspect {{}} --event {plain} {keys}"));
    has_all(&text, &["payload \"Fir\""]);
    place.fine(&format!("forget {{}} --entity customer:7 {keys} --yes"));
    let text = place.fine(&format!("inspect {{}} --event {elm} {keys}"));
    has_all(&text, &["payload (forgotten)"]);
    let lines = place.fine(&format!("inspect {{}} --event {elm} --json {keys}"));
    let last = json_lines(&lines).pop().unwrap();
    assert_eq!(
        (&last["forgotten"], &last["opened"]),
        (&true.into(), &false.into())
    );
    // Other keys open nothing, and say so.
    place.fine("key-store new {new}.keys --wrapping-key {new}");
    let text = place.fine(&format!(
        "inspect {{}} --event {elm} --keys {{new}}.keys --wrapping-key {{new}}"
    ));
    has_all(&text, &["the keys are others"]);
    let text = place.fails(2, &format!("inspect {{}} {keys}"));
    has_all(&text, &["--event"]);
}

#[test]
fn a_wrapping_key_is_rotated() {
    let place = Place::new();
    // Whoever destroyed the one of before would destroy this one.
    let text = place.fails(
        2,
        "key-store rotate {keys} --wrapping-key {wrapping} --new-wrapping-key {wrapping}",
    );
    has_all(&text, &["encrypted with this wrapping key already"]);
    let text =
        place.fine("key-store rotate {keys} --wrapping-key {wrapping} --new-wrapping-key {new}");
    has_all(&text, &["2 keys", "destroy"]);
    let text = place.fails(2, "query {} --keys {keys} --wrapping-key {wrapping}");
    has_all(&text, &["another wrapping key"]);
    has_all(
        &place.fine("query {} --keys {keys} --wrapping-key {new}"),
        &["\"Elm\""],
    );
    let listed = json_lines(&place.fine("key-store list {keys} --wrapping-key {new} --json"));
    assert_eq!(listed[0]["entity"], "customer:7");
    assert!(listed[0]["forgotten_ms"].is_null());
    let text = place.fails(2, "key-store new {keys} --wrapping-key {new}");
    has_all(&text, &["is there already"]);
    std::fs::write(place.path("customers.keys"), b"STRNDKEY\x01\0\0\0damaged").unwrap();
    has_all(
        &place.fails(1, "key-store list {keys} --wrapping-key {new}"),
        &["put a copy"],
    );
    std::fs::remove_file(place.path("customers.keys")).unwrap();
    has_all(
        &place.fails(2, "key-store list {keys} --wrapping-key {new}"),
        &["key-store new"],
    );
}

fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn files_of_keys_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    for name in ["customers.keys", "wrapping.key"] {
        let path: &Path = &place.path(name);
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let stats = json(0, "stats {} --json", &place.path("customers.strand"));
    assert!(stats.is_object());
}

/// Cause: what root had changed was root's, and the program whose keys they are read none any more.
#[test]
fn a_file_of_keys_stays_with_whom_it_belongs_to() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    const THEIRS: u32 = 65_534;
    let place = Place::new();
    let files = ["customers.keys", "customers.keys.lock"].map(|name| place.path(name));
    // Who is not root cannot give a file away, and changes none of others.
    if files
        .iter()
        .any(|file| chown(file, Some(THEIRS), Some(THEIRS)).is_err())
    {
        return;
    }
    place.fine("forget {} --entity customer:7 --keys {keys} --wrapping-key {wrapping} --yes");
    place.fine("key-store rotate {keys} --wrapping-key {wrapping} --new-wrapping-key {new}");
    for file in files {
        let told = std::fs::metadata(&file).unwrap();
        assert_eq!((told.uid(), told.gid()), (THEIRS, THEIRS), "{file:?}");
    }
}

#[test]
fn a_link_to_a_file_of_keys_is_said_to_be_one() {
    let place = Place::new();
    std::os::unix::fs::symlink(place.path("customers.keys"), place.path("link.keys")).unwrap();
    let link = place.path("link.keys").display().to_string();
    let told = place.fails(
        1,
        &format!("key-store list {link} --wrapping-key {{wrapping}}"),
    );
    has_all(&told, &["name the file itself"]);
}
