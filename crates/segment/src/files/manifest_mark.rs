//! `ManifestMark`: what tells one manifest from all others without reading it, as its length grows with the
//! number of segments.

use std::io;
use std::path::Path;
use strandline_core::Hash;
use strandline_core::fs::{Fs, OpenMode};

/// How much is read of either end: a manifest begins with its number and ends with its checksum.
const END_BYTES: u64 = 1 << 10;

/// What tells a manifest from those that were there before and come after it: its length and both ends,
/// in which are its number and its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestMark(Hash);

impl ManifestMark {
    /// The mark of the manifest at `path`, which is not checked. Three small reads, however long it is.
    ///
    /// # Errors
    ///
    /// What the file system says; `NotFound` if there is none.
    pub fn read(fs: &dyn Fs, path: &Path) -> io::Result<Self> {
        let file = fs.open(path, OpenMode::Read)?;
        let length = file.len()?;
        let mut told = length.to_le_bytes().to_vec();
        for offset in [0, length.saturating_sub(END_BYTES)] {
            let mut bytes = vec![0; usize::try_from(length.min(END_BYTES)).unwrap_or(0)];
            let read = file.read_up_to(&mut bytes, offset)?;
            told.extend_from_slice(bytes.get(..read).unwrap_or_default());
        }
        Ok(Self(Hash::of(&told)))
    }
}
