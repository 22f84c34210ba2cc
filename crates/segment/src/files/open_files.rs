//! `OpenFiles`: how many files of sealed segments are open at once.
//!
//! A store has a segment for each 256 MiB, and a process may have some thousand descriptors. So the
//! file of a sealed segment is closed when others are opened after it. Before, it is mapped: that needs
//! no descriptor, and keeps the file if it is removed or another one gets its name. So its frames are
//! read from the mapping from then on; it is opened again for its footer alone. A file that cannot be
//! mapped stays open.
//!
//! Readers have such a file from the beginning, while the segment is active: whoever has taken a view
//! of it then keeps no descriptor once it is sealed. And they have one of a sealed segment that nobody has
//! read since the log was opened: it is opened, and checked, when it is used first. Whoever takes away its
//! name has it opened before.

use super::first_use::open_sealed;
use super::segment_file::SegmentFile;
use crate::error::LogError;
use crate::format::{LogPosition, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentId};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use strandline_core::fs::{Fs, FsFile, Mapping, OpenMode};
use strandline_core::sync::Mutex;

/// The files of a log's sealed segments that are open.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// How many are open at most.
    most: usize,
    opened: Mutex<Opened>,
    /// The sealed segments whose files were not looked into since the log was opened.
    unchecked: Mutex<BTreeSet<SegmentId>>,
}

#[derive(Debug)]
struct Opened {
    /// The one that was opened first is closed first.
    files: VecDeque<Weak<ReadFile>>,
    /// Whether files can be mapped, as far as was tried: if not, none is closed.
    can_close: bool,
}

/// The file of a segment as readers have it: open, or mapped, or both. Read only.
#[derive(Debug)]
pub(crate) struct ReadFile {
    all: Arc<OpenFiles>,
    itself: Weak<Self>,
    header: SegmentHeader,
    path: Arc<PathBuf>,
    /// Where the frames of a sealed segment end: what is before it never changes. What is after it does
    /// when space that was set aside gives way to a footer, so only a footer is given out from a mapping.
    frames_end: OnceLock<LogPosition>,
    state: Mutex<State>,
}

/// Neither is there of a sealed segment before its first use.
#[derive(Debug, Default)]
struct State {
    file: Option<Arc<dyn FsFile>>,
    mapping: Option<Mapping>,
}

impl OpenFiles {
    /// At most `most` at once; `is_mapped` says whether files may be mapped, without which none is
    /// closed.
    pub(crate) fn new(fs: Arc<dyn Fs>, dir: &Path, most: usize, is_mapped: bool) -> Arc<Self> {
        Arc::new(Self {
            fs,
            dir: dir.to_path_buf(),
            most: most.max(1),
            opened: Mutex::new(Opened {
                files: VecDeque::new(),
                can_close: is_mapped,
            }),
            unchecked: Mutex::default(),
        })
    }

    /// The sealed segments whose files were not looked into since the log was opened, oldest first.
    pub(crate) fn unchecked(&self) -> Vec<SegmentId> {
        self.unchecked.lock().iter().copied().collect()
    }

    /// How many these are.
    pub(crate) fn unchecked_count(&self) -> usize {
        self.unchecked.lock().len()
    }

    /// Notes that a segment was looked into, or is none any more.
    pub(crate) fn checked(&self, segment: SegmentId) {
        self.unchecked.lock().remove(&segment);
    }

    /// The file of a segment that is open as `segment`, for readers. It stays open until it is
    /// [sealed](Self::seal).
    pub(crate) fn read(
        self: &Arc<Self>,
        segment: &SegmentFile,
        header: &SegmentHeader,
    ) -> Arc<ReadFile> {
        Arc::new_cyclic(|itself| ReadFile {
            all: self.clone(),
            itself: itself.clone(),
            header: *header,
            path: segment.path.clone(),
            frames_end: OnceLock::new(),
            state: Mutex::new(State {
                file: Some(segment.file.clone()),
                mapping: None,
            }),
        })
    }

    /// Notes that the segment of a file is sealed at `end`, so that it may be closed from now on.
    pub(crate) fn seal(&self, file: &ReadFile, end: LogPosition) {
        if file.frames_end.set(end).is_ok() {
            self.opened(&file.itself);
        }
    }

    /// The file of a segment that is sealed at `end` and open as `segment`, which may be closed from
    /// now on.
    pub(crate) fn sealed(
        self: &Arc<Self>,
        segment: &SegmentFile,
        header: &SegmentHeader,
        end: LogPosition,
    ) -> SegmentFile {
        let file = self.read(segment, header);
        self.seal(&file, end);
        segment.with_file(file)
    }

    /// The file of a segment that is sealed at `end`, which is opened when it is used first.
    pub(crate) fn unopened(
        self: &Arc<Self>,
        header: &SegmentHeader,
        end: LogPosition,
    ) -> SegmentFile {
        self.unchecked.lock().insert(header.id);
        let path = Arc::new(self.dir.join(header.file_name()));
        let file = Arc::new_cyclic(|itself| ReadFile {
            all: self.clone(),
            itself: itself.clone(),
            header: *header,
            path: path.clone(),
            frames_end: end.into(),
            state: Mutex::default(),
        });
        SegmentFile::new(header, path, file)
    }

    /// Opens and checks the file of a sealed segment as if for the first time, and keeps nothing of it.
    pub(crate) fn check(&self, header: &SegmentHeader, end: &LogPosition) -> Result<(), LogError> {
        open_sealed(&*self.fs, &self.dir, header, end).map(drop)
    }

    /// Notes that a file was opened, and closes others if there are too many.
    fn opened(&self, newest: &Weak<ReadFile>) {
        let mut opened = self.opened.lock();
        opened.files.push_back(newest.clone());
        while opened.can_close && opened.files.len() > self.most {
            let Some(oldest) = opened.files.pop_front() else {
                break;
            };
            if let Some(file) = oldest.upgrade()
                && !file.close()
            {
                opened.can_close = false;
                opened.files.push_back(oldest);
            }
        }
        if !opened.can_close {
            opened.files.clear();
        }
    }
}

impl ReadFile {
    /// The file, which is opened if it was closed, or never opened.
    fn file(&self) -> io::Result<Arc<dyn FsFile>> {
        let file = {
            let mut state = self.state.lock();
            if let Some(file) = &state.file {
                return Ok(file.clone());
            }
            let opened = match state.mapping {
                Some(_) => self.open()?,
                None => self.open_first()?,
            };
            state.file.insert(opened).clone()
        };
        // Without the lock of this one, as the locks of others are taken.
        self.all.opened(&self.itself);
        Ok(file)
    }

    /// Opens a file that was not opened before: one that was is mapped before it is closed.
    fn open_first(&self) -> io::Result<Arc<dyn FsFile>> {
        let Some(end) = self.frames_end.get() else {
            return self.open();
        };
        let opened = open_sealed(&*self.all.fs, &self.all.dir, &self.header, end);
        if !matches!(opened, Err(LogError::Io { .. })) {
            self.all.checked(self.header.id);
        }
        match opened {
            Ok(segment) => Ok(segment.file),
            Err(LogError::Io { source, .. }) => Err(source),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Whether it was never opened.
    fn is_unused(&self) -> bool {
        let state = self.state.lock();
        state.file.is_none() && state.mapping.is_none()
    }

    fn frames_end(&self) -> Option<u64> {
        self.frames_end.get().map(|end| end.offset.into())
    }

    fn open(&self) -> io::Result<Arc<dyn FsFile>> {
        let file = self.all.fs.open(&self.path, OpenMode::Read)?;
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        file.read_up_to(&mut bytes, 0)?;
        if bytes == self.header.bytes() {
            return Ok(file);
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "another segment has taken the file's place",
        ))
    }

    /// Closes the file, unless it cannot be mapped.
    fn close(&self) -> bool {
        let mut state = self.state.lock();
        let Some(file) = state.file.take() else {
            return true;
        };
        // One that was made while the segment was active may be too short.
        let frames_end = self.frames_end().unwrap_or_default();
        let has_frames = |mapping: &Mapping| mapping.len() as u64 >= frames_end;
        if !state.mapping.as_ref().is_some_and(has_frames) {
            state.mapping = file.len().ok().and_then(|bytes| file.map(bytes));
        }
        if state.mapping.is_none() {
            state.file = Some(file);
            return false;
        }
        true
    }

    /// Reads frames from the mapping, as if the file ended after them.
    fn read_mapped(&self, buffer: &mut [u8], offset: u64) -> Option<usize> {
        let mapping = self.state.lock().mapping.clone()?;
        let frames_end = self.frames_end()?;
        if offset >= frames_end {
            return Some(0);
        }
        let end = frames_end.min(offset.saturating_add(buffer.len() as u64));
        let range = usize::try_from(offset).ok()?..usize::try_from(end).ok()?;
        let bytes = mapping.get(range)?;
        let count = bytes.len();
        buffer.get_mut(..count)?.copy_from_slice(bytes);
        Some(count)
    }
}

impl FsFile for ReadFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        // A closed file is not looked for by its name, which may be that of another by now: of a store
        // that was put back from a backup, say, and went on otherwise after the same header.
        let is_closed = self.state.lock().file.is_none();
        let frames_end = self.frames_end().unwrap_or_default();
        if is_closed
            && offset < frames_end
            && let Some(count) = self.read_mapped(buffer, offset)
        {
            return Ok(count);
        }
        match self.file() {
            Ok(file) => file.read_at(buffer, offset),
            // It was removed, or no descriptor is left.
            Err(error) => self.read_mapped(buffer, offset).ok_or(error),
        }
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn links(&self) -> io::Result<u64> {
        self.file()?.links()
    }

    /// Of a file that is gone: what can be read of it, its frames.
    fn len(&self) -> io::Result<u64> {
        match self.file() {
            Ok(file) => file.len(),
            Err(error) => {
                let is_mapped = self.state.lock().mapping.is_some();
                let frames_end = self.frames_end();
                frames_end.filter(|_| is_mapped).ok_or(error)
            }
        }
    }

    /// One mapping serves all who ask for frames. One that is made for a footer, of the whole file as it is
    /// then, takes its place.
    fn map(&self, bytes: u64) -> Option<Mapping> {
        if self.is_unused() {
            // It is read without the mapping, too, where a place is read first.
            self.file().ok()?;
        }
        let mut state = self.state.lock();
        let is_long_enough = |mapping: &&Mapping| mapping.len() as u64 >= bytes;
        if let Some(mapping) = state.mapping.as_ref().filter(is_long_enough) {
            return Some(mapping.clone());
        }
        let (file, is_own) = match &state.file {
            Some(file) => (file.clone(), true),
            None => (self.open().ok()?, state.mapping.is_none()),
        };
        // Of a sealed segment: what a mapping has beyond the end of its file must not be touched, and
        // this may be another file than the one whose length the caller knows.
        let length = match self.frames_end() {
            // So much was looked for when it was opened, or written since.
            Some(frames_end) if is_own && bytes <= frames_end => frames_end,
            Some(_) => file.len().ok().filter(|length| *length >= bytes)?,
            None => bytes.max(file.len().ok()?),
        };
        let mapping = file.map(length)?;
        if !is_own {
            // Another file may have the name by now, so the frames are still read from what there was.
            return Some(mapping);
        }
        Some(state.mapping.insert(mapping).clone())
    }
}
