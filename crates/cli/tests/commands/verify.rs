//! `verify`, `checkpoint` and `rebuild`.

use crate::inspect::damage;
use crate::{PLACED, at, expect, json, outcome, run, segmented, store};
use strandline::{Event, Store};

#[test]
fn a_whole_store_is_intact() {
    let (_dir, store) = store();
    let shown = expect(0, "verify {}", &store);
    assert!(
        shown.contains("10 events, 10 commits, 2 entities"),
        "{shown}"
    );
    assert!(shown.ends_with("intact\n"), "{shown}");
    assert_eq!(json(0, "verify {} --json", &store)["intact"], true);
}

#[test]
fn heads_and_receipts_that_were_kept_are_found_or_missed() {
    let (dir, path) = store();
    let head = json(0, "verify {} --json", &path)["log_hash"].clone();
    let head = head.as_str().unwrap();
    let store = Store::open(&path).unwrap();
    let receipt = store
        .append(&at("order:9", "eu"), Event::bytes(PLACED, *b"x"))
        .unwrap();
    store.close().unwrap();

    let shown = expect(0, &format!("verify {{}} --head {head}"), &path);
    assert!(
        shown.contains("before sequence 10"),
        "an earlier head: {shown}"
    );
    let other = "ab".repeat(32);
    let shown = expect(1, &format!("verify {{}} --head {other}"), &path);
    assert!(shown.contains(&format!(
        "!! no commit of the store has the log hash {other}"
    )));
    assert_eq!(outcome(&run("verify {} --head abc", &path)).0, 2);

    let file = dir.path().join("receipts.json");
    let text = |receipt| serde_json::to_string(&receipt).unwrap();
    std::fs::write(&file, text(receipt)).unwrap();
    let arguments = format!("verify {{}} --receipt {}", file.display());
    assert!(expect(0, &arguments, &path).contains("1 receipt kept and found"));
    let forged = strandline::Receipt {
        clock: 7,
        ..receipt
    };
    std::fs::write(&file, format!("{}\n{}\n", text(receipt), text(forged))).unwrap();
    let shown = expect(1, &arguments, &path);
    assert!(shown.contains("its clock is 0"), "{shown}");
    std::fs::write(&file, "{}").unwrap();
    assert_eq!(outcome(&run(&arguments, &path)).0, 2, "no receipt");
}

#[test]
fn damage_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.strand");
    segmented(&path, 12).close().unwrap();
    damage(&path.join("segment-0000000001.log"), 15_000);
    let shown = expect(1, "verify {}", &path);
    assert!(
        shown.contains("!! segment-0000000001.log is damaged at offset 9"),
        "{shown}"
    );
    assert!(shown.contains("1 problem"), "{shown}");
    let json = json(1, "verify {} --json", &path);
    assert_eq!(json["problems"].as_array().unwrap().len(), 1);
}

#[test]
fn a_checkpoint_is_saved_and_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    drop(segmented(&path, 3));
    assert_eq!(json(0, "checkpoint {} --json", &path)["sequence"], 3);
    let shown = expect(0, "inspect {}", &path);
    assert!(shown.contains("opened from a checkpoint"), "{shown}");
    assert_eq!(outcome(&run("checkpoint {}", dir.path())).0, 2, "no store");
}

#[test]
fn a_store_without_footers_and_checkpoint_is_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    segmented(&path, 30).close().unwrap();
    let before = expect(0, "query {} --json", &path);
    let end = json(0, "inspect {} --json", &path)["segments"][0]["frame_bytes"].clone();
    let file = path.join("segment-0000000001.log");
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(end.as_u64().unwrap()).unwrap();
    damage(&path.join("segment-0000000002.log"), 64_500);
    damage(&path.join("checkpoint-00000000000000000030.ckpt"), 100);
    expect(1, "inspect {}", &path);
    let found = json(1, "verify {} --json", &path)["problems"].clone();
    let files: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["file"])
        .collect();
    let checkpoint = "checkpoint-00000000000000000030.ckpt";
    assert_eq!(files, [checkpoint, "segment-0000000002.log"]);
    assert!(expect(1, "verify {}", &path).contains("`strandline rebuild DIR`"));

    let rebuilt = json(0, "rebuild {} --json", &path);
    assert_eq!(rebuilt["events"], 30);
    assert_eq!(rebuilt["merged_removed"], 0);
    assert_eq!(
        (&rebuilt["footers"], &rebuilt["footers_sound"]),
        (&2.into(), &2.into())
    );
    let after = json(0, "inspect {} --json", &path);
    assert!(after["segments"][0]["footer_bytes"].as_u64().unwrap() > 0);
    assert!(
        after["contents"]["opened"]
            .as_str()
            .unwrap()
            .contains("from a checkpoint")
    );
    assert_eq!(expect(0, "query {} --json", &path), before);
    // Without the checkpoint the footers are used.
    std::fs::remove_file(path.join("checkpoint-00000000000000000030.ckpt")).unwrap();
    let opened = expect(0, "inspect {}", &path);
    assert!(opened.contains("opened from footers"), "{opened}");
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
}

#[test]
fn rebuild_refuses_a_log_that_lost_durable_events() {
    let (_dir, path) = store();
    let end = json(
        0,
        "inspect {} --file segment-0000000001.log --limit 1 --json",
        &path,
    );
    assert_eq!(end["length"], 128);
    let file = path.join("segment-0000000001.log");
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(128).unwrap();
    let (code, _, err) = outcome(&run("rebuild {}", &path));
    assert_eq!(code, 1);
    assert!(err.contains("durable"), "{err}");
}

#[test]
fn a_store_that_is_written_is_left_alone() {
    let (_dir, path) = store();
    let writer = Store::open(&path).unwrap();
    for command in ["checkpoint {}", "rebuild {}", "import {} -"] {
        let (code, _, err) = outcome(&run(command, &path));
        assert_eq!(code, 1, "{command}");
        assert!(
            err.contains("close the program that writes it"),
            "{command}: {err}"
        );
    }
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
    drop(writer);
}

/// It was "0 events, 0 commits": verification stopped at the first bad frame, and named the frame.
#[test]
fn what_is_good_is_counted_and_what_is_bad_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.strand");
    segmented(&path, 12).close().unwrap();
    damage(&path.join("segment-0000000001.log"), 15_000);
    damage(&path.join("segment-0000000002.log"), 30_000);
    let shown = expect(1, "verify {}", &path);
    for part in [
        "10 of 12 events good, ",
        "a record's checksum is wrong; event 1 is lost",
        "!! segment-0000000002.log is damaged at offset ",
        "2 problems",
        "  next: restore a backup",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert_eq!(shown.matches("next:").count(), 1, "{shown}");
    let report = json(1, "verify {} --json", &path);
    assert_eq!(
        (&report["good"], &report["damaged"]),
        (&10.into(), &2.into())
    );
    assert_eq!(report["problems"][0]["events"], 1);
}

/// What does not open was an error of opening, and nothing was said of the rest.
#[test]
fn a_store_that_does_not_open_is_verified_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.strand");
    segmented(&path, 12).close().unwrap();
    let second = path.join("segment-0000000002.log");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(second)
        .unwrap();
    file.set_len(25_000).unwrap();
    let shown = expect(1, "verify {}", &path);
    for part in [
        "!! the store does not open: durable events have vanished",
        "9 of 12 events good",
        "events 9 to 11 (3) are lost",
        "1 problem\n",
        "`strandline salvage DIR NEW`",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(
        !shown.contains("log hash"),
        "of a log that is not whole: {shown}"
    );
    let report = json(1, "verify {} --json", &path);
    assert_eq!(
        (&report["intact"], &report["good"]),
        (&false.into(), &9.into())
    );
    assert!(
        report["refused"]
            .as_str()
            .unwrap()
            .contains("durable up to sequence 12")
    );
    std::fs::remove_file(path.join("segment-0000000001.log")).unwrap();
    let shown = expect(1, "verify {}", &path);
    assert!(
        shown.contains("segment-0000000001.log is missing"),
        "{shown}"
    );
    assert!(shown.contains("2 of 12 events good"), "{shown}");
    assert_eq!(outcome(&run("verify {}", dir.path())).0, 2, "no store");
}

/// A file that was gone, and the events that were in it, were two problems.
#[test]
fn a_missing_file_and_what_was_in_it_are_one_problem() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing.strand");
    segmented(&path, 12).close().unwrap();
    let segments = std::fs::read_dir(&path).unwrap();
    let segments = segments.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut segments: Vec<_> = segments
        .filter(|name| name.starts_with("segment-"))
        .collect();
    segments.sort();
    let active = segments.pop().unwrap();
    let first = &segments[0];
    for (gone, told) in [
        (
            first,
            format!(
                "!! {first} is missing, the MANIFEST lists it; events 0 to 6 (7) are lost\n1 problem\n"
            ),
        ),
        (
            &active,
            format!(
                "!! 2 segments are missing that the MANIFEST lists, {first} to {active}; events 0 to 11 (12) \
                 are lost\n1 problem\n"
            ),
        ),
    ] {
        std::fs::remove_file(path.join(gone)).unwrap();
        let (code, out, _) = outcome(&run("verify {}", &path));
        assert_eq!(code, 1, "{out}");
        assert!(out.contains(&told), "{out}");
    }
}
