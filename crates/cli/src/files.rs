//! Files as streams, over the seam of `strandline::fs`.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, FsFile, OpenMode, OsFs};

/// A file that is read or written from its start to its end.
pub(crate) struct Stream {
    file: Arc<dyn FsFile>,
    offset: u64,
}

impl Stream {
    /// An existing file, to read.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        OsFs.open(path, OpenMode::Read).map(Self::new)
    }

    /// A new file, to write.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        OsFs.open(path, OpenMode::Create).map(Self::new)
    }

    fn new(file: Arc<dyn FsFile>) -> Self {
        Self { file, offset: 0 }
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.offset)?;
        self.offset += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output, which remembers that nobody reads it any more.
pub(crate) struct Standard {
    out: io::StdoutLock<'static>,
    pub(crate) is_closed: bool,
}

impl Standard {
    pub(crate) fn new() -> Self {
        Self {
            out: io::stdout().lock(),
            is_closed: false,
        }
    }

    fn remember<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.inspect_err(|error| self.is_closed |= error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.remember(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.remember(flushed)
    }
}
