//! A process that changes its working directory while it has stores open by relative paths.

#![expect(
    clippy::disallowed_methods,
    reason = "what others do to the files is done behind the seam"
)]

use crate::harness::{at, event, texts};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use strandline::maintenance::{Retention, compact, rebuild};
use strandline::{AppendOptions, Durability, ErrorKind, Store, StoreOptions};

fn options() -> StoreOptions {
    StoreOptions::new().segment_bytes_max(64 << 10)
}

fn append(store: &Store, count: usize) {
    let written = AppendOptions::new().durability(Durability::Written);
    for number in 0..count {
        let text = format!("{number} {}", "x".repeat(900));
        let appended = store.append_with(&at("entity:1", "s"), event(&text), written);
        appended.unwrap();
    }
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Runs in a process of its own: the working directory is the process's.
#[test]
#[ignore = "runs in a process of its own, whose directory it changes"]
fn change_the_directory() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let empty = options().open("").unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::InvalidInput);
    let here = std::env::current_dir().unwrap();
    let theirs = here.join("elsewhere/orders.strand");
    let other = options().open(&theirs).unwrap();
    append(&other, 80);
    other.close().unwrap();
    let before = files(&theirs);

    let store = options().open("orders.strand").unwrap();
    assert_eq!(store.dir(), here.join("orders.strand"));
    append(&store, 10);
    let reader = options().read_only().open("./orders.strand").unwrap();
    std::env::set_current_dir("elsewhere").unwrap();
    append(&store, 200);
    store.checkpoint().unwrap();
    assert_eq!(reader.refresh().unwrap(), store.snapshot().visible());
    let rules = Retention::new().keep_newest(150);
    compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
    append(&store, 100);
    assert_eq!(reader.refresh().unwrap(), store.snapshot().visible());
    assert!(store.stats().unwrap().bytes_on_disk > 200_000);
    assert!(store.verify().unwrap().is_intact());
    std::env::set_current_dir("/").unwrap();
    append(&store, 10);
    store.close().unwrap();
    assert!(before == files(&theirs));

    std::env::set_current_dir(&here).unwrap();
    let mut calls = 0;
    rebuild(options(), Path::new("orders.strand"), &mut |_| {
        calls += 1;
        if calls == 2 {
            std::env::set_current_dir("/").unwrap();
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let store = options().open(here.join("orders.strand")).unwrap();
    assert_eq!(texts(&store).len(), 260);
    assert!(store.verify().unwrap().is_intact());
}

const ALONE: &str = "STRANDLINE_ALONE";

/// A relative path was looked up anew at each rotation, and named another store, or none, after the process
/// had changed its directory.
#[test]
fn stores_stay_where_they_were_opened_when_the_process_changes_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "chdir::change_the_directory", "--ignored"])
        .env(ALONE, "1")
        .current_dir(dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}
