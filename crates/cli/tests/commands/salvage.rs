//! `salvage`: what it tells people, and its exit codes.

use crate::inspect::damage;
use crate::{expect, json, outcome, run, segmented, store};
use std::os::unix::fs::symlink;
use std::path::Path;

fn saved(code: i32, store: &Path, target: &str) -> String {
    let target = store.with_file_name(target);
    expect(code, &format!("salvage {{}} {}", target.display()), store)
}

/// One lost event was called `sequences 986..987`, how many were lost was not said, and what to do neither.
#[test]
fn what_is_lost_is_said_in_numbers_of_events() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    segmented(&path, 12).close().unwrap();
    damage(&path.join("segment-0000000001.log"), 15_000);
    let shown = saved(1, &path, "one");
    for part in [
        "11 events saved into",
        "!! segment-0000000001.log, offset 9",
        ", event 1: a record's checksum is wrong",
        "12 events were durable, as checkpoint-00000000000000000012.ckpt shows: 11 are here, 1 is lost",
        "  next: look for what is lost in a backup",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    let second = path.join("segment-0000000002.log");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(second)
        .unwrap();
    file.set_len(128).unwrap();
    let shown = saved(1, &path, "six");
    assert!(
        shown.contains("!! events 7 to 11 (5) are not there"),
        "{shown}"
    );
    assert!(shown.contains("6 are here, 6 are lost"), "{shown}");
    let target = path.with_file_name("json");
    let report = json(
        1,
        &format!("salvage {{}} {} --json", target.display()),
        &path,
    );
    assert_eq!(
        (&report["lost"], &report["lost_durable"]),
        (&6.into(), &6.into())
    );
    assert_eq!(report["losses"][0]["events"], 1);
}

/// It was taken for a wrong path, exit code 2, with the MANIFEST there.
#[test]
fn a_segment_file_that_is_gone_is_a_loss() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    segmented(&path, 12).close().unwrap();
    std::fs::remove_file(path.join("segment-0000000001.log")).unwrap();
    let shown = saved(1, &path, "rest");
    for part in [
        "5 events saved into",
        "!! segment-0000000001.log, events 0 to 6 (7): the MANIFEST lists segment 1, and its file is missing",
        "5 are here, 7 are lost",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    std::fs::remove_file(path.join("segment-0000000002.log")).unwrap();
    let shown = saved(1, &path, "nothing");
    assert!(shown.contains("0 are here, 12 are lost"), "{shown}");
    assert!(!shown.contains("nothing was lost"), "{shown}");
}

#[test]
fn nothing_is_said_that_is_not_known() {
    let (_dir, path) = store();
    assert!(saved(0, &path, "whole").ends_with("\nnothing was lost\n"));
    std::fs::remove_file(path.join("MANIFEST")).unwrap();
    let shown = saved(0, &path, "listed");
    assert!(shown.contains("the MANIFEST is missing"), "{shown}");
    assert!(
        shown.ends_with("\nnothing was lost\n"),
        "the checkpoint shows it: {shown}"
    );
    std::fs::remove_file(path.join("checkpoint-00000000000000000010.ckpt")).unwrap();
    let shown = saved(0, &path, "unlisted");
    assert!(
        shown.contains("nothing is known to be lost; no MANIFEST"),
        "{shown}"
    );
}

/// A text was compared with a text, so the store itself was opened, repaired and written.
#[test]
fn the_store_itself_is_wrong_usage_by_every_name() {
    let (_dir, path) = store();
    let link = path.with_file_name("link");
    symlink(&path, &link).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let segment = std::fs::read(path.join("segment-0000000001.log")).unwrap();
    let parent = path.parent().unwrap();
    for target in [
        path.clone(),
        parent.join(".").join(name),
        path.join("..").join(name),
        link.clone(),
        link.join("new"),
        path.join("new"),
        parent.to_owned(),
        parent.join("none/..").join(name),
    ] {
        let (code, _, err) = outcome(&run(&format!("salvage {{}} {}", target.display()), &path));
        assert_eq!(code, 2, "{target:?}: {err}");
        assert!(err.contains("must lie apart"), "{target:?}: {err}");
    }
    assert!(!path.join("new").exists() && !parent.join("none").exists());
    assert_eq!(
        std::fs::read(path.join("segment-0000000001.log")).unwrap(),
        segment
    );
    let (code, _, err) = outcome(&run(
        &format!("salvage {{}} {}", path.join("LOCK").display()),
        &path,
    ));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("is no directory"), "{err}");
}
