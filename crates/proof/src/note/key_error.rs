//! `KeyError`: why a text is no key.

use super::id::KeyId;
use super::limits::KEY_NAME_BYTES_MAX;

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
    #[error(
        "a verifier key, which is public, is `name+id+key`, a signer key, which is secret, `PRIVATE+KEY+name+id+key`"
    )]
    Form,
    /// The text is that of a signer key, which is a secret, where one of a verifier key is to be.
    #[error("this is a signer key, which is secret: give the verifier key, its public one")]
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
