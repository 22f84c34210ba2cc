//! `Tile`: which hashes or digests stand in one file.

use super::error::TileError;
use crate::tree::{Hash, Nodes, TREE_SIZE_MAX};

/// Levels of the tree that a tile stands for.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes of a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Highest level that a tile can have: the tree of the most leaves ends in it.
pub const TILE_LEVEL_MAX: u8 = 7;

/// What stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of a level of tiles: 0 has those of leaves, each other one the roots of full tiles of the level
    /// below.
    Hashes {
        /// The level.
        level: u8,
    },
    /// Digests of events, of which the hashes of leaves are made: a bundle.
    Entries,
}

/// A file of a log: which hashes, or digests, stand in it. Up to 256 that follow each other; fewer in the
/// last one, which is another file for each width that it had. Its text is its path, from the directory of
/// the log on.
///
/// ```
/// use strandline_proof::{Tile, TileKind};
///
/// let tile = Tile::new(TileKind::Hashes { level: 1 }, 1_234_067, 17)?;
/// assert_eq!(tile.to_string(), "tile/1/x001/x234/067.p/17");
/// assert_eq!("tile/1/x001/x234/067.p/17".parse::<Tile>()?, tile);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl Tile {
    /// Number `index`, from 0, of its kind, with `width` hashes: 1 to [`TILE_WIDTH`].
    ///
    /// # Errors
    ///
    /// [`TileError::Place`] if no tree has it.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, TileError> {
        let tile = Self { kind, index, width };
        let level = tile.level();
        let end = index.checked_mul(u64::from(TILE_WIDTH));
        let end = end.and_then(|begin| begin.checked_add(u64::from(width)));
        let most = TREE_SIZE_MAX
            .checked_shr(u32::from(level) * u32::from(TILE_HEIGHT))
            .unwrap_or(0);
        let is_one = (1..=TILE_WIDTH).contains(&width) && level <= TILE_LEVEL_MAX;
        match is_one && end.is_some_and(|end| end <= most) {
            true => Ok(tile),
            false => Err(TileError::Place {
                level,
                index,
                width,
            }),
        }
    }

    /// What stands in it.
    #[must_use]
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// Level of tiles, 0 of a bundle.
    #[must_use]
    pub const fn level(&self) -> u8 {
        match self.kind {
            TileKind::Hashes { level } => level,
            TileKind::Entries => 0,
        }
    }

    /// Number in its level, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or digests it has.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether a larger tree has it with more hashes.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// Number of its first hash in the level, from 0.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.index.saturating_mul(u64::from(TILE_WIDTH))
    }

    /// The hashes of the tile, one after the other: 32 bytes each. Asks for as many nodes as it is wide. Of a
    /// bundle the hashes of its leaves.
    ///
    /// # Errors
    ///
    /// What keeps a node from being had.
    pub fn hashes<N: Nodes>(&self, nodes: &N) -> Result<Vec<u8>, N::Error> {
        let level = self.level() * TILE_HEIGHT;
        let mut bytes = Vec::with_capacity(usize::from(self.width) * Hash::BYTES);
        for index in (self.first()..).take(self.width.into()) {
            bytes.extend_from_slice(nodes.node(level, index)?.as_bytes());
        }
        Ok(bytes)
    }
}

/// The files that a log of `new` events has and one of `old` had not: those of hashes from the lowest level
/// up, then the bundles. From 0 on, all of a log. Partial files of the smaller log are not needed any more.
///
/// Nothing, if `old` is not below `new` or `new` above [`TREE_SIZE_MAX`](crate::TREE_SIZE_MAX).
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    let is_growth = old < new && new <= TREE_SIZE_MAX;
    let levels = if is_growth { TILE_LEVEL_MAX + 1 } else { 0 };
    let hashes = (0..levels).map(|level| TileKind::Hashes { level });
    let entries = is_growth.then_some(TileKind::Entries);
    hashes.chain(entries).flat_map(move |kind| {
        let level = match kind {
            TileKind::Hashes { level } => u32::from(level * TILE_HEIGHT),
            TileKind::Entries => 0,
        };
        let (had, has) = (old >> level, new >> level);
        let width = u64::from(TILE_WIDTH);
        // The last one is new if it has more in it than before.
        let tiles = match had < has {
            true => had / width..has.div_ceil(width),
            false => 0..0,
        };
        tiles.filter_map(move |index| {
            let own = has.saturating_sub(index * width).min(width);
            Tile::new(kind, index, u16::try_from(own).ok()?).ok()
        })
    })
}
