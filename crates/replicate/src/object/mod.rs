//! The objects of a bucket: what they are called, and terms, chunks and states as bytes, both ways.
//!
//! Encodes, decodes and checks; asks no bucket and decides nothing. What it reads is hostile until it is
//! checked: lengths against what is there, all bytes against a hash. May know `model` alone.

mod key;
mod name;

pub use key::{Key, KeyError, Prefix, Term};
pub use name::{FileName, FileNameError};
