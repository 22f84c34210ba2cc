//! `compact --rules`.

use crate::{at, expect, json, outcome, run};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::{Event, EventKind, ManualClock, Store, StoreOptions};
use tempfile::TempDir;

const DAY_MS: u64 = 86_400_000;

/// The events of the worked example in docs/retention.md: entity, scope, name of the kind, its number, tag, age in days.
const EVENTS: [(&str, &str, &str, u16, &str, u64); 7] = [
    ("meter:1", "grid", "meter.read", 1, "legal-hold", 100),
    ("meter:1", "grid", "meter.read", 1, "", 99),
    ("meter:2", "grid", "meter.read", 1, "", 98),
    ("meter:2", "grid", "meter.moved", 2, "", 97),
    ("user:1", "eu/sessions", "session.begun", 3, "", 8),
    ("meter:1", "grid", "meter.read", 1, "", 1),
    ("test:1", "grid", "meter.read", 1, "", 1),
];

fn now_ms() -> u64 {
    use strandline::Clock as _;
    strandline::SystemClock::default().now_ms()
}

fn meters() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meters.strand");
    let now = now_ms();
    let clock = Arc::new(ManualClock::new(0));
    let store = StoreOptions::new()
        .clock(clock.clone())
        .open(&path)
        .unwrap();
    for (entity, scope, name, number, tag, days) in EVENTS {
        clock.set(now - days * DAY_MS);
        let event = Event::bytes(EventKind::new(1, number), *b"{}").with_kind_name(name);
        let event = if tag.is_empty() {
            event
        } else {
            event.tagged(tag)
        };
        store.append(&at(entity, scope), event).unwrap();
    }
    clock.set(now);
    store.close().unwrap();
    (dir, path)
}

fn example() -> String {
    format!(
        "{}/../../examples/retention.toml",
        env!("CARGO_MANIFEST_DIR")
    )
}

fn rules(dir: &TempDir, text: &str) -> String {
    let path = dir.path().join("rules.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn left(path: &Path) -> u64 {
    let store = Store::open(path).unwrap();
    store.snapshot().len()
}

#[test]
fn the_worked_example_comes_to_what_the_documentation_says() {
    let (_dir, path) = meters();
    let arguments = format!("compact {{}} --rules {} --allow-absent", example());
    let plan = expect(0, &format!("{arguments} --dry-run"), &path);
    let documented = include_str!("../../../../docs/retention.md");
    assert!(documented.contains(&plan), "{plan}");
    let plan = json(0, &format!("{arguments} --dry-run --json"), &path);
    assert_eq!(plan["rules"][1]["rule"], "readings");
    assert_eq!(
        (
            &plan["rules"][1]["events"],
            &plan["rules"][1]["events_decided"]
        ),
        (&4.into(), &3.into())
    );
    let done = expect(0, &arguments, &path);
    assert!(
        done.starts_with("removed 3 events; 1 segment rewritten"),
        "{done}"
    );
    assert!(
        done.contains("\n  readings: decides about 3 of 4 events, removed 1 event\n"),
        "{done}"
    );
    assert!(
        done.contains(
            "by the rule: readings: keep for 90d or newest 1 of entities meter:… and kind"
        ),
        "{done}"
    );
    assert_eq!(left(&path), 4);
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
}

/// The last rule took what a rule before it was to keep, whose kind was misspelt.
#[test]
fn rules_that_name_what_is_not_there_remove_nothing() {
    let (dir, path) = meters();
    let last = "[[rule]]\nkeep-newest = 1\n";
    for (first, said) in [
        (
            "kind = \"meter.raed\"\nkeep = \"all\"",
            "there is no event of the kind meter.raed",
        ),
        (
            "kind = \"meter.raed\"\nkeep-for = \"200d\"",
            "there is no event of the kind meter.raed",
        ),
        (
            "name = \"held\"\ntag = \"legal-hodl\"\nkeep = \"all\"",
            "there is no event of the rule \"held\", which keeps all",
        ),
    ] {
        let file = rules(&dir, &format!("[[rule]]\n{first}\n{last}"));
        let arguments = format!("compact {{}} --rules {file}");
        for dry in ["", " --dry-run"] {
            let text = expect(1, &format!("{arguments}{dry}"), &path);
            assert!(
                text.contains(said) && text.contains("nothing was changed"),
                "{text}"
            );
        }
        assert_eq!(left(&path), 7);
        let plan = json(
            0,
            &format!("{arguments} --dry-run --allow-absent --json"),
            &path,
        );
        assert_eq!(plan["events_to_remove"], 3);
    }
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_line() {
    let (dir, path) = meters();
    for (text, said) in [
        (
            "[[rule]]\nprefix = \"meter:\"\nkeep-fro = \"90d\"\n",
            "line 3: `keep-fro` is no key of a rule: did you mean `keep-for`?",
        ),
        (
            "[[rule]]\nkeep-for = \"soon\"\n",
            "line 2: `keep-for` is the text \"soon\"; it has to be a length of time",
        ),
        ("[[rule\n", "line 1: this is no TOML"),
    ] {
        let file = rules(&dir, text);
        let (code, _, error) = outcome(&run(&format!("compact {{}} --rules {file}"), &path));
        assert_eq!(code, 2, "{error}");
        assert!(
            error.contains(said) && error.contains("rules.toml"),
            "{error}"
        );
    }
    let (code, _, error) = outcome(&run("compact {} --rules nowhere.toml", &path));
    assert_eq!(code, 2, "{error}");
    let (code, ..) = outcome(&run("compact {} --rules x.toml --keep-newest 3", &path));
    assert_eq!(code, 2);
}

#[test]
fn what_would_leave_nothing_asks_for_yes() {
    let (dir, path) = meters();
    let file = rules(&dir, "[[rule]]\nkeep-for = \"1s\"\n");
    for rule in [format!("--rules {file}"), "--keep-since 1s".to_owned()] {
        let arguments = format!("compact {{}} {rule}");
        let (code, _, error) = outcome(&run(&arguments, &path));
        assert_eq!(code, 2, "{error}");
        assert!(
            error.contains("nothing would be left") && error.contains("--yes"),
            "{error}"
        );
        let plan = expect(0, &format!("{arguments} --dry-run"), &path);
        assert!(
            plan.contains("nothing would be left: to do it asks for --yes"),
            "{plan}"
        );
        assert_eq!(left(&path), 7);
    }
    let done = expect(0, &format!("compact {{}} --rules {file} --yes"), &path);
    assert!(done.starts_with("removed 7 events"), "{done}");
    assert_eq!(left(&path), 0);
}
