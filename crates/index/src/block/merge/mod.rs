//! Merging rows of several blocks into one block.
//!
//! `part` says which rows. Knows `format` and blocks that are open, and of the rooms of the crate
//! `search` and `model` alone.

mod part;

pub use part::MergePart;
