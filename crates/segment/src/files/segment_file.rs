//! `SegmentFile`: an open segment, whose header was checked, and where its frames end as far as was told.
//! Knows nothing of what stands between.

use crate::error::{At, LogError};
use crate::format::{LogIdentity, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentId};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::Salt;
use strandline_core::fs::{Fs, FsFile, OpenMode};
use strandline_core::sync::atomic::{AtomicU32, Ordering};

/// An open segment file with what is needed to check its bytes.
#[derive(Debug, Clone)]
pub(crate) struct SegmentFile {
    pub(crate) id: SegmentId,
    pub(crate) salt: Salt,
    /// Whether it may have runs.
    pub(crate) has_runs: bool,
    pub(crate) path: Arc<PathBuf>,
    pub(crate) file: Arc<dyn FsFile>,
    /// Where the frames end. What is before it was written and does not change.
    written_end: Arc<AtomicU32>,
}

impl SegmentFile {
    /// Opens the file of a segment, and checks that its header is `expected`.
    pub(crate) fn open(
        fs: &dyn Fs,
        dir: &Path,
        expected: &SegmentHeader,
        mode: OpenMode,
    ) -> Result<Self, LogError> {
        Self::open_as(fs, dir.join(expected.file_name()), expected, mode)
    }

    /// Opens a file that has another name than its segment, to read.
    pub(crate) fn open_at(
        fs: &dyn Fs,
        path: &Path,
        expected: &SegmentHeader,
    ) -> Result<Self, LogError> {
        Self::open_as(fs, path.to_path_buf(), expected, OpenMode::Read)
    }

    /// Opens a file to read that may be a segment of a log, with its header; `None` if it is none, or of
    /// another log.
    pub(crate) fn open_own(
        fs: &dyn Fs,
        path: &Path,
        identity: &LogIdentity,
    ) -> Result<Option<(SegmentHeader, Self)>, LogError> {
        let file = fs.open(path, OpenMode::Read).at("open", path)?;
        let own = match read_header(&*file, path, "") {
            Err(error @ LogError::Io { .. }) => return Err(error),
            read => read.ok().filter(|header| header.identity == *identity),
        };
        Ok(own.map(|header| (header, Self::new(&header, path.to_path_buf(), file))))
    }

    fn open_as(
        fs: &dyn Fs,
        path: PathBuf,
        expected: &SegmentHeader,
        mode: OpenMode,
    ) -> Result<Self, LogError> {
        let name = expected.file_name();
        let file = match fs.open(&path, mode) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LogError::SegmentMissing { file: name });
            }
            opened => opened.at("open", &path)?,
        };
        let header = read_header(&*file, &path, &name)?;
        if header != *expected {
            return Err(LogError::corrupt(
                name,
                0,
                "the file is another segment than the one the MANIFEST lists",
            ));
        }
        Ok(Self::new(expected, path, file))
    }

    pub(crate) fn new(
        header: &SegmentHeader,
        path: impl Into<Arc<PathBuf>>,
        file: Arc<dyn FsFile>,
    ) -> Self {
        Self {
            id: header.id,
            salt: header.salt(),
            has_runs: header.has_runs,
            path: path.into(),
            file,
            written_end: Arc::new(AtomicU32::new(SEGMENT_HEADER_BYTES)),
        }
    }

    /// The same segment, whose bytes are read from another handle of its file.
    pub(crate) fn with_file(&self, file: Arc<dyn FsFile>) -> Self {
        Self {
            file,
            ..self.clone()
        }
    }

    /// Where the frames end, as far as was told: at the end of the header at first.
    pub(crate) fn written_end(&self) -> u32 {
        // Acquire: whoever sees an end sees the bytes before it, in the file and in a mapping of
        // it. The partner is `set_written_end`.
        self.written_end.load(Ordering::Acquire)
    }

    /// Tells readers where the frames end, after they were written or found. This file is not
    /// written below that from now on.
    pub(crate) fn set_written_end(&self, end: u32) {
        self.file.fix_below(end.into());
        self.written_end.store(end, Ordering::Release);
    }

    pub(crate) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    pub(crate) fn len(&self) -> Result<u64, LogError> {
        self.file.len().at("measure", &self.path)
    }

    /// How much of it can be read; offsets have 32 bits.
    pub(crate) fn readable_bytes(&self) -> Result<u64, LogError> {
        Ok(self.len()?.min(u64::from(u32::MAX)))
    }

    /// Fills `buffer` from `offset` as far as the frames go, and cuts it to that.
    pub(crate) fn read_written(&self, buffer: &mut Vec<u8>, offset: u64) -> Result<(), LogError> {
        let left = u64::from(self.written_end()).saturating_sub(offset);
        buffer.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.read(buffer, offset)
    }

    /// Fills `buffer` from `offset` as far as the frames go, and says how far that is.
    pub(crate) fn read_raw(&self, buffer: &mut [u8], offset: u32) -> Result<usize, LogError> {
        let left = self.written_end().saturating_sub(offset);
        let left = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let wanted = buffer.get_mut(..left).unwrap_or_default();
        let read = self.file.read_up_to(wanted, offset.into());
        read.at("read", &self.path)
    }

    /// Fills `buffer` from `offset` as far as the file goes, and cuts it to that.
    pub(crate) fn read(&self, buffer: &mut Vec<u8>, offset: u64) -> Result<(), LogError> {
        let read = self.file.read_up_to(buffer, offset);
        // What was not read must not be taken for bytes of the file.
        buffer.truncate(*read.as_ref().unwrap_or(&0));
        read.at("read", &self.path).map(drop)
    }
}

/// Reads and checks the header of a segment file, which errors of what it says call `name`.
pub(crate) fn read_header(
    file: &dyn FsFile,
    path: &Path,
    name: &str,
) -> Result<SegmentHeader, LogError> {
    let mut bytes = vec![0; SEGMENT_HEADER_BYTES as usize];
    let read = file.read_up_to(&mut bytes, 0).at("read", path)?;
    SegmentHeader::decode(name, bytes.get(..read).unwrap_or_default())
}
