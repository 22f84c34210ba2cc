//! `VerifierKey`: the public key of somebody who signs, and what it says of a signature.

use super::id::KeyId;
use super::key_error::KeyError;
use super::name::KeyName;
use super::signature::NoteSignature;
use crate::text;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// The text itself.
    Ed25519,
    /// That a log was seen at this head at a time, and had only grown up to it: version 1 of the
    /// cosignatures of witnesses.
    Cosignature,
}

impl SignatureKind {
    /// The byte that stands before a key of this kind.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }

    fn from_code(code: u8) -> Result<Self, KeyError> {
        match code {
            1 => Ok(Self::Ed25519),
            4 => Ok(Self::Cosignature),
            other => Err(KeyError::Kind(other)),
        }
    }
}

/// The public key of somebody who signs, as a text `name+id+key`: what those who check are given, by another
/// way than what they check.
///
/// ```
/// use strandline_proof::VerifierKey;
///
/// let text = "example.org/orders+4cbf71a9+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
/// let key: VerifierKey = text.parse()?;
/// assert_eq!(key.name().as_str(), "example.org/orders");
/// assert_eq!(key.to_string(), text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    kind: SignatureKind,
    key: VerifyingKey,
}

impl VerifierKey {
    /// A key from its 32 bytes ([RFC 8032](https://www.rfc-editor.org/rfc/rfc8032), section 5.1.5).
    ///
    /// # Errors
    ///
    /// [`KeyError::Point`] if they are no key, or one under which anything is signed.
    pub fn from_bytes(
        name: KeyName,
        kind: SignatureKind,
        bytes: &[u8; 32],
    ) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
        if key.is_weak() {
            return Err(KeyError::Point);
        }
        Ok(Self::of(name, kind, key))
    }

    /// A key that is known to be one.
    pub(super) fn of(name: KeyName, kind: SignatureKind, key: VerifyingKey) -> Self {
        let id = id_of(&name, kind, key.as_bytes());
        Self {
            name,
            id,
            kind,
            key,
        }
    }

    /// A key of other bytes with the id of this one.
    #[cfg(test)]
    pub(super) fn with_id_of_another(&self, seed: [u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        Self {
            key,
            ..self.clone()
        }
    }

    /// Name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What it signs.
    #[must_use]
    pub const fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether a signature says that it is by this key.
    pub(super) fn is_of(&self, signature: &NoteSignature) -> bool {
        self.id == signature.id() && self.name == *signature.name()
    }

    /// What a signature of `text` says, if it is right: of a witness, the time in seconds since 1970.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (time, signature) = match self.kind {
            SignatureKind::Ed25519 => (None, signature),
            SignatureKind::Cosignature => {
                let (time, signature) = signature.split_first_chunk()?;
                (Some(u64::from_be_bytes(*time)), signature)
            }
        };
        let signature = Signature::from_slice(signature).ok()?;
        let is_right = match time {
            None => self.key.verify_strict(text.as_bytes(), &signature),
            Some(time) if i64::try_from(time).is_err() => return None,
            Some(time) => {
                let message = cosigned(text, time);
                self.key.verify_strict(message.as_bytes(), &signature)
            }
        };
        is_right.ok().map(|()| time)
    }
}

/// What a witness signs of a text.
pub(super) fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = key_text(self.kind, self.as_bytes());
        write!(f, "{}+{}+{key}", self.name, self.id)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.starts_with("PRIVATE+KEY+") {
            return Err(KeyError::Secret);
        }
        // Base64 has pluses, names and ids have none.
        let (name, rest) = text.split_once('+').ok_or(KeyError::Form)?;
        let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
        let (name, got) = (
            KeyName::new(name)?,
            KeyId::parse(id).ok_or(KeyError::IdForm)?,
        );
        let (kind, bytes) = parse_key(key)?;
        let key = Self::from_bytes(name, kind, &bytes)?;
        let expected = key.id;
        match expected == got {
            true => Ok(key),
            false => Err(KeyError::Id { expected, got }),
        }
    }
}

/// SHA-256(name ‖ newline ‖ kind ‖ key), its first four bytes.
pub(super) fn id_of(name: &KeyName, kind: SignatureKind, key: &[u8; 32]) -> KeyId {
    let mut hasher = Sha256::new();
    hasher.update(name.as_str());
    hasher.update([b'\n', kind.code()]);
    hasher.update(key);
    let hash: [u8; 32] = hasher.finalize().into();
    KeyId::from_u32(hash.first_chunk().map_or(0, |id| u32::from_be_bytes(*id)))
}

/// The last part of a key's text: its kind and its bytes.
pub(super) fn key_text(kind: SignatureKind, bytes: &[u8; 32]) -> String {
    let mut both = vec![kind.code()];
    both.extend_from_slice(bytes);
    text::base64(&both)
}

/// The kind and the bytes of [`key_text`].
pub(super) fn parse_key(text: &str) -> Result<(SignatureKind, [u8; 32]), KeyError> {
    // Keys of other kinds are longer, and are to be called so.
    if text.len() > 4096 {
        return Err(KeyError::Key);
    }
    let bytes = text::from_base64(text).ok_or(KeyError::Key)?;
    let (code, key) = bytes.split_first().ok_or(KeyError::Key)?;
    let kind = SignatureKind::from_code(*code)?;
    Ok((kind, key.try_into().map_err(|_| KeyError::Key)?))
}
