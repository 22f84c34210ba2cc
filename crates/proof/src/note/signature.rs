//! `NoteSignature`: a line of a note.

use super::error::NoteError;
use super::id::KeyId;
use super::limits::SIGNATURE_BYTES_MAX;
use super::name::KeyName;
use crate::text;
use std::fmt;
use std::str::FromStr;

/// What stands before each: an em dash and a space.
const BEGIN: &str = "— ";

/// A signature of a note, of any kind, by whoever it says. Its text is the line of the note, which is also
/// what a witness answers: `— name base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

impl NoteSignature {
    pub(super) const fn new(name: KeyName, id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// Name of the key that it is said to be by.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id of that key.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The signature, as its kind has it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The signature of a line without its newline, or what is wrong with it.
    pub(super) fn parse(line: &str) -> Result<Self, &'static str> {
        let rest = line
            .strip_prefix(BEGIN)
            .ok_or("does not begin with an em dash and a space")?;
        let (name, signature) = rest
            .split_once(' ')
            .ok_or("has no space between name and signature")?;
        let name = KeyName::new(name).map_err(|_| "has a name that no key has")?;
        if signature.len() > (SIGNATURE_BYTES_MAX + 4).div_ceil(3) * 4 {
            return Err("is too long");
        }
        let bytes = text::from_base64(signature).ok_or("is not base64")?;
        match bytes.split_first_chunk() {
            Some((id, bytes @ [_, ..])) => Ok(Self {
                name,
                id: KeyId::from_u32(u32::from_be_bytes(*id)),
                bytes: bytes.to_vec(),
            }),
            _ => Err("has no bytes after the id of the key"),
        }
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.get().to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(f, "{BEGIN}{} {}", self.name, text::base64(&bytes))
    }
}

impl FromStr for NoteSignature {
    type Err = NoteError;

    fn from_str(line: &str) -> Result<Self, NoteError> {
        Self::parse(line).map_err(NoteError::Signature)
    }
}
