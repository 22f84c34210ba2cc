//! `KeyError`: why a text is no key. `NoteError`: why bytes are no note, or one that counts for nothing.

use super::key::KeyId;
use super::name::{KEY_NAME_BYTES_MAX, KeyName};
use super::signature::SIGNATURE_BYTES_MAX;
use super::signed::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX};

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A name is not empty, has at most [`KEY_NAME_BYTES_MAX`] bytes, and neither white space, a plus nor a
    /// control character.
    #[error(
        "the name of a key is 1 to {KEY_NAME_BYTES_MAX} bytes without white space, `+` and control characters"
    )]
    Name,
    /// A verifier key has three parts, a signer key five.
    #[error("a verifier key is `name+id+key`, a signer key `PRIVATE+KEY+name+id+key`")]
    Form,
    /// The text is that of a signer key, which is a secret, where one of a verifier key is to be.
    #[error("this is a signer key, which is secret: give the verifier key")]
    Secret,
    /// An id is 8 hexadecimal digits in lower case.
    #[error("the id of a key is 8 hexadecimal digits")]
    IdForm,
    /// The key is of a kind that is not known here.
    #[error("a key of kind {0}: known are 1 (Ed25519) and 4 (Ed25519 of a witness)")]
    Kind(u8),
    /// The key has not the 33 bytes that it has in base64.
    #[error("the key is not base64 of its kind and 32 bytes")]
    Key,
    /// The bytes are no point of the curve, or one of those under which anything is signed.
    #[error("the key is none that Ed25519 accepts")]
    Point,
    /// The id is not that of the name and the key: one of them was changed.
    #[error("the id of the key is {expected}, not {got}")]
    Id {
        /// What name and key give.
        expected: KeyId,
        /// What the text says.
        got: KeyId,
    },
}

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
