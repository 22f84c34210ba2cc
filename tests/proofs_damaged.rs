//! Nodes of the tree that are damaged or forged in footers: no proof is given that does not hold, and what the frames
//! say is used instead.

use crate::backup::go_on;
use crate::compact::small;
use crate::forge_index as forge;
use crate::harness::{dir, read, write};
use crate::proofs::{Expected, densely_filled, filled};
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::rebuild;
use strandline::proof::Nodes as _;
use strandline::{ErrorKind, Problem, ProblemKind, Sequence, StoreOptions};
use strandline_anchor::proof::SignerKey;
use strandline_anchor::{Anchors, FileSink};
use strandline_core::Salt;
use strandline_segment::SegmentInfo;

/// A closed store of several segments.
fn closed() -> (MemFs, Expected) {
    let fs = MemFs::new();
    let (store, expected) = filled(&fs);
    store.close().unwrap();
    (fs, expected)
}

/// One whose segments have nodes below others.
fn dense() -> (MemFs, Expected) {
    let fs = MemFs::new();
    let (store, expected) = densely_filled(&fs);
    store.close().unwrap();
    (fs, expected)
}

fn reader(fs: &MemFs) -> StoreOptions {
    small(fs).read_only()
}

fn problems(fs: &MemFs) -> Vec<Problem> {
    reader(fs).open(dir()).unwrap().verify().unwrap().problems
}

/// How long a section is from its checksum on.
fn edges_bytes(info: &SegmentInfo) -> usize {
    let (mut start, end) = (
        info.start().sequence.get(),
        info.end().unwrap().sequence.get(),
    );
    let mut edges = 0;
    while start < end {
        start += 1 << start.trailing_zeros().min((end - start).ilog2());
        edges += 1;
    }
    32 + 32 * edges
}

/// Makes the checksums of a section right.
fn mend(tree: &mut [u8], edges: usize) {
    let (rest, edges) = tree.split_at_mut(tree.len() - edges);
    let rest = Salt::NONE.checksum(0, rest).0;
    edges[24..32].copy_from_slice(&rest.to_le_bytes());
    let checksum = Salt::NONE.checksum(0, &edges[8..]).0;
    edges[..8].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn a_damaged_section_is_made_of_the_frames() {
    let (fs, expected) = dense();
    let all = forge::sealed(&fs);
    let info = &all[1];
    let good = forge::footer(&fs, info);
    for byte in (0..good.tree.len()).step_by(31) {
        let mut parts = good.clone();
        parts.tree[byte] ^= 0x40;
        forge::put_footer(&fs, info, &parts);
        let store = reader(&fs).open(dir()).unwrap();
        let now = store.snapshot();
        let inside = info.start().sequence.get() + byte as u64;
        let (tree, first) = (now.tree(), info.start().sequence.get());
        for level in 6..9 {
            let index = (first >> level) + 1;
            assert_eq!(
                tree.node(level, index).unwrap(),
                expected.tree().node(level, index).unwrap(),
                "byte {byte}"
            );
        }
        expected.check_some(&now, inside % 31, 397);
        let found = problems(&fs);
        assert_eq!(found.len(), 1, "byte {byte}: {found:?}");
        assert_eq!(found[0].kind, ProblemKind::Index);
        assert_eq!(found[0].file, Some(info.file_name()));
    }
    let rebuilt = rebuild(small(&fs), &dir(), &mut go_on).unwrap();
    assert_eq!(rebuilt.footers, 1, "{rebuilt:?}");
    assert_eq!(problems(&fs), []);
}

#[test]
fn a_forged_section_gives_no_proof_that_does_not_hold() {
    let (fs, expected) = dense();
    let info = &forge::sealed(&fs)[1];
    let good = forge::footer(&fs, info);
    let edges = edges_bytes(info);
    let numbers = good.tree.len() - edges..good.tree.len() - edges + 32;
    let leaves = info.start().sequence.get()..info.end().unwrap().sequence.get();
    let bytes = (0..good.tree.len()).step_by(17);
    for byte in bytes.filter(|byte| !numbers.contains(byte)) {
        let mut parts = good.clone();
        parts.tree[byte] ^= 1;
        mend(&mut parts.tree, edges);
        forge::put_footer(&fs, info, &parts);
        let store = reader(&fs).open(dir()).unwrap();
        let now = store.snapshot();
        for number in leaves.clone().step_by(23) {
            let proof = now.prove_sequence(Sequence::new(number)).unwrap();
            proof.verify().unwrap();
            assert_eq!(proof.digest, expected.digest(number), "byte {byte}");
        }
        let found = problems(&fs);
        assert_eq!(found.len(), 1, "byte {byte}: {found:?}");
        assert!(found[0].message.contains("nodes of the tree"), "{found:?}");
    }
}

/// Cause: what a footer said was taken for what the log is, and a head that the log had was called another's.
#[test]
fn a_forged_section_gives_no_proof_of_consistency_that_does_not_hold() {
    let (fs, expected) = dense();
    let info = &forge::sealed(&fs)[1];
    let good = forge::footer(&fs, info);
    let edges = edges_bytes(info);
    let numbers = good.tree.len() - edges..good.tree.len() - edges + 32;
    let bytes = (0..good.tree.len()).step_by(23);
    for byte in bytes.filter(|byte| !numbers.contains(byte)) {
        let mut parts = good.clone();
        parts.tree[byte] ^= 1;
        mend(&mut parts.tree, edges);
        forge::put_footer(&fs, info, &parts);
        for size in (1..expected.size()).step_by(151) {
            let store = reader(&fs).open(dir()).unwrap();
            let now = store.snapshot();
            let old = expected.head(size);
            let proof = now.prove_consistency(&old).unwrap();
            proof.verify(&old, &now.tree_head().unwrap()).unwrap();
        }
    }
}

/// Cause: what footers said was signed, and the log was another one than its own head once they were made anew.
#[test]
fn what_is_signed_is_the_log_and_not_what_footers_say() {
    let (fs, expected) = dense();
    let info = &forge::sealed(&fs)[1];
    let good = forge::footer(&fs, info);
    let edges = edges_bytes(info);
    let mut parts = good.clone();
    // A node of which the root is made.
    let last = parts.tree.len() - 1;
    parts.tree[last] ^= 1;
    mend(&mut parts.tree, edges);
    forge::put_footer(&fs, info, &parts);
    let store = reader(&fs).open(dir()).unwrap();
    assert_ne!(
        store.durable_head().unwrap(),
        expected.head(expected.size())
    );
    let key = SignerKey::from_seed("example.org/orders".parse().unwrap(), [7; 32]);
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let heads = dir().with_file_name("heads");
    let mut anchors = Anchors::new(key).sink(FileSink::new(shared, &heads));
    let anchored = anchors.anchor(&store).unwrap();
    let head = *anchored.checkpoint.unverified().head();
    assert_eq!(head, expected.head(expected.size()));
}

/// Once what is forged was met, the tree is that of the frames.
#[test]
fn a_forged_group_is_found_when_it_is_used() {
    let (fs, expected) = closed();
    let info = &forge::sealed(&fs)[1];
    let mut parts = forge::footer(&fs, info);
    // The first node of level 6.
    parts.tree[0] ^= 1;
    mend(&mut parts.tree, edges_bytes(info));
    forge::put_footer(&fs, info, &parts);
    let store = reader(&fs).open(dir()).unwrap();
    let group = info.start().sequence.get().next_multiple_of(64);
    let proof = store
        .snapshot()
        .prove_sequence(Sequence::new(group))
        .unwrap();
    proof.verify().unwrap();
    expected.check(&store);
}

#[test]
fn a_section_of_another_segment_is_none() {
    let (fs, expected) = closed();
    let all = forge::sealed(&fs);
    let other = forge::footer(&fs, &all[2]).tree;
    let mut parts = forge::footer(&fs, &all[1]);
    parts.tree = other;
    forge::put_footer(&fs, &all[1], &parts);
    expected.check_some(&reader(&fs).open(dir()).unwrap().snapshot(), 0, 13);
    assert_eq!(problems(&fs).len(), 1);
}

/// A footer as an earlier version wrote it is no problem, and gets its section when it is written anew.
#[test]
fn footers_of_earlier_versions_have_none() {
    let (fs, expected) = closed();
    let sealed = forge::sealed(&fs);
    for info in &sealed {
        let parts = forge::FooterParts {
            tree: Vec::new(),
            ..forge::footer(&fs, info)
        };
        forge::put_footer(&fs, info, &parts);
    }
    assert_eq!(problems(&fs), []);
    let store = small(&fs).open(dir()).unwrap();
    assert_eq!(store.open_report().footers_used, sealed.len() as u64);
    expected.check_some(&store.snapshot(), 0, 7);
    store.close().unwrap();
    let rebuilt = rebuild(small(&fs), &dir(), &mut go_on).unwrap();
    assert_eq!(rebuilt.footers, sealed.len());
    assert!(
        forge::sealed(&fs)
            .iter()
            .all(|info| !forge::footer(&fs, info).tree.is_empty())
    );
    expected.check_some(&small(&fs).open(dir()).unwrap().snapshot(), 0, 7);
}

/// A digest that was damaged after its segment was sealed.
#[test]
fn a_damaged_record_has_no_proof_and_is_named() {
    let (fs, expected) = closed();
    let info = &forge::sealed(&fs)[1];
    let path = dir().join(info.file_name());
    let mut bytes = read(&fs, &path);
    // Of the first record of the second segment: behind the headers of segment, frame and record.
    let digest = 128 + 72 + 12;
    bytes[digest] ^= 1;
    write(&fs, &path, &bytes);
    let store = reader(&fs).open(dir()).unwrap();
    let now = store.snapshot();
    let damaged = info.start().sequence;
    let error = now.prove_sequence(damaged).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains(&info.file_name()), "{error}");
    assert!(error.to_string().contains("offset"), "{error}");
    // Nor is it among the digests that tiles are made of.
    let error = now.tree().digest(damaged.get()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    // What does not need it is proven all the same.
    assert_eq!(now.tree_head().unwrap(), expected.head(expected.size()));
    now.prove_sequence(Sequence::ZERO)
        .unwrap()
        .verify()
        .unwrap();
}
