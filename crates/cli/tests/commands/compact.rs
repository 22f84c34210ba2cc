//! `compact` and `redact`.

use crate::{expect, json, outcome, program, run, segmented, store};

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
    // What is left of the segments is one by now, in a file that each merge names anew.
    let rewritten = std::fs::read_dir(&path)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .find(|name| name.starts_with("segment-0000000001-"))
        .unwrap();
    assert_ne!(rewritten, "segment-0000000001-0000000000.log");
    assert!(expect(0, "inspect {}", &path).contains(&rewritten));
    let bytes = expect(0, &format!("inspect {{}} --file {rewritten}"), &path);
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
    let arguments = format!("redact {{}} --entity order:1 --event {missing} --json");
    let refused = json(1, &arguments, &path);
    assert_eq!(
        (&refused["events_to_redact"], &refused["missing"][0]),
        (&0.into(), &missing.into())
    );
    let done = json(0, &format!("{arguments} --missing-ok"), &path);
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
    let nothing = expect(0, "redact {} --entity order:0", &path);
    assert_eq!(
        nothing,
        "no payload was there to be removed; nothing was changed\n5 events had been redacted before\n"
    );
    assert_eq!(
        expect(0, "query {} --json --limit 100", &path)
            .lines()
            .count(),
        10
    );
    assert!(expect(0, "query {}", &path).contains("redacted"));
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
}

/// A redaction or compaction of nobody ended well, with exit code 0 and nothing said of the name.
#[test]
fn an_operation_on_nobody_says_so_and_fails() {
    let (_dir, path) = store();
    let nobody = "there is no entity \"user:77\"";
    let nobodies = "there is no entity whose name begins with \"user:\"";
    for (arguments, said) in [
        ("redact {} --entity user:77", nobody),
        ("redact {} --prefix user:", nobodies),
        ("compact {} --drop-entity user:77 --dry-run", nobody),
        ("compact {} --drop-entity user:77", nobody),
        ("compact {} --drop-prefix user:", nobodies),
        ("compact {} --keep-newest 2 --within user:", nobodies),
        (
            "compact {} --keep-newest 2 --within user: --dry-run",
            nobodies,
        ),
    ] {
        let text = expect(1, arguments, &path);
        assert!(text.contains(said), "{arguments}: {text}");
        assert!(text.contains("nothing was changed"), "{arguments}: {text}");
        let done = json(1, &format!("{arguments} --json"), &path);
        let missing = [&done["missing_entities"], &done["missing_prefixes"]];
        let missing = missing.map(|names| names.as_array().unwrap().len());
        assert_eq!(missing.iter().sum::<usize>(), 1, "{arguments}: {done}");
    }
    // The others are done all the same.
    let arguments = "redact {} --entity order:1 --entity user:77 --missing-ok";
    let text = expect(0, arguments, &path);
    assert!(
        text.starts_with("removed the payloads of 5 events"),
        "{text}"
    );
    assert!(text.contains(nobody), "{text}");
    let text = expect(
        1,
        "compact {} --drop-entity order:1 --drop-entity user:77",
        &path,
    );
    assert!(text.starts_with("removed 5 events"), "{text}");
    assert!(text.contains(nobody), "{text}");
    // Whom a compaction took is nobody.
    let text = expect(1, "redact {} --entity order:1", &path);
    assert!(text.contains("or all of them were removed"), "{text}");
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
}

#[test]
fn what_would_be_redacted_is_said_before_and_reported_after() {
    let (_dir, path) = store();
    let opened = strandline::Store::open(&path).unwrap();
    let secret = || strandline::Event::bytes(crate::PLACED, *b"secret").tagged("customer:7");
    for scope in ["eu", "us"] {
        opened
            .append(&crate::at("order:9", scope), secret())
            .unwrap();
    }
    opened.close().unwrap();
    let plan = json(0, "redact {} --tag customer:7 --dry-run --json", &path);
    assert_eq!(
        [
            &plan["events_to_redact"],
            &plan["entities"],
            &plan["segments_to_rewrite"]
        ],
        [2, 1, 1]
    );
    assert_eq!(plan["rule"], "events of tag customer:7");
    assert_eq!(plan["first_events"].as_array().unwrap().len(), 2);
    let text = expect(0, "redact {} --tag customer:7 --dry-run", &path);
    assert!(
        text.starts_with("would remove the payloads of 2 events of 1 entity, from 20"),
        "{text}"
    );
    assert!(text.ends_with("nothing was changed\n"), "{text}");
    // A tag that nobody has, and one that may have been meant.
    let text = expect(1, "redact {} --tag customer:8", &path);
    assert!(
        text.contains("there is no event of tag customer:8"),
        "{text}"
    );
    assert!(
        text.contains("tag \"customer:8\": did you mean `customer:7`?"),
        "{text}"
    );
    assert!(text.contains("nothing was changed"), "{text}");
    assert_eq!(json(0, "removals {} --json", &path), serde_json::json!([]));
    // Of those with the tag one.
    let redact = |more: &str| {
        let any = ["--any", "--tag customer:7 --scope us", "--yes", more];
        let output = program().arg("redact").arg(&path).args(any).output();
        outcome(&output.unwrap())
    };
    let (code, out, error) = redact("--json");
    assert_eq!(code, 0, "{error}");
    let done: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(done["events_redacted"], 1);
    assert_eq!(
        done["record"]["rule"],
        "events of scope us and tag customer:7"
    );
    assert_eq!(done["record"]["sequences"], serde_json::json!([[11, 12]]));
    assert!(!done["elsewhere"].as_array().unwrap().is_empty());
    let recorded = json(0, "removals {} --json", &path);
    assert_eq!(recorded[0], done["record"]);
    let text = expect(0, "redact {} --tag customer:7", &path);
    for said in [
        "removed the payloads of 1 event",
        "by the rule: events of tag customer:7",
        "recorded in the log",
        "1 event had been redacted before",
        "strandline backup",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
}

/// A variable that was not set, or a time in another unit, removed everything.
#[test]
fn rules_that_would_remove_everything_by_a_slip_are_refused() {
    let (_dir, path) = store();
    for (arguments, said) in [
        (&["--keep-newest", "0"][..], "keep 1 or more"),
        (
            &["--keep-newest", "0", "--within", "order:"],
            "keep 1 or more",
        ),
        (&["--keep-newest", "1", "--within", ""], "an empty prefix"),
        (&["--drop-prefix", ""], "an empty prefix"),
        (&["--keep-since", "9999-01-01"], "in the future"),
        (
            &["--keep-since", "9999-01-01", "--keep-newest", "1"],
            "in the future",
        ),
    ] {
        for dry_run in [&[][..], &["--dry-run"]] {
            let all = program()
                .arg("compact")
                .arg(&path)
                .args(arguments)
                .args(dry_run)
                .output();
            let (code, out, error) = outcome(&all.unwrap());
            assert_eq!(code, 2, "{arguments:?}: {out}{error}");
            assert!(error.contains(said), "{arguments:?}: {error}");
        }
    }
    let kept = expect(0, "query {} --json", &path);
    assert_eq!(kept.lines().count(), 10);
}

/// A slip in the number of a kind, or in a tag, took the events whose headers were to stay.
#[test]
fn headers_to_keep_that_are_not_there_are_refused() {
    let (_dir, path) = store();
    let by_kind = "no event of the kind 0xf00a";
    let by_tag = "no event with a tag that begins with \"nosuch\"";
    for (arguments, said, field, missing) in [
        (
            "--keep-header-kind 0xf00a",
            by_kind,
            "missing_kinds",
            "0xf00a",
        ),
        ("--keep-header-tag nosuch", by_tag, "missing_tags", "nosuch"),
        (
            "--keep-header-kind 0x1001 --keep-header-tag nosuch --drop-entity order:0",
            by_tag,
            "missing_tags",
            "nosuch",
        ),
    ] {
        for dry_run in ["", " --dry-run"] {
            let arguments = format!("compact {{}} --keep-newest 1 {arguments}{dry_run}");
            let text = expect(1, &arguments, &path);
            assert!(text.contains(said), "{arguments}: {text}");
            assert!(text.contains("nothing was changed"), "{arguments}: {text}");
            let done = json(1, &format!("{arguments} --json"), &path);
            assert_eq!(done[field], serde_json::json!([missing]), "{done}");
            let events = ["events_removed", "events_to_remove"].map(|name| done[name].as_u64());
            assert!(events.contains(&Some(0)), "{done}");
            let kept = expect(0, "query {} --json", &path);
            assert_eq!(kept.lines().count(), 10);
        }
    }
    let done = json(
        0,
        "compact {} --keep-newest 1 --keep-header-kind 0x1001 --json",
        &path,
    );
    assert_eq!(
        (&done["payloads_removed"], &done["missing_kinds"]),
        (&4.into(), &serde_json::json!([]))
    );
}

/// A job that compacts each night failed until the first event of a kind was there whose headers it keeps.
#[test]
fn what_headers_are_kept_by_may_be_absent_where_that_is_said() {
    let (_dir, path) = store();
    let arguments =
        "compact {} --keep-newest 4 --keep-header-kind user.claimed --keep-header-tag name:";
    let (code, _, error) = outcome(&run(arguments, &path));
    assert_eq!(code, 2, "{error}");
    assert!(
        error.contains("no kind is called \"user.claimed\""),
        "{error}"
    );
    let arguments = format!("{arguments} --allow-absent");
    let planned = json(0, &format!("{arguments} --dry-run --json"), &path);
    assert_eq!(planned["events_to_remove"], 2);
    let done = json(0, &format!("{arguments} --json"), &path);
    assert_eq!(done["events_removed"], 2);
    for said in [planned, done] {
        assert_eq!(said["missing_kinds"], serde_json::json!(["user.claimed"]));
        assert_eq!(said["missing_tags"], serde_json::json!(["name:"]));
    }
    let text = expect(0, &arguments, &path);
    for said in [
        "there is no event of the kind user.claimed",
        "there is no event with a tag that begins with \"name:\"",
    ] {
        assert!(text.contains(said), "{text}");
    }
    // Of nobody it is no success all the same.
    expect(1, &format!("{arguments} --drop-entity nobody"), &path);
    let refused = expect(
        1,
        "compact {} --keep-newest 4 --keep-header-tag name:",
        &path,
    );
    assert!(refused.contains("--allow-absent"), "{refused}");
}

#[test]
fn removals_are_listed_and_counted() {
    let (_dir, path) = store();
    let none = expect(0, "removals {}", &path);
    assert_eq!(none, "no compaction and no redaction is recorded\n");
    assert_eq!(json(0, "removals {} --json", &path), serde_json::json!([]));
    expect(0, "redact {} --entity order:1", &path);
    expect(0, "compact {} --keep-newest 2 --within order:0", &path);
    let text = expect(0, "removals {}", &path);
    for line in [
        "5 events redacted: entity order:1",
        "  sequences 1..2, 3..4, 5..6, 7..8, 1 more (--json lists all)",
        "3 events removed: keep newest 2, within order:0",
        "  sequences 0..1, 2..3, 4..5",
    ] {
        assert!(text.lines().any(|found| found.ends_with(line)), "{text}");
    }
    let all = json(0, "removals {} --json", &path);
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(all[1]["change"], "removed");
    assert_eq!(
        all[1]["sequences"],
        serde_json::json!([[0, 1], [2, 3], [4, 5]])
    );
    assert_eq!(
        (&all[1]["done"], &all[1]["foreign"]),
        (&true.into(), &false.into())
    );
    let verified = json(0, "verify {} --json", &path);
    assert_eq!(
        (&verified["removed"], &verified["redacted"]),
        (&3.into(), &5.into())
    );
    assert_eq!(verified["removals"], 2);
    assert_eq!(verified["unrecorded_before"], serde_json::Value::Null);
    let text = expect(0, "verify {}", &path);
    assert!(text.contains("2 records of removals in the log"), "{text}");
    assert!(expect(0, "inspect {}", &path).contains("3 events removed"));
    let bytes = expect(0, "inspect {} --file segment-0000000002.log", &path);
    assert!(bytes.contains("3 events are to be removed"), "{bytes}");
    let lines = path.with_extension("jsonl");
    let output = format!("export {{}} -o {}", lines.display());
    assert!(expect(0, &output, &path).contains("2 records of removals"));
    let other = path.with_extension("other");
    let input = format!("import {{}} {}", lines.display());
    let text = expect(0, &input, &other);
    assert!(
        text.contains("2 records of removals in another store imported"),
        "{text}"
    );
    assert!(expect(0, "removals {}", &other).contains("in another log"));
    assert!(expect(0, "verify {}", &other).ends_with("intact\n"));
}

/// On a terminal it is said what would go, and asked; a program that gives it is asked nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_asked_before_events_go() {
    use std::io::Write as _;
    let (_dir, path) = crate::store();
    let asked = |more: &str, answer: &str| {
        let program = env!("CARGO_BIN_EXE_strandline");
        let command = format!("{program} compact {} --keep-newest 1{more}", path.display());
        let mut script = std::process::Command::new("script");
        script.args(["-qec", &command, "/dev/null"]);
        script.stdin(std::process::Stdio::piped());
        let mut child = script.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(answer.as_bytes()).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let events = || crate::json(0, "stats {} --json", &path)["events"].clone();
    let (code, text) = asked("", "n\n");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("would remove 8 events"), "{text}");
    assert!(
        text.contains("Go on?") && text.contains("nothing was changed"),
        "{text}"
    );
    assert_eq!(events(), 10);
    let (code, text) = asked(" --dry-run", "");
    assert!(code == 0 && !text.contains("Go on?"), "{text}");
    let (code, text) = asked("", "y\n");
    assert!(code == 0 && text.contains("removed 8 events"), "{text}");
    assert_eq!(events(), 2);
    // Where nothing would go nobody is asked, nor with --yes.
    for more in ["", " --yes"] {
        let (code, text) = asked(more, "");
        assert!(code == 0 && !text.contains("Go on?"), "{text}");
    }
}
