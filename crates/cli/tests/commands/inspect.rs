//! `inspect` and `stats`, on whole and damaged stores.

use crate::{expect, json, outcome, run, segmented, store};
use std::path::Path;

/// Changes one byte of a file.
pub(crate) fn damage(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn inspect_shows_what_is_there() {
    let (_dir, store) = store();
    let shown = expect(0, "inspect {}", &store);
    for part in [
        "1 segment",
        "segment-0000000001.log",
        "10 events, 2 entities, 1 scope, 2 kinds",
        "0x1001",
        "order:1",
        "visible below 10, proven durable below 10",
        "from a checkpoint",
        "because checkpoint 10 is whole and of the active segment; read ",
        "lock ",
        ", repair ",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let json = json(0, "inspect {} --json", &store);
    assert_eq!(json["contents"]["events"], 10);
    assert_eq!(json["contents"]["kinds"][1]["kind"], "0x1002");
    assert_eq!(json["segments"][0]["number"], 1);
    assert_eq!(json["problems"].as_array().unwrap().len(), 0);
    let opening = &json["contents"]["opening"];
    assert_eq!(opening["path"], "checkpoint");
    assert_eq!(opening["events_from_checkpoint"], 10);
    assert!(opening["ms"].as_f64().unwrap() > 0.0);
    assert_eq!(opening["steps_ms"].as_object().unwrap().len(), 6);
}

#[test]
fn stats_counts() {
    let (_dir, store) = store();
    let shown = expect(0, "stats {}", &store);
    assert!(
        shown.lines().any(|line| line == "events                10"),
        "{shown}"
    );
    assert_eq!(json(0, "stats {} --json", &store)["entities"], 2);
}

#[test]
fn an_event_is_shown_by_its_bytes() {
    let (_dir, store) = store();
    let line = expect(0, "query {} --sequence 3 --json", &store);
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    let id = event["id"].as_str().unwrap();
    let shown = expect(0, &format!("inspect {{}} --event {id}"), &store);
    assert!(shown.contains(id), "{shown}");
    assert!(shown.contains("{\\\"number\\\":3}"), "{shown}");
    let missing = run(
        "inspect {} --event 018f3c3e-7a5b-7000-8000-0123456789ab",
        &store,
    );
    assert_eq!(outcome(&missing).0, 1);
}

#[test]
fn files_and_frames_are_shown_to_the_last_byte() {
    let (_dir, store) = store();
    let segment = "segment-0000000001.log";
    let shown = expect(
        0,
        &format!("inspect {{}} --file {segment} --limit 10000 --json"),
        &store,
    );
    let annotations: Vec<serde_json::Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut end = 0;
    for annotation in annotations
        .iter()
        .filter(|annotation| annotation["bytes"] != "")
    {
        assert_eq!(annotation["offset"], end, "a gap before {annotation}");
        end += annotation["length"].as_u64().unwrap();
    }
    let frames = annotations
        .iter()
        .filter(|annotation| annotation["name"] == "frame");
    assert_eq!(frames.count(), 10);
    let frame = expect(0, "inspect {} --frame 1:128", &store);
    assert!(frame.contains("1 records from sequence 0"), "{frame}");
    for file in ["MANIFEST", "checkpoint-00000000000000000010.ckpt"] {
        assert!(!expect(0, &format!("inspect {{}} --file {file}"), &store).is_empty());
    }
}

/// A place where no frame begins was told as damage to the log, in a store that had none.
#[test]
fn a_place_that_is_none_is_wrong_usage_and_no_damage() {
    let (_dir, store) = store();
    for (place, said) in [
        (
            "1:99",
            "no frame begins at offset 99 of segment-0000000001.log",
        ),
        ("1:4000000000", "no frame begins at offset 4000000000"),
        ("9:128", "there is no file segment-0000000009.log"),
    ] {
        let (code, out, err) = outcome(&run(&format!("inspect {{}} --frame {place}"), &store));
        assert_eq!(code, 2, "{place}: {out}{err}");
        assert!(err.contains(said), "{place}: {err}");
        for untrue in ["damaged", "backup", "a store is a directory"] {
            assert!(!err.contains(untrue), "{place}: {err}");
        }
    }
}

#[test]
fn files_that_are_no_segments_of_the_store_are_told_apart() {
    let (_dir, store) = store();
    // As a writer makes it ahead of a rotation.
    let ahead = store.join("segment-0000000002.log");
    std::fs::write(&ahead, vec![0; 4096]).unwrap();
    assert!(expect(0, "inspect {}", &store).contains("segment-0000000002.log  4.0 KiB"));
    let saved = store.with_extension("saved");
    expect(0, &format!("salvage {{}} {}", saved.display()), &store);
    std::fs::copy(store.join("segment-0000000001.log"), &ahead).unwrap();
    let shown = expect(1, "inspect {}", &store);
    assert!(
        shown.contains("!! segment-0000000002.log is a segment that the MANIFEST"),
        "{shown}"
    );
}

#[test]
fn a_long_file_is_shown_in_pages() {
    let (_dir, store) = store();
    let output = run("inspect {} --file segment-0000000001.log --limit 5", &store);
    let (code, out, err) = outcome(&output);
    assert_eq!((code, out.lines().count()), (0, 5), "{out}");
    let from = err.trim().rsplit(' ').next().unwrap();
    let next = format!("inspect {{}} --file segment-0000000001.log --from {from}");
    let next = expect(0, &next, &store);
    assert!(next.contains(&format!("{from:>10} ")), "{next}");
}

#[test]
fn damage_is_shown_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.strand");
    segmented(&path, 12).close().unwrap();
    let segment = path.join("segment-0000000001.log");
    // In the payload of the second event, of a sealed segment.
    damage(&segment, 15_000);
    std::fs::remove_file(path.join("checkpoint-00000000000000000012.ckpt")).unwrap();

    let file = "inspect {} --file segment-0000000001.log --limit 10000";
    let shown = expect(1, file, &path);
    assert!(shown.contains("!! a record's checksum is wrong"), "{shown}");
    let whole = shown
        .lines()
        .filter(|line| line.contains("  record sequence "))
        .count();
    assert_eq!(whole, 6, "the events around it are shown: {shown}");
    // What begins where a page does is shown on that page, though its length is not known.
    let told = shown.lines().find(|line| line.contains("damaged sequence"));
    let offset = told.unwrap().split_whitespace().next().unwrap();
    let page = format!("inspect {{}} --file segment-0000000001.log --from {offset} --limit 4");
    let page = expect(1, &page, &path);
    assert!(page.contains("damaged sequence"), "{page}");

    damage(&segment, 20);
    let shown = expect(1, file, &path);
    assert!(shown.contains("the header's checksum is wrong"), "{shown}");
    let (code, out, err) = outcome(&run("inspect {}", &path));
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("does not open"), "{err}");
    assert!(
        out.contains("!! segment-0000000001.log is damaged"),
        "{out}"
    );
}

/// The length of a sealed segment was told of its MANIFEST where its file was gone.
#[test]
fn a_file_that_is_missing_has_no_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing.strand");
    segmented(&path, 12).close().unwrap();
    std::fs::remove_file(path.join("segment-0000000001.log")).unwrap();
    let (code, out, _) = outcome(&run("inspect {}", &path));
    assert_eq!(code, 1, "{out}");
    let line = out
        .lines()
        .find(|line| line.contains("segment-0000000001.log"));
    assert!(line.unwrap().ends_with("  missing"), "{out}");
    std::fs::remove_file(path.join("MANIFEST")).unwrap();
    let (_, out, _) = outcome(&run("inspect {}", &path));
    assert!(
        out.contains("no manifest\n") && !out.contains("0 segments"),
        "{out}"
    );
}

/// A process that is killed leaves the file of the next segment, perhaps with its header.
#[test]
fn a_segment_that_was_made_ahead_is_no_problem() {
    let (_dir, path) = store();
    let first = std::fs::read(path.join("segment-0000000001.log")).unwrap();
    let next = path.join("segment-0000000002.log");
    let mut ahead = first[..128].to_vec();
    ahead.resize(4096, 0);
    std::fs::write(&next, ahead).unwrap();
    assert!(!expect(0, "inspect {}", &path).contains("!!"));
    std::fs::write(&next, first).unwrap();
    let text = expect(1, "inspect {}", &path);
    assert!(text.contains("that the MANIFEST does not list"), "{text}");
}

/// Neither opening nor any command told of times that are ahead.
#[test]
fn times_ahead_of_the_clock_are_told_and_are_no_problem() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ahead.strand");
    let now = strandline::Clock::now_ms(&strandline::SystemClock::default());
    let clock = strandline::ManualClock::new(now + 40 * 86_400_000);
    let options = strandline::StoreOptions::new().clock(std::sync::Arc::new(clock));
    let store = options.open(&path).unwrap();
    crate::fill(&store, 0..3);
    store.close().unwrap();
    for command in ["inspect {}", "stats {}", "verify {}"] {
        let shown = expect(0, command, &path);
        let told = "39 days ahead of this machine's clock";
        assert!(shown.contains(told), "{command}: {shown}");
    }
    assert!(
        json(0, "stats {} --json", &path)["clock_ahead_ms"]
            .as_u64()
            .unwrap()
            > 0
    );
}

/// It exited 0 where `inspect` and `verify` said 1.
#[test]
fn stats_of_a_store_with_a_damaged_index_exit_with_one() {
    let (_dir, path) = store();
    let whole = json(0, "stats {} --json", &path);
    assert_eq!(whole["notices"].as_array().unwrap().len(), 0);
    assert_eq!(whole["index_damaged"], 0);
    let name = "checkpoint-00000000000000000010.ckpt";
    damage(&path.join(name), 100);
    let shown = expect(1, "stats {}", &path);
    assert!(
        shown.contains(name) && shown.contains("passed over"),
        "{shown}"
    );
    let notices = &json(1, "stats {} --json", &path)["notices"];
    assert!(notices[0].as_str().unwrap().contains(name), "{notices}");
    for command in ["inspect {}", "verify {}"] {
        expect(1, command, &path);
    }
}

/// One said that there was a problem, and the other that there was none. An interrupted rewriting leaves such a
/// file, and an opening to write removes it.
#[test]
fn another_generation_of_a_segment_is_told_by_both_and_is_no_problem() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    segmented(&path, 30).close().unwrap();
    let name = "segment-0000000001.log";
    let old = std::fs::read(path.join(name)).unwrap();
    let first = json(0, "query {} --json --limit 1", &path)["id"].clone();
    let redact = format!("redact {{}} --event {}", first.as_str().unwrap());
    expect(0, &redact, &path);
    assert!(!path.join(name).exists());
    std::fs::write(path.join(name), old).unwrap();
    for command in ["inspect {}", "verify {}"] {
        let shown = expect(0, command, &path);
        let line = shown
            .lines()
            .find(|line| line.contains(name) && line.contains("counts"));
        assert!(line.is_some(), "{command}: {shown}");
        assert!(!shown.contains("!!"), "{command}: {shown}");
    }
    let left_over = &json(0, "inspect {} --json", &path)["left_over"];
    assert!(left_over[0].as_str().unwrap().contains(name), "{left_over}");
    expect(0, "checkpoint {}", &path);
    assert!(!path.join(name).exists());
    for command in ["inspect {}", "verify {}"] {
        assert!(!expect(0, command, &path).contains("counts"));
    }
}

/// It was shown like any store, or said to be none.
#[test]
fn the_copy_of_an_interrupted_restore_is_told_for_what_it_is() {
    let (dir, path) = store();
    let copies = [
        dir.path().join("new.strand.restoring-1"),
        dir.path().join("volume").join(".restoring"),
    ];
    for copy in copies {
        std::fs::create_dir_all(&copy).unwrap();
        for entry in std::fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != "LOCK" {
                std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
            }
        }
        std::fs::write(copy.join("RESTORING"), "").unwrap();
        let shown = expect(1, "inspect {}", &copy);
        assert!(shown.contains("restore again"), "{shown}");
        std::fs::remove_file(copy.join("MANIFEST")).unwrap();
        for command in ["inspect {}", "stats {}", "verify {}"] {
            let (code, _, err) = outcome(&run(command, &copy));
            assert_eq!(code, 2, "{err}");
            assert!(
                err.contains("restore again") && !err.contains("next:"),
                "{err}"
            );
        }
    }
    // In its place it is a store, whatever is left.
    std::fs::write(path.join("RESTORING"), "").unwrap();
    assert!(expect(0, "inspect {}", &path).contains("RESTORING is left"));
}

/// They were nowhere to be seen but among the files, or with a query.
#[test]
fn stats_tell_times_what_was_removed_and_what_was_set_aside() {
    let (_dir, path) = store();
    let before = json(0, "stats {} --json", &path);
    assert_eq!(
        (&before["removed"], &before["quarantine"]["files"]),
        (&0.into(), &0.into())
    );
    assert!(before["first_wall_ms"].as_u64() <= before["last_wall_ms"].as_u64());
    expect(0, "compact {} --keep-newest 1", &path);
    let segment = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segment = segment
        .filter(|file| file.to_string_lossy().ends_with(".log"))
        .max();
    let segment = segment.unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes.extend([0xff; 500]);
    std::fs::write(&segment, bytes).unwrap();
    expect(0, "checkpoint {}", &path);
    let after = json(0, "stats {} --json", &path);
    assert_eq!(
        (&after["removed"], &after["events"]),
        (&8.into(), &2.into())
    );
    assert_eq!(after["quarantine"]["files"], 1);
    assert!(after["first_wall_ms"].as_u64() >= before["first_wall_ms"].as_u64());
    let shown = expect(0, "stats {}", &path);
    for part in [
        "removed               8\n",
        "with what 8 removed ones have left",
        "1 file in the quarantine",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let dir = path.with_file_name("tagged.strand");
    let tagged = strandline::Store::open(&dir).unwrap();
    let event = strandline::Event::bytes(crate::PLACED, *b"x").tagged("customer:7");
    tagged.append(&crate::at("order:1", "eu"), event).unwrap();
    tagged.close().unwrap();
    let shown = expect(0, "inspect {}", &dir);
    assert!(shown.contains("tags\n  customer:7 "), "{shown}");
    assert_eq!(
        json(0, "inspect {} --json", &dir)["contents"]["tags"][0]["events"],
        1
    );
}
