//! disintegrate on a store, through the public interface.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod event_store;
mod listeners;
mod school;
mod snapshots;
