//! `ObjectError`: why the bytes of an object are not taken.

use strandline_core::codec::DecodeError;
use strandline_segment::LogError;

/// Bytes that are not the object which they should be. Says nothing of where they are from: who asked for them
/// knows the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// They do not begin as such an object does.
    #[error("this is no {what}")]
    NotOne {
        /// What they should be.
        what: &'static str,
    },
    /// They were written by a later version.
    #[error(
        "this {what} has format version {found}, this program reads up to {supported}; read it with the version \
         of the program that wrote it, or a later one"
    )]
    VersionUnsupported {
        /// What they are.
        what: &'static str,
        /// Version in the object.
        found: u32,
        /// Latest version that this crate reads.
        supported: u32,
    },
    /// They are not as long as they say, or have not the hash that is at their end.
    #[error("this {what} is damaged: {reason}")]
    Damaged {
        /// What they are.
        what: &'static str,
        /// What was found.
        reason: &'static str,
    },
    /// They are as they were written, and what they say cannot be.
    #[error("this {what} contradicts itself: {reason}")]
    Contradicts {
        /// What they are.
        what: &'static str,
        /// What was found.
        reason: &'static str,
    },
    /// The object is of another place in the bucket than the one where it was found.
    #[error("this {what} is that of another key")]
    Misplaced {
        /// What it is.
        what: &'static str,
    },
    /// A value within ended early, or is none that the format allows.
    #[error("this {what} is damaged: {source}")]
    Value {
        /// What the bytes are.
        what: &'static str,
        /// Which value.
        source: DecodeError,
    },
    /// A header or manifest of the log within is damaged.
    #[error("this {what} is damaged: {source}")]
    Log {
        /// What the bytes are.
        what: &'static str,
        /// What is wrong.
        source: Box<LogError>,
    },
    /// A term's JSON cannot be read.
    #[error("this term is damaged: {0}")]
    Json(#[source] serde_json::Error),
}
