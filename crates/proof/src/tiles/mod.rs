//! A log as files that any web server hands out ([c2sp.org/tlog-tiles]): the hashes of its tree in tiles of
//! 256, the digests of its events in bundles of as many. Their paths, their bytes, and the tree of them
//! again. Writes and reads no file: whoever calls gives and takes bytes.
//!
//! [c2sp.org/tlog-tiles]: https://c2sp.org/tlog-tiles

mod bundle;
mod error;
mod nodes;
mod path;
mod tile;

pub use bundle::{BUNDLE_BYTES_MAX, bundle_bytes, parse_bundle};
pub use error::TileError;
pub use nodes::{TileNodes, TileNodesError, TileReader};
pub use tile::{TILE_HEIGHT, TILE_LEVEL_MAX, TILE_WIDTH, Tile, TileKind, tiles_between};

#[cfg(test)]
mod tests;
