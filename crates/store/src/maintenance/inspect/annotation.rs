//! `Annotation`: a stretch of a file and what it means, as it is told. Reads nothing.

#[cfg(doc)]
use crate::ErrorKind;
use std::ops::ControlFlow;

/// A stretch of a file and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotation {
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
    /// The first bytes of it, at most 16; none where its parts follow.
    pub bytes: Vec<u8>,
    /// 0 for a part of the file, 1 for a part of that, and so on.
    pub depth: u8,
    /// What it is.
    pub name: String,
    /// What its bytes say; empty where nothing is to be said.
    pub value: String,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// What is given each annotation; with `Break` the function stops with [`ErrorKind::Cancelled`].
pub(super) type Emit<'a> = &'a mut dyn FnMut(Annotation) -> ControlFlow<()>;
