//! Proofs for those who have no store: keys, proofs of events and their check, heads that are kept elsewhere, tiles.

pub(super) mod check;
pub(super) mod heads;
pub(super) mod key;
pub(super) mod prove;
pub(super) mod tiles;
