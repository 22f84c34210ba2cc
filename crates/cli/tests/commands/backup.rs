//! `backup`, `restore` and `salvage`.

use crate::inspect::damage;
use crate::{PLACED, at, expect, fill, json, outcome, run, segmented, store};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use strandline::{Durability, Event, Store, StoreOptions};

fn lines(path: &Path) -> Vec<String> {
    let lines = expect(0, "query {} --json --limit 100000", path);
    lines.lines().map(str::to_owned).collect()
}

fn backup(store: &Path, target: &Path) -> serde_json::Value {
    json(
        0,
        &format!("backup {{}} {} --json", target.display()),
        store,
    )
}

#[test]
fn a_backup_is_the_store_and_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let (path, target) = (dir.path().join("orders.strand"), dir.path().join("backup"));
    let store = segmented(&path, 20);
    let first = backup(&path, &target);
    assert_eq!(
        (&first["end"], &first["segments_linked"]),
        (&20.into(), &0.into())
    );
    assert_eq!(lines(&target), lines(&path));
    for number in 0..20_u8 {
        let event = Event::bytes(PLACED, vec![number; 9000]);
        store.append(&at("later", "eu"), event).unwrap();
    }
    let second = backup(&path, &target);
    assert_eq!(
        second["segments_kept"], 2,
        "sealed segments are not copied again"
    );
    assert_eq!(lines(&target), lines(&path));
    store.close().unwrap();
    assert_eq!(backup(&path, &target)["end"], 40);
    assert!(expect(0, "inspect {}", &target).contains("opened from a checkpoint"));
    assert!(expect(0, "verify {}", &target).ends_with("intact\n"));
}

#[test]
fn a_backup_shares_nothing_unless_links_are_asked_for() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    segmented(&path, 12).close().unwrap();
    for (target, options, links) in [
        ("plain", "", 1),
        ("copied", " --copy", 1),
        ("linked", " --link", 2),
    ] {
        let target = dir.path().join(target);
        expect(
            0,
            &format!("backup {{}} {}{options}", target.display()),
            &path,
        );
        let sealed = std::fs::metadata(target.join("segment-0000000001.log")).unwrap();
        assert_eq!(sealed.nlink(), links, "{options}");
    }
}

/// What an earlier call linked was kept, so that a copy went on sharing the bytes on the disk.
#[test]
fn a_backup_that_was_linked_has_files_of_its_own_after_a_copy() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let (path, target) = (dir.path().join("orders.strand"), dir.path().join("backup"));
    segmented(&path, 12).close().unwrap();
    let linked = format!("backup {{}} {} --link", target.display());
    assert!(expect(0, &linked, &path).contains("without --link"));
    let links = || {
        let sealed = std::fs::metadata(target.join("segment-0000000001.log")).unwrap();
        sealed.nlink()
    };
    assert_eq!(links(), 2);
    let copied = backup(&path, &target);
    assert_eq!(
        (&copied["segments_linked"], links()),
        (&0.into(), 1),
        "{copied}"
    );
    assert_eq!(lines(&target), lines(&path));
    let again = backup(&path, &target);
    assert_eq!(
        again["segments_copied"], 0,
        "what is its own is kept: {again}"
    );
}

#[test]
fn a_backup_of_a_store_that_is_written_is_consistent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let store = StoreOptions::new()
        .segment_bytes_max(256 << 10)
        .open(&path)
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let options = strandline::AppendOptions::new().durability(Durability::Written);
            let mut number = 0_u64;
            while !done.load(Ordering::Relaxed) {
                let event = Event::bytes(PLACED, vec![b'x'; 500]);
                let entity = at(&format!("order:{}", number % 7), "eu");
                store.append_with(&entity, event, options).unwrap();
                number += 1;
            }
        });
        let mut last = 0;
        for round in 0..6 {
            let target = dir.path().join(format!("backup-{}", round % 2));
            let visible = store.snapshot().visible().get();
            let end = backup(&path, &target)["end"].as_u64().unwrap();
            assert!(
                end >= visible && end >= last,
                "everything before the call is in it"
            );
            last = end;
            let verified = json(0, "verify {} --json", &target);
            assert_eq!(verified["events"], end);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_backup_into_another_store_is_refused() {
    let (dir, path) = store();
    let (_other_dir, other) = store();
    let (code, _, err) = outcome(&run(&format!("backup {{}} {}", other.display()), &path));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("another store"), "{err}");
    let (code, _, err) = outcome(&run(&format!("backup {{}} {}", path.display()), &path));
    assert_eq!(code, 2, "{err}");
    let target = dir.path().join("backup");
    backup(&path, &target);
    let open = Store::open(&target).unwrap();
    let (code, _, err) = outcome(&run(&format!("backup {{}} {}", target.display()), &path));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("open for writing"), "{err}");
    drop(open);
}

/// It is refused, and the store that is whole is not called damaged.
/// A cron job that saves several stores mails what is told, and that named none of them.
#[test]
fn a_store_that_cannot_be_backed_up_is_named() {
    let (dir, path) = store();
    let target = dir.path().join("backup");
    let backup = format!("backup {{}} {}", target.display());
    std::fs::remove_file(path.join("MANIFEST")).unwrap();
    let (code, _, err) = outcome(&run(&backup, &path));
    assert_eq!(code, 1, "{err}");
    let told = format!("error: {} was not backed up: ", path.display());
    assert!(err.starts_with(&told), "{err}");
    assert!(err.contains("the MANIFEST is missing"), "{err}");
    assert!(!target.exists());
}

/// That a backup works beside a writer was advised where the backup was what somebody wrote.
#[test]
fn a_backup_that_is_at_work_is_waited_for() {
    let (dir, path) = store();
    let target = dir.path().join("backup");
    backup(&path, &target);
    let held = Store::open(&target).unwrap();
    let (code, _, err) = outcome(&run(&format!("backup {{}} {}", target.display()), &path));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("wait until it is done"), "{err}");
    assert!(!err.contains("work beside it"), "{err}");
    drop(held);
    backup(&path, &target);
}

#[test]
fn a_backup_that_was_written_to_is_not_brought_up_to_date() {
    let (dir, path) = store();
    let target = dir.path().join("backup");
    backup(&path, &target);
    expect(0, "rebuild {}", &target);
    expect(0, "redact {} --entity order:1", &target);
    let (code, _, err) = outcome(&run(&format!("backup {{}} {}", target.display()), &path));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("was written to after it was copied"), "{err}");
    assert!(err.contains("name another directory"), "{err}");
    assert!(!err.contains("damaged"), "{err}");
    assert!(expect(0, "verify {}", &target).ends_with("intact\n"));
}

#[test]
fn a_restore_checks_before_it_replaces() {
    let (dir, path) = store();
    let target = dir.path().join("backup");
    backup(&path, &target);
    let backed_up = lines(&path);
    let store = Store::open(&path).unwrap();
    fill(&store, 10..20);
    store.close().unwrap();
    let restore = |options: &str| {
        run(
            &format!("restore {} {{}}{options}", target.display()),
            &path,
        )
    };
    let (code, _, err) = outcome(&restore(""));
    assert_eq!(code, 2, "the store exists: {err}");
    let (code, out, err) = outcome(&restore(" --replace --json"));
    assert_eq!(code, 0, "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["end"], 10);
    assert_eq!(lines(&path), backed_up);
    let replaced = PathBuf::from(report["replaced"].as_str().unwrap());
    assert_eq!(
        lines(&replaced).len(),
        20,
        "the store that was there is kept"
    );

    damage(&target.join("segment-0000000001.log"), 400);
    let (code, _, err) = outcome(&restore(" --replace"));
    assert_eq!(code, 1, "{err}");
    assert_eq!(lines(&path), backed_up, "nothing was replaced");
    let fresh = dir.path().join("fresh");
    let (code, _, _) = outcome(&run(&format!("restore {} {{}}", target.display()), &fresh));
    assert_eq!(code, 1);
    assert!(!fresh.exists());
}

/// A closed store of twelve events of 9,000 bytes in two segments, seven in the first.
fn golden(dir: &Path) -> PathBuf {
    let path = dir.join("golden.strand");
    segmented(&path, 12).close().unwrap();
    path
}

fn ids(path: &Path) -> Vec<String> {
    let id = |line: &String| -> String {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    lines(path).iter().map(id).collect()
}

#[test]
fn everything_of_a_whole_store_is_salvaged() {
    let dir = tempfile::tempdir().unwrap();
    let (path, saved) = (golden(dir.path()), dir.path().join("saved"));
    let shown = expect(0, &format!("salvage {{}} {}", saved.display()), &path);
    assert!(
        shown.contains("12 events saved") && shown.contains("nothing was lost"),
        "{shown}"
    );
    assert_eq!(ids(&saved), ids(&path));
    let again = json(
        0,
        &format!("salvage {{}} {} --json", saved.display()),
        &path,
    );
    assert_eq!(
        (&again["events"], &again["repeated"]),
        (&0.into(), &12.into())
    );
}

#[test]
fn salvage_names_the_files_that_it_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = golden(dir.path());
    let unlisted = "segment-0000000001-0000000001.log";
    std::fs::copy(path.join("segment-0000000001.log"), path.join(unlisted)).unwrap();
    let saved = dir.path().join("saved");
    let report = json(
        0,
        &format!("salvage {{}} {} --json", saved.display()),
        &path,
    );
    assert_eq!(report["passed_over"], serde_json::json!([unlisted]));
    assert_eq!(
        (&report["events"], &report["repeated"]),
        (&12.into(), &0.into())
    );
    let shown = expect(0, &format!("salvage {{}} {}", saved.display()), &path);
    assert!(
        shown.contains(&format!("{unlisted} was not read")),
        "{shown}"
    );
}

#[test]
fn what_damage_leaves_is_salvaged_and_the_rest_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = golden(dir.path());
    let all = ids(&path);
    let segment = "segment-0000000001.log";
    // Frames are of 9,192 bytes or so from offset 128 on: header 72, record header 44, body.
    for (number, (file, offset, lost, what)) in [
        (segment, 15_000, vec![1], "a payload"),
        (
            segment,
            128 + 8,
            vec![],
            "a frame's header, whose record is found after it",
        ),
        (
            segment,
            30,
            vec![],
            "the segment's header, which the manifest has too",
        ),
        ("MANIFEST", 40, vec![], "the manifest"),
        (
            "segment-0000000002.log",
            500,
            vec![7],
            "the record that names the coordinate, its body",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let damaged = dir.path().join(format!("damaged-{number}"));
        std::fs::create_dir(&damaged).unwrap();
        for entry in std::fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), damaged.join(entry.file_name())).unwrap();
        }
        damage(&damaged.join(file), offset);
        let before = std::fs::read(damaged.join(file)).unwrap();
        let saved = dir.path().join(format!("saved-{number}"));
        let output = run(
            &format!("salvage {{}} {} --json", saved.display()),
            &damaged,
        );
        let (_, out, err) = outcome(&output);
        let report: serde_json::Value =
            serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
        let saved_ids = ids(&saved);
        let expected: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(number, _)| !lost.contains(number))
            .map(|(_, id)| id.clone())
            .collect();
        let unnamed = report["losses"]
            .to_string()
            .contains("named by a record that is lost");
        if unnamed {
            assert!(saved_ids.iter().all(|id| expected.contains(id)), "{what}");
        } else {
            assert_eq!(saved_ids, expected, "{what}: {report}");
        }
        if !lost.is_empty() {
            assert_eq!(output.status.code(), Some(1), "{what}");
            assert!(!report["losses"].as_array().unwrap().is_empty(), "{what}");
        }
        assert!(
            expect(0, "verify {}", &saved).ends_with("intact\n"),
            "{what}"
        );
        assert_eq!(
            std::fs::read(damaged.join(file)).unwrap(),
            before,
            "{what}: untouched"
        );
    }
}
