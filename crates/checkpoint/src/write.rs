//! `CheckpointWriter`: puts sections together and publishes them.
//!
//! Says nothing of what is in a section. Knows `directory`, by whose names it publishes, and what is below.

use crate::format::check_name;
use crate::{CheckpointError, codec, file_name, format};
use serde::Serialize;
use std::path::{Path, PathBuf};
use strandline_core::fs::{Fs, replace_file};

/// A checkpoint that is being put together in memory.
#[derive(Debug, Default)]
#[must_use]
pub struct CheckpointWriter {
    sections: Vec<(String, Vec<u8>)>,
}

impl CheckpointWriter {
    /// A checkpoint without sections.
    pub const fn new() -> Self {
        Self {
            sections: Vec::new(),
        }
    }

    /// Adds a section of bytes.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Name`] unless the name is new and has 1 to 64 visible ASCII characters.
    pub fn section(mut self, name: &str, bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        let taken = self.sections.iter().any(|(other, _)| other == name);
        let checked = if taken {
            Err("the name is taken")
        } else {
            check_name(name)
        };
        checked.map_err(|reason| CheckpointError::Name {
            name: name.to_owned(),
            reason,
        })?;
        self.sections.push((name.to_owned(), bytes));
        Ok(self)
    }

    /// Adds a section of metadata.
    ///
    /// # Errors
    ///
    /// As [`section`](Self::section), or [`CheckpointError::Encode`].
    pub fn metadata<T: Serialize + ?Sized>(
        self,
        name: &str,
        value: &T,
    ) -> Result<Self, CheckpointError> {
        let bytes = codec::encode(name, value)?;
        self.section(name, bytes)
    }

    /// The bytes of the checkpoint as a file has them, which [`Checkpoint::decode`](crate::Checkpoint::decode) reads:
    /// for who keeps it elsewhere, or need not have it durable.
    ///
    /// ```
    /// use strandline_checkpoint::{Checkpoint, CheckpointWriter};
    ///
    /// let bytes = CheckpointWriter::new().section("rows", vec![1, 2, 3])?.encode(7);
    /// let read = Checkpoint::decode(bytes)?;
    /// assert_eq!((read.number(), read.section("rows")), (7, Some([1, 2, 3].as_slice())));
    /// # Ok::<(), strandline_checkpoint::CheckpointError>(())
    /// ```
    #[must_use]
    pub fn encode(&self, number: u64) -> Vec<u8> {
        format::encode(number, &self.sections)
    }

    /// Writes the checkpoint into `dir`, which must be there, durably, and gives its path. A checkpoint with the same
    /// number is replaced; whoever looks meanwhile finds the old one or the new one, whole.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Io`]; older checkpoints are untouched.
    pub fn publish(self, fs: &dyn Fs, dir: &Path, number: u64) -> Result<PathBuf, CheckpointError> {
        let path = dir.join(file_name(number));
        replace_file(fs, &path, &self.encode(number))
            .map_err(|error| CheckpointError::io("write", &path, error))?;
        Ok(path)
    }
}
