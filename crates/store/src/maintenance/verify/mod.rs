//! Verification as a verb for people: [`verify()`] holds an open store against itself and what was kept of it
//! elsewhere, [`verify_files`] the files of one that does not open.
//!
//! Holds no checks: those are in the room `verify` of the crate. Changes nothing. Knows how a damaged directory is
//! read; knows no verb that copies or changes a store.

mod files;
mod kept;
mod store;

pub use files::verify_files;
pub use kept::{Kept, Verified};
pub use store::verify;
