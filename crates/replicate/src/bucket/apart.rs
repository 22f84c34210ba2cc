//! Whether a directory that serves as a bucket and that of a store lie apart. Makes neither.

use super::{Bucket, BucketError, BucketErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, OsFs};

/// Checks that a bucket is not the directory of a store, nor in it or around it: the store would take files of the bucket
/// for its own, or be among the objects. Makes nothing, so that it may be asked before the bucket is opened, which makes
/// its directory.
///
/// # Errors
///
/// [`NotApart`](BucketErrorKind::NotApart) if it is. No bucket but that of a `file:///` URL can be.
pub fn check_apart(url: &str, dir: impl AsRef<Path>) -> Result<(), BucketError> {
    match url.strip_prefix("file://") {
        Some(root) => check(&url.into(), Path::new(root), dir.as_ref()),
        None => Ok(()),
    }
}

impl Bucket {
    /// As [`check_apart`], of an open one.
    pub(crate) fn check_apart(&self, dir: &Path) -> Result<(), BucketError> {
        match self.root() {
            Some(root) => check(self.name_shared(), root, dir),
            None => Ok(()),
        }
    }
}

fn check(name: &Arc<str>, root: &Path, dir: &Path) -> Result<(), BucketError> {
    let (bucket, store) = (resolved(root), resolved(dir));
    if !bucket.starts_with(&store) && !store.starts_with(&bucket) {
        return Ok(());
    }
    let reason = format!(
        "{} and {} are one directory, or one is in the other",
        root.display(),
        dir.display()
    );
    let kind = BucketErrorKind::NotApart;
    Err(BucketError::with(kind, name, "keep a log", reason))
}

/// A path without links, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = path.ancestors().find_map(|there| {
        let real = OsFs.canonical(there).ok()?;
        Some(real.join(path.strip_prefix(there).ok()?))
    });
    // Joining nothing adds a slash, which components do not have.
    found.unwrap_or(path).components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_a_store_lie_apart() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        OsFs.create_dir_all(&at("store/inner")).unwrap();
        std::os::unix::fs::symlink(at("store"), at("link")).unwrap();
        let check = |bucket: &str| {
            let url = format!("file://{}", at(bucket).display());
            check_apart(&url, at("store")).map_err(|error| error.kind())
        };
        for apart in ["bucket", "store2", "store.bucket", "away/bucket"] {
            assert_eq!(check(apart), Ok(()), "{apart}");
        }
        for within in [
            "",
            "store",
            "store/",
            "store/new",
            "store/inner",
            "link",
            "link/new",
            "store/../store",
        ] {
            assert_eq!(check(within), Err(BucketErrorKind::NotApart), "{within}");
        }
        assert_eq!(
            check_apart("s3://store/p", "store").map_err(|error| error.kind()),
            Ok(())
        );
    }
}
