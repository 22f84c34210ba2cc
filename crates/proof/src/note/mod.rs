//! Signed notes ([c2sp.org/signed-note]): a text, and lines of signatures over it. Keys as texts, and the two
//! kinds of signatures by Ed25519 that notes have: that of the one who made the text, and that of a witness
//! ([c2sp.org/tlog-cosignature]). Knows nothing of what a text says.
//!
//! [c2sp.org/signed-note]: https://c2sp.org/signed-note
//! [c2sp.org/tlog-cosignature]: https://c2sp.org/tlog-cosignature

mod error;
mod id;
mod key;
mod key_error;
mod limits;
mod name;
mod signature;
mod signed;
mod signer;

pub use error::NoteError;
pub use id::KeyId;
pub use key::{SignatureKind, VerifierKey};
pub use key_error::KeyError;
pub use limits::{KEY_NAME_BYTES_MAX, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, SIGNATURE_BYTES_MAX};
pub use name::KeyName;
pub use signature::NoteSignature;
pub use signed::{SignedNote, VerifiedSignature};
pub use signer::SignerKey;

#[cfg(test)]
mod tests;
