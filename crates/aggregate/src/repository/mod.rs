//! `Repository`: aggregates of one kind, loaded from a store, and commands executed on them.
//!
//! Knows what is below it, and no decision over several entities.

mod execute;
mod handle;
mod load;

pub use handle::Repository;
