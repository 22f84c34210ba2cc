//! Positions in sources that somebody forged, in records and in lists, under checksums and chains that are right.
//! Nothing panics, the greatest counts however a store is opened, and verification tells of the rest.

use crate::backup::go_on;
use crate::compact::{assert_intact, copy, run};
use crate::forge::{forge_chained, stub};
use crate::harness::{CREATED, at, cases, dir, event, options, remove};
use crate::kinds_lists::{PLACES, assert_found, sealed_list};
use crate::merged_index::{inline, merged};
use crate::tracked::{positions, track};
use proptest::prelude::*;
use std::collections::BTreeMap;
use strandline::fs::MemFs;
use strandline::maintenance::{Retention, rebuild};
use strandline::{ErrorKind, Event, ProblemKind, Sequence, Store};
use strandline_core::record::Record;
use strandline_core::{Extensions, extension_tag};

/// An extension that says how far a source was gone through, or nothing that does.
fn said(source: &[u8], position: u64) -> Vec<u8> {
    let mut bytes = position.to_le_bytes().to_vec();
    bytes.extend(source);
    bytes
}

fn hostile() -> Vec<Vec<u8>> {
    vec![
        vec![],
        vec![1; 7],
        said(b"", 1),
        said(b"\xFF", 1),
        said(b"a\n", 1),
        said(&[b'x'; 256], 1),
        said(&[b'x'; 3000], 1),
    ]
}

/// Makes the records of a store say so, by their sequences.
fn forged(extensions: &[Option<Vec<u8>>]) -> MemFs {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    for number in 0..extensions.len() {
        let entity = at(&format!("e:{}", number % 3), "s");
        store.append(&entity, event("x")).unwrap();
    }
    store.close().unwrap();
    forge_chained(&fs, &mut |_, sequence, body| {
        let bytes = extensions[sequence.get() as usize].as_ref()?;
        let record = Record::decode(body).unwrap();
        let extensions = [(extension_tag::TRACKING, bytes.as_slice())];
        let extensions = Extensions::new(extensions).unwrap();
        let mut out = Vec::new();
        Record {
            extensions,
            ..record
        }
        .encode(&mut out);
        Some(out)
    });
    fs
}

fn check(store: &Store, expected: &BTreeMap<String, u64>, what: &str) {
    let found: BTreeMap<_, _> = positions(store).into_iter().collect();
    assert_eq!(found, *expected, "{what}");
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn the_greatest_position_counts_and_the_rest_is_told(
        all in prop::collection::vec(
            prop::option::weighted(0.7, prop_oneof![
                6 => (0..3_usize, 0..9_u64).prop_map(Ok),
                1 => (0..7_usize).prop_map(Err),
            ]),
            1..24,
        ),
    ) {
        let sources = ["a", "b", "é"];
        let mut expected = BTreeMap::new();
        let mut wrong = Vec::new();
        let mut extensions = Vec::new();
        for (sequence, one) in all.iter().enumerate() {
            extensions.push(match one {
                None => None,
                Some(Err(hostile_one)) => {
                    wrong.push(sequence as u64);
                    Some(hostile()[*hostile_one].clone())
                }
                Some(Ok((source, position))) => {
                    let source = sources[*source];
                    let last = expected.entry(source.to_owned());
                    match last {
                        std::collections::btree_map::Entry::Vacant(first) => {
                            first.insert(*position);
                        }
                        std::collections::btree_map::Entry::Occupied(mut last) => {
                            if *position <= *last.get() {
                                wrong.push(sequence as u64);
                            } else {
                                last.insert(*position);
                            }
                        }
                    }
                    Some(said(source.as_bytes(), *position))
                }
            });
        }
        let fs = forged(&extensions);
        let reader = options(&fs).read_only().open(dir()).unwrap();
        check(&reader, &expected, "as it was forged");
        let report = reader.verify().unwrap();
        let told: Vec<_> = report.problems.iter().filter_map(|one| one.sequence).collect();
        let wrong: Vec<_> = wrong.into_iter().map(Sequence::new).collect();
        prop_assert_eq!(&told, &wrong);
        prop_assert!(report.problems.iter().all(|one| one.kind == ProblemKind::Log));
        drop(reader);
        let store = inline(&fs).open(dir()).unwrap();
        check(&store, &expected, "opened to write");
        for (source, position) in &expected {
            let refused = store.append_with(&at("e", "s"), event("x"), track(source, *position));
            prop_assert_eq!(refused.unwrap_err().kind(), ErrorKind::TrackingConflict);
        }
        // What is removed keeps what it says, and a sealed segment is read alike.
        run(&store, &Retention::new().keep_newest(1));
        check(&store, &expected, "compacted");
        store.close().unwrap();
        for gone in ["none", "checkpoint-", "index-"] {
            let fs = copy(&fs);
            remove(&fs, gone);
            check(&inline(&fs).open(dir()).unwrap(), &expected, gone);
            drop(rebuild(inline(&fs), &dir(), &mut go_on).unwrap());
            check(&inline(&fs).open(dir()).unwrap(), &expected, "rebuilt");
        }
    }
}

#[test]
fn the_place_of_a_removed_event_has_its_position() {
    let fs = forged(&[Some(said(b"a", 3)), Some(said(b"b", 4)), None]);
    forge_stub(&fs);
    let store = options(&fs).open(dir()).unwrap();
    assert_eq!(
        positions(&store),
        [("a".to_owned(), 3), ("b".to_owned(), 4)]
    );
}

fn forge_stub(fs: &MemFs) {
    crate::forge::forge(fs, &mut |_, sequence, body| {
        (sequence.get() == 1).then(|| stub(body)).flatten()
    });
}

/// A list of sources, and whether kinds stand before it.
fn list(kinds: &[(u16, u64, &[u8])], count: u32, entries: &[(u64, u64, &[u8])]) -> Vec<u8> {
    let mut covered = (kinds.len() as u32).to_le_bytes().to_vec();
    for (kind, at, name) in kinds {
        covered.extend(kind.to_le_bytes());
        covered.extend(at.to_le_bytes());
        covered.push(name.len() as u8);
        covered.extend(*name);
    }
    covered.extend(count.to_le_bytes());
    for (position, at, name) in entries {
        covered.extend(position.to_le_bytes());
        covered.extend(at.to_le_bytes());
        covered.push(name.len() as u8);
        covered.extend(*name);
    }
    covered.resize((covered.len() + 8).next_multiple_of(8) - 8, 0);
    sealed_list(&covered)
}

fn malformed_lists() -> Vec<(&'static str, Vec<u8>)> {
    let a = (1, 1, b"a".as_slice());
    vec![
        ("no UTF-8", list(&[], 1, &[(1, 1, b"\xFF\xFE")])),
        ("a control character", list(&[], 1, &[(1, 1, b"a\n")])),
        ("no byte", list(&[], 1, &[(1, 1, b"")])),
        ("a source twice", list(&[], 2, &[a, a])),
        ("no order", list(&[], 2, &[(1, 1, b"b"), a])),
        ("too many", list(&[], u32::MAX, &[a])),
        ("one too few", list(&[], 1, &[a, (1, 1, b"b")])),
        ("none", list(&[], 0, &[])),
        ("none behind kinds", list(&[(0x1001, 0, b"k")], 0, &[a])),
        ("half a list", list(&[], 3, &[a])),
    ]
}

fn lying_lists() -> Vec<(&'static str, Vec<u8>)> {
    let names: Vec<_> = (0..70_000).map(|n| format!("source {n:06}")).collect();
    let many: Vec<_> = names.iter().map(|name| (7, 3, name.as_bytes())).collect();
    vec![
        ("a later one", list(&[], 1, &[(u64::MAX, 1, b"orders")])),
        ("an earlier one", list(&[], 1, &[(0, u64::MAX, b"orders")])),
        ("another source", list(&[], 1, &[(1, 1, b"nobody")])),
        (
            "a kind",
            list(&[(0x1001, 0, b"k")], 1, &[(1, 1, b"orders")]),
        ),
        ("thousands", list(&[], 70_000, &many)),
    ]
}

/// A closed store with footers, a merged file and a checkpoint, all of which have a list.
fn filled() -> MemFs {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    let mut position = 0;
    while store.stats().unwrap().segments < 12 {
        position += 1;
        let made = Event::bytes(CREATED, vec![b'x'; 9000]);
        store
            .append_with(&at("made", "s"), made, track("orders", position))
            .unwrap();
    }
    position += 1;
    let last = track("orders", position);
    store
        .append_with(&at("made", "s"), event("x"), last)
        .unwrap();
    store.close().unwrap();
    assert!(!merged(&fs).is_empty());
    fs
}

#[test]
fn lists_that_nothing_writes_are_not_used_and_those_that_lie_are_found() {
    let whole = filled();
    let expected = positions(&inline(&whole).read_only().open(dir()).unwrap());
    for (place, put) in PLACES {
        let malformed = malformed_lists().into_iter().map(|list| (true, list));
        let lying = lying_lists().into_iter().map(|list| (false, list));
        for (is_malformed, (what, list)) in malformed.chain(lying) {
            let fs = copy(&whole);
            let file = put(&fs, &list);
            let what = format!("{what} in {place}");
            assert_found(&fs, &file, &what);
            for options in [inline(&fs).read_only(), inline(&fs)] {
                let store = options.open(dir()).unwrap();
                if is_malformed {
                    assert_eq!(positions(&store), expected, "{what}");
                }
            }
            rebuild(inline(&fs), &dir(), &mut go_on).unwrap();
            let store = inline(&fs).open(dir()).unwrap();
            assert_eq!(positions(&store), expected, "{what}");
            assert_intact(&store);
        }
    }
}
