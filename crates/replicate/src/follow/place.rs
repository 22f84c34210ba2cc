//! `Place`: how far a bucket was followed into a directory, kept in a file of it. Without it a reader begins with
//! the newest state, and would not notice that a later term contradicts what it has.

use super::error::FollowError;
use crate::object::Term;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use strandline_core::fs::{Fs, read_file, replace_file};
use strandline_segment::FOLLOWED_FILE;

const FORMAT: &str = "strandline followed";
const VERSION: u32 = 1;
const BYTES_MAX: u64 = 4096;

/// How far a bucket was followed: the chunks of `term` below `next` are in the directory, durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) term: Term,
    pub(crate) next: u64,
    /// Number of the newest state of the term that was taken over.
    pub(crate) state: u64,
}

#[derive(Serialize, Deserialize)]
struct Json {
    format: String,
    version: u32,
    term: u64,
    next: u64,
    state: u64,
}

impl Place {
    /// The place that is kept in a directory. One that cannot be read is an error: what was shown from there is
    /// not to be forgotten.
    pub(crate) fn read(fs: &dyn Fs, dir: &Path) -> Result<Option<Self>, FollowError> {
        let path = dir.join(FOLLOWED_FILE);
        let damaged = || {
            let error = io::Error::new(
                io::ErrorKind::InvalidData,
                "it is damaged, or of a later version; begin in another directory",
            );
            FollowError::io("use", &path, error)
        };
        let bytes = match read_file(fs, &path, BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| FollowError::io("read", &path, error))?,
        };
        let json: Json = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let term = Term::new(json.term).ok_or_else(damaged)?;
        if json.format != FORMAT || json.version != VERSION {
            return Err(damaged());
        }
        Ok(Some(Self {
            term,
            next: json.next,
            state: json.state,
        }))
    }

    /// Forgets it, durably: the bucket is not followed into the directory any more.
    pub(crate) fn remove(fs: &dyn Fs, dir: &Path) -> Result<(), FollowError> {
        let path = dir.join(FOLLOWED_FILE);
        match fs.remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed.and_then(|()| fs.sync_dir(dir)),
        }
        .map_err(|error| FollowError::io("remove", &path, error))
    }

    /// Keeps it, durably.
    pub(crate) fn write(self, fs: &dyn Fs, dir: &Path) -> Result<(), FollowError> {
        let path = dir.join(FOLLOWED_FILE);
        let json = Json {
            format: FORMAT.to_owned(),
            version: VERSION,
            term: self.term.get(),
            next: self.next,
            state: self.state,
        };
        // Strings and numbers: there is nothing in it that JSON has not.
        let bytes = serde_json::to_vec(&json).unwrap_or_default();
        let written = replace_file(fs, &path, &bytes);
        written.map_err(|error| FollowError::io("replace", &path, error))
    }
}
