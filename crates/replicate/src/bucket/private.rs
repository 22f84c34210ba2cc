//! Files of a bucket in a directory, which only their owner may read, as those of a store.

use super::attempt::Work;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use strandline_core::fs::{Fs, OsFs};

/// Permissions of an object's file: those that a store gives its own.
const FILE_MODE: u32 = 0o600;

impl Work {
    /// Makes the directories in which the file of an object will be, closed to all but their owner: it is written with what
    /// the process gives new files. Those that are there stay as they are.
    pub(super) fn close_around(&self, key: &str) {
        let parent = self
            .root
            .as_ref()
            .and_then(|root| Some(root.join(key).parent()?.to_owned()));
        // If the bucket itself is gone it is not made anew, and whatever else is in the way the request says.
        if let Some(parent) = parent
            && self.check_bucket().is_ok()
        {
            drop(OsFs.create_dir_all(&parent));
        }
    }

    /// Has only its owner read the file of an object that was put.
    pub(super) fn close(&self, key: &str) {
        let Some(root) = &self.root else {
            return;
        };
        match std::fs::set_permissions(root.join(key), Permissions::from_mode(FILE_MODE)) {
            // It was deleted, or is the file of another, as on a disk that is shared.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::debug!(%error, key, "the file of an object is as readable as any new one");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bucket::{Bucket, BucketOptions, PutAnswer};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_their_owner_reads_the_files_of_a_bucket() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("bucket");
        let options = BucketOptions::new().part_bytes(1);
        let bucket = Bucket::open(&format!("file://{}", root.display()), options).unwrap();
        let put = bucket.put_new("log/1/1", b"one".to_vec().into());
        assert!(matches!(put, PutAnswer::Created));
        for (key, bytes) in [("data/1/small", 3), ("data/1/large", 11 << 20)] {
            let content = vec![7; bytes];
            bucket
                .put_large(key, bytes as u64, &mut &content[..])
                .unwrap();
        }
        let mode = |name: &str| {
            let of = std::fs::metadata(root.join(name)).unwrap();
            of.permissions().mode() & 0o777
        };
        for file in ["log/1/1", "data/1/small", "data/1/large"] {
            assert_eq!(mode(file), 0o600, "{file}");
        }
        for dir in ["", "log", "log/1", "data/1"] {
            assert_eq!(mode(dir), 0o700, "{dir}");
        }
    }
}
