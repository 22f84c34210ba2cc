//! Tiles: their places, their paths, and the tree of them again.

use super::*;
use crate::tree::{MemoryTree, Nodes, TREE_SIZE_MAX, consistency, inclusion, leaf_hash, root};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn tree_of(size: u64) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for number in 0..size {
        tree.push(leaf_hash(&digest(number)));
    }
    tree
}

fn digest(number: u64) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    digest
}

/// The files of a log, by their paths.
#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn grow(&mut self, old: u64, tree: &MemoryTree) {
        for tile in tiles_between(old, tree.size()) {
            let numbers = tile.first()..tile.first() + u64::from(tile.width());
            let bytes = match tile.kind() {
                TileKind::Hashes { .. } => tile.hashes(tree).unwrap(),
                TileKind::Entries => {
                    let digests: Vec<_> = numbers.map(digest).collect();
                    bundle_bytes(&digests)
                }
            };
            self.0.insert(tile.to_string(), bytes);
        }
    }
}

impl TileReader for &Files {
    type Error = String;

    fn tile(&self, tile: &Tile) -> Result<Vec<u8>, String> {
        let path = tile.to_string();
        self.0.get(&path).cloned().ok_or(path)
    }
}

/// The example of the specification.
#[test]
fn a_log_of_70000_has_the_files_that_it_has_to_have() {
    let tiles: Vec<_> = tiles_between(0, 70_000).collect();
    let paths: Vec<_> = tiles.iter().map(ToString::to_string).collect();
    let of = |kind| tiles.iter().filter(|tile| tile.kind() == kind).count();
    assert_eq!(of(TileKind::Hashes { level: 0 }), 274);
    assert_eq!(of(TileKind::Entries), 274);
    assert_eq!(tiles.len(), 274 + 2 + 1 + 274);
    for path in [
        "tile/0/000",
        "tile/0/272",
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/entries/272",
        "tile/entries/273.p/112",
    ] {
        assert!(paths.iter().any(|own| own == path), "{path}");
    }
    let paths: Vec<_> = tiles_between(0, 256).map(|tile| tile.to_string()).collect();
    assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    assert_eq!(tiles_between(256, 256).count(), 0);
    assert_eq!(tiles_between(257, 256).count(), 0);
    assert_eq!(tiles_between(0, 0).count(), 0);
    assert_eq!(tiles_between(0, TREE_SIZE_MAX + 1).count(), 0);
    assert!(tiles_between(TREE_SIZE_MAX - 1, TREE_SIZE_MAX).count() > 8);
}

#[test]
fn each_tile_has_one_path() {
    for path in [
        "tile/0/000",
        "tile/7/000.p/128",
        "tile/1/x001/x234/067",
        "tile/entries/x001/000.p/255",
        "tile/0/x036/x028/x797/x018/x963/967",
    ] {
        let tile: Tile = path.parse().unwrap();
        assert_eq!(tile.to_string(), path);
    }
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/x001/",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/00/001",
        "tile/+1/001",
        "tile/0/00a",
        "tile/0/../000",
        "tile/0/000.p/",
        "tile/0/000.p/00",
        "tile/0/000.p/256",
        "tile/0/000.p/1.p/1",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(path.parse::<Tile>(), Err(TileError::Path), "{path}");
    }
    for path in [
        "tile/8/000",
        "tile/0/000.p/0",
        "tile/7/001",
        "tile/7/000.p/129",
        "tile/0/x036/x028/x797/x018/x963/968",
    ] {
        let error = path.parse::<Tile>().unwrap_err();
        assert!(matches!(error, TileError::Place { .. }), "{path}");
    }
}

#[test]
fn a_bundle_is_read_as_it_was_written() {
    let digests: Vec<_> = (0..256).map(digest).collect();
    let bytes = bundle_bytes(&digests);
    assert_eq!(bytes.len(), BUNDLE_BYTES_MAX);
    assert_eq!(parse_bundle(&bytes, 256), Ok(digests));
    let got = bytes.len();
    let expected = 255 * 34;
    assert_eq!(
        parse_bundle(&bytes, 255),
        Err(TileError::Length { expected, got })
    );
    assert!(parse_bundle(&bytes[1..], 256).is_err());
    let mut other = bytes;
    other[34 * 7 + 1] = 31;
    assert_eq!(
        parse_bundle(&other, 256),
        Err(TileError::Entry { number: 7 })
    );
}

#[test]
fn a_tile_that_is_missing_or_cut_is_an_error() {
    let tree = tree_of(300);
    let mut files = Files::default();
    files.grow(0, &tree);
    files.0.get_mut("tile/0/001.p/44").unwrap().pop();
    let nodes = TileNodes::new(&files, 300);
    let cut = TileError::Length {
        expected: 44 * 32,
        got: 44 * 32 - 1,
    };
    assert_eq!(nodes.node(0, 256), Err(TileNodesError::Tile(cut)));
    assert!(
        matches!(nodes.node(0, 300), Err(TileNodesError::Tile(_))),
        "past the end"
    );
    assert!(
        matches!(nodes.node(3, 37), Err(TileNodesError::Tile(_))),
        "past the end in part"
    );
    assert!(nodes.node(63, 0).is_err() && nodes.node(255, u64::MAX).is_err());
    let longer = files.0.get_mut("tile/0/001.p/44").unwrap();
    longer.extend([0, 0]);
    let longer = TileError::Length {
        expected: 44 * 32,
        got: 44 * 32 + 1,
    };
    let nodes = TileNodes::new(&files, 300);
    assert_eq!(nodes.node(0, 256), Err(TileNodesError::Tile(longer)));
    files.0.remove("tile/0/000");
    let missing = TileNodesError::Read("tile/0/000".to_owned());
    assert_eq!(TileNodes::new(&files, 300).node(0, 0), Err(missing));
}

proptest! {
    /// Whatever a log wrote as it grew, the tiles of each of its sizes give roots and proofs.
    #[test]
    fn the_tree_is_there_again(sizes in prop::collection::vec(0..600_u64, 1..4), jump in 0..70_000_u64) {
        let mut files = Files::default();
        let mut sizes = sizes;
        if jump > 66_000 {
            sizes.push(jump);
        }
        sizes.sort_unstable();
        let mut old = 0;
        for size in sizes {
            let tree = tree_of(size);
            files.grow(old, &tree);
            let nodes = TileNodes::new(&files, size);
            prop_assert_eq!(root(size, &nodes), Ok(tree.head().root));
            if size > 0 {
                let (index, proof) = (size / 3, inclusion(size / 3, size, &nodes));
                prop_assert_eq!(proof.unwrap(), inclusion(index, size, &tree).unwrap());
            }
            let proof = consistency(old, size, &nodes);
            prop_assert_eq!(proof.unwrap(), consistency(old, size, &tree).unwrap());
            for tile in tiles_between(old, size) {
                prop_assert_eq!(tile.to_string().parse(), Ok(tile));
            }
            old = size;
        }
    }

    #[test]
    fn any_path_is_answered(path in "(tile/)?([0-9]{1,2}|entries)/(x[0-9]{3}/){0,8}[0-9]{3}(.p/[0-9]{1,4})?") {
        if let Ok(tile) = path.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), path);
        }
    }
}
