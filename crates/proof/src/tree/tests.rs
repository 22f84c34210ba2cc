//! The tree, held to the vectors of others and to a naive one.

use super::hash::leaf_hash_of;
use super::*;
use proptest::prelude::*;
use std::convert::Infallible;

/// The leaves of the vectors that every implementation of RFC 6962 has, and the roots over the first of them.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
/// Leaf, size and path.
const PATHS: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        3,
        &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    ),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];
/// Earlier size, later size and proof.
const GROWTHS: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

fn bytes_of(hex: &str) -> Vec<u8> {
    let (pairs, _) = hex.as_bytes().as_chunks::<2>();
    let number = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.iter().map(|pair| number(pair)).collect()
}

fn hash_of(hex: &str) -> Hash {
    Hash::from_bytes(bytes_of(hex).try_into().unwrap())
}

fn tree_of(leaves: &[Hash]) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for leaf in leaves {
        tree.push(*leaf);
    }
    tree
}

fn vector_leaves() -> Vec<Hash> {
    LEAVES.map(|leaf| leaf_hash_of(&bytes_of(leaf))).into()
}

#[test]
fn roots_and_proofs_are_those_of_the_vectors() {
    let leaves = vector_leaves();
    let tree = tree_of(&leaves);
    let head = |size| TreeHead {
        size,
        root: hash_of(ROOTS[usize::try_from(size).unwrap()]),
    };
    for size in 0..=8 {
        assert_eq!(root(size, &tree), Ok(head(size).root), "{size}");
    }
    for (index, size, path) in PATHS {
        let proof = inclusion(index, size, &tree).unwrap();
        let expected: Vec<_> = path.iter().copied().map(hash_of).collect();
        assert_eq!(proof.hashes(), expected, "{index} of {size}");
        let leaf = leaves[usize::try_from(index).unwrap()];
        proof.verify_leaf(&leaf, index, &head(size)).unwrap();
    }
    for (old, new, path) in GROWTHS {
        let proof = consistency(old, new, &tree).unwrap();
        let expected: Vec<_> = path.iter().copied().map(hash_of).collect();
        assert_eq!(proof.hashes(), expected, "{old} to {new}");
        proof.verify(&head(old), &head(new)).unwrap();
    }
}

/// The definitions of RFC 6962, section 2.1, word for word.
mod naive {
    use super::*;

    fn k(n: usize) -> usize {
        n.next_power_of_two() / 2
    }

    pub(super) fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::EMPTY,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(k(leaves.len()));
                node_hash(&mth(left), &mth(right))
            }
        }
    }

    pub(super) fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = k(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut path, beside) = match m < k {
            true => (path(m, left), mth(right)),
            false => (path(m - k, right), mth(left)),
        };
        path.push(beside);
        path
    }

    pub(super) fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return match whole {
                true => Vec::new(),
                false => vec![mth(leaves)],
            };
        }
        let k = k(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut proof, beside) = match m <= k {
            true => (subproof(m, left, whole), mth(right)),
            false => (subproof(m - k, right, false), mth(left)),
        };
        proof.push(beside);
        proof
    }
}

fn some_leaves(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|number| leaf_hash_of(&number.to_le_bytes()))
        .collect()
}

/// Every pair of sizes up to 40, so that no shape of a small tree is left out.
#[test]
fn proofs_of_small_trees_are_those_of_the_definition() {
    let leaves = some_leaves(40);
    let tree = tree_of(&leaves);
    for new in 0..=40_usize {
        let known = &leaves[..new];
        let size = u64::try_from(new).unwrap();
        assert_eq!(tree_of(known).head().root, naive::mth(known));
        assert_eq!(root(size, &tree).unwrap(), naive::mth(known));
        for own in 0..new {
            let index = u64::try_from(own).unwrap();
            let proof = inclusion(index, size, &tree).unwrap();
            assert_eq!(proof.hashes(), naive::path(own, known), "{own} of {new}");
        }
        for old in 1..=new {
            let proof = consistency(u64::try_from(old).unwrap(), size, &tree).unwrap();
            let expected = naive::subproof(old, known, true);
            assert_eq!(proof.hashes(), expected, "{old} to {new}");
        }
    }
}

/// A tree of any size, all of whose leaves are the same.
struct Uniform(Vec<Hash>);

impl Uniform {
    fn new() -> Self {
        let leaf = leaf_hash(&[7; 32]);
        let up = |node: &Hash| Some(node_hash(node, node));
        Self(std::iter::successors(Some(leaf), up).take(64).collect())
    }
}

impl Nodes for Uniform {
    type Error = Infallible;

    fn node(&self, level: u8, _: u64) -> Result<Hash, Infallible> {
        Ok(self.0[usize::from(level)])
    }
}

/// Sizes around powers of two, up to the largest.
fn large_size() -> impl Strategy<Value = u64> {
    let near = (0..=63_u32, -2..=2_i64).prop_map(|(bit, off)| {
        let size = (1_u64 << bit).saturating_add_signed(off);
        size.min(TREE_SIZE_MAX)
    });
    prop_oneof![near, 0..=TREE_SIZE_MAX]
}

proptest! {
    #[test]
    fn proofs_hold_and_others_do_not(
        count in 1..700_usize,
        own in any::<prop::sample::Index>(),
        old in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0..256_usize,
    ) {
        let leaves = some_leaves(count);
        let tree = tree_of(&leaves);
        let new = tree.head();
        let flip = |hash: &Hash| {
            let mut bytes = *hash.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            Hash::from_bytes(bytes)
        };

        let own = own.index(count);
        let index = u64::try_from(own).unwrap();
        let proof = inclusion(index, new.size, &tree).unwrap();
        prop_assert_eq!(proof.hashes(), naive::path(own, &leaves));
        let leaf = leaves[own];
        prop_assert_eq!(proof.verify_leaf(&leaf, index, &new), Ok(()));
        let is_refused = |proof: &InclusionProof, leaf: &Hash, index, head| {
            proof.verify_leaf(leaf, index, head).is_err()
        };
        prop_assert!(is_refused(&proof, &flip(&leaf), index, &new));
        let other = TreeHead { root: flip(&new.root), ..new };
        prop_assert!(is_refused(&proof, &leaf, index, &other));
        for other in (0..new.size).filter(|other| *other != index).take(50) {
            prop_assert!(is_refused(&proof, &leaf, other, &new));
        }
        if !proof.hashes().is_empty() {
            let mut hashes = proof.hashes().to_vec();
            let at = at.index(hashes.len());
            hashes[at] = flip(&hashes[at]);
            prop_assert!(is_refused(&InclusionProof::new(hashes.clone()).unwrap(), &leaf, index, &new));
            hashes.remove(at);
            prop_assert!(is_refused(&InclusionProof::new(hashes).unwrap(), &leaf, index, &new));
        }

        let old = old.index(count) + 1;
        let old_head = tree_of(&leaves[..old]).head();
        let proof = consistency(old_head.size, new.size, &tree).unwrap();
        prop_assert_eq!(proof.hashes(), naive::subproof(old, &leaves, true));
        prop_assert_eq!(proof.verify(&old_head, &new), Ok(()));
        let other = TreeHead { root: flip(&old_head.root), ..old_head };
        prop_assert!(proof.verify(&other, &new).is_err());
        let other = TreeHead { root: flip(&new.root), ..new };
        prop_assert!(proof.verify(&old_head, &other).is_err());
        if !proof.hashes().is_empty() {
            let mut hashes = proof.hashes().to_vec();
            let at = at.index(hashes.len());
            hashes[at] = flip(&hashes[at]);
            prop_assert!(ConsistencyProof::new(hashes.clone()).unwrap().verify(&old_head, &new).is_err());
            hashes.remove(at);
            prop_assert!(ConsistencyProof::new(hashes).unwrap().verify(&old_head, &new).is_err());
        }
    }

    #[test]
    fn proofs_of_the_largest_trees_hold(one in large_size(), other in large_size()) {
        let nodes = Uniform::new();
        let (small, large) = (one.min(other), one.max(other));
        let head = |size| TreeHead { size, root: root(size, &nodes).unwrap() };
        let (old, new) = (head(small), head(large));
        let proof = consistency(small, large, &nodes).unwrap();
        prop_assert!(proof.hashes().len() <= CONSISTENCY_HASHES_MAX);
        prop_assert_eq!(proof.verify(&old, &new), Ok(()));
        if small < large {
            let proof = inclusion(small, large, &nodes).unwrap();
            prop_assert!(proof.hashes().len() <= INCLUSION_HASHES_MAX);
            prop_assert_eq!(proof.verify(&[7; 32], small, &new), Ok(()));
        }
    }

    #[test]
    fn any_hashes_and_numbers_are_answered(
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        sizes in any::<[u64; 2]>(),
        roots in any::<[[u8; 32]; 2]>(),
    ) {
        let hashes: Vec<_> = hashes.into_iter().map(Hash::from_bytes).collect();
        let [old, new] = [0, 1].map(|at| TreeHead { size: sizes[at], root: Hash::from_bytes(roots[at]) });
        if let Ok(proof) = InclusionProof::new(hashes.clone()) {
            prop_assert!(proof.verify(&roots[0], old.size, &new).is_err());
        }
        if let Ok(proof) = ConsistencyProof::new(hashes) {
            prop_assert!(proof.verify(&old, &new).is_err());
        }
    }
}

#[test]
fn the_log_without_events_begins_every_log() {
    let new = tree_of(&some_leaves(5)).head();
    let nothing = ConsistencyProof::default();
    assert_eq!(nothing.verify(&TreeHead::EMPTY, &new), Ok(()));
    assert_eq!(nothing.verify(&TreeHead::EMPTY, &TreeHead::EMPTY), Ok(()));
    let forged = TreeHead { size: 0, ..new };
    assert!(nothing.verify(&forged, &new).is_err());
    assert!(nothing.verify(&TreeHead::EMPTY, &forged).is_err());
    assert!(nothing.verify(&forged, &forged).is_err());
    let longer = ConsistencyProof::new(vec![new.root]).unwrap();
    let error = longer.verify(&TreeHead::EMPTY, &new).unwrap_err();
    let (expected, got) = (0, 1);
    assert_eq!(error, ProofError::WrongLength { expected, got });
    assert!(longer.verify(&new, &new).is_err());
}

#[test]
fn what_cannot_be_is_said() {
    let tree = tree_of(&some_leaves(5));
    let (head, proof) = (tree.head(), inclusion(2, 5, &tree).unwrap());
    let index = 5;
    let outside = ProofError::NotInTree { index, size: 5 };
    assert_eq!(proof.verify(&[0; 32], 5, &head), Err(outside.clone()));
    assert_eq!(inclusion(5, 5, &tree), Err(TreeError::Range(outside)));
    let (old, new) = (6, 5);
    let shrinks = ProofError::Shrinks { old, new };
    assert_eq!(consistency(6, 5, &tree), Err(TreeError::Range(shrinks)));
    let size = TREE_SIZE_MAX + 1;
    let too_large = ProofError::TreeTooLarge { size };
    assert_eq!(root(size, &tree), Err(TreeError::Range(too_large.clone())));
    let large = TreeHead { size, ..head };
    assert_eq!(proof.verify(&[0; 32], 2, &large), Err(too_large.clone()));
    let growth = ConsistencyProof::default();
    assert_eq!(growth.verify(&large, &large), Err(too_large.clone()));
    let of_nothing = growth.verify(&TreeHead::EMPTY, &large);
    assert_eq!(of_nothing, Err(too_large));
    let many = vec![Hash::EMPTY; 65];
    assert!(InclusionProof::new(many[..64].to_vec()).is_err());
    assert!(ConsistencyProof::new(many[..64].to_vec()).is_ok());
    assert!(ConsistencyProof::new(many).is_err());
    let missing = MissingNode { level: 1, index: 2 };
    assert_eq!(inclusion(0, 6, &tree), Err(TreeError::Nodes(missing)));
}
