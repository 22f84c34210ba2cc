//! `Source`: the bytes of a file, of which no more is given than there is.

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use strandline_core::sync::Mutex;

/// How much of a page header is read ahead.
const AHEAD_BYTES: usize = 4 << 10;

/// Something that can be read at any place.
pub(super) trait Seekable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Seekable for T {}

/// A file that several read, each at its own place.
#[derive(Clone)]
pub(super) struct Source {
    input: Arc<Mutex<Box<dyn Seekable>>>,
    bytes: u64,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A place in a source, and what follows it.
pub(super) struct At {
    source: Source,
    at: u64,
}

impl Source {
    pub(super) fn new(mut input: Box<dyn Seekable>) -> io::Result<Self> {
        let bytes = input.seek(SeekFrom::End(0))?;
        let input = Arc::new(Mutex::new(input));
        Ok(Self { input, bytes })
    }

    /// Up to so many bytes from a place on; fewer at the end alone.
    pub(super) fn up_to(&self, start: u64, most: usize) -> io::Result<Vec<u8>> {
        let at = At {
            source: self.clone(),
            at: start,
        };
        let mut bytes = Vec::new();
        at.take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = {
            let mut input = self.source.input.lock();
            input.seek(SeekFrom::Start(self.at))?;
            input.read(buffer)?
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Source {
    type T = BufReader<At>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let at = At {
            source: self.clone(),
            at: start,
        };
        Ok(BufReader::with_capacity(AHEAD_BYTES, at))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.bytes) {
            let reason = format!("{length} bytes at {start} are not in the file");
            return Err(ParquetError::EOF(reason));
        }
        let bytes = self.up_to(start, length)?;
        if bytes.len() != length {
            return Err(ParquetError::EOF("the file has become shorter".to_owned()));
        }
        Ok(bytes.into())
    }
}
