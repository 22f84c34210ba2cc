//! `bucket_fs`: a directory whose sealed segments are in a bucket, for a store to be opened in; and what is to be known of
//! the bucket while another process goes on there.
//!
//! That one leaves in the bucket what was in the directory, and the manifest says which segments these are. Changes
//! nothing.

use super::error::FollowError;
use super::lazy::{Lazy, is_merged, listed};
use crate::bucket::{Bucket, BucketErrorKind};
use crate::remote::{BucketFs, Catalog, RemoteOptions, RenewCatalog};
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::Fs;
use strandline_core::sync::Mutex;
use strandline_segment::{Manifest, SegmentInfo};

/// The file system of a directory of which sealed files are in a bucket, as a [lazy](crate::ReplicaOptions::lazy)
/// replica or a [lazy](crate::TakeOverOptions::lazy) takeover has left it, for a store to be opened in:
/// `StoreOptions::fs`. What the opening reads was fetched when this returns.
///
/// One that has all its files is used as it is. Requests are four and those for what an opening reads; and four again
/// where a segment is read that another process, a replica that goes on there, has left in the bucket since.
///
/// # Errors
///
/// [`FollowError::Io`] with `NotFound` if there is no copy or store in the directory; [`FollowError::Empty`] and
/// [`FollowError::OtherLog`] if the bucket is not that of the directory; [`FollowError::Bucket`] and
/// [`FollowError::Io`] if it cannot be read.
pub fn bucket_fs(
    bucket: &Bucket,
    dir: impl AsRef<Path>,
    below: Arc<dyn Fs>,
    options: &RemoteOptions,
) -> Result<BucketFs, FollowError> {
    let dir = dir.as_ref();
    if Manifest::read(&*below, dir)?.is_none() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        return Err(FollowError::io("find a store in", dir, error));
    }
    let lazy = Lazy::open(bucket, &below, dir, Some(options))?.ok_or(FollowError::Empty)?;
    lazy.prepare()?;
    let fs = lazy.fs().clone();
    fs.renew_from(Arc::new(Beside::new(bucket, below, dir)));
    Ok(fs)
}

/// A directory that another process may go on in.
struct Beside {
    bucket: Bucket,
    below: Arc<dyn Fs>,
    dir: PathBuf,
    /// Number of the manifest for which a catalog was had last. Held while one is, so that many who look for the
    /// same ask once.
    had: Mutex<Option<u64>>,
}

impl Beside {
    fn new(bucket: &Bucket, below: Arc<dyn Fs>, dir: &Path) -> Self {
        Self {
            bucket: bucket.clone(),
            below,
            dir: dir.to_path_buf(),
            had: Mutex::default(),
        }
    }

    fn newer(&self, name: &str) -> Result<Option<Catalog>, FollowError> {
        let mut had = self.had.lock();
        let Some(own) = Manifest::read(&*self.below, &self.dir)? else {
            return Ok(None);
        };
        // Names that are looked for and are nobody's cost no request.
        let is_it = |info: &SegmentInfo| info.is_sealed() && info.file_name() == name;
        if *had == Some(own.number()) || !own.segments().iter().any(is_it) {
            return Ok(None);
        }
        let catalog = listed(&self.bucket, &*self.below, &self.dir, &own)?;
        *had = Some(own.number());
        Ok(Some(catalog))
    }
}

impl RenewCatalog for Beside {
    fn catalog_with(&self, name: &str) -> io::Result<Option<Catalog>> {
        self.newer(name).map_err(|error| {
            let is_away = |error: &FollowError| {
                matches!(error, FollowError::Bucket(error)
                    if error.kind() == BucketErrorKind::Unreachable)
            };
            let kind = match is_away(&error) {
                true => io::ErrorKind::HostUnreachable,
                false => io::ErrorKind::Other,
            };
            io::Error::new(kind, error)
        })
    }

    fn left_of(&self, catalog: &Catalog) -> Option<Catalog> {
        // Whoever asks reads it next, and is told what is wrong with it.
        let own = Manifest::read(&*self.below, &self.dir).ok()??;
        let names: BTreeSet<String> = own.segments().iter().map(SegmentInfo::file_name).collect();
        let is_left = |name: &str| is_merged(name) || names.contains(name);
        if catalog.files().all(|(name, _)| is_left(name)) {
            return None;
        }
        let mut left = catalog.clone();
        left.retain(is_left);
        Some(left)
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}
