//! `OwnerFile`: which terms of the bucket are this directory's, in a file beside the store.
//!
//! Each try to take a term has an owner of its own, which is in the file before it is in the bucket: whatever
//! becomes of the request, it is known again. Of the tries before only the one that took a term is kept.

use super::error::{ReplicateError, of_file};
use crate::object::Owner;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, read_file, replace_file};

/// What the file is called in the directory of the store.
pub(crate) const OWNER_FILE: &str = "replica-owner.json";
const FORMAT: &str = "strandline replica owner";
const VERSION: u32 = 1;
const BYTES_MAX: u64 = 64 << 10;
/// Most tries that are remembered; older ones are forgotten, but for the one that took a term.
const TRIES_MAX: usize = 256;

/// The owners that are this directory's.
#[derive(Debug)]
pub(crate) struct OwnerFile {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// The one that took a term, if one did, then tries of which nothing is known.
    owners: Vec<Owner>,
}

#[derive(Serialize, Deserialize)]
struct Json {
    format: String,
    version: u32,
    owners: Vec<String>,
}

impl OwnerFile {
    /// Reads the file in the directory of a store; one that is not there has no owners.
    pub(crate) fn open(fs: Arc<dyn Fs>, dir: &Path) -> Result<Self, ReplicateError> {
        let path = dir.join(OWNER_FILE);
        let owners = match read_file(&*fs, &path, BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(of_file(&path)(error)),
            Ok(bytes) => {
                let damaged =
                    || io::Error::new(io::ErrorKind::InvalidData, "it is no such file, or damaged");
                parse(&bytes).ok_or_else(|| of_file(&path)(damaged()))?
            }
        };
        Ok(Self { fs, path, owners })
    }

    /// Whether a term of this owner is this directory's.
    pub(crate) fn has(&self, owner: Owner) -> bool {
        self.owners.contains(&owner)
    }

    /// Notes an owner that will try to take a term. Durable when it returns.
    pub(crate) fn trying(&mut self, owner: Owner) -> Result<(), ReplicateError> {
        if self.owners.len() >= TRIES_MAX {
            self.owners.remove(1);
        }
        self.owners.push(owner);
        self.write()
    }

    /// Notes that an owner has taken a term: none of the others will be the newest again.
    pub(crate) fn took(&mut self, owner: Owner) -> Result<(), ReplicateError> {
        self.owners = vec![owner];
        self.write()
    }

    fn write(&self) -> Result<(), ReplicateError> {
        let json = Json {
            format: FORMAT.to_owned(),
            version: VERSION,
            owners: self.owners.iter().map(ToString::to_string).collect(),
        };
        let bytes = serde_json::to_vec(&json).map_err(|error| of_file(&self.path)(error.into()))?;
        replace_file(&*self.fs, &self.path, &bytes).map_err(of_file(&self.path))
    }
}

fn parse(bytes: &[u8]) -> Option<Vec<Owner>> {
    let json: Json = serde_json::from_slice(bytes).ok()?;
    let is_one = json.format == FORMAT && json.version == VERSION;
    let owners = json.owners.iter().map(|owner| owner.parse().ok());
    owners.collect::<Option<Vec<_>>>().filter(|_| is_one)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use strandline_core::fs::MemFs;

    #[test]
    fn tries_are_known_again_until_one_took_a_term() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let open = || OwnerFile::open(fs.clone(), dir).unwrap();
        let [first, second, third] = [1, 2, 3].map(|byte| Owner([byte; 16]));
        assert!(!open().has(first));
        open().trying(first).unwrap();
        open().trying(second).unwrap();
        assert!(open().has(first) && open().has(second) && !open().has(third));
        open().took(first).unwrap();
        open().trying(third).unwrap();
        assert!(open().has(first) && !open().has(second) && open().has(third));
    }

    #[test]
    fn the_owner_of_a_term_is_not_forgotten_for_tries() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let mut file = OwnerFile::open(fs, dir).unwrap();
        file.took(Owner([7; 16])).unwrap();
        for number in 0..1000_u128 {
            file.trying(Owner(number.to_le_bytes())).unwrap();
        }
        assert!(file.has(Owner([7; 16])) && file.has(Owner(999_u128.to_le_bytes())));
        assert!(file.owners.len() <= TRIES_MAX);
    }

    #[test]
    fn a_file_that_is_damaged_is_an_error_and_no_stranger() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        replace_file(&*fs, &dir.join(OWNER_FILE), b"{}").unwrap();
        assert!(matches!(
            OwnerFile::open(fs, dir),
            Err(ReplicateError::File { .. })
        ));
    }
}
