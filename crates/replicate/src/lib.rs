//! A Strandline store on object storage.

#![forbid(unsafe_code)]

mod object;
pub mod protocol;

pub use object::{FileName, FileNameError, Key, KeyError, Prefix, Term};
