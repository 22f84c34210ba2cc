//! `TileError`: why something is no tile.

/// Why something is no tile, or no path of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TileError {
    /// No tree has such a tile.
    #[error("no tree has a tile {index} of width {width} at level {level}")]
    Place {
        /// Level of the tile.
        level: u8,
        /// Number in the level.
        index: u64,
        /// How many hashes it is to have.
        width: u16,
    },
    /// The path is that of no tile and no bundle.
    #[error(
        "the path of a tile is tile/LEVEL/NUMBER or tile/entries/NUMBER, with .p/WIDTH if it is partial"
    )]
    Path,
    /// The tile has another length than its width asks for.
    #[error("the tile has {got} bytes, not {expected}")]
    Length {
        /// How many it must have.
        expected: usize,
        /// How many it has.
        got: usize,
    },
    /// The bundle has something in it that is no digest of 32 bytes.
    #[error("entry {number} of the bundle is no digest of 32 bytes")]
    Entry {
        /// Which one, from 0.
        number: usize,
    },
}
