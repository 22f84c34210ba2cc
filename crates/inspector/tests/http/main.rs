//! The inspector as a browser or a script sees it: over its port, and held against the store itself.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and damages files behind the seam"
)]

mod anchored;
mod bytes;
mod client;
mod damaged;
mod guarded;
mod looked_into;
mod sample;
mod views;
