//! `Checkpoint`: a checkpoint that was read and checked.
//!
//! Looks for none, and takes sections as they are. Knows `codec`, `format` and `error`.

use crate::format::Section;
use crate::{CheckpointError, codec, format};
use serde::de::DeserializeOwned;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, read_file};

/// Most bytes that a checkpoint is read with: 64 GiB.
const BYTES_MAX: u64 = 64 << 30;

/// A checkpoint all of whose bytes were checked. Held in memory as it is in the file.
#[derive(Debug)]
pub struct Checkpoint {
    bytes: Vec<u8>,
    number: u64,
    sections: Vec<Section>,
}

impl Checkpoint {
    /// Reads a file. Linear in its length.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] if it cannot be read, is damaged, or has a later format.
    pub fn open(fs: &dyn Fs, path: &Path) -> Result<Self, CheckpointError> {
        let bytes = read_file(fs, path, BYTES_MAX)
            .map_err(|error| CheckpointError::io("read", path, error))?;
        Self::decode(bytes)
    }

    /// Checks the bytes of a file.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn decode(bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        let (number, sections) = format::decode(&bytes)?;
        Ok(Self {
            bytes,
            number,
            sections,
        })
    }

    /// The number it was published with.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Length of its file, in bytes.
    #[must_use]
    pub const fn file_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The names of its sections, in the order of writing.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// The bytes of a section, if there is one of that name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        let section = self.sections.iter().find(|section| section.name == name)?;
        self.bytes.get(section.start..section.end)
    }

    /// The bytes of a section that keep the checkpoint, if there is one of that name.
    #[must_use]
    pub fn shared_section(self: &Arc<Self>, name: &str) -> Option<SharedSection> {
        let section = self.sections.iter().find(|section| section.name == name)?;
        Some(SharedSection {
            checkpoint: self.clone(),
            range: section.start..section.end,
        })
    }

    /// The metadata of a section.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Missing`], or [`CheckpointError::Decode`] and
    /// [`CheckpointError::LeftOver`] if it is not a `T`.
    pub fn metadata<T: DeserializeOwned>(&self, name: &str) -> Result<T, CheckpointError> {
        let bytes = self.section(name).ok_or_else(|| CheckpointError::Missing {
            name: name.to_owned(),
        })?;
        codec::decode(name, bytes)
    }
}

/// The bytes of one section, found once; they keep the whole checkpoint in memory.
#[derive(Debug, Clone)]
pub struct SharedSection {
    checkpoint: Arc<Checkpoint>,
    range: Range<usize>,
}

impl AsRef<[u8]> for SharedSection {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        let bytes = self.checkpoint.bytes.get(self.range.clone());
        bytes.unwrap_or_default()
    }
}
