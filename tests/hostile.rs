//! Directories made to harm: lengths and numbers that lie under checksums made right, symbolic
//! links, and files of another store.

use crate::golden;
use crate::harness::{at, contents, dir, event, files, options, read, write};
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use strandline::fs::{Fs, MemFs, OsFs};
use strandline::{ErrorKind, EventId, Region, Store, StoreOptions};
use strandline_core::Salt;
use strandline_segment::Manifest;

/// What a field of four bytes is set to.
const LIES: [u32; 3] = [1, 0x7FFF_FFF0, u32::MAX];
const FOOTER_PREFIX_BYTES: usize = 32;
const TRAILER_BYTES: usize = 64;
/// What an opening may take beside four times the files.
const ALLOWANCE_BYTES: usize = 16 << 20;

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Length of the header of the block that begins at `start`, with its checksum.
fn block_header_bytes(bytes: &[u8], start: usize) -> usize {
    let sections = if bytes[start + 4] == 3 { 35 } else { 41 };
    8 + 40 + 16 + 32 + 16 + sections * 32 + 8
}

/// Makes the checksum at `place` right, of everything from `start` to it.
fn make_right(bytes: &mut [u8], salt: Salt, offset: usize, start: usize, place: usize) {
    let sum = salt.checksum(offset as u64, &bytes[start..place]).0;
    put(bytes, place, &sum.to_le_bytes());
}

fn lies(from: usize, to: usize) -> impl Iterator<Item = (usize, u32)> {
    (from..to.saturating_sub(3))
        .step_by(4)
        .flat_map(|at| LIES.map(|lie| (at, lie)))
}

/// What is done with a directory that lies; answers and errors alike are welcome.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Provoke {
    /// It is opened.
    Open,
    /// It is opened and asked for everything.
    Ask,
}

fn provoke(fs: &MemFs, how: Provoke, what: &str) {
    let ask = |store: &Store| {
        if how == Provoke::Open {
            return;
        }
        let now = store.snapshot();
        let _ = now.query(Region::all()).take(100).count();
        for event in now.query(Region::all()).take(10).flatten() {
            let _ = now.get(event.id);
            let _ = now.latest(event.coordinate.entity());
        }
        let _ = now.get(EventId::from_u128(3));
        let _ = now
            .query(Region::all().tag("tag:0").scope("scope/1"))
            .rev()
            .take(50)
            .count();
        let _ = now.entities("").take(100).count();
    };
    let done = catch_unwind(AssertUnwindSafe(|| {
        let small = || options(fs).segment_bytes_max(64 << 10).background_inline();
        if let Ok(store) = small().read_only().open(dir()) {
            ask(&store);
        }
        if let Ok(store) = small().open(dir()) {
            ask(&store);
            let _ = store.append(&at("entity:0", "scope/0"), event("next"));
        }
    }));
    assert!(done.is_ok(), "a panic: {what}");
}

fn lie_in_the_manifest(image: &MemFs, how: Provoke) {
    let path = dir().join("MANIFEST");
    let bytes = read(image, &path);
    for (at, lie) in lies(12, bytes.len() - 8) {
        let mut lying = bytes.clone();
        put(&mut lying, at, &lie.to_le_bytes());
        for entry in (40..bytes.len() - 8).step_by(181) {
            make_right(&mut lying, Salt::NONE, 0, entry, entry + 120);
        }
        let end = lying.len() - 8;
        make_right(&mut lying, Salt::NONE, 0, 0, end);
        let fs = image.fork();
        write(&fs, &path, &lying);
        provoke(&fs, how, &format!("MANIFEST, {lie} at {at}"));
    }
}

fn lie_in_a_checkpoint(image: &MemFs, how: Provoke) {
    let path = files(image, "checkpoint-").pop().unwrap();
    let bytes = read(image, &path);
    // Names and lengths of the three sections, then the checksum of the table.
    let mut entries = Vec::new();
    let mut at = 32;
    for _ in 0..3 {
        let name = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let length = &bytes[at + 2 + name..at + 10 + name];
        let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
        entries.push((at + 10 + name, length));
        at += 18 + name;
    }
    let head = at;
    for (at, lie) in lies(12, head) {
        let mut lying = bytes.clone();
        put(&mut lying, at, &lie.to_le_bytes());
        make_right(&mut lying, Salt::NONE, 0, 0, head);
        let fs = image.fork();
        write(&fs, &path, &lying);
        provoke(&fs, how, &format!("checkpoint, {lie} at {at}"));
    }
    let mut start = head + 8;
    for (sum, length) in entries {
        let is_block = bytes[start..].starts_with(b"STBK");
        let until = if is_block {
            block_header_bytes(&bytes, start) - 8
        } else {
            length
        };
        for (at, lie) in lies(0, until) {
            let mut lying = bytes.clone();
            put(&mut lying, start + at, &lie.to_le_bytes());
            if is_block {
                let place = start + block_header_bytes(&bytes, start) - 8;
                make_right(&mut lying, Salt::NONE, 0, start, place);
            }
            let right = Salt::NONE.checksum(start as u64, &lying[start..start + length]);
            put(&mut lying, sum, &right.0.to_le_bytes());
            make_right(&mut lying, Salt::NONE, 0, 0, head);
            let fs = image.fork();
            write(&fs, &path, &lying);
            provoke(&fs, how, &format!("checkpoint, {lie} at {}", start + at));
        }
        start += length;
    }
}

fn lie_in_a_footer(image: &MemFs, how: Provoke) {
    let manifest = Manifest::read(image, &dir()).unwrap().unwrap();
    let info = manifest.segments()[0];
    let salt = info.header().salt();
    let footer = info.end().unwrap().offset as usize;
    let path = dir().join(info.file_name());
    let bytes = read(image, &path);
    let trailer = bytes.len() - TRAILER_BYTES;
    let block = footer + FOOTER_PREFIX_BYTES;
    let head = block + block_header_bytes(&bytes, block) - 8;
    let places = lies(footer, footer + 16)
        .chain(lies(block, head))
        .chain(lies(trailer, bytes.len() - 8));
    for (at, lie) in places {
        let mut lying = bytes.clone();
        put(&mut lying, at, &lie.to_le_bytes());
        make_right(&mut lying, Salt::NONE, 0, footer, footer + 16);
        make_right(&mut lying, Salt::NONE, 0, block, head);
        if at < trailer {
            let right = salt.checksum(footer as u64, &lying[footer..trailer]);
            put(&mut lying, trailer + 40, &right.0.to_le_bytes());
        }
        make_right(&mut lying, salt, trailer, trailer, trailer + 56);
        let fs = image.fork();
        write(&fs, &path, &lying);
        provoke(&fs, how, &format!("footer, {lie} at {at}"));
    }
}

fn lie_everywhere(image: &MemFs, how: Provoke) {
    lie_in_the_manifest(image, how);
    lie_in_a_checkpoint(image, how);
    lie_in_a_footer(image, how);
}

#[test]
fn lies_under_right_checksums_are_never_a_panic() {
    lie_everywhere(&golden::copy(), Provoke::Ask);
}

/// Bytes of memory that this process may write to and shares with none.
fn data_bytes() -> usize {
    let status = format!("/proc/{}/status", std::process::id());
    let status = Command::new("cat").arg(status).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmData:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<usize>().unwrap() << 10
}

#[test]
#[ignore = "runs in a process of its own, whose memory is limited"]
fn lies_in_a_process_of_its_own() {
    let image = golden::copy();
    println!("has {}", data_bytes());
    if std::env::var_os("STRANDLINE_TEST_LIES").is_some() {
        lie_everywhere(&image, Provoke::Open);
    }
}

/// A length or number that lies, under checksums made right, takes at most four times the files'
/// bytes of memory and 16 MiB to open. An allocation over the limit ends the process.
#[cfg(target_os = "linux")]
#[test]
fn lies_under_right_checksums_take_little_memory_to_open() {
    let run = |limit: &str, lies: bool| {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -d {limit} && exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "hostile::lies_in_a_process_of_its_own"])
            .args(["--ignored", "--nocapture", "--test-threads=1"]);
        if lies {
            command.env("STRANDLINE_TEST_LIES", "1");
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}\n{errors}");
        text
    };
    let text = run("unlimited", false);
    let has = text.split("has ").nth(1).unwrap().split_whitespace().next();
    let has: usize = has.unwrap().parse().unwrap();
    let image = golden::copy();
    let bytes: usize = files(&image, "")
        .iter()
        .map(|path| read(&image, path).len())
        .sum();
    let limit = has + 4 * bytes + ALLOWANCE_BYTES;
    run(&(limit >> 10).to_string(), true);
}

/// A closed store of one event, in files.
fn in_files() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let store = parent.path().join("store");
    let made = Store::open(&store).unwrap();
    made.append(&at("a", "s"), event("1")).unwrap();
    made.close().unwrap();
    (parent, store)
}

#[test]
fn a_symbolic_link_in_place_of_a_file_is_refused() {
    for name in ["MANIFEST", "segment-0000000001.log", "LOCK"] {
        let (parent, store) = in_files();
        let elsewhere = parent.path().join("elsewhere");
        let bytes = read(&OsFs, &store.join(name));
        OsFs.rename(&store.join(name), &elsewhere).unwrap();
        symlink(&elsewhere, store.join(name)).unwrap();
        let error = Store::open(&store).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Io | ErrorKind::Corrupt),
            "{name}: {error:?}"
        );
        assert!(error.to_string().contains(name), "{name}: {error}");
        if name != "LOCK" {
            let error = StoreOptions::new().read_only().open(&store).unwrap_err();
            assert!(error.to_string().contains(name), "{name}: {error}");
        }
        assert_eq!(
            read(&OsFs, &elsewhere),
            bytes,
            "{name}: nothing was changed"
        );
    }
}

#[test]
fn a_segment_of_another_store_is_refused() {
    let made = |seed| {
        let fs = MemFs::new();
        let store = options(&fs).random_seed(seed).open(dir()).unwrap();
        store.append(&at("a", "s"), event("1")).unwrap();
        assert_eq!(contents(&store.snapshot()).len(), 1);
        store.close().unwrap();
        fs
    };
    let (own, other) = (made(1), made(2));
    let path = dir().join("segment-0000000001.log");
    write(&own, &path, &read(&other, &path));
    for options in [options(&own), options(&own).read_only()] {
        let error = options.open(dir()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("segment-0000000001"), "{error}");
    }
}
