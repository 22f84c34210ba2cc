//! The framework on a store, through its public interface: what its other adapters' tests hold, and what holds here alone.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod by_chance;
mod common;
mod events;
mod executors;
mod framework;
mod killed;
mod power_cuts;
mod replays;
mod snapshots;
mod views;
