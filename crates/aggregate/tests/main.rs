//! Aggregates and decisions through the public interface.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod bank;
mod decided;
mod executed;
mod gone;
mod idempotent;
mod kept;
mod killed;
mod loaded;
mod model;
mod power_cut;
mod sealed;
