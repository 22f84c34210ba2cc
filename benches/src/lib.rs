//! The work of the benchmarks, and the machinery that measures it on any store.
//!
//! A store takes part by implementing [`Engine`](engine::Engine); [`program::run`] measures the
//! stores that it is given beside Strandline and the limits of the machine. `cargo xtask bench` is
//! that with no other store, `benches/peers` with several.

#![forbid(unsafe_code)]

pub mod engine;
pub mod plot;
pub mod program;
pub mod row;
pub mod workload;

mod child;
mod instructions;
mod limit;
mod machine;
mod report;
mod scenario;
mod strandline;

pub use strandline::ENTRY as STRANDLINE;
