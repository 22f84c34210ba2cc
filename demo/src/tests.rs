//! The demo on a small repository that has everything odd a repository can have.

#![allow(
    clippy::disallowed_methods,
    reason = "the repository that is read is made with plain files"
)]

use crate::check::{self, Checked};
use crate::git::{self, Repository, WrongUsage};
use crate::ingest::{self, Ingested};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use strandline::{Region, Store, StoreOptions};

/// A git command in a folder, the same wherever the tests run. In a hook the environment names
/// the repository that is committed to: without its removal these tests would write there.
fn git_command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = git::git();
    command
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
        .args(["-c", "init.defaultBranch=main"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(dir);
    command
}

fn git(dir: &Path, arguments: &[&str]) {
    let output = git_command(dir, arguments)
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Whether the tests can run at all; says so if not.
fn git_is_missing() -> bool {
    let missing = git::git().arg("--version").output().is_err();
    if missing {
        eprintln!("SKIPPED: git is not installed, so the demo is not tested");
    }
    missing
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

/// Makes a history: added, changed, deleted, renamed and binary files, links, odd names, a merge with a conflict.
fn repository(dir: &Path) {
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
    let merged = git_command(dir, &["merge", "side"]).output().unwrap();
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
    std::fs::remove_dir_all(dir.join("long".repeat(40))).unwrap();
    write(dir, &"long".repeat(40), b"a folder became a file");
    commit(dir, "types change");
}

/// Reads a repository into a store in `dir`, and checks every file of it.
fn demonstrate(path: &Path, dir: &Path) -> (Store, Ingested, Checked) {
    let repository = Repository::open(path).unwrap();
    let (store, ingested) = ingest::ingest(&repository, dir).unwrap();
    store.close().unwrap();
    let store = Store::open(dir).unwrap();
    let folded = check::fold(&store.snapshot()).unwrap();
    let checked = check::against_tree(&repository, &folded).unwrap();
    assert!(checked.differing.is_empty(), "{:?}", checked.differing);
    assert!(store.verify().unwrap().is_intact());
    assert_eq!(store.snapshot().len(), ingested.events);
    (store, ingested, checked)
}

#[test]
fn every_file_of_an_odd_repository_adds_up() {
    if git_is_missing() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clone");
    std::fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet"]);
    repository(&path);
    let store_dir = dir.path().join("store");
    let (store, ingested, checked) = demonstrate(&path, &store_dir);
    assert_eq!(ingested.commits, 6, "along first parents");
    assert_eq!(checked.files, 9);
    let now = store.snapshot();

    // Each commit is a batch: one correlation, and its cause is the commit before.
    let events: Vec<_> = now.query(Region::all()).map(Result::unwrap).collect();
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
    store.close().unwrap();
    let again = ingest::ingest(&Repository::open(&path).unwrap(), &store_dir);
    let error = again.expect_err("a store that is not empty is refused");
    assert!(error.is::<WrongUsage>());
}

#[test]
fn a_repository_with_sha256_adds_up() {
    if git_is_missing() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clone");
    std::fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet", "--object-format=sha256"]);
    repository(&path);
    let (_, ingested, checked) = demonstrate(&path, &dir.path().join("store"));
    assert_eq!((ingested.commits, checked.files), (6, 9));
}

/// With `diff.relative`, git leaves out what is not in the folder it runs in.
#[test]
fn configuration_and_the_folder_change_nothing() {
    if git_is_missing() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clone");
    std::fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet"]);
    repository(&path);
    let (plain, ..) = demonstrate(&path, &dir.path().join("plain"));
    for (name, value) in [
        ("diff.relative", "true"),
        ("diff.orderFile", "missing"),
        ("diff.renames", "copies"),
        ("diff.external", "false"),
        ("log.showRoot", "false"),
        ("log.diffMerges", "off"),
        ("color.ui", "always"),
        ("core.quotePath", "true"),
        ("i18n.logOutputEncoding", "latin1"),
    ] {
        git(&path, &["config", name, value]);
    }
    let first = Repository::open(&path).unwrap().head;
    git(&path, &["replace", "--graft", &first]);
    let (set, ..) = demonstrate(&path.join("src"), &dir.path().join("set"));
    let paths = |store: &Store| store.snapshot().entities("").collect::<Vec<_>>();
    assert_eq!(paths(&plain), paths(&set));

    let repository = Repository::open(&path).unwrap();
    let command = repository.git(&["log"]);
    let removed: Vec<_> = command
        .get_envs()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name)
        .collect();
    assert!(removed.contains(&OsStr::new("GIT_DIR")), "set in hooks");
}

/// The reader waited for ever for a place to put the next commit when an append had failed.
#[test]
fn a_failed_append_ends_the_reading() {
    if git_is_missing() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clone");
    std::fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet"]);
    repository(&path);
    let store = StoreOptions::new()
        .payload_bytes_max(1)
        .open(dir.path().join("store"))
        .unwrap();
    let filled = ingest::fill(&store, &Repository::open(&path).unwrap(), 0);
    assert!(filled.is_err(), "no payload fits");
}

#[test]
fn what_cannot_be_read_is_said_clearly() {
    if git_is_missing() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let check = |name: &str, says: &str, wrong_usage: bool| {
        let error = Repository::open(&dir.path().join(name)).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.is::<WrongUsage>(), wrong_usage, "{error}");
    };
    check("missing", "there is nothing at", true);
    write(dir.path(), "file", b"");
    check("file", "is no folder", true);
    write(dir.path(), "plain/.git", b"gitdir: nowhere");
    check("plain", "is no git repository", true);
    let full = dir.path().join("full");
    for name in ["empty", "full"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        git(&dir.path().join(name), &["init", "--quiet"]);
    }
    check("empty", "no commits yet", false);
    commit(&full, "one");
    commit(&full, "two");
    let url = format!("file://{}", full.display());
    git(
        dir.path(),
        &["clone", "--quiet", "--depth", "1", &url, "shallow"],
    );
    check("shallow", "shallow", false);
    git(&full, &["symbolic-ref", "HEAD", "refs/heads/none"]);
    check("full", "names no commit", false);
}
