//! What is made here is checked by crates of others, `tlog_tiles` and `signed_note`, and what they make is
//! checked here. Both are ports of Go's packages, by other hands and on other algorithms.

#![cfg(feature = "note")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use signed_note::{Note, Signer, StandardSigner, StandardVerifier, VerifierList};
use strandline_proof::{
    Checkpoint, ConsistencyProof, Hash, InclusionProof, LogPolicy, MemoryTree, Nodes,
    SignedCheckpoint, SignedNote, SignerKey, Tile, TileKind, TreeHead, VerifierKey, consistency,
    inclusion, leaf_hash, root, tiles_between,
};

/// The same nodes, as the crate asks for them.
struct Stored<'a>(&'a MemoryTree);

impl tlog_tiles::HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let hash = |index: &u64| {
            let (level, number) = tlog_tiles::split_stored_hash_index(*index);
            theirs(&self.0.node(level, number).unwrap())
        };
        Ok(indexes.iter().map(hash).collect())
    }
}

impl tlog_tiles::TileReader for Stored<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let bytes = |tile: &tlog_tiles::Tile| {
            let width = u16::try_from(tile.width()).unwrap();
            let level = tile.level();
            let own = Tile::new(TileKind::Hashes { level }, tile.level_index(), width).unwrap();
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            assert_eq!(own.to_string(), path);
            own.hashes(self.0).unwrap()
        };
        Ok(tiles.iter().map(bytes).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

fn theirs(hash: &Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(*hash.as_bytes())
}

fn their_proof(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(theirs).collect()
}

fn ours(hashes: &[tlog_tiles::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash::from_bytes(hash.0)).collect()
}

fn digest(number: u64) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    digest
}

fn tree_of(size: u64) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for number in 0..size {
        tree.push(leaf_hash(&digest(number)));
    }
    tree
}

proptest! {
    #[test]
    fn roots_and_proofs_are_the_same(size in 1..1500_u64, one in any::<u64>(), other in any::<u64>()) {
        let tree = tree_of(size);
        let stored = Stored(&tree);
        let head = tree.head();
        let their_root = tlog_tiles::tree_hash(size, &stored).unwrap();
        prop_assert_eq!(their_root, theirs(&head.root));

        let index = one % size;
        let leaf = tlog_tiles::record_hash(&digest(index));
        let own = inclusion(index, size, &tree).unwrap();
        let their = tlog_tiles::prove_record(size, index, &stored).unwrap();
        prop_assert_eq!(own.hashes(), ours(&their));
        let proof = their_proof(own.hashes());
        prop_assert!(tlog_tiles::check_record(&proof, size, their_root, index, leaf).is_ok());
        let read = InclusionProof::new(ours(&their)).unwrap();
        prop_assert_eq!(read.verify(&digest(index), index, &head), Ok(()));

        let old = other % size + 1;
        let old_head = TreeHead { size: old, root: root(old, &tree).unwrap() };
        let own = consistency(old, size, &tree).unwrap();
        let their = tlog_tiles::prove_tree(size, old, &stored).unwrap();
        prop_assert_eq!(own.hashes(), ours(&their));
        let proof = their_proof(own.hashes());
        let checked = tlog_tiles::check_tree(&proof, size, their_root, old, theirs(&old_head.root));
        prop_assert!(checked.is_ok());
        let read = ConsistencyProof::new(ours(&their)).unwrap();
        prop_assert_eq!(read.verify(&old_head, &head), Ok(()));

        // A proof that one refuses the other refuses.
        let mut wrong = inclusion(index, size, &tree).unwrap().hashes().to_vec();
        if let Some(hash) = wrong.first_mut() {
            *hash = Hash::EMPTY;
            let proof = their_proof(&wrong);
            prop_assert!(tlog_tiles::check_record(&proof, size, their_root, index, leaf).is_err());
            let read = InclusionProof::new(wrong).unwrap();
            prop_assert!(read.verify(&digest(index), index, &head).is_err());
        }
    }
}

#[test]
fn tiles_are_read_and_checked() {
    for size in [1, 255, 256, 257, 70_000] {
        let tree = tree_of(size);
        let root = theirs(&tree.head().root);
        let stored = Stored(&tree);
        let reader = tlog_tiles::TileHashReader::new(size, root, &stored);
        for index in [0, size / 2, size - 1] {
            let proof = tlog_tiles::prove_record(size, index, &reader).unwrap();
            assert_eq!(
                ours(&proof),
                inclusion(index, size, &tree).unwrap().hashes()
            );
        }
        let own: Vec<_> = tiles_between(0, size)
            .filter(|tile| tile.kind() != TileKind::Entries)
            .map(|tile| tile.to_string())
            .collect();
        // The other crate asks for some partial tiles of smaller trees, too.
        let their: Vec<_> = tlog_tiles::Tile::new_tiles(8, 0, size)
            .iter()
            .map(|tile| tile.path().replacen("tile/8/", "tile/", 1))
            .collect();
        for path in own {
            assert!(their.contains(&path), "{path} of {size}");
        }
    }
}

fn signer() -> (SignerKey, StandardSigner, VerifierKey, VerifierList) {
    let own = SignerKey::from_seed("example.org/log".parse().unwrap(), [7; 32]);
    let their = StandardSigner::new(&own.secret_text()).unwrap();
    let key = own.verifier();
    let known = StandardVerifier::new(&key.to_string()).unwrap();
    (own, their, key, VerifierList::new(vec![Box::new(known)]))
}

#[test]
fn keys_and_notes_are_the_same() {
    let (own, their, key, known) = signer();
    assert_eq!(their.key_id(), key.id().get());
    let note = SignedNote::sign("a text\n\nof three lines\n", &own, 0).unwrap();
    let read = Note::from_bytes(note.to_string().as_bytes()).unwrap();
    let (verified, unverified) = read.verify(&known).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    assert_eq!(read.to_bytes(), note.to_string().into_bytes());

    let mut other = Note::new(b"another\n", &[]).unwrap();
    other.add_sigs(&[&their]).unwrap();
    let read = SignedNote::parse(&other.to_bytes()).unwrap();
    assert_eq!(read.verify([&key]).unwrap().len(), 1);
    assert_eq!(read.text(), "another\n");
}

#[test]
fn checkpoints_are_the_same() {
    let (own, their, key, known) = signer();
    let head = tree_of(300).head();
    let checkpoint = Checkpoint::new("example.org/log", head).unwrap();
    let signed = SignedCheckpoint::sign(checkpoint, &own).unwrap();
    let note = Note::from_bytes(signed.to_string().as_bytes()).unwrap();
    assert!(note.verify(&known).is_ok());
    let read = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!(read.origin(), "example.org/log");
    assert_eq!(read.size(), 300);
    assert_eq!(*read.hash(), theirs(&head.root));

    let made = tlog_tiles::Checkpoint::new("example.org/log", 300, theirs(&head.root), "").unwrap();
    let mut note = Note::new(&made.to_bytes(), &[]).unwrap();
    note.add_sigs(&[&their]).unwrap();
    let read = SignedCheckpoint::parse(&note.to_bytes()).unwrap();
    let policy = LogPolicy::new(key);
    assert_eq!(*read.verify(&policy).unwrap().head(), head);
}
