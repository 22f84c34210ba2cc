//! `query` and `tail`.

use crate::{LIMIT, PLACED, at, expect, fill, lines_of, outcome, program, run, store};
use serde::Serialize;
use std::process::Stdio;
use strandline::{Event, Store};

/// The sequences of the events that are printed.
fn sequences(arguments: &str, store: &std::path::Path) -> Vec<u64> {
    let printed = expect(0, &format!("{arguments} --json"), store);
    printed
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect()
}

fn sequences_of(command: &[&str], store: &std::path::Path) -> Vec<u64> {
    let mut ran = program();
    for argument in command {
        match *argument {
            "{}" => ran.arg(store),
            argument => ran.arg(argument),
        };
    }
    let (code, out, err) = outcome(&ran.output().unwrap());
    assert_eq!(code, 0, "{err}");
    let parsed = out.lines().map(serde_json::from_str::<serde_json::Value>);
    let parsed = parsed.map(|event| event.unwrap()["sequence"].as_u64().unwrap());
    parsed.collect()
}

#[test]
fn query_takes_a_region() {
    let (_dir, store) = store();
    for (arguments, expected) in [
        ("query {} --entity order:1", vec![1, 3, 5, 7, 9]),
        ("query {} --prefix order: --sequence 2..4", vec![2, 3]),
        ("query {} --kind 0x1001 --sequence ..3", vec![0, 2]),
        ("query {} --kind 1:2 --sequence 8..", vec![9]),
        ("query {} --category 2", vec![]),
        ("query {} --scope us", vec![]),
        ("query {} --scope eu --limit 2", vec![0, 1]),
        ("query {} --until 2000-01-01", vec![]),
        ("query {} --since 2000-01-01 --limit 1", vec![0]),
        ("query {} --since 30d --limit 1", vec![0]),
        ("query {} --since -1h30m --limit 1", vec![0]),
        (
            "tail {} --since 12h --until now --lines 1 --sequence ..9",
            vec![8],
        ),
        ("query {} --until 1h", vec![]),
        (
            "query {} --since 2000-01-01T12:00+02:00 --until 2000-01-02 --local",
            vec![],
        ),
        ("query {} --newest --limit 3", vec![9, 8, 7]),
        ("query {} --newest --after 7 --limit 2", vec![6, 5]),
        ("query {} --newest --after 0", vec![]),
        ("query {} --after 7", vec![8, 9]),
        ("tail {} --lines 2", vec![8, 9]),
        ("tail {} --entity order:0 --lines 2", vec![6, 8]),
        ("tail {} --lines 0", vec![]),
        ("query {} --kind 2", vec![1, 3, 5, 7, 9]),
        ("query {} --kind 4098 --limit 1", vec![1]),
        ("query {} --limit 0", vec![]),
        ("query {} --sequence ..", (0..10).collect()),
        ("query {} --prefix e", vec![]),
        ("query {} --kind 1:1 --kind 1:2 --limit 2", vec![0, 1]),
        ("query {} --not-kind 1:1 --sequence ..4", vec![1, 3]),
    ] {
        assert_eq!(sequences(arguments, &store), expected, "{arguments}");
    }
}

/// Times were in UTC alone, whoever read them.
#[test]
fn times_are_shown_in_the_zone_of_the_machine_if_asked() {
    let (_dir, store) = store();
    let shown = |arguments: &[&str], zone: &str| {
        let mut program = program();
        program.arg(arguments[0]).arg(&store).args(&arguments[1..]);
        let output = program.env("TZ", zone).output().unwrap();
        let (code, out, err) = outcome(&output);
        assert_eq!(code, 0, "{err}");
        out
    };
    for command in ["query", "tail"] {
        let utc = shown(&[command], "XXX-05:30");
        assert!(utc.lines().all(|line| line.contains("Z  ")), "{utc}");
        let local = shown(&[command, "--local"], "XXX-05:30");
        assert!(
            local.lines().all(|line| line.contains("+05:30  ")),
            "{local}"
        );
    }
    shown(&["compact", "--drop-entity", "order:0"], "");
    let removals = shown(&["removals", "--local"], "XXX-05:30");
    assert!(removals.contains("+05:30"), "{removals}");
    // JSON is for programs.
    let json = shown(&["query", "--local", "--json"], "XXX-05:30");
    assert_eq!(json, shown(&["query", "--json"], "UTC"));
}

#[test]
fn a_page_says_where_the_next_one_begins() {
    let (_dir, store) = store();
    let (code, _, err) = outcome(&run("query {} --limit 4", &store));
    assert_eq!(code, 0);
    assert!(err.contains("--after o"), "{err}");
    let (_, _, err) = outcome(&run("query {} --limit 10", &store));
    assert_eq!(err, "");
}

/// Two questions were two outputs, to be merged by hand.
#[test]
fn several_regions_are_asked_for_at_once() {
    let (_dir, store) = store();
    for (any, expected) in [
        (&["--entity order:1"][..], vec![1, 3, 5, 7, 9]),
        (
            &[
                "--entity order:1 --sequence 4..",
                "--kind 1:1 --sequence ..3",
            ],
            vec![0, 2, 5, 7, 9],
        ),
        (&["--entity order:1", "--prefix order:"], (0..10).collect()),
        (&["--entity 'no such'", "--tag \"no such\""], vec![]),
    ] {
        let mut command = vec!["query", "{}", "--json"];
        command.extend(any.iter().flat_map(|any| ["--any", any]));
        assert_eq!(sequences_of(&command, &store), expected, "{any:?}");
        command.extend(["--sequence", "3..8"]);
        let narrowed = expected.iter().copied().filter(|own| (3..8).contains(own));
        if any.iter().all(|any| !any.contains("--sequence")) {
            assert_eq!(
                sequences_of(&command, &store),
                narrowed.collect::<Vec<_>>(),
                "{any:?}"
            );
        }
    }
    for (any, said) in [
        ("--entity", "--entity"),
        ("--entity 'a", "a quote is not closed"),
        ("--entity a --prefix b", "cannot be used with"),
        ("--limit 3", "unexpected argument"),
        ("--since 2026-01-31 --local", "give it outside"),
        ("", "no option is in it"),
        (" ", "no option is in it"),
        ("--until 0", "--until"),
    ] {
        let ran = program()
            .args(["query", store.to_str().unwrap(), "--any", any])
            .output();
        let (code, out, err) = outcome(&ran.unwrap());
        assert_eq!((code, &*out), (2, ""), "{any}: {err}");
        assert!(err.contains(said), "{any}: {err}");
    }
}

#[test]
fn options_of_any_without_quotes_are_told_of_quotes() {
    let (_dir, store) = store();
    let store = store.to_str().unwrap();
    for pieces in [
        &[store, "--any", "--kind", "order.paid"][..],
        &["--any", "--kind", "order.paid", store],
        &["--any", "--kind", store],
    ] {
        let ran = program().arg("query").args(pieces).output().unwrap();
        let (code, _, err) = outcome(&ran);
        assert_eq!(code, 2, "{pieces:?}: {err}");
        let next = "next: quote the options of --any: --any '--kind order.paid'";
        assert!(err.contains(next), "{pieces:?}: {err}");
    }
    for quoted in [
        &[store, "--any", "--kind order.paid", "--unheard-of"][..],
        &[store, "--kind"],
    ] {
        let ran = program().arg("query").args(quoted).output().unwrap();
        let (code, _, err) = outcome(&ran);
        assert_eq!(code, 2, "{quoted:?}: {err}");
        assert!(!err.contains("next:"), "{quoted:?}: {err}");
    }
}

/// A page was resumed by a sequence, of whatever store.
#[test]
fn pages_follow_each_other_by_the_tokens_that_are_printed() {
    let (_dir, store) = store();
    for newest in ["", " --newest"] {
        let mut expected: Vec<u64> = (0..10).collect();
        if !newest.is_empty() {
            expected.reverse();
        }
        let mut seen = Vec::new();
        let mut after = newest.to_owned();
        while let (0, out, err) =
            outcome(&run(&format!("query {{}} --json --limit 4{after}"), &store))
        {
            let parsed = out.lines().map(serde_json::from_str::<serde_json::Value>);
            seen.extend(parsed.map(|event| event.unwrap()["sequence"].as_u64().unwrap()));
            // A program reads no prose: all that is said is one line of JSON.
            if err.is_empty() {
                break;
            }
            let line: serde_json::Value = serde_json::from_str(&err).unwrap();
            assert_eq!(line.as_object().unwrap().len(), 1, "{err}");
            after = format!(" --after {}", line["next"].as_str().unwrap());
        }
        assert_eq!(seen, expected, "{newest}");
    }
    let (_, _, err) = outcome(&run("query {} --limit 4", &store));
    let token = err.trim_end().split_once("--after ").unwrap().1.to_owned();
    let (_other, other) = self::store();
    let (code, out, err) = outcome(&run(&format!("query {{}} --after {token}"), &other));
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("begin with the first page"), "{err}");
    let (code, _, err) = outcome(&run(
        &format!("query {{}} --newest --after {token}"),
        &store,
    ));
    assert_eq!(code, 2);
    assert!(err.contains("leave --newest out"), "{err}");
    let (code, _, err) = outcome(&run(&format!("query {{}} --after {}", &token[1..]), &store));
    assert_eq!(code, 2);
    assert!(err.contains("65 letters and digits"), "{err}");
}

/// Nothing at all was printed of a name that nobody has, which looks like success and like failure.
#[test]
fn that_there_are_no_events_is_said_on_standard_error() {
    let (_dir, store) = store();
    for arguments in [
        "query {} --entity nosuch",
        "query {} --entity nosuch --json",
        "query {} --tag nosuch --newest",
        "query {} --entity nosuch --limit 0",
        "query {} --after 9",
        "query {} --newest --after 0",
        "tail {} --entity nosuch",
        "export {} --entity nosuch",
    ] {
        let (code, out, err) = outcome(&run(arguments, &store));
        assert_eq!((code, &*out, &*err), (0, "", "no events\n"), "{arguments}");
    }
    for arguments in [
        "query {} --limit 0",
        "tail {} --lines 0",
        "query {} --after 7",
    ] {
        let (code, _, err) = outcome(&run(arguments, &store));
        assert_eq!((code, &*err), (0, ""), "{arguments}");
    }
}

/// A kind that no event can have was looked for, and another one than an import makes of the same text.
#[test]
fn what_no_event_can_be_is_refused() {
    let (_dir, store) = store();
    for (arguments, said) in [
        ("query {} --kind 0x0002", "reserved"),
        ("query {} --kind 0xd001", "reserved"),
        ("query {} --kind 0:2", "reserved"),
        ("tail {} --kind 13:2", "reserved"),
        ("query {} --kind 65536", "16 bits"),
        ("query {} --sequence 5..5", "the range is empty"),
        ("query {} --sequence 9..3", "the range is empty"),
        ("query {} --since 2026-01-02 --until 2026-01-01", "--until"),
        ("export {} --since 2026-01-01 --until 2026-01-01", "--until"),
        ("tail {} --since 2026-01-02 --until 2026-01-01", "--until"),
        ("query {} --until 0", "--until"),
        ("query {} --since yesteryear", "how long ago"),
        ("query {} --since 99999999d", "before 1970"),
        ("query {} --since 30", "did you mean `30d`"),
        ("tail {} --until 1793000000", "`1793000000000`"),
        ("compact {} --keep-since 20261101", "`2026-11-01`"),
        ("compact {} --keep-since 3x", "how long ago"),
    ] {
        let (code, out, err) = outcome(&run(arguments, &store));
        assert_eq!((code, &*out), (2, ""), "{arguments}: {err}");
        assert!(err.contains(said), "{arguments}: {err}");
    }
}

#[test]
fn payloads_are_shown_as_json_or_bytes() {
    #[derive(Serialize)]
    struct Placed {
        total: u64,
        lines: Vec<&'static str>,
    }
    let (_dir, path) = store();
    let store = Store::open(&path).unwrap();
    let order = at("order:2", "eu");
    let placed = Placed {
        total: 7,
        lines: vec!["a\u{1b}"],
    };
    store
        .append(&order, Event::message_pack(PLACED, &placed).unwrap())
        .unwrap();
    store
        .append(
            &order,
            Event::bytes(PLACED, [0xDE, 0xAD])
                .tagged("a:1")
                .tagged("b:2"),
        )
        .unwrap();
    store.close().unwrap();
    let shown = expect(0, "query {} --entity order:2", &path);
    assert!(
        shown.contains("{\"total\":7,\"lines\":[\"a\\u001b\"]}"),
        "{shown}"
    );
    assert!(shown.lines().nth(1).unwrap().ends_with("  dead"), "{shown}");
    let shown = expect(0, "query {} --entity order:2 --bytes base64", &path);
    assert!(shown.lines().nth(1).unwrap().ends_with("  3q0="), "{shown}");
    assert_eq!(sequences("query {} --tag a:1 --tag b:2", &path), [11]);
    assert!(sequences("query {} --tag a:1 --tag c:3", &path).is_empty());
    let shown = expect(0, "query {} --entity order:2 --json", &path);
    assert!(shown.contains("\"payload_base64\":\"3q0=\""), "{shown}");
}

#[test]
fn tail_follows_a_process_that_writes() {
    let (_dir, path) = store();
    let mut child = program()
        .args([
            "tail",
            "--follow",
            "--json",
            "--lines",
            "1",
            "--interval-ms",
            "10",
        ])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines_of(child.stdout.take().unwrap());
    let next = || -> u64 {
        let line = lines.recv_timeout(LIMIT);
        let event: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        event["sequence"].as_u64().unwrap()
    };
    assert_eq!(next(), 9);
    let store = strandline::StoreOptions::new()
        .segment_bytes_max(64 << 10)
        .open(&path)
        .unwrap();
    fill(&store, 10..13);
    assert_eq!([next(), next(), next()], [10, 11, 12]);
    // Over a rotation.
    let big = Event::bytes(PLACED, vec![b'x'; 40_000]);
    for _ in 0..3 {
        store.append(&at("big", "eu"), big.clone()).unwrap();
    }
    assert_eq!([next(), next(), next()], [13, 14, 15]);
    assert!(store.stats().unwrap().segments > 1);
    child.kill().unwrap();
    child.wait().unwrap();
}
