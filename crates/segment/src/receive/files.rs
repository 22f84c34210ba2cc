//! Files of segments in the directory of a copy: made, renewed, opened, removed. Decides nothing of the log.

use crate::error::{At, LogError};
use crate::files::{
    SegmentFile, is_own_temporary, is_segment_like, lock_segment, remove, temporary,
};
use crate::format::{LogPosition, MANIFEST_FILE, Manifest, SegmentHeader, SegmentId, SegmentInfo};
use crate::scan::frames_end;
use std::ops::Range;
use std::path::Path;
use strandline_core::fs::{EntryKind, FileLock, Fs, OpenMode, read_file};

/// How much is copied at once.
const COPY_BYTES: usize = 1 << 20;
/// Most bytes of a manifest that was left unpublished.
const BYTES_MAX: u64 = 64 << 20;

/// Makes and syncs the file of a segment without frames at `path`, in place of one that nothing lists.
pub(super) fn make_segment(
    fs: &dyn Fs,
    path: &Path,
    header: &SegmentHeader,
) -> Result<SegmentFile, LogError> {
    remove(fs, path)?;
    let file = fs.open(path, OpenMode::Create).at("create", path)?;
    file.write_all_at(&header.encode(), 0).at("write", path)?;
    file.sync().at("sync", path)?;
    let file = SegmentFile::new(header, path.to_path_buf(), file);
    file.set_written_end(header.start().offset);
    Ok(file)
}

/// Opens the file of a segment to be appended to behind `end`.
pub(super) fn open_to_append(
    fs: &dyn Fs,
    dir: &Path,
    header: &SegmentHeader,
    end: &LogPosition,
) -> Result<SegmentFile, LogError> {
    let mode = OpenMode::Append {
        end: end.offset.into(),
    };
    let file = SegmentFile::open(fs, dir, header, mode)?;
    file.set_written_end(end.offset);
    Ok(file)
}

/// Copies bytes of one file to the same place of another.
pub(super) fn copy_bytes(
    from: &SegmentFile,
    to: &SegmentFile,
    range: Range<u64>,
) -> Result<(), LogError> {
    let mut offset = range.start;
    let mut piece = Vec::new();
    while offset < range.end {
        let left = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
        piece.resize(COPY_BYTES.min(left), 0);
        from.read(&mut piece, offset)?;
        if piece.is_empty() {
            let reason = "the file became shorter while it was read";
            return Err(LogError::corrupt(from.name(), offset, reason));
        }
        let written = to.file.write_all_at(&piece, offset);
        written.at("write", &to.path)?;
        offset += piece.len() as u64;
    }
    Ok(())
}

/// The frames of a segment up to `end` in a new file that takes the name of the old one, durably.
pub(super) fn renewed(
    fs: &dyn Fs,
    dir: &Path,
    header: &SegmentHeader,
    old: &SegmentFile,
    end: &LogPosition,
) -> Result<(SegmentFile, Box<dyn FileLock>), LogError> {
    let path = dir.join(header.file_name());
    let staged = temporary(&path);
    remove(fs, &staged)?;
    let file = fs.open(&staged, OpenMode::Create).at("create", &staged)?;
    let staged_file = SegmentFile::new(header, staged.clone(), file.clone());
    copy_bytes(old, &staged_file, 0..end.offset.into())?;
    file.sync().at("sync", &staged)?;
    // A cache that lied is found before the old file is gone.
    let new = SegmentFile::new(header, path.clone(), file);
    if frames_end(&new, header.start(), end.offset.into()) != *end {
        return Err(LogError::Changed {
            file: old.name(),
            offset: end.offset,
        });
    }
    fs.rename(&staged, &path).at("rename", &staged)?;
    fs.sync_dir(dir).at("sync", dir)?;
    new.set_written_end(end.offset);
    let lock = lock_segment(fs, &path)?;
    Ok((new, lock))
}

/// Removes files of segments that a manifest does not list, and temporary ones. Durable when it returns.
pub(super) fn remove_unlisted(
    fs: &dyn Fs,
    dir: &Path,
    manifest: &Manifest,
) -> Result<(), LogError> {
    let mut any = false;
    for entry in fs.list_names(dir).at("list", dir)? {
        let name = &entry.name;
        let is_segment = SegmentId::parse_file_name(name).is_some();
        let is_listed = || is_listed(manifest, name);
        if entry.kind == EntryKind::File && (is_segment && !is_listed() || is_own_temporary(name)) {
            remove(fs, &dir.join(name))?;
            any = true;
        }
    }
    match any {
        true => fs.sync_dir(dir).at("sync", dir),
        false => Ok(()),
    }
}

fn is_listed(manifest: &Manifest, name: &str) -> bool {
    let listed = SegmentId::parse_file_name(name).and_then(|(id, _)| manifest.segment(id));
    listed.map(SegmentInfo::file_name).as_deref() == Some(name)
}

/// Refuses a directory with segments that a manifest does not list: they may be all that is left of a log.
/// Those of an interrupted beginning are none, which the manifest says that it left unpublished.
pub(super) fn refuse_others(fs: &dyn Fs, dir: &Path, manifest: &Manifest) -> Result<(), LogError> {
    let begun = read_file(fs, &temporary(&dir.join(MANIFEST_FILE)), BYTES_MAX);
    let begun = begun.ok().and_then(|bytes| Manifest::decode(&bytes).ok());
    let begun = begun.filter(|begun| begun.is_copy && begun.identity == manifest.identity);
    for entry in fs.list_names(dir).at("list", dir)? {
        let name = &entry.name;
        if !is_segment_like(name) || is_listed(manifest, name) {
            continue;
        }
        if !begun.as_ref().is_some_and(|begun| is_listed(begun, name)) {
            let reason = format!("the directory has {name} and no MANIFEST");
            return Err(LogError::OtherTarget { reason });
        }
        remove(fs, &dir.join(name))?;
    }
    Ok(())
}
