//! Beginning a copy, and going on with one: what of the active segment can be believed.

use super::LogReceiver;
use super::files::{open_to_append, refuse_others, remove_unlisted, renewed};
use super::list::Listing;
use crate::error::{At, LogError};
use crate::files::{SegmentFile, is_unwritten, lock_segment, sync_parents};
use crate::format::{MANIFEST_FILE, Manifest, SegmentHeader};
use crate::scan::frames_end;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, OpenMode};

impl LogReceiver {
    /// Begins a copy in `dir`, which is made if it is missing, of a log that has this manifest. The files of
    /// its sealed segments are there already, as [`list`](Self::list) has it; that of the active one may be,
    /// with frames up to wherever it is known, and is made if it is not.
    ///
    /// # Errors
    ///
    /// [`LogError::OtherTarget`] if there is a log or a copy, or a segment with frames that the manifest
    /// does not list. Those of [`list`](Self::list).
    pub fn create(fs: Arc<dyn Fs>, dir: &Path, manifest: &Manifest) -> Result<Self, LogError> {
        fs.create_dir_all(dir).at("make", dir)?;
        sync_parents(&*fs, dir)?;
        if Manifest::read(&*fs, dir)?.is_some() {
            let reason = "the directory has a log already".to_owned();
            return Err(LogError::OtherTarget { reason });
        }
        refuse_others(&*fs, dir, manifest)?;
        let listing = Listing::prepare(&*fs, dir, None, manifest)?;
        let first = Manifest {
            number: 0,
            is_copy: true,
            ..manifest.clone()
        };
        listing.publish(fs, dir, &first)
    }

    /// Goes on with the copy in `dir`; `None` if there is none. Frames of the active segment that a crash
    /// tore, or that it left in an order that makes no log, are dropped: they are received again.
    ///
    /// What is not known durable is brought into a new file, with the same name, header and bytes, before
    /// more is appended: after a failed sync or a killed process a cache may hold what the disk does not. A
    /// process that read beside the one before has to open the log again then
    /// ([`LogError::OtherCourse`]). Removes segments that no manifest lists, and what was left half written.
    ///
    /// O(bytes of the active segment).
    ///
    /// # Errors
    ///
    /// [`LogError::OtherTarget`] if the log was opened to write since: it may have gone another way.
    /// [`LogError::BeingWritten`] if another receiver, or a writer, has it. [`LogError::Corrupt`] if frames
    /// that were durable are not there; [`LogError::Io`] and others of a manifest and a segment.
    pub fn open(fs: Arc<dyn Fs>, dir: &Path) -> Result<Option<Self>, LogError> {
        let Some(manifest) = Manifest::read(&*fs, dir)? else {
            return Ok(None);
        };
        let header = active_of(&manifest)?;
        let path = dir.join(header.file_name());
        let lock = lock_segment(&*fs, &path)?;
        // Another receiver may have gone on in the next file before it gave this one free.
        let manifest = match Manifest::read(&*fs, dir)? {
            Some(manifest) if active_of(&manifest)? == header => manifest,
            _ => {
                return Err(LogError::BeingWritten {
                    file: header.file_name(),
                });
            }
        };
        let file = SegmentFile::open(&*fs, dir, &header, OpenMode::Read)?;
        let synced = manifest.synced.unwrap_or_else(|| header.start());
        let end = frames_end(&file, header.start(), file.readable_bytes()?);
        if end.offset < synced.offset {
            let reason = "frames that were durable are not there";
            return Err(LogError::corrupt(file.name(), end.offset.into(), reason));
        }
        remove_unlisted(&*fs, dir, &manifest)?;
        if end == synced && is_unwritten(&file, end.offset.into())? {
            let file = open_to_append(&*fs, dir, &header, &end)?;
            return Ok(Some(Self::new(
                fs,
                dir,
                manifest,
                (header, file, end),
                lock,
            )));
        }
        let (file, lock) = renewed(&*fs, dir, &header, &file, &end)?;
        let manifest = Manifest {
            synced: (end.last_frame > 0).then_some(end),
            ..manifest.next()
        };
        manifest.replace(&*fs, dir)?;
        Ok(Some(Self::new(
            fs,
            dir,
            manifest,
            (header, file, end),
            lock,
        )))
    }
}

/// The header of the active segment of a copy.
fn active_of(manifest: &Manifest) -> Result<SegmentHeader, LogError> {
    if !manifest.is_copy {
        let reason = "the copy was opened to write, and may have gone another way than its log";
        return Err(LogError::OtherTarget {
            reason: reason.to_owned(),
        });
    }
    match manifest.segments.last() {
        Some(last) => Ok(last.header),
        None => Err(LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment")),
    }
}
