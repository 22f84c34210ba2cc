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

/// A file that is open, which state of it that is, and how long it was then.
pub(super) struct Opened {
    file: std::sync::Arc<dyn FsFile>,
    pub(super) mark: Mark,
    pub(super) length: u64,
}

impl Opened {
    /// Opens the file, and reads what tells whether it is another one.
    pub(super) fn open(options: &KeyFileOptions, path: &Path) -> Result<Self, Error> {
        let read = || {
            let mut bytes = vec![0; MARK_BYTES];
            let file = options.fs.open(path, OpenMode::Read)?;
            let length = file.len()?;
            let count = file.read_up_to(&mut bytes, 0)?;
            bytes.truncate(count);
            Ok((file, bytes, length))
        };
        let (file, bytes, length) = read().map_err(|error| refused("read", path, error))?;
        let mark = Mark::read(&bytes).map_err(|why| no_key_file(path, why))?;
        Ok(Self { file, mark, length })
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
        if self.length > BYTES_MAX {
            return Err(too_large());
        }
        let length = usize::try_from(self.length.saturating_sub(from)).map_err(|_| too_large())?;
        let mut bytes = vec![0; length];
        let count = self.file.read_up_to(&mut bytes, from).map_err(refused)?;
        bytes.truncate(count);
        Ok(bytes)
    }
}

/// Replaces the file, durably, by what is in memory, and gives its length.
pub(super) fn replace(options: &KeyFileOptions, path: &Path, file: &KeyFile) -> Result<u64, Error> {
    let bytes = file.encode();
    check_length(path, bytes.len() as u64)?;
    let written = replace_file(&*options.fs, path, &bytes);
    written.map_err(|error| refused("write", path, error))?;
    Ok(bytes.len() as u64)
}

/// Adds records to the file, durably, and gives its length; `None` if it has another name too, so that it is to be replaced.
pub(super) fn add(
    options: &KeyFileOptions,
    path: &Path,
    (mark, end): (&Mark, u64),
    records: &[(KeyRecord, Secret)],
) -> Result<Option<u64>, Error> {
    let bytes = block(mark, end, records);
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
    Ok(Some(length))
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
