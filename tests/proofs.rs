//! Proofs of events and heads of the tree, through everything that becomes of a log: they are those of a tree over the
//! events' hashes, whatever was removed, redacted, merged, carried, copied or lost of what is made of the log.

use crate::backup::{MODES, go_on};
use crate::compact::{copy, cut_footers, run, run_redact, small};
use crate::harness::{
    CREATED, Reopening, at, cases, dir, event, exported, files, options, remove, reopening,
};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{Redaction, Retention, backup, salvage_into};
use strandline::proof::{MemoryTree, leaf_hash};
use strandline::{
    Batch, ErrorKind, Event, EventId, Hash, Region, Sequence, Snapshot, Store, TreeHead,
};
use strandline_transfer::{ImportOptions, LineFormat, import};

/// The tree that there should be.
#[derive(Default, Clone)]
pub(crate) struct Expected {
    digests: Vec<Hash>,
    /// By size.
    heads: Vec<TreeHead>,
    tree: MemoryTree,
}

impl Expected {
    pub(crate) fn of(store: &Store) -> Self {
        let mut expected = Self::default();
        for event in store.snapshot().query(Region::all()) {
            expected.push(event.unwrap().hash);
        }
        expected
    }

    fn push(&mut self, digest: Hash) {
        if self.heads.is_empty() {
            self.heads.push(TreeHead::EMPTY);
        }
        self.digests.push(digest);
        self.tree.push(leaf_hash(digest.as_bytes()));
        self.heads.push(self.tree.head());
    }

    pub(crate) fn digest(&self, number: u64) -> Hash {
        self.digests[number as usize]
    }

    pub(crate) fn size(&self) -> u64 {
        self.digests.len() as u64
    }

    pub(crate) fn tree(&self) -> &MemoryTree {
        &self.tree
    }

    pub(crate) fn head(&self, size: u64) -> TreeHead {
        match self.heads.get(size as usize) {
            Some(head) => *head,
            None => TreeHead::EMPTY,
        }
    }

    /// Checks what is said of the leaf with this number, and of the tree up to it.
    fn check_at(&self, now: &Snapshot, number: u64) {
        assert_eq!(now.tree_head_at(number).unwrap(), self.head(number));
        let proof = now.prove_sequence(Sequence::new(number)).unwrap();
        assert_eq!(proof.digest, self.digests[number as usize], "{number}");
        assert_eq!(proof.head, self.head(self.size()));
        proof.verify().unwrap();
        let old = self.head(number);
        let grown = now.prove_consistency(&old).unwrap();
        grown.verify(&old, &self.head(self.size())).unwrap();
        // As it was then.
        let then = now.snapshot_at(Sequence::new(number));
        assert_eq!(then.tree_head().unwrap(), old);
        if let Some(last) = number.checked_sub(1) {
            let proof = then.prove_sequence(Sequence::new(last)).unwrap();
            assert_eq!(proof.head, old);
            proof.verify().unwrap();
        }
    }

    /// Checks some of it: `step` apart, from `from` on.
    pub(crate) fn check_some(&self, now: &Snapshot, from: u64, step: u64) {
        assert_eq!(now.visible().get(), self.size());
        assert_eq!(now.tree_head().unwrap(), self.head(self.size()));
        for number in (from..self.size()).step_by(step as usize) {
            self.check_at(now, number);
        }
    }

    pub(crate) fn check(&self, store: &Store) {
        self.check_some(&store.snapshot(), 0, 1);
    }
}

/// Appends a batch of so many events.
fn append(store: &Store, expected: &mut Expected, count: usize, bytes: usize) {
    let mut batch = Batch::new();
    for number in 0..count {
        let payload = vec![number as u8; bytes];
        let entity = at(&format!("e:{}", (number + count) % 7), "s");
        batch = batch.push(&entity, Event::bytes(CREATED, payload));
    }
    for receipt in store.append_batch(batch).unwrap() {
        assert_eq!(
            receipt.sequence.get(),
            expected.size(),
            "no sequence is left out"
        );
        expected.push(receipt.hash);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append { count: usize, bytes: usize },
    KeepNewest(u32),
    Drop(usize),
    Redact(usize),
    Reopen(Reopening),
    BackUp(usize),
    Beside,
    Check(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        14 => (1..130_usize, 0..300_usize).prop_map(|(count, bytes)| Step::Append { count, bytes }),
        2 => (1..200_u32).prop_map(Step::KeepNewest),
        1 => (0..7_usize).prop_map(Step::Drop),
        2 => (0..7_usize).prop_map(Step::Redact),
        4 => reopening().prop_map(Step::Reopen),
        1 => (0..MODES.len()).prop_map(Step::BackUp),
        1 => Just(Step::Beside),
        4 => (0..97_u64).prop_map(Step::Check),
    ]
}

/// Compares a copy of the store that was put into another directory.
fn check_copy(fs: &MemFs, path: &Path, expected: &Expected) {
    let copy = small(fs).open(path).unwrap();
    expected.check_some(&copy.snapshot(), 3, 61);
    assert!(copy.verify().unwrap().is_intact());
}

proptest! {
    #![proptest_config(cases(12))]
    #[test]
    fn heads_and_proofs_are_those_of_the_events(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut fs = MemFs::new();
        let mut store = small(&fs).open(dir()).unwrap();
        let mut expected = Expected::default();
        let mut beside = None;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append { count, bytes } => append(&store, &mut expected, count, bytes),
                Step::KeepNewest(count) => drop(run(&store, &Retention::new().keep_newest(count))),
                Step::Drop(entity) => {
                    let rules = Retention::new().drop_entity(format!("e:{entity}"));
                    run(&store, &rules);
                }
                Step::Redact(entity) => {
                    run_redact(&store, &Redaction::new().entity(format!("e:{entity}")));
                }
                Step::Reopen(how) => {
                    beside = None;
                    how.end(store, &mut fs, small);
                    store = small(&fs).open(dir()).unwrap();
                }
                Step::BackUp(mode) => {
                    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
                    let target = dir().with_file_name(format!("backup-{number}"));
                    backup(&shared, &dir(), &target, MODES[mode], &mut go_on).unwrap();
                    check_copy(&fs, &target, &expected);
                    let salvaged = dir().with_file_name(format!("salvaged-{number}"));
                    salvage_into(small(&fs), &target, &salvaged, &mut go_on).unwrap();
                    let salvaged = small(&fs).open(salvaged).unwrap();
                    // Sequences and hashes are others.
                    if salvaged.snapshot().len() == salvaged.snapshot().visible().get() {
                        let own = Expected::of(&salvaged);
                        own.check_some(&salvaged.snapshot(), 5, 83);
                    }
                }
                Step::Beside => {
                    beside = Some(small(&fs).read_only().open(dir()).unwrap());
                }
                Step::Check(from) => {
                    expected.check_some(&store.snapshot(), from, 97);
                    let durable = store.durable_head().unwrap();
                    assert_eq!(durable, expected.head(durable.size));
                }
            }
            if let Some(beside) = &beside {
                // What it reads on in may be gone.
                if beside.refresh().is_ok() {
                    expected.check_some(&beside.snapshot(), 11, 103);
                }
            }
        }
        expected.check_some(&store.snapshot(), 0, 7);
        assert!(store.verify().unwrap().is_intact());
        store.sync().unwrap();
        assert_eq!(store.durable_head().unwrap(), expected.head(expected.size()));
    }
}

/// A store of several segments, and what its tree should be.
pub(crate) fn filled(fs: &MemFs) -> (Store, Expected) {
    let store = small(fs).open(dir()).unwrap();
    let mut expected = Expected::default();
    for number in 0..37 {
        append(&store, &mut expected, 1 + number * 5 % 41, 60 + number * 7);
    }
    assert!(files(fs, "segment-").len() > 3);
    (store, expected)
}

/// A store of segments with so many events that nodes have nodes below them in the same segment.
pub(crate) fn densely_filled(fs: &MemFs) -> (Store, Expected) {
    let store = small(fs).open(dir()).unwrap();
    let mut expected = Expected::default();
    for _ in 0..40 {
        append(&store, &mut expected, 40, 10);
    }
    assert!(files(fs, "segment-").len() > 2);
    (store, expected)
}

#[test]
fn every_event_and_every_head_is_proven() {
    let fs = MemFs::new();
    let (store, expected) = filled(&fs);
    // Of frames that have no footers yet, or some.
    expected.check_some(&store.snapshot(), 0, 9);
    store.close().unwrap();
    let store = small(&fs).open(dir()).unwrap();
    expected.check(&store);
    store.close().unwrap();
    for maps in [true, false] {
        let mut options = small(&fs);
        if !maps {
            options = options.no_mapped_reads();
        }
        let beside = options.clone().read_only().open(dir()).unwrap();
        expected.check_some(&beside.snapshot(), 2, 7);
        expected.check_some(&options.open(dir()).unwrap().snapshot(), 3, 11);
    }
    // Those that an earlier version wrote have none.
    cut_footers(&fs);
    remove(&fs, "index-");
    let beside = small(&fs).read_only().open(dir()).unwrap();
    expected.check_some(&beside.snapshot(), 4, 5);
}

#[test]
fn an_empty_log_has_the_empty_head() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    let now = store.snapshot();
    assert_eq!(now.tree_head().unwrap(), TreeHead::EMPTY);
    assert_eq!(store.durable_head().unwrap(), TreeHead::EMPTY);
    let proof = now.prove_consistency(&TreeHead::EMPTY).unwrap();
    proof.verify(&TreeHead::EMPTY, &TreeHead::EMPTY).unwrap();
    assert_eq!(now.prove(EventId::from_u128(1)).unwrap(), None);
    let error = now.prove_sequence(Sequence::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        now.tree_head_at(1).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    store.append(&at("e:1", "s"), event("x")).unwrap();
    let error = now.prove_sequence(Sequence::ZERO).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::InvalidInput,
        "the snapshot has it not"
    );
    assert_eq!(store.snapshot().tree_head().unwrap().size, 1);
}

#[test]
fn events_are_proven_by_their_ids_until_they_are_removed() {
    let fs = MemFs::new();
    let (store, expected) = filled(&fs);
    let one = store.snapshot().latest("e:3").unwrap().unwrap();
    let proof = store.snapshot().prove(one.id).unwrap().unwrap();
    assert_eq!((proof.sequence, proof.digest), (one.sequence, one.hash));
    assert_eq!(proof.head, expected.head(expected.size()));
    run_redact(&store, &Redaction::new().entity("e:3"));
    assert_eq!(store.snapshot().prove(one.id).unwrap().unwrap(), proof);
    run(&store, &Retention::new().drop_entity("e:3"));
    assert_eq!(store.snapshot().prove(one.id).unwrap(), None);
    assert_eq!(
        store.snapshot().prove_sequence(one.sequence).unwrap(),
        proof
    );
}

#[test]
fn a_head_of_another_log_is_told() {
    let (fs, other) = (MemFs::new(), MemFs::new());
    let (store, expected) = filled(&fs);
    let now = store.snapshot();
    let others = options(&other).random_seed(8).open(dir()).unwrap();
    others.append(&at("e:1", "s"), event("x")).unwrap();
    let foreign = others.snapshot().tree_head().unwrap();
    let longer = TreeHead {
        size: expected.size() + 1,
        ..expected.head(expected.size())
    };
    let forged = TreeHead {
        root: foreign.root,
        ..expected.head(70)
    };
    for head in [foreign, longer, forged] {
        let error = now.prove_consistency(&head).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ForeignHead, "{error}");
    }
}

/// What was not synced is taken back by a power cut, and a head over it would look forged then.
#[test]
fn what_is_signed_is_durable() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let mut expected = Expected::default();
    append(&store, &mut expected, 70, 10);
    store.sync().unwrap();
    append(&store, &mut expected, 5, 10);
    assert_eq!(store.durable_head().unwrap(), expected.head(70));
    assert_eq!(store.snapshot().tree_head().unwrap(), expected.head(75));
}

#[test]
fn nodes_are_forgotten_when_segments_get_other_files() {
    let fs = MemFs::new();
    let (store, expected) = filled(&fs);
    let before = store.snapshot();
    expected.check_some(&before, 0, 13);
    run(&store, &Retention::new().keep_newest(2));
    let after = store.snapshot();
    // One after the other, as each has files of its own.
    for number in (0..expected.size()).step_by(19) {
        expected.check_at(&before, number);
        expected.check_at(&after, number);
    }
    let killed = copy(&fs);
    drop(store);
    expected.check_some(&small(&killed).open(dir()).unwrap().snapshot(), 1, 29);
}

#[test]
fn imported_events_are_proven_in_their_store() {
    let (fs, other) = (MemFs::new(), MemFs::new());
    let (store, _) = filled(&fs);
    let lines = exported(&store, Region::all(), LineFormat::Lines);
    let imported = small(&other).open(dir()).unwrap();
    import(
        &imported,
        &mut lines.as_bytes(),
        ImportOptions::new(),
        &mut go_on,
    )
    .unwrap();
    Expected::of(&imported).check_some(&imported.snapshot(), 0, 5);
}

#[test]
fn what_a_tree_takes_is_counted() {
    let fs = MemFs::new();
    let (store, expected) = filled(&fs);
    let bytes = |store: &Store| store.stats().unwrap().caches.tree_bytes;
    assert_eq!(bytes(&store), 0);
    expected.check_some(&store.snapshot(), 0, 50);
    assert!(bytes(&store) > 100);
}

/// Threads that ask for heads and proofs while others append and seal.
#[test]
fn proofs_are_made_beside_appends() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    std::thread::scope(|threads| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                threads.spawn(|| {
                    let mut kept = TreeHead::EMPTY;
                    while kept.size < 3000 {
                        let now = store.snapshot();
                        let head = now.tree_head().unwrap();
                        let grown = now.prove_consistency(&kept).unwrap();
                        grown.verify(&kept, &head).unwrap();
                        if let Some(last) = head.size.checked_sub(1) {
                            let last = now.prove_sequence(Sequence::new(last)).unwrap();
                            assert_eq!(last.head, head);
                        }
                        kept = head;
                    }
                    kept
                })
            })
            .collect();
        let mut expected = Expected::default();
        while expected.size() < 3000 {
            append(&store, &mut expected, 7, 100);
        }
        for reader in readers {
            let kept = reader.join().unwrap();
            assert_eq!(kept, expected.head(kept.size));
        }
    });
}
