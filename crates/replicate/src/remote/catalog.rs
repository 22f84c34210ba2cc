//! `Catalog`: which files a bucket has, and where their bytes lie in its objects. Reads none of them.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::Hex;
use strandline_segment::LogIdentity;

/// Longest name of a file, in bytes: that of file systems.
const NAME_BYTES_MAX: usize = 255;

/// Bytes of a file that lie together in one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePart {
    /// Offset in the file of the first of them, in bytes.
    pub from: u64,
    /// How many they are; at least one.
    pub bytes: u64,
    /// Key of the object.
    pub key: Arc<str>,
    /// Offset in the object of the first of them, in bytes.
    pub offset: u64,
}

impl RemotePart {
    /// Offset in the file after the last of them.
    pub(super) const fn end(&self) -> u64 {
        self.from.saturating_add(self.bytes)
    }
}

/// Where the bytes of one file are. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    bytes: u64,
    parts: Arc<[RemotePart]>,
}

impl RemoteFile {
    /// A file of `bytes` bytes, all of which are in `parts`, in their order. O(parts).
    ///
    /// # Errors
    ///
    /// `InvalidData` if a byte is in no part or in two, or a part is empty or ends past what 64 bits hold.
    pub fn new(bytes: u64, parts: Vec<RemotePart>) -> io::Result<Self> {
        let mut end = 0;
        for part in &parts {
            let in_object = part.offset.checked_add(part.bytes);
            let in_file = part.from.checked_add(part.bytes);
            let (Some(_), Some(next)) = (in_object, in_file) else {
                return Err(invalid("a part of a file is longer than an object can be"));
            };
            if part.from != end || part.bytes == 0 {
                return Err(invalid(
                    "the parts of a file leave bytes out, or have them twice",
                ));
            }
            end = next;
        }
        if end != bytes {
            return Err(invalid("the parts of a file are not as long as the file"));
        }
        Ok(Self {
            bytes,
            parts: parts.into(),
        })
    }

    /// Length in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its parts, in the order of their bytes.
    #[must_use]
    pub fn parts(&self) -> &[RemotePart] {
        &self.parts
    }

    /// The parts that have bytes of a range. O(log parts).
    pub(super) fn parts_of(&self, range: &Range<u64>) -> &[RemotePart] {
        let first = self.parts.partition_point(|part| part.end() <= range.start);
        let end = self.parts.partition_point(|part| part.from < range.end);
        self.parts.get(first..end).unwrap_or_default()
    }
}

/// The files of a store that a bucket has, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    files: BTreeMap<String, RemoteFile>,
    /// Of which log, in digits; empty where nobody has said.
    pub(super) log: String,
}

impl Catalog {
    /// Adds a file, in the place of one with the same name.
    ///
    /// # Errors
    ///
    /// `InvalidData` if the name leads out of the directory, or no file system has such names.
    pub fn insert(&mut self, name: &str, file: RemoteFile) -> io::Result<()> {
        let is_plain = !name.is_empty()
            && name.len() <= NAME_BYTES_MAX
            && name != "."
            && name != ".."
            && !name.contains(['/', '\\', '\0']);
        if !is_plain {
            return Err(invalid("the name of a file leads out of its directory"));
        }
        self.files.insert(name.to_owned(), file);
        Ok(())
    }

    /// One without files, of a log.
    pub(crate) fn of_log(identity: &LogIdentity) -> Self {
        Self {
            files: BTreeMap::new(),
            log: Hex(*identity).to_string(),
        }
    }

    /// Drops the files whose names `keep` does not want.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.files.retain(|name, _| keep(name));
    }

    /// Adds all files of another one, in the place of those with the same names.
    pub(crate) fn extend(&mut self, other: &Self) {
        let files = other.files.iter();
        self.files
            .extend(files.map(|(name, file)| (name.clone(), file.clone())));
    }

    /// The file with a name. O(log files).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RemoteFile> {
        self.files.get(name)
    }

    /// All files with their names, sorted by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &RemoteFile)> {
        self.files.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// Which log it is of, as text; empty if that is not known.
    pub(super) fn log(&self) -> &str {
        &self.log
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(from: u64, bytes: u64, offset: u64) -> RemotePart {
        RemotePart {
            from,
            bytes,
            key: "k".into(),
            offset,
        }
    }

    #[test]
    fn every_byte_is_in_one_part() {
        let good = vec![part(0, 5, 9), part(5, 1, 0)];
        assert_eq!(RemoteFile::new(6, good.clone()).unwrap().parts(), good);
        assert!(RemoteFile::new(0, Vec::new()).is_ok());
        for (bytes, parts) in [
            (7, good),
            (6, vec![part(0, 5, 0)]),
            (6, vec![part(1, 5, 0)]),
            (6, vec![part(0, 5, 0), part(4, 2, 0)]),
            (6, vec![part(0, 6, 0), part(6, 0, 0)]),
            (6, vec![part(0, 6, u64::MAX)]),
            (u64::MAX, vec![part(0, 6, 0), part(6, u64::MAX, 0)]),
        ] {
            assert!(RemoteFile::new(bytes, parts).is_err());
        }
    }

    #[test]
    fn a_name_stays_in_the_directory() {
        let file = RemoteFile::new(0, Vec::new()).unwrap();
        let mut catalog = Catalog::default();
        for name in ["", ".", "..", "a/b", "/a", "../a", "a\0", &"a".repeat(256)] {
            assert!(catalog.insert(name, file.clone()).is_err(), "{name}");
        }
        catalog.insert("segment-1", file.clone()).unwrap();
        assert_eq!(catalog.get("segment-1"), Some(&file));
        assert_eq!(catalog.len(), 1);
    }
}
