//! Signed notes ([c2sp.org/signed-note]): a text, and lines of signatures over it. Keys as texts, and the two
//! kinds of signatures by Ed25519 that notes have: that of the one who made the text, and that of a witness
//! ([c2sp.org/tlog-cosignature]). Knows nothing of what a text says.
//!
//! [c2sp.org/signed-note]: https://c2sp.org/signed-note
//! [c2sp.org/tlog-cosignature]: https://c2sp.org/tlog-cosignature

mod error;
mod key;
mod name;
mod signature;
mod signed;
mod signer;

pub use error::{KeyError, NoteError};
pub use key::{KeyId, SignatureKind, VerifierKey};
pub use name::{KEY_NAME_BYTES_MAX, KeyName};
pub use signature::{NoteSignature, SIGNATURE_BYTES_MAX};
pub use signed::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, SignedNote, VerifiedSignature};
pub use signer::SignerKey;

#[cfg(test)]
mod tests;
