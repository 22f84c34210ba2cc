//! Files and tails of the store put into the bucket under the name of their content, in bounded memory.

use super::ask::Stop;
use super::catalog::Join;
use super::error::{ReplicateError, of_file};
use super::source::Source;
use crate::bucket::Bucket;
use crate::object::{FileName, Key, Term};
use std::io::{self, Read};
use std::sync::Arc;
use strandline_core::Hash;
use strandline_core::fs::{FsFile, OpenMode};
use strandline_segment::{LogView, SEGMENT_HEADER_BYTES};

const BUFFER_BYTES: usize = 256 << 10;

/// Puts a file whole, as long as it is now, and gives its length and key. Reads it twice. `tried` is told the key
/// before it is put: the object may be there later though an error says that it was not put.
pub(crate) fn whole(
    source: &Source,
    bucket: &Bucket,
    stop: &Stop,
    term: Term,
    name: &FileName,
    tried: &mut Option<Key>,
) -> Result<(u64, Key), ReplicateError> {
    let path = source.dir().join(name.as_str());
    let file = source.fs().open(&path, OpenMode::Read);
    let file = file.map_err(of_file(&path))?;
    let length = file.len().map_err(of_file(&path))?;
    let reader = || FileReader {
        file: Arc::clone(&file),
        at: 0,
        length,
        stop,
    };
    let content = hash(&mut reader()).map_err(of_file(&path))?;
    let key = Key::data(term, name.clone(), &content);
    *tried = Some(key.clone());
    put(bucket, stop, &key, length, &mut reader())?;
    Ok((length, key))
}

/// Puts bytes of a segment's file, its header included if they begin with it, and gives the key. Reads them twice.
/// `tried` is as with [`whole`].
pub(crate) fn tail(
    view: &LogView,
    bucket: &Bucket,
    stop: &Stop,
    term: Term,
    join: &Join,
    tried: &mut Option<Key>,
) -> Result<Key, ReplicateError> {
    let header = join.header.encode();
    let reader = || TailReader {
        view,
        join,
        header: &header,
        at: join.from,
        stop,
    };
    let content = hash(&mut reader()).map_err(|error| of_read(error, join))?;
    let key = join.key(term, &content).ok_or(ReplicateError::Rewritten)?;
    *tried = Some(key.clone());
    let length = join.to.saturating_sub(join.from);
    put(bucket, stop, &key, length, &mut reader())?;
    Ok(key)
}

fn put(
    bucket: &Bucket,
    stop: &Stop,
    key: &Key,
    length: u64,
    content: &mut dyn Read,
) -> Result<(), ReplicateError> {
    let put = bucket.put_large_unless(&key.to_string(), length, content, &|| stop.is_stopped());
    put.map_err(|error| match stop.is_stopped() {
        true => ReplicateError::Stopped,
        false => error.into(),
    })
}

fn of_read(source: io::Error, join: &Join) -> ReplicateError {
    ReplicateError::File {
        path: join.header.file_name().into(),
        source,
    }
}

fn hash(reader: &mut impl Read) -> io::Result<Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(Hash::from_bytes(*hasher.finalize().as_bytes())),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        };
    }
}

struct FileReader<'a> {
    file: Arc<dyn FsFile>,
    at: u64,
    length: u64,
    stop: &'a Stop,
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let read = self.file.read_up_to(buffer, self.at)?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

struct TailReader<'a> {
    view: &'a LogView,
    join: &'a Join,
    header: &'a [u8],
    at: u64,
    stop: &'a Stop,
}

impl Read for TailReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        let left = usize::try_from(self.join.to.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let read = match self.at < u64::from(SEGMENT_HEADER_BYTES) {
            true => {
                let at = usize::try_from(self.at).unwrap_or(usize::MAX);
                let header = self.header.get(at..).unwrap_or_default();
                let count = header.len().min(buffer.len());
                for (to, from) in buffer.iter_mut().zip(header) {
                    *to = *from;
                }
                count
            }
            false => {
                let from = u32::try_from(self.at).map_err(|_| io::ErrorKind::InvalidInput)?;
                let read = self.view.read_raw(self.join.header.id, from, buffer);
                read.map_err(io::Error::other)?
            }
        };
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}
