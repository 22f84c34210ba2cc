//! `ProofFile`: a proof, as it is given to somebody.

use super::error::ProofFileError;
use super::limits::{EXTRA_BYTES_MAX, PROOF_FILE_BYTES_MAX};
use crate::checkpoint::{LogPolicy, SignedCheckpoint, VerifiedCheckpoint};
#[cfg(feature = "event")]
use crate::event::Disclosure;
use crate::text;
use crate::tree::{Hash, INCLUSION_HASHES_MAX, InclusionProof};
use std::fmt;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A proof, as it is given to somebody: number of the event in its log, hashes, the checkpoint against which
/// they prove it, and whatever stands beside it, by custom the event. Read, and not checked. By custom the name of
/// such a file ends in `.tlog-proof`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    extra: Option<Vec<u8>>,
    index: u64,
    proof: InclusionProof,
    checkpoint: SignedCheckpoint,
}

impl ProofFile {
    /// The proof that event number `index`, from 0, is in the log of a checkpoint.
    #[must_use]
    pub const fn new(index: u64, proof: InclusionProof, checkpoint: SignedCheckpoint) -> Self {
        Self {
            extra: None,
            index,
            proof,
            checkpoint,
        }
    }

    /// With something beside it. The proof does not cover it.
    ///
    /// # Errors
    ///
    /// [`ProofFileError::ExtraTooLong`].
    pub fn with_extra(mut self, extra: Vec<u8>) -> Result<Self, ProofFileError> {
        let bytes = extra.len();
        if bytes > EXTRA_BYTES_MAX {
            return Err(ProofFileError::ExtraTooLong { bytes });
        }
        self.extra = Some(extra);
        Ok(self)
    }

    /// With the event, or its digest, beside it.
    ///
    /// # Errors
    ///
    /// As [`with_extra`](Self::with_extra), of an event that is longer than any of a log.
    #[cfg(feature = "event")]
    pub fn with_disclosure(self, disclosure: &Disclosure) -> Result<Self, ProofFileError> {
        self.with_extra(disclosure.to_json().into_bytes())
    }

    /// Reads a proof.
    ///
    /// # Errors
    ///
    /// [`ProofFileError`], which says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        if bytes.len() > PROOF_FILE_BYTES_MAX {
            let bytes = bytes.len();
            return Err(ProofFileError::TooLong { bytes });
        }
        let mut lines = Lines {
            rest: bytes,
            number: 0,
        };
        if lines.next()? != FIRST_LINE {
            return Err(lines.wrong("is not `c2sp.org/tlog-proof@v1`"));
        }
        let mut line = lines.next()?;
        let mut extra = None;
        if let Some(text) = line.strip_prefix("extra ") {
            if text.len() > EXTRA_BYTES_MAX.div_ceil(3) * 4 {
                return Err(ProofFileError::ExtraTooLong {
                    bytes: text.len() / 4 * 3,
                });
            }
            let bytes = text::from_base64(text);
            extra = Some(bytes.ok_or_else(|| lines.wrong("is not base64 after `extra `"))?);
            line = lines.next()?;
        }
        let index = line.strip_prefix("index ").and_then(text::decimal);
        let index = index.ok_or_else(|| lines.wrong("is not `index ` and a number"))?;
        let mut hashes = Vec::new();
        loop {
            let line = lines.next()?;
            if line.is_empty() {
                break;
            }
            let hash = Hash::from_base64(line);
            hashes.push(hash.ok_or_else(|| lines.wrong("is not base64 of 32 bytes"))?);
            if hashes.len() > INCLUSION_HASHES_MAX {
                return Err(lines.wrong("is one more hash than a proof can have"));
            }
        }
        Ok(Self {
            extra,
            index,
            proof: InclusionProof::new(hashes)?,
            checkpoint: SignedCheckpoint::parse(lines.rest)?,
        })
    }

    /// What stands beside the proof.
    #[must_use]
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Number of the event in its log, from 0. Not checked.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The hashes. Not checked.
    #[must_use]
    pub const fn proof(&self) -> &InclusionProof {
        &self.proof
    }

    /// The checkpoint. Not checked.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Checks that the event with `digest` is number [`index`](Self::index) of the log of `policy`, which has
    /// signed the checkpoint.
    ///
    /// # Errors
    ///
    /// [`ProofFileError::Checkpoint`] or [`ProofFileError::Proof`].
    pub fn verify(
        &self,
        digest: &[u8; 32],
        policy: &LogPolicy,
    ) -> Result<VerifiedCheckpoint<'_>, ProofFileError> {
        let checkpoint = self.checkpoint.verify(policy)?;
        self.proof.verify(digest, self.index, checkpoint.head())?;
        Ok(checkpoint)
    }

    /// The event beside the proof, or its digest. Not checked.
    ///
    /// # Errors
    ///
    /// [`ProofFileError::NothingDisclosed`] or [`ProofFileError::Disclosure`].
    #[cfg(feature = "event")]
    pub fn disclosure(&self) -> Result<Disclosure, ProofFileError> {
        let json = self.extra().ok_or(ProofFileError::NothingDisclosed)?;
        Ok(Disclosure::parse(json)?)
    }

    /// As [`verify`](Self::verify), of the event that stands beside the proof: it is in the log exactly as it
    /// is given here.
    ///
    /// # Errors
    ///
    /// As [`disclosure`](Self::disclosure) and [`verify`](Self::verify).
    #[cfg(feature = "event")]
    pub fn verify_disclosed(
        &self,
        policy: &LogPolicy,
    ) -> Result<(Disclosure, VerifiedCheckpoint<'_>), ProofFileError> {
        let disclosure = self.disclosure()?;
        let checkpoint = self.verify(disclosure.digest().as_bytes(), policy)?;
        Ok((disclosure, checkpoint))
    }
}

impl fmt::Display for ProofFile {
    /// Writes the proof as it stands in a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", text::base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in self.proof.hashes() {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// The lines of a proof, up to its checkpoint.
struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    /// The next line, without its newline.
    fn next(&mut self) -> Result<&'a str, ProofFileError> {
        self.number += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = end.and_then(|end| self.rest.split_at_checked(end));
        let Some((line, [_, rest @ ..])) = line else {
            return Err(self.wrong("is not there, or does not end"));
        };
        self.rest = rest;
        std::str::from_utf8(line).map_err(|_| self.wrong("is not UTF-8"))
    }

    const fn wrong(&self, reason: &'static str) -> ProofFileError {
        let number = self.number;
        ProofFileError::Line { number, reason }
    }
}
