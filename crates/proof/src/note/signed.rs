//! `SignedNote`: a text, and signatures that say they are over it.

use super::error::NoteError;
use super::key::VerifierKey;
use super::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX};
use super::signature::NoteSignature;
use super::signer::SignerKey;
use std::fmt;

/// A text, and signatures that say they are over it. Read, and not checked: [`verify`](Self::verify) does
/// that, and until then the text is whoever's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A signature that is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedSignature<'k> {
    /// By which key.
    pub key: &'k VerifierKey,
    /// When a witness saw the log so, in seconds since 1970, by the clock of the witness.
    pub seconds: Option<u64>,
}

impl SignedNote {
    /// A text that is signed by one who makes such texts, or by a witness at `seconds` since 1970, which others
    /// do not use.
    ///
    /// # Errors
    ///
    /// [`NoteError::TextEnd`], [`NoteError::ControlCharacter`] or [`NoteError::TooLong`] if the text cannot be
    /// that of a note.
    pub fn sign(text: &str, key: &SignerKey, seconds: u64) -> Result<Self, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::TextEnd);
        }
        check_bytes(text.as_bytes())?;
        Ok(Self {
            text: text.to_owned(),
            signatures: vec![key.sign(text, seconds)],
        })
    }

    /// Reads a note.
    ///
    /// # Errors
    ///
    /// [`NoteError`], which says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let note = check_bytes(bytes)?;
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let mut signatures = Vec::new();
        for (line, number) in lines.split('\n').zip(1..) {
            if number > NOTE_SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            let signature = NoteSignature::parse(line);
            signatures
                .push(signature.map_err(|reason| NoteError::SignatureLine { number, reason })?);
        }
        Ok(Self {
            // The first of the two newlines is the text's.
            text: format!("{text}\n"),
            signatures,
        })
    }

    /// The text, which is not checked.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, which are not checked.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature over the same text: one more key's, or what a witness has answered. One that is there
    /// already is not added again.
    ///
    /// # Errors
    ///
    /// [`NoteError::TooManySignatures`] if there are [`NOTE_SIGNATURES_MAX`].
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= NOTE_SIGNATURES_MAX {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Adds the signature of one more key, as [`sign`](Self::sign) makes it.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn add_signature_of(&mut self, key: &SignerKey, seconds: u64) -> Result<(), NoteError> {
        self.add(key.sign(&self.text, seconds))
    }

    /// Checks the signatures by the keys that are known. Those by others say nothing, and are passed over;
    /// of one that is known each has to be right. Some 50 µs for each.
    ///
    /// Gives the first signature of each key, in the order of the note.
    ///
    /// # Errors
    ///
    /// [`NoteError::UnknownKeys`], [`NoteError::WrongSignature`] or [`NoteError::AmbiguousKey`].
    pub fn verify<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifierKey>,
    ) -> Result<Vec<VerifiedSignature<'k>>, NoteError> {
        let keys: Vec<_> = keys.into_iter().collect();
        let mut verified: Vec<VerifiedSignature<'_>> = Vec::new();
        for signature in &self.signatures {
            let mut own = keys.iter().filter(|key| key.is_of(signature));
            let Some(key) = own.next() else {
                continue;
            };
            let (name, id) = (key.name().clone(), key.id());
            if own.any(|other| other != key) {
                return Err(NoteError::AmbiguousKey { name, id });
            }
            let Some(seconds) = key.verify(&self.text, signature.bytes()) else {
                return Err(NoteError::WrongSignature { name, id });
            };
            if verified.iter().all(|known| known.key != *key) {
                verified.push(VerifiedSignature { key, seconds });
            }
        }
        match verified.is_empty() {
            true => Err(NoteError::UnknownKeys),
            false => Ok(verified),
        }
    }
}

impl fmt::Display for SignedNote {
    /// Writes the note as it stands in a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        let mut signatures = self.signatures.iter();
        signatures.try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// What every note has to be, its text alone too.
fn check_bytes(bytes: &[u8]) -> Result<&str, NoteError> {
    if bytes.len() > NOTE_BYTES_MAX {
        let bytes = bytes.len();
        return Err(NoteError::TooLong { bytes });
    }
    let is_control = |byte: &u8| *byte < b' ' && *byte != b'\n';
    if let Some(at) = bytes.iter().position(is_control) {
        return Err(NoteError::ControlCharacter { at });
    }
    std::str::from_utf8(bytes).map_err(|error| NoteError::NotUtf8 {
        at: error.valid_up_to(),
    })
}
