//! The demo on a small repository that has everything odd a repository can have.

#![allow(
    clippy::disallowed_methods,
    reason = "the repository that is read is made with plain files"
)]

use super::{check, git::Repository, ingest};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use strandline::{Region, Store};

fn git(dir: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "-c",
            "init.defaultBranch=main",
        ])
        .args([
            "-c",
            "commit.gpgsign=false",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn commit(dir: &Path, subject: &str) {
    git(dir, &["add", "--all"]);
    git(dir, &["commit", "--quiet", "--allow-empty", "-m", subject]);
}

fn write(dir: &Path, name: &str, text: &[u8]) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Added, changed, deleted, renamed and binary files, links, odd names, a merge with a conflict.
fn repository(dir: &Path) {
    git(dir, &["init", "--quiet"]);
    write(dir, "src/main.rs", b"one\ntwo\nthree\n");
    write(dir, "no-break", b"one\ntwo");
    write(dir, "binary", b"\0\n\0\n\0");
    write(dir, "tagged.lock", b"a\nb\n");
    write(dir, ".gitattributes", b"*.lock -diff\n");
    commit(dir, "first");
    write(dir, "src/main.rs", b"one\n2\nthree\nfour\n");
    write(dir, "no-break", b"one\ntwo\nthree");
    write(dir, "binary", b"now\ntext\n");
    write(dir, "tagged.lock", b"a\nb\nc\n");
    write(dir, "line\nbreak\t%.txt", b"odd\n");
    std::fs::write(dir.join(OsStr::from_bytes(b"latin-\xE9")), "x\n").unwrap();
    write(dir, &format!("{0}/{0}/{0}", "long".repeat(40)), b"deep\n");
    symlink("no-break", dir.join("link")).unwrap();
    commit(dir, "second");
    git(dir, &["checkout", "--quiet", "-b", "side"]);
    write(dir, "src/main.rs", b"one\nside\nthree\nfour\n");
    write(dir, "side", b"s\n");
    commit(dir, "on the side");
    git(dir, &["checkout", "--quiet", "main"]);
    write(dir, "src/main.rs", b"one\nmain\nthree\nfour\n");
    std::fs::remove_file(dir.join("no-break")).unwrap();
    commit(dir, "on main");
    let merged = Command::new("git")
        .args(["merge", "side"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(!merged.status.success(), "the merge conflicts");
    write(dir, "src/main.rs", b"one\nboth\nof them\nthree\nfour\n");
    commit(dir, "merge");
    commit(dir, "empty");
    std::fs::remove_file(dir.join("link")).unwrap();
    write(dir, "link/file", b"a link became a folder\n");
    std::fs::remove_file(dir.join("side")).unwrap();
    symlink("binary", dir.join("side")).unwrap();
    git(dir, &["mv", "tagged.lock", "renamed.lock"]);
    write(dir, "binary", b"\0binary again");
    commit(dir, "types change");
}

#[test]
fn every_file_of_an_odd_repository_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clone");
    std::fs::create_dir(&path).unwrap();
    repository(&path);
    let repository = Repository::open(&path).unwrap();
    let store_dir = dir.path().join("store");
    let (store, ingested) = ingest::ingest(&repository, &store_dir).unwrap();
    assert_eq!(ingested.commits, 6, "along first parents");
    store.close().unwrap();

    let store = Store::open(&store_dir).unwrap();
    let now = store.snapshot();
    let folded = check::fold(&now).unwrap();
    let checked = check::against_tree(&repository, &folded).unwrap();
    assert!(checked.differing.is_empty(), "{:?}", checked.differing);
    assert_eq!(checked.files, 9);
    assert_eq!(now.len(), ingested.events);
    assert!(store.verify().unwrap().is_intact());

    // Each commit is a batch: one correlation, and its cause is the commit before.
    let events: Vec<_> = now.query(&Region::all()).map(Result::unwrap).collect();
    let mut commits: Vec<_> = events.iter().map(|event| event.correlation).collect();
    commits.dedup();
    assert_eq!(commits.len(), 5, "an empty commit has no events");
    for event in &events {
        let place = commits
            .iter()
            .position(|commit| *commit == event.correlation)
            .unwrap();
        let cause = place.checked_sub(1).map(|before| commits[before]);
        assert_eq!(event.causation, cause);
        assert!(
            now.get(event.correlation).unwrap().is_some(),
            "the commit's first event"
        );
    }
    let again = ingest::ingest(&repository, &store_dir);
    assert!(again.is_err(), "a store that is not empty is refused");
}

#[test]
fn what_cannot_be_read_is_said_clearly() {
    let dir = tempfile::tempdir().unwrap();
    let reason = |path: &Path| Repository::open(path).err().unwrap().to_string();
    assert!(reason(&dir.path().join("missing")).contains("there is nothing at"));
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    git(&empty, &["init", "--quiet"]);
    assert!(reason(&empty).contains("no commits yet"));
    let full = dir.path().join("full");
    std::fs::create_dir(&full).unwrap();
    git(&full, &["init", "--quiet"]);
    commit(&full, "one");
    commit(&full, "two");
    let url = format!("file://{}", full.display());
    git(
        dir.path(),
        &["clone", "--quiet", "--depth", "1", &url, "shallow"],
    );
    assert!(reason(&dir.path().join("shallow")).contains("shallow"));
}
