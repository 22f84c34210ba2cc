//! Lists of names of kinds that somebody forged in footers, merged files and checkpoints, under checksums that are
//! right: what nothing writes is not used, and what lies is found.

use crate::backup::go_on;
use crate::compact::{assert_intact, copy};
use crate::forge_index::{put_raw_footer, sealed};
use crate::harness::{contents, dir, files, read, remove, write};
use crate::kinds::{PAID, PLACED, SHIPPED, append, assert_named, fill, plain, small};
use crate::merged_index::{inline, merged};
use strandline::fs::MemFs;
use strandline::maintenance::rebuild;
use strandline::{Problem, ProblemKind, StoreOptions};
use strandline_checkpoint::{CheckpointWriter, newest};
use strandline_core::Salt;

/// The bytes of a list of names.
fn list(entries: &[(u16, u64, &[u8])]) -> Vec<u8> {
    let mut covered = (entries.len() as u32).to_le_bytes().to_vec();
    for (kind, at, name) in entries {
        covered.extend(kind.to_le_bytes());
        covered.extend(at.to_le_bytes());
        covered.push(name.len() as u8);
        covered.extend(*name);
    }
    covered.resize((covered.len() + 8).next_multiple_of(8) - 8, 0);
    sealed_list(&covered)
}

pub(crate) fn sealed_list(covered: &[u8]) -> Vec<u8> {
    let mut bytes = Salt::NONE.checksum(0, covered).0.to_le_bytes().to_vec();
    bytes.extend(covered);
    bytes
}

/// Lists that nothing writes.
fn malformed_lists() -> Vec<(&'static str, Vec<u8>)> {
    let (placed, paid) = (PLACED.bits(), PAID.bits());
    let mut left_over = list(&[(placed, 0, b"order.placed")]);
    left_over.extend([0; 8]);
    let left_over = sealed_list(&left_over[8..]);
    let mut many = list(&[(placed, 0, b"order.placed")]);
    many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let many = sealed_list(&many[8..]);
    let mut long = list(&[(placed, 0, b"order.placed")]);
    long[22] = 255;
    let long = sealed_list(&long[8..]);
    let mut flipped = list(&[(placed, 0, b"order.placed")]);
    flipped[0] ^= 1;
    vec![
        ("no UTF-8", list(&[(placed, 0, b"\xFF\xFE")])),
        (
            "a control character",
            list(&[(placed, 0, b"order\nplaced")]),
        ),
        ("no byte", list(&[(placed, 0, b"")])),
        (
            "a kind twice",
            list(&[(placed, 0, b"a"), (placed, 1, b"b")]),
        ),
        ("no order", list(&[(paid, 0, b"a"), (placed, 1, b"b")])),
        ("a reserved kind", list(&[(7, 0, b"a")])),
        ("another that is reserved", list(&[(0xD001, 0, b"a")])),
        ("no entry", list(&[])),
        ("something left over", left_over),
        ("a number of entries", many),
        ("a length", long),
        ("a checksum", flipped),
        ("half a list", vec![1; 8]),
    ]
}

/// Lists that are well formed, and lie.
fn lying_lists() -> Vec<(&'static str, Vec<u8>)> {
    let (placed, paid) = (PLACED.bits(), PAID.bits());
    let names: Vec<_> = (0x1000..0xD000_u16)
        .chain(0xE000..=0xFFFF)
        .map(|kind| (kind, format!("kind {kind}")))
        .collect();
    let all: Vec<_> = names
        .iter()
        .map(|(kind, name)| (*kind, u64::from(*kind), name.as_bytes()))
        .collect();
    vec![
        ("another name", list(&[(placed, 0, b"order.sent")])),
        ("the name of another", list(&[(placed, 0, b"order.paid")])),
        (
            "two kinds with one name",
            list(&[(placed, 0, b"one"), (paid, 0, b"one")]),
        ),
        (
            "names exchanged, far away",
            list(&[
                (placed, u64::MAX, b"order.paid"),
                (paid, 5, b"order.placed"),
            ]),
        ),
        ("one that is not there", list(&[(0xF777, 3, b"nobody")])),
        ("thousands", list(&all)),
    ]
}

/// What is at a place of bytes, as a number.
fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Puts a list in the place of that of a footer.
fn put_in_footer(fs: &MemFs, list: &[u8]) -> String {
    let info = sealed(fs)[2];
    let bytes = read(fs, &dir().join(info.file_name()));
    let footer = &bytes[info.end().unwrap().offset as usize..bytes.len() - 64];
    let length = number(footer, 12);
    assert_eq!(length >> 31, 1, "there is a tree");
    let (head, kinds) = (32, number(footer, 16));
    let rest = &footer[head + kinds..];
    let mut forged = footer[..12].to_vec();
    forged.extend((length as u32 | 1 << 31).to_le_bytes());
    forged.extend((list.len() as u32).to_le_bytes());
    forged.extend(&footer[20..24]);
    forged.extend(Salt::NONE.checksum(0, &forged).0.to_le_bytes());
    forged.extend(list);
    forged.extend(rest);
    put_raw_footer(fs, &info, &forged);
    info.file_name()
}

/// Puts a list in the place of that of a merged file.
fn put_in_merged(fs: &MemFs, list: &[u8]) -> String {
    let path = merged(fs).pop().unwrap();
    let bytes = read(fs, &path);
    let head = 64 + 40 * number(&bytes, 12);
    let rest = &bytes[head + 8 + number(&bytes, 44)..];
    let mut forged = bytes[..head].to_vec();
    forged[44..48].copy_from_slice(&(list.len() as u32).to_le_bytes());
    forged.extend(Salt::NONE.checksum(0, &forged).0.to_le_bytes());
    forged.extend(list);
    forged.extend(rest);
    write(fs, &path, &forged);
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Puts a list in the place of that of the checkpoint.
fn put_in_checkpoint(fs: &MemFs, list: &[u8]) -> String {
    let (number, sections) = {
        let found = newest(fs, &dir()).unwrap().checkpoint.unwrap();
        let names = ["state", "segment-names", "rows"];
        let sections = names.map(|name| (name, found.section(name).unwrap().to_vec()));
        (found.number(), sections)
    };
    remove(fs, "checkpoint-");
    let mut writer = CheckpointWriter::new();
    for (name, bytes) in sections {
        writer = writer.section(name, bytes).unwrap();
    }
    let writer = writer.section("kind-names", list.to_vec()).unwrap();
    writer.publish(fs, &dir(), number).unwrap();
    let path = files(fs, "checkpoint-").pop().unwrap();
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

pub(crate) type Put = fn(&MemFs, &[u8]) -> String;

pub(crate) const PLACES: [(&str, Put); 3] = [
    ("a footer", put_in_footer),
    ("a merged file", put_in_merged),
    ("a checkpoint", put_in_checkpoint),
];

/// A closed store with footers, a merged file that is not the only index of its segments' names, and a
/// checkpoint.
fn filled() -> MemFs {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    fill(&store, 11);
    append(&store, plain(SHIPPED));
    append(&store, plain(PLACED));
    store.close().unwrap();
    assert!(!merged(&fs).is_empty());
    fs
}

fn index_problems(options: StoreOptions) -> Vec<Problem> {
    let store = options.open(dir()).unwrap();
    let problems = store.verify().unwrap().problems;
    assert!(
        problems
            .iter()
            .all(|problem| problem.kind == ProblemKind::Index),
        "{problems:?}"
    );
    problems
}

/// Verification tells of the file.
pub(crate) fn assert_found(fs: &MemFs, file: &str, what: &str) {
    let found = index_problems(small(fs).read_only());
    assert!(
        found
            .iter()
            .any(|problem| problem.file.as_deref() == Some(file)),
        "{what}: {found:?}"
    );
}

#[test]
fn lists_that_nothing_writes_are_not_used() {
    let whole = filled();
    for (place, put) in PLACES {
        for (what, list) in malformed_lists() {
            let fs = copy(&whole);
            let file = put(&fs, &list);
            let what = format!("{what} in {place}");
            assert_found(&fs, &file, &what);
            for options in [small(&fs).read_only(), inline(&fs)] {
                let store = options.open(dir()).unwrap();
                assert_named(&store);
                assert_eq!(store.snapshot().kind_named("a"), None, "{what}");
                drop(store);
            }
            rebuild(inline(&fs), &dir(), &mut go_on).unwrap();
            let store = inline(&fs).open(dir()).unwrap();
            assert_named(&store);
            assert_intact(&store);
        }
    }
}

/// An index that says something else than the log is believed until somebody verifies.
#[test]
fn lists_that_lie_are_found_and_made_anew() {
    let whole = filled();
    let events = contents(&small(&whole).read_only().open(dir()).unwrap().snapshot());
    for (place, put) in PLACES {
        for (what, list) in lying_lists() {
            let fs = copy(&whole);
            let file = put(&fs, &list);
            let what = format!("{what} in {place}");
            assert_found(&fs, &file, &what);
            let store = small(&fs).read_only().open(dir()).unwrap();
            let now = store.snapshot();
            assert_eq!(contents(&now), events, "{what}");
            // One to one, whatever it says.
            let mut names: Vec<_> = now.kinds().into_iter().filter_map(|one| one.name).collect();
            names.sort();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{what}");
            for one in now.kinds() {
                if let Some(name) = &one.name {
                    assert_eq!(now.kind_named(name), Some(one.kind), "{what}");
                }
            }
            drop(store);
            rebuild(inline(&fs), &dir(), &mut go_on).unwrap();
            let store = inline(&fs).open(dir()).unwrap();
            assert_named(&store);
            assert_intact(&store);
        }
    }
}
