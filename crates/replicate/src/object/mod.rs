//! The objects of a bucket: what they are called, and terms, chunks and states as bytes, both ways.
//!
//! Encodes, decodes and checks; asks no bucket and decides nothing. What it reads is hostile until it is
//! checked: lengths against what is there, all bytes against a hash. Knows no other room.

mod chunk;
mod error;
mod file;
mod key;
mod name;
mod sealed;
mod state;
mod tail;
mod term;
#[cfg(test)]
mod tests;

pub(crate) use chunk::CHUNK_SEAL_BYTES;
pub use chunk::{CHUNK_BODY_OFFSET, CHUNK_HEADER_OFFSET, Chunk};
pub use error::ObjectError;
pub use file::{FileParts, Part};
pub use key::{Key, KeyError, Prefix, Term};
pub use name::{FileName, FileNameError};
pub use state::{Predecessor, STATE_BYTES_MAX, State};
pub(crate) use tail::Tail;
pub use term::{Owner, OwnerError, TERM_BYTES_MAX, TermKind, TermRecord};
