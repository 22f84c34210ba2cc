//! Files of a bucket in a directory that are no objects: what a writer was putting when it was killed.

use super::{Bucket, BucketError, BucketErrorKind};
use crate::object::{Key, Term};
use std::io;
use std::path::Path;
use strandline_core::fs::{EntryKind, Fs, OsFs};

/// Most that are told.
const TOLD_MAX: usize = 1000;

impl Bucket {
    /// The files below a bucket's directory that a put has left which did not end, or has not ended yet: the first
    /// thousand. None where the bucket is no directory. They have parts of objects, and no request gives them.
    ///
    /// Lists every directory of the bucket once.
    pub(crate) fn unfinished(&self) -> Result<Vec<String>, BucketError> {
        let mut found = Vec::new();
        if let Some(root) = self.root() {
            let listed = walk(root, "", &mut found);
            listed.map_err(|error| self.of_io("list the directory", error))?;
        }
        found.sort();
        Ok(found)
    }

    /// Removes those of them that are of terms before `begun`, a term that has begun, and says which these were. What a
    /// writer of an earlier term still has under way counts for nobody: its object would be swept. Those of the term
    /// itself, and of later ones, may be renamed yet by a writer that lives, and those with other names are of somebody
    /// else.
    ///
    /// Lists every directory of the bucket once.
    pub(crate) fn remove_unfinished(&self, begun: Term) -> Result<Vec<String>, BucketError> {
        let mut removed = Vec::new();
        let Some(root) = self.root() else {
            return Ok(removed);
        };
        for name in self.unfinished()? {
            if !is_before(&name, begun) {
                continue;
            }
            match OsFs.remove_file(&root.join(&name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => {
                    done.map_err(|error| self.of_io("remove what was left unfinished", error))?;
                    removed.push(name);
                }
            }
        }
        Ok(removed)
    }

    fn of_io(&self, request: &str, error: io::Error) -> BucketError {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => BucketErrorKind::Denied,
            _ => BucketErrorKind::Unreachable,
        };
        BucketError::with(kind, self.name_shared(), request, error)
    }
}

/// Whether the object that a file was to be is one of a term before this.
fn is_before(name: &str, term: Term) -> bool {
    let key = name.rsplit_once('#').map(|(key, _)| key.parse::<Key>());
    key.is_some_and(|key| key.is_ok_and(|key| key.term() < term))
}

fn walk(dir: &Path, below: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in OsFs.list(dir)? {
        let name = format!("{below}{}", entry.name);
        match entry.kind {
            EntryKind::Directory => {
                match walk(&dir.join(&entry.name), &format!("{name}/"), found) {
                    // It was deleted since it was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    walked => walked?,
                }
            }
            _ if is_unfinished(&entry.name) && found.len() < TOLD_MAX => found.push(name),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a name is one under which `object_store` writes what it renames once it is whole.
fn is_unfinished(name: &str) -> bool {
    let number = name.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::BucketOptions;

    #[test]
    fn what_a_killed_writer_was_putting_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("file://{}", dir.path().join("bucket").display());
        let bucket = Bucket::open(&url, BucketOptions::new()).unwrap();
        let _ = bucket.put_new("data/1/tail-1", b"x".to_vec().into());
        assert_eq!(bucket.unfinished().unwrap(), [""; 0]);
        let data = dir.path().join("bucket/data/1");
        for name in ["tail-2#1", "tail-2#", "tail#x"] {
            OsFs.open(&data.join(name), strandline_core::fs::OpenMode::Create)
                .unwrap();
        }
        assert_eq!(bucket.unfinished().unwrap(), ["data/1/tail-2#1"]);
        // What has no key of a log is somebody else's.
        let begun = Term::new(3).unwrap();
        assert_eq!(bucket.remove_unfinished(begun).unwrap(), [""; 0]);
        let tail = |term: u64| format!("data/{term:020}/tail-1-{:016x}#2", 7);
        for term in [2, 3, 4] {
            let path = dir.path().join("bucket").join(tail(term));
            OsFs.create_dir_all(path.parent().unwrap()).unwrap();
            OsFs.open(&path, strandline_core::fs::OpenMode::Create)
                .unwrap();
        }
        assert_eq!(bucket.remove_unfinished(begun).unwrap(), [tail(2)]);
        let left = bucket.unfinished().unwrap();
        assert_eq!(left, [tail(3), tail(4), "data/1/tail-2#1".to_owned()]);
        let memory = Bucket::open("memory:", BucketOptions::new()).unwrap();
        assert_eq!(memory.unfinished().unwrap(), [""; 0]);
    }
}
