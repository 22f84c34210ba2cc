//! `NoteError`: why bytes are no note, or one that counts for nothing.

use super::id::KeyId;
use super::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, SIGNATURE_BYTES_MAX};
use super::name::KeyName;

/// Why bytes are no note, or one that counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Longer than [`NOTE_BYTES_MAX`].
    #[error("a note of {bytes} bytes: it can have {NOTE_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// A note is UTF-8.
    #[error("a note is UTF-8: byte {at} is not")]
    NotUtf8 {
        /// Where the first other byte is.
        at: usize,
    },
    /// A note has no control character but newlines.
    #[error("a note has no control characters: byte {at} is one")]
    ControlCharacter {
        /// Where the first one is.
        at: usize,
    },
    /// A text ends with a newline.
    #[error("the text of a note ends with a newline")]
    TextEnd,
    /// After the text come an empty line and signatures.
    #[error("the note has no signatures after an empty line")]
    NoSignatures,
    /// More than [`NOTE_SIGNATURES_MAX`].
    #[error("more than {NOTE_SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// A line of a signature is an em dash, a space, the name of a key, a space, and base64 of the key's id
    /// and the signature, which has at most [`SIGNATURE_BYTES_MAX`] bytes.
    #[error("signature {number}: {reason}")]
    SignatureLine {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A line that is to be a signature is none.
    #[error("no line of a signature of at most {SIGNATURE_BYTES_MAX} bytes: {0}")]
    Signature(&'static str),
    /// No signature is by a key that is known.
    #[error("no signature is by a known key")]
    UnknownKeys,
    /// A signature by a known key is wrong: the text or the signature was changed.
    #[error(
        "the signature by {name}, key {id}, is wrong: the text was changed, or it is by another"
    )]
    WrongSignature {
        /// Name of the key.
        name: KeyName,
        /// Its id.
        id: KeyId,
    },
    /// Two keys that were given have the same name and id.
    #[error("two known keys are called {name} and have the id {id}")]
    AmbiguousKey {
        /// Name of the keys.
        name: KeyName,
        /// Their id.
        id: KeyId,
    },
}
