//! Files of a bucket, read through a file system, and stores over that.

#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and its numbers are small"
)]

mod bucket;
mod cut;
mod files;
mod held;
mod stores;
mod whole;
