//! A copy that grows as it is told of its log.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod any_order;
mod crashes;
mod refused;
mod source;
