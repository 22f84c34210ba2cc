//! `FileParts`: a file of a store, and where in the bucket its bytes lie.

use super::key::Key;
use super::name::FileName;

/// A range of a file's bytes, and where they lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where in the file it begins, in bytes.
    pub from: u64,
    /// How many bytes, at least 1.
    pub length: u64,
    /// The object that has them.
    pub key: Key,
    /// Where in the object they begin, in bytes.
    pub offset: u64,
}

/// A file, and the parts that it is put together of: they follow each other from its first byte to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileParts {
    /// Its name in the directory of the store.
    pub name: FileName,
    /// Its length, in bytes.
    pub length: u64,
    /// What it is made of, in order.
    pub parts: Vec<Part>,
}

impl FileParts {
    /// A file that is one object.
    #[must_use]
    pub fn whole(name: FileName, length: u64, key: Key) -> Self {
        let part = Part {
            from: 0,
            length,
            key,
            offset: 0,
        };
        Self {
            name,
            length,
            parts: vec![part],
        }
    }

    /// Whether it was put as it is, in one object of its own.
    #[must_use]
    pub fn is_one_object(&self) -> bool {
        let [part] = &self.parts[..] else {
            return false;
        };
        let is_own = matches!(&part.key, Key::Data { name, .. } if *name == self.name);
        is_own && part.offset == 0 && part.length == self.length
    }

    /// Whether the parts follow each other and make up the length. Linear in their number.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut end = 0_u64;
        for part in &self.parts {
            let is_range = part.length > 0 && part.offset.checked_add(part.length).is_some();
            if part.from != end || !is_range {
                return false;
            }
            let Some(next) = end.checked_add(part.length) else {
                return false;
            };
            end = next;
        }
        end == self.length
    }
}
