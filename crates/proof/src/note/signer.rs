//! `SignerKey`: the secret key of somebody who signs.

use super::id::KeyId;
use super::key::{SignatureKind, VerifierKey, cosigned, id_of, key_text, parse_key};
use super::key_error::KeyError;
use super::name::KeyName;
use super::signature::NoteSignature;
use ed25519_dalek::{Signer as _, SigningKey};
use std::fmt;
use std::str::FromStr;

/// The secret key of somebody who signs. Its text, `PRIVATE+KEY+name+id+key`, is that of Go's tools for
/// notes; whoever has it signs in this name. Cleared from memory once dropped; the texts that it was read
/// from or written to are not.
///
/// ```
/// use strandline_proof::SignerKey;
///
/// // 32 bytes that nobody can guess.
/// let seed = [7; 32];
/// let key = SignerKey::from_seed("example.org/orders".parse()?, seed);
/// let again: SignerKey = key.secret_text().parse()?;
/// assert_eq!(again.verifier(), key.verifier());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SignerKey {
    name: KeyName,
    kind: SignatureKind,
    key: SigningKey,
}

impl SignerKey {
    /// The key of one who makes texts, from 32 bytes that nobody else knows.
    #[must_use]
    pub fn from_seed(name: KeyName, seed: [u8; 32]) -> Self {
        Self {
            name,
            kind: SignatureKind::Ed25519,
            key: SigningKey::from_bytes(&seed),
        }
    }

    /// The key of a witness, from 32 bytes that nobody else knows, and that are no other key's: what a
    /// witness signs does not have its name.
    #[must_use]
    pub fn witness_from_seed(name: KeyName, seed: [u8; 32]) -> Self {
        Self {
            kind: SignatureKind::Cosignature,
            ..Self::from_seed(name, seed)
        }
    }

    /// Name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub const fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// The public key.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey::of(self.name.clone(), self.kind, self.key.verifying_key())
    }

    /// The text of the key. A secret.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let id = self.verifier().id();
        let key = key_text(self.kind, self.key.as_bytes());
        format!("PRIVATE+KEY+{}+{id}+{key}", self.name)
    }

    /// The signature over `text`; of a witness, with the time in seconds since 1970, of which others use none.
    pub(super) fn sign(&self, text: &str, time: u64) -> NoteSignature {
        let id = id_of(&self.name, self.kind, self.key.verifying_key().as_bytes());
        let bytes = match self.kind {
            SignatureKind::Ed25519 => self.key.sign(text.as_bytes()).to_bytes().to_vec(),
            SignatureKind::Cosignature => {
                let signature = self.key.sign(cosigned(text, time).as_bytes());
                let mut bytes = time.to_be_bytes().to_vec();
                bytes.extend_from_slice(&signature.to_bytes());
                bytes
            }
        };
        NoteSignature::new(self.name.clone(), id, bytes)
    }
}

impl fmt::Debug for SignerKey {
    /// Writes the name, and nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.name)
    }
}

impl FromStr for SignerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let rest = text.strip_prefix("PRIVATE+KEY+").ok_or(KeyError::Form)?;
        let (name, rest) = rest.split_once('+').ok_or(KeyError::Form)?;
        let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
        let (name, got) = (
            KeyName::new(name)?,
            KeyId::parse(id).ok_or(KeyError::IdForm)?,
        );
        let (kind, seed) = parse_key(key)?;
        let key = Self {
            kind,
            ..Self::from_seed(name, seed)
        };
        let expected = key.verifier().id();
        match expected == got {
            true => Ok(key),
            false => Err(KeyError::Id { expected, got }),
        }
    }
}
