//! `Mark`: what tells which file of keys it is, and which state of it; and what bytes are no file of keys for.

use strandline::DecodeError;
use strandline_core::codec::Reader;

pub(super) const MAGIC: &[u8; 8] = b"STRNDKEY";
/// The version of the format that is written.
pub(super) const VERSION: u32 = 2;
/// The version that ends where its records do: read, and replaced by the first change.
pub(super) const WITHOUT_TAIL: u32 = 1;
/// Longest file of keys, in bytes: some two million keys.
pub(super) const BYTES_MAX: u64 = 256 << 20;
/// Length of what tells whether the file is another one than was read: all up to the generation.
pub(super) const MARK_BYTES: usize = MAGIC.len() + 4 + 16 + 8;

/// Which file this is, and which state of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The version of the format that it has.
    pub(super) version: u32,
    /// Drawn when the file was made.
    pub(super) identity: [u8; 16],
    /// One more with each replacement.
    pub(super) generation: u64,
}

/// What bytes are not a file of keys for.
#[derive(Debug)]
pub(super) enum NoKeyFile {
    /// They begin otherwise.
    Other,
    /// A later version wrote them.
    Version(u32),
    /// They are damaged.
    Damaged(DecodeError),
}

impl From<DecodeError> for NoKeyFile {
    fn from(error: DecodeError) -> Self {
        Self::Damaged(error)
    }
}

impl Mark {
    /// The mark at the beginning of a file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NoKeyFile> {
        Self::take(&mut Reader::new(bytes))
    }

    pub(super) fn take(reader: &mut Reader<'_>) -> Result<Self, NoKeyFile> {
        if reader
            .bytes("magic", MAGIC.len())
            .map_err(|_| NoKeyFile::Other)?
            != MAGIC
        {
            return Err(NoKeyFile::Other);
        }
        let version = match reader.u32("format version")? {
            version @ (WITHOUT_TAIL | VERSION) => version,
            other => return Err(NoKeyFile::Version(other)),
        };
        Ok(Self {
            version,
            identity: reader.array("identity")?,
            generation: reader.u64("generation")?,
        })
    }

    /// What the check is bound to.
    pub(super) fn bound(&self) -> Vec<u8> {
        let mut bytes = b"strandline/keys/1".to_vec();
        bytes.extend_from_slice(&self.identity);
        bytes
    }

    /// Whether records may follow those that it was replaced by.
    pub(super) const fn has_tail(&self) -> bool {
        self.version != WITHOUT_TAIL
    }
}
