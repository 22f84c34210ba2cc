//! `SignedCheckpoint`: a checkpoint with its signatures. `VerifiedCheckpoint`: one whose signatures are right.

use super::body::Checkpoint;
use super::error::CheckpointError;
use super::policy::LogPolicy;
use crate::note::{
    KeyId, KeyName, NoteError, NoteSignature, SignatureKind, SignedNote, SignerKey, VerifierKey,
};
use crate::tree::TreeHead;
use std::fmt;

/// A checkpoint with its signatures: read, and not checked. Its text is that of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: SignedNote,
    checkpoint: Checkpoint,
}

/// A checkpoint that its log has signed, and as many witnesses as were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint<'c> {
    checkpoint: &'c Checkpoint,
    log_keys: Vec<(KeyName, KeyId)>,
    witnesses: Vec<Witnessed>,
}

/// That a witness saw a log at a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Name of the witness.
    pub name: KeyName,
    /// When, in seconds since 1970, by its clock; `None` of one whose key signs without a time.
    pub seconds: Option<u64>,
}

impl SignedCheckpoint {
    /// Signs a checkpoint. A log signs only what it will never take back: a head over events that a power cut
    /// can undo is no such thing.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Note`] if the text is too long for a note.
    pub fn sign(checkpoint: Checkpoint, key: &SignerKey) -> Result<Self, CheckpointError> {
        let note = SignedNote::sign(&checkpoint.to_string(), key, 0)?;
        Ok(Self { note, checkpoint })
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], which says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = SignedNote::parse(bytes)?;
        let checkpoint = note.text().parse()?;
        Ok(Self { note, checkpoint })
    }

    /// What it says, which is not checked.
    #[must_use]
    pub const fn unverified(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note, with all signatures.
    #[must_use]
    pub const fn note(&self) -> &SignedNote {
        &self.note
    }

    /// Adds a signature: one of a witness, as it has answered, or of one more key.
    ///
    /// # Errors
    ///
    /// [`NoteError::TooManySignatures`].
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        self.note.add(signature)
    }

    /// Adds the signature of a witness who saw this head at `seconds` since 1970, or of one more key of the
    /// log, which says no time.
    ///
    /// # Errors
    ///
    /// [`NoteError::TooManySignatures`].
    pub fn add_signature_of(&mut self, key: &SignerKey, seconds: u64) -> Result<(), NoteError> {
        self.note.add_signature_of(key, seconds)
    }

    /// Checks that it is of the log of `policy`, and signed as that asks. Some 50 µs for each known
    /// signature.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`]. A wrong signature by any key of `policy` is one, also if there are others.
    pub fn verify(&self, policy: &LogPolicy) -> Result<VerifiedCheckpoint<'_>, CheckpointError> {
        let (expected, got) = (policy.of(), self.checkpoint.origin());
        if expected != got {
            return Err(CheckpointError::WrongOrigin {
                expected: expected.to_owned(),
                got: got.to_owned(),
            });
        }
        let known = policy.log_keys().iter().chain(policy.witnesses());
        let signatures = self.note.verify(known)?;
        // What a key of a witness signs is no statement of the log, whoever has the key.
        let by_log = signatures.iter().filter(|signature| {
            let is_of_log = policy.log_keys().contains(signature.key);
            is_of_log && signature.key.kind() == SignatureKind::Ed25519
        });
        let log_keys: Vec<_> = by_log
            .map(|signature| (signature.key.name().clone(), signature.key.id()))
            .collect();
        if log_keys.is_empty() {
            let name = policy.log_keys().first().map(|key| key.name().clone());
            return Err(name.map_or(NoteError::UnknownKeys.into(), CheckpointError::NotByLog));
        }
        let mut witnesses = Vec::new();
        // A key of the log is no witness of it, and one who is known under two names is one.
        let mut counted: Vec<_> = policy
            .log_keys()
            .iter()
            .map(VerifierKey::as_bytes)
            .collect();
        for signature in &signatures {
            let bytes = signature.key.as_bytes();
            if policy.witnesses().contains(signature.key) && !counted.contains(&bytes) {
                counted.push(bytes);
                witnesses.push(Witnessed {
                    name: signature.key.name().clone(),
                    seconds: signature.seconds,
                });
            }
        }
        let (required, got) = (policy.required(), witnesses.len());
        if got < required {
            return Err(CheckpointError::TooFewWitnesses { required, got });
        }
        let checkpoint = &self.checkpoint;
        Ok(VerifiedCheckpoint {
            checkpoint,
            log_keys,
            witnesses,
        })
    }
}

impl fmt::Display for SignedCheckpoint {
    /// Writes the checkpoint as it stands in a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

impl<'c> VerifiedCheckpoint<'c> {
    /// What the log has signed.
    #[must_use]
    pub const fn checkpoint(&self) -> &'c Checkpoint {
        self.checkpoint
    }

    /// How many events the log has, and the root over them.
    #[must_use]
    pub const fn head(&self) -> &'c TreeHead {
        self.checkpoint.head()
    }

    /// By which keys of the log it is signed: at least one, in the order of the lines.
    #[must_use]
    pub fn log_keys(&self) -> &[(KeyName, KeyId)] {
        &self.log_keys
    }

    /// Which known witnesses have signed it too, in the order of the lines.
    #[must_use]
    pub fn witnesses(&self) -> &[Witnessed] {
        &self.witnesses
    }
}
