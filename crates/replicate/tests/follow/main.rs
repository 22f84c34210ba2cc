//! A bucket read: replicas, takeovers, restores.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod earlier;
mod erased;
mod lazy;
mod lazy_cost;
mod lazy_faults;
mod lazy_proofs;
mod power_cuts;
mod removed;
mod replicas;
mod restores;
mod shipped;
mod takeovers;
