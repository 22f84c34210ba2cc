//! `Quarantine`: the files that openings set aside, searched for what is to be gone. Knows no events.

use crate::{Error, ErrorKind, EventId};
use memchr::memmem;
use std::io;
use std::path::{Path, PathBuf};
use strandline_core::fs::{EntryKind, Fs, read_file};
use strandline_segment::QUARANTINE_DIR;

/// Most bytes that are searched.
const BYTES_MAX: u64 = 256 << 20;
/// Shorter bytes are found everywhere.
const NEEDLE_BYTES_LEAST: usize = 16;

/// The files in the quarantine of a store.
pub(super) struct Quarantine<'a> {
    fs: &'a dyn Fs,
    dir: PathBuf,
    files: Vec<SetAside>,
}

struct SetAside {
    name: String,
    bytes: Vec<u8>,
    /// Whether something that was searched for is in it.
    found: bool,
}

impl<'a> Quarantine<'a> {
    /// Reads all of it; none is no error.
    pub(super) fn read(fs: &'a dyn Fs, store: &Path) -> Result<Self, Error> {
        let dir = store.join(QUARANTINE_DIR);
        let entries = match fs.list(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(|error| Error::io("list", &dir, error))?,
        };
        let files = entries
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File);
        let mut left = BYTES_MAX;
        let mut read = Vec::new();
        for entry in files {
            left = left
                .checked_sub(entry.bytes)
                .ok_or_else(|| too_large(&dir))?;
            let path = dir.join(&entry.name);
            let bytes = read_file(fs, &path, entry.bytes)
                .map_err(|error| Error::io("read", &path, error))?;
            read.push(SetAside {
                name: entry.name,
                bytes,
                found: false,
            });
        }
        Ok(Self {
            fs,
            dir,
            files: read,
        })
    }

    /// Notes the files that hold these bytes, if they are long enough to mean something.
    pub(super) fn search(&mut self, bytes: &[u8]) {
        if bytes.len() < NEEDLE_BYTES_LEAST || self.files.is_empty() {
            return;
        }
        let finder = memmem::Finder::new(bytes);
        for file in self.files.iter_mut().filter(|file| !file.found) {
            file.found = finder.find(&file.bytes).is_some();
        }
    }

    /// Notes the files that hold the id of an event.
    pub(super) fn search_id(&mut self, id: EventId) {
        self.search(&id.as_u128().to_le_bytes());
    }

    /// Removes the files in which something was found, durably.
    pub(super) fn remove_found(&self) -> Result<(), Error> {
        let mut any = false;
        for file in self.files.iter().filter(|file| file.found) {
            let path = self.dir.join(&file.name);
            self.fs
                .remove_file(&path)
                .map_err(|error| Error::io("remove", &path, error))?;
            any = true;
        }
        if any {
            self.fs
                .sync_dir(&self.dir)
                .map_err(|error| Error::io("sync", &self.dir, error))?;
        }
        Ok(())
    }

    /// The names of the files in which something was found, and of the others.
    pub(super) fn names(&self) -> (Vec<String>, Vec<String>) {
        let (removed, kept): (Vec<_>, Vec<_>) = self.files.iter().partition(|file| file.found);
        let name = |file: &SetAside| format!("{QUARANTINE_DIR}/{}", file.name);
        (
            removed.into_iter().map(name).collect(),
            kept.into_iter().map(name).collect(),
        )
    }
}

fn too_large(dir: &Path) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!(
            "{} holds more than the {} MiB that are searched for what is to be redacted; look \
             through it, remove what is not needed any more, and call again",
            dir.display(),
            BYTES_MAX >> 20
        ),
    )
}
