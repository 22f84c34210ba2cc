//! `NextSegment`: the file of the next segment, made before it is needed.
//!
//! A rotation holds up whoever appends, and most of what it did was the making of a file. So the
//! file, its entry in the directory and its first disk space are made durable ahead, from another
//! thread. What it lacks is its header, which says where the segment begins. Until then it is zeros,
//! the manifest does not list it, and an opening removes it.

use crate::error::{At, LogError};
use crate::files::remove;
use crate::format::{LogIdentity, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentId};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, FsFile, OpenMode};
use strandline_core::sync::Mutex;

/// Disk space that the file has from the start, at most: little, as it may never be used.
const SPACE_BYTES_MOST: u64 = 64 << 10;
const SPACES_OF_A_SEGMENT: u64 = 16;

/// Most bytes of a file that is looked through for anything but zeros.
const UNUSED_BYTES_MAX: u64 = 16 << 20;

/// Makes the file of the next segment ahead of its rotation; may be used from any thread.
#[derive(Debug, Clone)]
pub struct NextSegment {
    fs: Arc<dyn Fs>,
    dir: Arc<PathBuf>,
    space_bytes: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// None past the last number.
    id: Option<SegmentId>,
    file: Option<Arc<dyn FsFile>>,
    /// Whether a file of that name may be left from a call that failed.
    half_made: bool,
}

impl NextSegment {
    /// For the segment after `active`, of at most `limit` bytes.
    pub(crate) fn new(fs: Arc<dyn Fs>, dir: &Path, active: SegmentId, limit: u64) -> Self {
        Self {
            fs,
            dir: Arc::new(dir.to_path_buf()),
            space_bytes: SPACE_BYTES_MOST.min(limit / SPACES_OF_A_SEGMENT),
            state: Arc::new(Mutex::new(State {
                id: active.next(),
                file: None,
                half_made: false,
            })),
        }
    }

    /// Makes the file, if it is not there yet, and makes it and its entry durable. A rotation waits
    /// for a call that is under way.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`]; the next call, or the rotation, tries again.
    pub fn prepare(&self) -> Result<(), LogError> {
        self.file().map(drop)
    }

    /// How long the file is made.
    pub(crate) const fn space_bytes(&self) -> u64 {
        self.space_bytes
    }

    /// The file, which is made if it was not, for as long as nobody takes it.
    pub(crate) fn file(&self) -> Result<(SegmentId, Arc<dyn FsFile>), LogError> {
        let mut state = self.state.lock();
        state.prepare(&*self.fs, &self.dir, self.space_bytes)
    }

    /// Notes that the file is a segment now, and another one comes next.
    pub(crate) fn took(&self, id: SegmentId) {
        *self.state.lock() = State {
            id: id.next(),
            file: None,
            half_made: false,
        };
    }

    /// Notes that the file cannot be relied on, because a sync of it failed: another is made.
    pub(crate) fn spoiled(&self) {
        self.state.lock().file = None;
    }

    /// Removes the file, if nobody took it, and makes none any more; what cannot be removed the
    /// next opening removes.
    pub(crate) fn discard(&self) {
        let mut state = self.state.lock();
        let id = state.id.take();
        if let (Some(id), Some(_)) = (id, state.file.take()) {
            let _ = self.fs.remove_file(&self.dir.join(id.file_name()));
        }
    }
}

impl State {
    fn prepare(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        space_bytes: u64,
    ) -> Result<(SegmentId, Arc<dyn FsFile>), LogError> {
        let id = self.id.ok_or(LogError::SegmentsExhausted)?;
        if let Some(file) = &self.file {
            return Ok((id, file.clone()));
        }
        let path = dir.join(id.file_name());
        if self.half_made {
            remove(fs, &path)?;
        }
        self.half_made = true;
        let file = fs.open(&path, OpenMode::Create).at("create", &path)?;
        // Without it the first syncs take longer, and a full disk shows in the first write.
        let _ = file.allocate(space_bytes);
        file.sync().at("sync", &path)?;
        fs.sync_dir(dir).at("sync", dir)?;
        Ok((id, self.file.insert(file).clone()))
    }
}

/// Whether a file that the manifest does not list was made ahead for a log and never used: nothing
/// but zeros after the header, which is of that log or not there.
///
/// # Errors
///
/// [`LogError::Io`].
pub fn is_unused(fs: &dyn Fs, path: &Path, identity: &LogIdentity) -> Result<bool, LogError> {
    let file = fs.open(path, OpenMode::Read).at("open", path)?;
    let length = file.len().at("measure", path)?;
    if length > UNUSED_BYTES_MAX {
        return Ok(false);
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_up_to(&mut bytes, 0).at("read", path)?;
    let (header, frames) = match bytes.split_at_checked(SEGMENT_HEADER_BYTES as usize) {
        Some(parts) => parts,
        None => (bytes.as_slice(), [].as_slice()),
    };
    let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    let is_own = || SegmentHeader::decode("", header).is_ok_and(|h| h.identity == *identity);
    Ok(is_zero(frames) && (is_zero(header) || is_own()))
}
