//! `FsFile`: an open file, as what implements a file system offers it.

use super::identity::FileIdentity;
use super::mapping::Mapping;
use std::fmt::Debug;
use std::io;

/// An open file, read and written at positions.
pub trait FsFile: Send + Sync + Debug {
    /// Reads into `buffer` from `offset`, and says how many bytes; 0 is the end of the file.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes `bytes` at `offset`, and says how many were written.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` below the end that is fixed, and if the file is open to read. What the
    /// file system says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes contents and length durable.
    ///
    /// # Errors
    ///
    /// What the file system says; after an error nothing is known of what is durable.
    fn sync(&self) -> io::Result<()>;

    /// Sets the length in bytes.
    ///
    /// # Errors
    ///
    /// As [`write_at`](Self::write_at).
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Fixes what is below `end`: this handle neither writes nor cuts it from now on. For who has
    /// shown it to others, who may map it, or link the file.
    ///
    /// A file system over another passes it on; the default does nothing.
    fn fix_below(&self, end: u64) {
        let _ = end;
    }

    /// Which file this is, whatever name it has by now. The default cannot tell.
    ///
    /// # Errors
    ///
    /// `Unsupported`, or what else the file system says.
    fn identity(&self) -> io::Result<FileIdentity> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// How many names the file has: with more than one, others have it too, and it is not appended
    /// to. A file system over another passes it on; the default knows of one.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn links(&self) -> io::Result<u64> {
        Ok(1)
    }

    /// Sets disk space aside and makes the file at least `bytes` long. What was not written reads
    /// as zeros.
    ///
    /// Does nothing where the file system has no such call.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let _ = bytes;
        Ok(())
    }

    /// The length in bytes.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn len(&self) -> io::Result<u64>;

    /// The first `bytes` bytes as memory, which may be more than the file has yet; `None` where
    /// that cannot be had, and then they are to be read. The default maps nothing.
    ///
    /// What may be asked of the mapping is said at [`Mapping::get`].
    fn map(&self, bytes: u64) -> Option<Mapping> {
        let _ = bytes;
        None
    }

    /// Whether the length is 0.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `offset` until `buffer` is full or the file ends, and says how many bytes.
    ///
    /// # Errors
    ///
    /// What the file system says; an interrupted call is repeated.
    fn read_up_to(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
        let wanted = buffer.len();
        while !buffer.is_empty() {
            match self.read_at(buffer, offset) {
                Ok(0) => break,
                Ok(count) => {
                    buffer = buffer.get_mut(count..).unwrap_or_default();
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted - buffer.len())
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    ///
    /// What the file system says; an interrupted call is repeated, a write of nothing counts as a
    /// full disk. Some of the bytes may have been written.
    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::StorageFull.into()),
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
