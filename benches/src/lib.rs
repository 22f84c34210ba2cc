//! The work of the benchmarks, and the machinery that measures it on any store.
//!
//! A store takes part by implementing [`Engine`](engine::Engine).

pub mod engine;
pub mod row;
pub mod workload;
