//! Files of a bucket, read through a file system, and stores over that.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bucket;
mod cut;
mod files;
mod stores;
