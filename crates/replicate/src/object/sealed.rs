//! What chunks and states have in common: magic and version before, the BLAKE3 hash of all of it behind.

use super::error::ObjectError;
use strandline_core::codec::{DecodeError, Reader};

/// Length of the hash at the end.
pub(super) const HASH_BYTES: usize = blake3::OUT_LEN;

/// Which kind of object the bytes are to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) what: &'static str,
    pub(super) magic: &'static [u8; 8],
    pub(super) version: u32,
}

impl Format {
    /// Appends magic and version.
    pub(super) fn begin(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.magic);
        out.extend_from_slice(&self.version.to_le_bytes());
    }

    /// Appends the hash of all that is there.
    pub(super) fn seal(out: &mut Vec<u8>) {
        let hash = blake3::hash(out);
        out.extend_from_slice(hash.as_bytes());
    }

    /// What is between version and hash, once all of it is checked against that. Linear in the length.
    pub(super) fn open(self, bytes: &[u8]) -> Result<Reader<'_>, ObjectError> {
        let what = self.what;
        let mut reader = Reader::new(bytes);
        let magic = reader.array::<8>("magic").ok();
        if magic.as_ref() != Some(self.magic) {
            return Err(ObjectError::NotOne { what });
        }
        let found = reader.u32("version").map_err(self.value())?;
        if found > self.version {
            return Err(ObjectError::VersionUnsupported {
                what,
                found,
                supported: self.version,
            });
        }
        let Some((covered, hash)) = bytes.split_last_chunk::<HASH_BYTES>() else {
            return Err(self.damaged("it is cut short"));
        };
        if found == 0 || blake3::hash(covered) != blake3::Hash::from_bytes(*hash) {
            return Err(self.damaged("its hash is wrong"));
        }
        let inner = reader.left().saturating_sub(HASH_BYTES);
        let inner = reader.bytes("content", inner).map_err(self.value())?;
        Ok(Reader::new(inner))
    }

    /// Makes an error of one about a value.
    pub(super) fn value(self) -> impl Fn(DecodeError) -> ObjectError + Copy {
        move |source| ObjectError::Value {
            what: self.what,
            source,
        }
    }

    pub(super) const fn damaged(self, reason: &'static str) -> ObjectError {
        ObjectError::Damaged {
            what: self.what,
            reason,
        }
    }

    pub(super) const fn contradicts(self, reason: &'static str) -> ObjectError {
        ObjectError::Contradicts {
            what: self.what,
            reason,
        }
    }
}
