//! The words that every room speaks: what a row is given as, the small numbers that stand for names,
//! in which layout rows are found, how much may be kept, and why something is refused.
//!
//! Values alone: no row is kept here, and nothing is looked up. Knows no other room.

mod cache_share;
mod error;
mod id;
mod layout;
mod link;
mod name_sort;
mod row;

pub use cache_share::CacheShare;
pub use error::{BlockError, IndexError};
pub use id::{CoordinateId, EntityId};
pub use layout::IndexLayout;
pub use row::{Claim, Head, Row, SealedHead};

pub(crate) use layout::{TILE_ROWS, TileMask};
pub(crate) use link::Link;
pub(crate) use name_sort::{NameSort, PIECE_NAMES};
pub(crate) use row::BOUND_MAX;
