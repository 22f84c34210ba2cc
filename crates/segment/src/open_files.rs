//! `OpenFiles`: how many files of sealed segments are open at once.
//!
//! A store has a segment for each 256 MiB, and a process may have some thousand descriptors. So the
//! file of a sealed segment is closed when others are opened after it. Before, it is mapped: that needs
//! no descriptor, and keeps the file if it is removed or another one gets its name. So its frames are
//! read from the mapping from then on; it is opened again for its footer alone. A file that cannot be
//! mapped stays open.

use crate::file::SegmentFile;
use crate::format::SEGMENT_HEADER_BYTES;
use crate::{LogPosition, SegmentHeader};
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use strandline_core::fs::{Fs, FsFile, Mapping, OpenMode};
use strandline_core::sync::Mutex;

/// The files of a log's sealed segments that are open.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    fs: Arc<dyn Fs>,
    /// How many are open at most.
    most: usize,
    opened: Mutex<Opened>,
}

#[derive(Debug)]
struct Opened {
    /// The one that was opened first is closed first.
    files: VecDeque<Weak<SealedFile>>,
    /// Whether files can be mapped, as far as was tried: if not, none is closed.
    can_close: bool,
}

/// The file of a sealed segment: open, or mapped, or both. Read only.
#[derive(Debug)]
struct SealedFile {
    all: Arc<OpenFiles>,
    itself: Weak<Self>,
    header: SegmentHeader,
    path: Arc<PathBuf>,
    /// Where the frames end: what is before it never changes. What is after it does when space that was
    /// set aside gives way to a footer, so only a footer is given out from a mapping.
    frames_end: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: Option<Arc<dyn FsFile>>,
    mapping: Option<Mapping>,
}

impl OpenFiles {
    /// At most `most` at once; `is_mapped` says whether files may be mapped, without which none is
    /// closed.
    pub(crate) fn new(fs: Arc<dyn Fs>, most: usize, is_mapped: bool) -> Arc<Self> {
        Arc::new(Self {
            fs,
            most: most.max(1),
            opened: Mutex::new(Opened {
                files: VecDeque::new(),
                can_close: is_mapped,
            }),
        })
    }

    /// The file of a segment that is sealed at `end` and open as `segment`, which may be closed from
    /// now on.
    pub(crate) fn sealed(
        self: &Arc<Self>,
        segment: &SegmentFile,
        header: &SegmentHeader,
        end: LogPosition,
    ) -> SegmentFile {
        let sealed = Arc::new_cyclic(|itself| SealedFile {
            all: self.clone(),
            itself: itself.clone(),
            header: *header,
            path: segment.path.clone(),
            frames_end: end.offset.into(),
            state: Mutex::new(State {
                file: Some(segment.file.clone()),
                mapping: None,
            }),
        });
        self.opened(&sealed.itself);
        segment.with_file(sealed)
    }

    /// Notes that a file was opened, and closes others if there are too many.
    fn opened(&self, newest: &Weak<SealedFile>) {
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

impl SealedFile {
    /// The file, which is opened if it was closed.
    fn file(&self) -> io::Result<Arc<dyn FsFile>> {
        let file = {
            let mut state = self.state.lock();
            if let Some(file) = &state.file {
                return Ok(file.clone());
            }
            state.file.insert(self.open()?).clone()
        };
        // Without the lock of this one, as the locks of others are taken.
        self.all.opened(&self.itself);
        Ok(file)
    }

    fn open(&self) -> io::Result<Arc<dyn FsFile>> {
        let file = self.all.fs.open(&self.path, OpenMode::Read)?;
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        file.read_up_to(&mut bytes, 0)?;
        if bytes.as_slice() == self.header.encode() {
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
        if state.mapping.is_none() {
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
        if offset >= self.frames_end {
            return Some(0);
        }
        let end = self
            .frames_end
            .min(offset.saturating_add(buffer.len() as u64));
        let range = usize::try_from(offset).ok()?..usize::try_from(end).ok()?;
        let bytes = mapping.get(range)?;
        let count = bytes.len();
        buffer.get_mut(..count)?.copy_from_slice(bytes);
        Some(count)
    }
}

impl FsFile for SealedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        // A closed file is not looked for by its name, which may be that of another by now: of a store
        // that was put back from a backup, say, and went on otherwise after the same header.
        let is_closed = self.state.lock().file.is_none();
        if is_closed
            && offset < self.frames_end
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
                is_mapped.then_some(self.frames_end).ok_or(error)
            }
        }
    }

    /// One mapping serves all who ask: it is of the whole file, as it was when it was made.
    fn map(&self, bytes: u64) -> Option<Mapping> {
        let mut state = self.state.lock();
        let is_long_enough = |mapping: &&Mapping| mapping.len() as u64 >= bytes;
        if let Some(mapping) = state.mapping.as_ref().filter(is_long_enough) {
            return Some(mapping.clone());
        }
        let file = match &state.file {
            Some(file) => file.clone(),
            None => self.open().ok()?,
        };
        // What a mapping has beyond the end of its file must not be touched, and this may be another
        // file than the one whose length the caller knows.
        let length = file.len().ok().filter(|length| *length >= bytes)?;
        let mapping = file.map(length)?;
        Some(state.mapping.insert(mapping).clone())
    }
}
