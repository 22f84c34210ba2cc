//! `compact` and `redact`.

use crate::{expect, json, outcome, run, segmented, store};

#[test]
fn old_events_are_removed_and_what_would_be_is_said_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    segmented(&path, 40).close().unwrap();
    let planned = json(0, "compact {} --keep-newest 3 --dry-run --json", &path);
    assert_eq!(planned["events_to_remove"], 34);
    assert!(
        expect(0, "query {} --json --limit 100", &path)
            .lines()
            .count()
            == 40
    );
    let text = expect(0, "compact {} --keep-newest 3 --dry-run", &path);
    assert!(text.starts_with("would remove 34 events"), "{text}");
    let text = expect(0, "compact {} --keep-newest 3", &path);
    assert!(
        text.starts_with("removed 34 events; 5 segments rewritten, "),
        "{text}"
    );
    assert_eq!(
        expect(0, "query {} --json --limit 100", &path)
            .lines()
            .count(),
        6
    );
    let text = expect(0, "compact {} --keep-newest 3", &path);
    assert_eq!(text, "the rules keep every event; nothing was changed\n");
    let done = json(0, "compact {} --drop-entity order:1 --json", &path);
    assert_eq!(done["events_removed"], 3);
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
    assert!(expect(0, "inspect {}", &path).contains("segment-0000000001-0000000001.log"));
    let bytes = expect(
        0,
        "inspect {} --file segment-0000000001-0000000001.log",
        &path,
    );
    assert!(bytes.contains("its event was removed"), "{bytes}");
    let frame = expect(0, "inspect {} --frame 1:128", &path);
    assert!(frame.contains("its event was removed"), "{frame}");
}

#[test]
fn rules_that_say_nothing_are_refused() {
    let (_dir, path) = store();
    let (code, _, error) = outcome(&run("compact {}", &path));
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("no rule"), "{error}");
    let (code, _, error) = outcome(&run("redact {}", &path));
    assert_eq!(code, 2, "{error}");
}

#[test]
fn payloads_are_redacted_and_events_stay() {
    let (_dir, path) = store();
    let missing = "018f3c3e-7a5b-7000-8000-0123456789ab";
    let done = json(
        1,
        &format!("redact {{}} --entity order:1 --event {missing} --json"),
        &path,
    );
    assert_eq!(
        (&done["events_redacted"], &done["missing"][0]),
        (&5.into(), &missing.into())
    );
    let text = expect(0, "redact {} --prefix order:", &path);
    assert!(
        text.starts_with("removed the payloads of 5 events"),
        "{text}"
    );
    assert!(text.contains("5 events had been redacted before"), "{text}");
    assert_eq!(
        expect(0, "query {} --json --limit 100", &path)
            .lines()
            .count(),
        10
    );
    assert!(expect(0, "query {}", &path).contains("redacted"));
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
}
