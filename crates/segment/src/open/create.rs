//! Making an empty log where none is. Refuses where frames are that no manifest lists.

use super::log::{UncheckedLog, refuse_frames_without_manifest};
use super::quarantine::set_aside;
use crate::error::{At, LogError};
use crate::files::{OpenFiles, SegmentFile, is_segment_like, sync_parents};
use crate::format::{LogOrigin, Manifest, SegmentHeader, SegmentId, SegmentInfo};
use crate::options::LogOptions;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{EntryKind, Fs, FsFile, OpenMode};
use strandline_core::{Epoch, Random, Sequence, recorded_log_base};

impl UncheckedLog {
    /// Makes an empty log in `dir`, where [`open`](Self::open) found none.
    ///
    /// Makes the directory, then the first segment, then the manifest, each durable before the
    /// next. A segment without frames that an interrupted call left is moved to `quarantine/`.
    ///
    /// # Errors
    ///
    /// [`LogError`] if a file cannot be made, or an option is out of range.
    pub fn create(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: LogOptions,
        random: &Random,
    ) -> Result<Self, LogError> {
        let identity = random.nonce().0;
        let origin = LogOrigin {
            identity,
            epoch: Epoch::from_bytes(identity),
            base_log_hash: recorded_log_base(&identity),
            unrecorded_before: Some(Sequence::ZERO),
            has_runs: false,
        };
        Self::create_as(fs, dir, options, random, &origin)
    }

    /// Makes an empty log, as [`create`](Self::create) does, that begins as another one did: for a copy of it, into
    /// which its commits are written one by one. [`LogWriter::into_copy`](crate::LogWriter::into_copy) ends that.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn create_as(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: LogOptions,
        random: &Random,
        origin: &LogOrigin,
    ) -> Result<Self, LogError> {
        options.check()?;
        fs.create_dir_all(dir).at("make", dir)?;
        sync_parents(&*fs, dir)?;
        refuse_frames_without_manifest(&*fs, dir)?;
        let mut set_aside_files = Vec::new();
        for entry in fs.list(dir).at("list", dir)? {
            if is_segment_like(&entry.name) && entry.kind == EntryKind::File {
                set_aside_files.push(set_aside(&*fs, dir, &entry.name)?);
            }
        }
        let header = SegmentHeader {
            identity: origin.identity,
            id: SegmentId::FIRST,
            generation: 0,
            nonce: random.nonce().0,
            first_sequence: Sequence::ZERO,
            base_log_hash: origin.base_log_hash,
            has_runs: origin.has_runs,
        };
        let file = create_segment(&*fs, dir, &header)?;
        fs.sync_dir(dir).at("sync", dir)?;
        let manifest = Manifest {
            identity: header.identity,
            number: 1,
            unrecorded_before: Sequence::ZERO,
            epoch: origin.epoch,
            is_copy: false,
            segments: vec![SegmentInfo { header, end: None }],
            synced: None,
        };
        manifest.replace(&*fs, dir)?;
        let path = dir.join(header.id.file_name());
        Ok(Self {
            files: vec![SegmentFile::new(&header, path, file)],
            open_files: OpenFiles::new(
                fs.clone(),
                dir,
                options.open_files_max,
                options.maps_reads(),
            ),
            fs,
            dir: dir.to_path_buf(),
            options,
            manifest,
            set_aside: set_aside_files,
            durable: None,
            lock: None,
        })
    }
}

/// Makes and syncs the file of a segment without frames.
fn create_segment(
    fs: &dyn Fs,
    dir: &Path,
    header: &SegmentHeader,
) -> Result<Arc<dyn FsFile>, LogError> {
    let path = dir.join(header.id.file_name());
    let file = fs.open(&path, OpenMode::Create).at("create", &path)?;
    file.write_all_at(&header.encode(), 0).at("write", &path)?;
    file.sync().at("sync", &path)?;
    Ok(file)
}
