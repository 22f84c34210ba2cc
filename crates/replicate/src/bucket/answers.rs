//! What a bucket answers: `PutAnswer`, `Listed`, `ObjectInfo`. Made by others.

use super::error::BucketError;

/// What came of a create-if-absent. Only [`Created`](Self::Created) is certain: see the module's text.
#[derive(Debug, Clone)]
#[must_use]
pub enum PutAnswer {
    /// The object is there, as it was sent.
    Created,
    /// An object is there: another's, or this one from an earlier try whose answer was lost. Read it.
    Exists,
    /// Not known: the request was applied, was not, or will be. The error says why and what to do. A refusal is
    /// no exception, since an earlier try may be the one that is applied.
    Unclear(BucketError),
}

/// An object that a listing gave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Listed {
    /// Its key, relative to the prefix.
    pub key: String,
    /// Bytes.
    pub length: u64,
    /// When it was written, by the object store's clock, in milliseconds since 1970.
    pub modified_ms: u64,
}

/// What an object is, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Bytes.
    pub length: u64,
    /// When it was written, by the object store's clock, in milliseconds since 1970.
    pub modified_ms: u64,
}
