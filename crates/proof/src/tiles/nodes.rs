//! `TileNodes`: the tree of a log that is there as tiles.

use super::error::TileError;
use super::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TileKind};
use crate::tree::{Hash, Nodes, node_hash};

/// Where the bytes of tiles come from: a directory, a web server.
pub trait TileReader {
    /// Why a tile cannot be had.
    type Error;

    /// The bytes of a tile. Each is asked for as often as it is needed, so whoever is far away keeps some.
    ///
    /// # Errors
    ///
    /// Whatever keeps the tile from being had.
    fn tile(&self, tile: &Tile) -> Result<Vec<u8>, Self::Error>;
}

/// The tree of a log whose tiles are read, up to a size: [`Nodes`] of which roots and proofs are made. What
/// they are worth shows in the root: it has to be the one of a checkpoint.
#[derive(Debug, Clone)]
pub struct TileNodes<R> {
    reader: R,
    size: u64,
}

/// Why a node cannot be had of tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TileNodesError<E> {
    /// The tile cannot be had.
    #[error("a tile cannot be had")]
    Read(#[source] E),
    /// It is not what it has to be, or the tree has no such tile.
    #[error(transparent)]
    Tile(#[from] TileError),
}

impl<R: TileReader> TileNodes<R> {
    /// The tree over the first `size` leaves, as the tiles of a log of that size have it.
    pub const fn new(reader: R, size: u64) -> Self {
        Self { reader, size }
    }
}

impl<R: TileReader> Nodes for TileNodes<R> {
    type Error = TileNodesError<R::Error>;

    /// Of one tile: the hash itself, or what up to 255 make.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let (own, above) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let place = |width| TileError::Place {
            level: own,
            index,
            width,
        };
        // The hashes of the tile's level that the node stands for.
        let count = 1_u64 << above;
        let first = index.checked_mul(count).ok_or_else(|| place(0))?;
        let width = u64::from(TILE_WIDTH);
        let tile_index = first / width;
        let has = self
            .size
            .checked_shr(u32::from(own) * u32::from(TILE_HEIGHT))
            .unwrap_or(0);
        let in_tile = has.saturating_sub(tile_index.saturating_mul(width));
        let in_tile = u16::try_from(in_tile.min(width)).unwrap_or(0);
        let tile = Tile::new(TileKind::Hashes { level: own }, tile_index, in_tile)?;
        let bytes = self.reader.tile(&tile).map_err(TileNodesError::Read)?;
        let (hashes, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
        let expected = usize::from(in_tile);
        if hashes.len() != expected || !rest.is_empty() {
            let (expected, got) = (expected * Hash::BYTES, bytes.len());
            return Err(TileError::Length { expected, got }.into());
        }
        let from = usize::try_from(first % width).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let hashes = from
            .checked_add(count)
            .and_then(|to| hashes.get(from..to))
            .ok_or_else(|| place(in_tile))?;
        Ok(joined(hashes))
    }
}

/// The root over hashes whose number is a power of two.
fn joined(hashes: &[[u8; 32]]) -> Hash {
    let mut hashes: Vec<_> = hashes.iter().copied().map(Hash::from_bytes).collect();
    while let (pairs @ [_, ..], []) = hashes.as_chunks::<2>() {
        hashes = pairs
            .iter()
            .map(|[left, right]| node_hash(left, right))
            .collect();
    }
    hashes.first().copied().unwrap_or(Hash::EMPTY)
}
