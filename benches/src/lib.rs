//! The work of the benchmarks, and the machinery that measures it on any store.
//!
//! A store takes part by implementing [`Engine`](engine::Engine); [`program::run`] measures the
//! stores that it is given beside Strandline and the limits of the machine. `cargo xtask bench` is
//! that with no other store, `benches/peers` with several.

#![forbid(unsafe_code)]

pub mod program;

mod instructions;
pub mod plot;

mod child;
mod report;

mod scenario;
mod systems;
pub mod workload;

pub mod engine;

pub mod account;
pub mod results;

pub use systems::STRANDLINE;
