//! `Tree`: the files and directories of a `MemFs`, by path.

use crate::fs::FileIdentity;
use parking_lot::RwLock;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) struct Tree {
    pub(super) files: BTreeMap<PathBuf, Arc<MemFile>>,
    pub(super) directories: BTreeMap<PathBuf, u64>,
    /// Files that are locked, by number.
    pub(super) locks: BTreeSet<u64>,
    /// What tells it from other file systems.
    pub(super) device: u64,
    /// How many files and directories there were.
    pub(super) numbers: u64,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            directories: BTreeMap::new(),
            locks: BTreeSet::new(),
            device: FileIdentity::new_device(),
            numbers: 0,
        }
    }
}

impl Tree {
    pub(super) fn links(&self, file: &Arc<MemFile>) -> u64 {
        let is_same = |other: &&Arc<MemFile>| Arc::ptr_eq(other, file);
        self.files.values().filter(is_same).count() as u64
    }

    pub(super) const fn new_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn new_file(&mut self, path: &Path) -> Arc<MemFile> {
        let file = Arc::new(MemFile {
            device: self.device,
            number: self.new_number(),
            bytes: RwLock::default(),
        });
        self.files.insert(path.to_path_buf(), file.clone());
        file
    }

    /// Makes the directory of a path and those that it is in, as far as they are missing.
    pub(super) fn make_directories(&mut self, path: &Path) {
        for path in path.ancestors() {
            if !self.directories.contains_key(path) {
                let number = self.new_number();
                self.directories.insert(path.to_path_buf(), number);
            }
        }
    }

    /// Whether a path is a directory, be it only that there are files in it.
    pub(super) fn has_directory(&self, path: &Path) -> bool {
        self.directories.contains_key(path) || self.has_entries(path)
    }

    pub(super) fn has_entries(&self, path: &Path) -> bool {
        let is_within = |other: &Path| other != path && other.starts_with(path);
        self.files.keys().any(|other| is_within(other))
            || self.directories.keys().any(|other| is_within(other))
    }

    pub(super) fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.has_directory(path)
    }

    /// Takes what has a path, and what is in it, out of the tree, by the rest of each path.
    pub(super) fn take(&mut self, path: &Path) -> Taken {
        let rest = |other: &Path| other.strip_prefix(path).ok().map(Path::to_path_buf);
        let mut taken = Taken::default();
        self.files.retain(|other, file| match rest(other) {
            Some(rest) => {
                taken.files.push((rest, file.clone()));
                false
            }
            None => true,
        });
        self.directories.retain(|other, number| match rest(other) {
            Some(rest) => {
                taken.directories.push((rest, *number));
                false
            }
            None => true,
        });
        taken
    }

    pub(super) fn put(&mut self, path: &Path, taken: Taken) {
        // Joined with nothing, a path would end in a separator.
        let at = |rest: PathBuf| match rest.as_os_str().is_empty() {
            true => path.to_path_buf(),
            false => path.join(rest),
        };
        let files = taken.files.into_iter();
        self.files
            .extend(files.map(|(rest, file)| (at(rest), file)));
        let directories = taken.directories.into_iter();
        self.directories
            .extend(directories.map(|(rest, number)| (at(rest), number)));
    }
}

/// What was taken out of a tree.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) files: Vec<(PathBuf, Arc<MemFile>)>,
    pub(super) directories: Vec<(PathBuf, u64)>,
}

pub(super) struct MemFile {
    pub(super) device: u64,
    pub(super) number: u64,
    pub(super) bytes: RwLock<Vec<u8>>,
}

impl MemFile {
    pub(super) const fn identity(&self) -> FileIdentity {
        FileIdentity {
            device: self.device,
            inode: self.number,
        }
    }
}
