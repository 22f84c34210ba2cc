//! Disks that are full, mounted to read only, or damaged: what is left, and what is said.

use crate::{PLACED, at, expect, outcome, program, run, segmented};
use std::process::{Command, Stdio};
use strandline::{Event, StoreOptions};

/// Runs a script in which file systems may be mounted; none if they may not here.
fn mounting(dir: &std::path::Path, script: &str) -> Option<(i32, String, String)> {
    let mut command = Command::new("unshare");
    command.args(["-rm", "bash", "-c"]);
    command.arg(format!("strandline() {{ \"$PROGRAM\" \"$@\"; }}; {script}"));
    command.env("PROGRAM", program().get_program());
    let output = command.current_dir(dir).stdin(Stdio::null()).output();
    let found = output.ok().map(|output| outcome(&output));
    let found = found.filter(|(code, _, err)| *code != 77 && !err.contains("unshare:"));
    if found.is_none() {
        eprintln!("SKIPPED: no file system can be mounted here");
    }
    found
}

/// What the buffer held when it met damage was lost: of a small store, everything.
#[test]
fn what_could_be_read_before_damage_is_exported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.strand");
    segmented(&path, 12).close().unwrap();
    // In the payload of the second event, of a sealed segment.
    crate::inspect::damage(&path.join("segment-0000000001.log"), 15_000);
    for format in ["lines", "cloudevents"] {
        let (code, out, err) = outcome(&run(&format!("export {{}} --format {format}"), &path));
        assert_eq!(code, 1, "{err}");
        let lines: Vec<_> = out
            .lines()
            .map(serde_json::from_str::<serde_json::Value>)
            .collect();
        assert!(matches!(lines.as_slice(), [Ok(_)]), "{}", lines.len());
        assert!(
            err.contains("what was written before is good, 1 line"),
            "{err}"
        );
        assert!(
            err.contains("segment-0000000001.log") && err.contains("`verify` shows"),
            "{err}"
        );
    }
    // A file is whole, or is not there.
    let file = dir.path().join("lines");
    let (code, _, err) = outcome(&run(&format!("export {{}} -o {}", file.display()), &path));
    assert_eq!(code, 1);
    assert!(
        err.contains("was not made") && err.contains("leave -o out"),
        "{err}"
    );
    assert!(!file.exists());
}

/// Half a copy was left on a disk that was full, and nothing said so, nor which disk it was.
#[test]
fn a_backup_that_finds_no_room_leaves_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("S");
    let store = segmented(&path, 12);
    expect(
        0,
        &format!("backup {{}} {}", dir.path().join("early").display()),
        &path,
    );
    for number in 0..40_u8 {
        let event = Event::bytes(PLACED, vec![number; 9_000]);
        store.append(&at("later", "eu"), event).unwrap();
    }
    store.close().unwrap();
    let script = "mount -t tmpfs -o size=400k none . && cd . || exit 77";
    let script = format!(
        "mkdir disk; cd disk; {script}; cd ../disk; cp -r ../early .; \
         find . | sort > ../before; \
         for target in new early; do \
           strandline backup ../S $target --copy && exit 3; echo $? >&2; \
         done; \
         find . | sort | diff ../before - || exit 4; strandline verify early || exit 5"
    );
    let Some((code, out, err)) = mounting(dir.path(), &script) else {
        return;
    };
    assert_eq!(code, 0, "{out}{err}");
    for part in [
        "there is no backup yet in new: there is no room on the disk: cannot write",
        "nothing has changed in the backup in early: there is no room on the disk",
        "next: make room on the disk of new, or name a directory on another disk",
        "the store was only read",
    ] {
        assert!(err.contains(part), "{part} in {err}");
    }
    assert!(!err.contains("the log cannot be used"), "{err}");
    StoreOptions::new().must_exist().open(&path).unwrap();
}

/// That a file system is mounted to read only was told, and not what to do.
#[test]
fn a_file_system_that_is_read_only_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("S");
    segmented(&path, 3).close().unwrap();
    std::fs::write(
        dir.path().join("lines"),
        "{\"entity\":\"e\",\"scope\":\"s\"}",
    )
    .unwrap();
    std::fs::create_dir(dir.path().join("disk")).unwrap();
    let script = "mount -t tmpfs none disk && cp -r S disk && mount -o remount,ro disk || exit 77; \
        strandline checkpoint disk/S; strandline import disk/S lines; strandline import disk/N lines; \
        strandline backup S disk/B; strandline query disk/S > /dev/null || exit 3; exit 0";
    let Some((code, out, err)) = mounting(dir.path(), script) else {
        return;
    };
    assert_eq!(code, 0, "{out}{err}");
    let told = err
        .matches("next: the file system is mounted to read only")
        .count();
    assert_eq!(told, 4, "{err}");
}

/// That files were left was not said, nor what for.
#[test]
fn a_backup_that_fails_says_what_it_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.strand");
    segmented(&path, 20).close().unwrap();
    crate::inspect::damage(&path.join("segment-0000000002.log"), 15_000);
    let target = dir.path().join("target");
    let backup = format!("backup {{}} {} --copy", target.display());
    let (code, _, err) = outcome(&run(&backup, &path));
    assert_eq!(code, 1, "{err}");
    let said =
        ", where 1 file of it is left, with which a repeated call goes on: the log is damaged";
    assert!(err.contains(said), "{err}");
    assert!(target.join("segment-0000000001.log").exists());
}
