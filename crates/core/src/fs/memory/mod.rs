//! A file system in memory, for tests and for stores that need not last.
//!
//! Loses nothing and fails never: what a power cut does is `sim`'s. Knows what is beside it in `fs`.

mod handle;
mod system;
mod tree;

pub use system::MemFs;
