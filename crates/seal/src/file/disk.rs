//! The file of keys on its disk: read, replaced, added to, locked; and what each failure is to a caller.

use super::format::KeyFile;
use super::mark::{BYTES_MAX, MARK_BYTES, Mark, NoKeyFile, VERSION};
use super::options::KeyFileOptions;
use super::secret::Secret;
use super::tail::{block, sign};
use crate::crypto::WrappingKey;
use crate::keys::KeyRecord;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline::fs::{FileLock, FsFile, OpenMode, TEMPORARY_SUFFIX, replace_file};
use strandline::{Error, ErrorKind};
use strandline_core::sync::thread;

/// What the file that is locked is called: the file of keys, and this.
const LOCK_SUFFIX: &str = ".lock";
/// How long whoever finds the file locked waits before he looks again.
const LOCK_TRY_INTERVAL: Duration = Duration::from_millis(5);

/// How many of the last bytes tell a file from others of its length.
const ENDING_BYTES: usize = 16;

/// How long a file is, and how it ends. With its mark that tells each state of it from every other: a copy that was put
/// back and changed since has been changed as often as what it replaced, perhaps, and is as long. What was written last
/// ends in its checksum, with a sign behind it perhaps, and is of numbers that were drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) length: u64,
    ending: [u8; ENDING_BYTES],
}

impl Extent {
    /// Of a file of this length that ends in these bytes.
    fn new(length: u64, bytes: &[u8]) -> Self {
        let mut ending = [0; ENDING_BYTES];
        let count = bytes.len().min(ENDING_BYTES);
        if let Some((place, last)) = ending
            .get_mut(..count)
            .zip(bytes.get(bytes.len() - count..))
        {
            place.copy_from_slice(last);
        }
        Self { length, ending }
    }
}

/// A file that is open, and which state of it that is.
pub(super) struct Opened {
    file: std::sync::Arc<dyn FsFile>,
    pub(super) mark: Mark,
    pub(super) extent: Extent,
}

impl Opened {
    /// Opens the file, and reads what tells whether it is another one.
    pub(super) fn open(options: &KeyFileOptions, path: &Path) -> Result<Self, Error> {
        let read = || {
            let file = options.fs.open(path, OpenMode::Read)?;
            let mut bytes = vec![0; MARK_BYTES];
            let count = file.read_up_to(&mut bytes, 0)?;
            bytes.truncate(count);
            let length = file.len()?;
            let extent = extent_of(&*file, length)?;
            Ok((file, bytes, extent))
        };
        let (file, bytes, extent) = read().map_err(|error| refused("read", path, error))?;
        let mark = Mark::read(&bytes).map_err(|why| no_key_file(path, why))?;
        Ok(Self { file, mark, extent })
    }

    /// Whether the file was this one, and was added to since at most.
    pub(super) fn goes_on_from(
        &self,
        path: &Path,
        mark: &Mark,
        extent: &Extent,
    ) -> Result<bool, Error> {
        if self.mark != *mark || !mark.has_tail() || self.extent.length < extent.length {
            return Ok(false);
        }
        let then = extent_of(&*self.file, extent.length);
        Ok(then.map_err(|error| refused("read", path, error))? == *extent)
    }

    /// All of it, with the wrapping key held against it.
    pub(super) fn load(&self, path: &Path, wrapping: &WrappingKey) -> Result<KeyFile, Error> {
        let bytes = self.read_from(path, 0)?;
        let file = KeyFile::decode(&bytes).map_err(|why| no_key_file(path, why))?;
        match wrapping.unwrap(&file.check, &file.mark.bound()) {
            Some(_) => Ok(file),
            None => {
                let message = format!(
                    "the keys in {} are encrypted with another wrapping key: with that of another file, or of before or \
                     after a rotation",
                    path.display()
                );
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
        }
    }

    /// What was added to the file since it was read, which has to be the same one.
    pub(super) fn load_more(&self, path: &Path, file: &mut KeyFile) -> Result<(), Error> {
        let bytes = self.read_from(path, file.tail.end)?;
        file.take_tail(&bytes).map_err(|why| no_key_file(path, why))
    }

    fn read_from(&self, path: &Path, from: u64) -> Result<Vec<u8>, Error> {
        let refused = |error| refused("read", path, error);
        let too_large = || refused(io::ErrorKind::FileTooLarge.into());
        if self.extent.length > BYTES_MAX {
            return Err(too_large());
        }
        let length =
            usize::try_from(self.extent.length.saturating_sub(from)).map_err(|_| too_large())?;
        let mut bytes = vec![0; length];
        let count = self.file.read_up_to(&mut bytes, from).map_err(refused)?;
        bytes.truncate(count);
        Ok(bytes)
    }
}

/// The extent of what a file has up to a length.
fn extent_of(file: &dyn FsFile, length: u64) -> io::Result<Extent> {
    let mut bytes = [0; ENDING_BYTES];
    let from = length.saturating_sub(ENDING_BYTES as u64);
    let count = usize::try_from(length - from).unwrap_or(ENDING_BYTES);
    let place = bytes.get_mut(..count).unwrap_or_default();
    let read = file.read_up_to(place, from)?;
    Ok(Extent::new(length, bytes.get(..read).unwrap_or_default()))
}

/// Replaces the file, durably, by what is in memory.
pub(super) fn replace(
    options: &KeyFileOptions,
    path: &Path,
    file: &KeyFile,
) -> Result<Extent, Error> {
    let bytes = file.encode();
    check_length(path, bytes.len() as u64)?;
    let written = replace_file(&*options.fs, path, &bytes);
    written.map_err(|error| refused("write", path, error))?;
    Ok(Extent::new(bytes.len() as u64, &bytes))
}

/// Adds records to the file, durably; `None` if it has another name too, so that it is to be replaced.
pub(super) fn add(
    options: &KeyFileOptions,
    path: &Path,
    (mark, end): (&Mark, u64),
    records: &[(KeyRecord, Secret)],
) -> Result<Option<Extent>, Error> {
    let mut bytes = block(mark, end, records);
    let signed = end + bytes.len() as u64;
    let sign = sign(mark, signed);
    let length = signed + sign.len() as u64;
    check_length(path, length)?;
    let refused = |error| refused("write", path, error);
    remove_interrupted(options, path).map_err(refused)?;
    let file = match options.fs.open(path, OpenMode::Append { end }) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
        file => file.map_err(refused)?,
    };
    file.write_all_at(&bytes, end).map_err(refused)?;
    file.sync().map_err(refused)?;
    // It says that what is before it is durable, so it is written after that; the next sync is for it.
    file.write_all_at(&sign, signed).map_err(refused)?;
    bytes.extend_from_slice(&sign);
    Ok(Some(Extent::new(length, &bytes)))
}

/// Removes what a replacement has left that was interrupted: it has keys that may be forgotten since.
fn remove_interrupted(options: &KeyFileOptions, path: &Path) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(TEMPORARY_SUFFIX);
    match options.fs.remove_file(Path::new(&temporary)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn check_length(path: &Path, length: u64) -> Result<(), Error> {
    if length <= BYTES_MAX {
        return Ok(());
    }
    let path = path.display();
    let message = format!("{path} would have more than {BYTES_MAX} bytes");
    Err(Error::new(ErrorKind::TooLarge, message))
}

/// The lock of whoever changes the file.
pub(super) fn lock(options: &KeyFileOptions, path: &Path) -> Result<Box<dyn FileLock>, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(LOCK_SUFFIX);
    let name = PathBuf::from(name);
    let mut waited = Duration::ZERO;
    loop {
        let locked = options.fs.try_lock(&name);
        if let Some(lock) = locked.map_err(|error| refused("lock", &name, error))? {
            return Ok(lock);
        }
        if waited >= options.lock_wait_max {
            let message = format!("another process changes {}", path.display());
            return Err(Error::new(ErrorKind::Locked, message));
        }
        thread::sleep(LOCK_TRY_INTERVAL);
        waited += LOCK_TRY_INTERVAL;
    }
}

pub(super) fn refused(what: &str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Io,
    };
    let message = format!("cannot {what} the file of keys {}", path.display());
    Error::new(kind, message).with_source(error)
}

fn no_key_file(path: &Path, why: NoKeyFile) -> Error {
    let path = path.display();
    match why {
        NoKeyFile::Other => Error::new(
            ErrorKind::InvalidInput,
            format!("{path} is no file of keys"),
        ),
        NoKeyFile::Version(version) => Error::new(
            ErrorKind::UnsupportedVersion,
            format!(
                "{path} has version {version} of files of keys, and this program knows none after {VERSION}"
            ),
        ),
        NoKeyFile::Damaged(error) => Error::new(
            ErrorKind::Corrupt,
            format!("the file of keys {path} is damaged: put a copy of it back"),
        )
        .with_source(error),
    }
}
