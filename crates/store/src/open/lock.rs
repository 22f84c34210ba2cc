//! Where a store is, and the lock by which it is held.

use super::{elsewhere, interrupted};
use crate::engine::Ours;
use crate::model::{Access, HOLDER_BYTES_MAX, LOCK_FILE, LockHolder, is_of_store};
use crate::{Error, ErrorKind, StoreOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::Process;
use strandline_core::fs::{FileLock, Fs, read_file};

/// What a store is held by; nothing if it is opened to read only.
pub(super) struct Held {
    pub(super) lock: Option<Box<dyn FileLock>>,
    pub(super) ours: Option<Arc<Ours>>,
}

/// The path whatever the working directory is changed to. Links in it are followed at each use.
///
/// # Errors
///
/// `InvalidInput` if it is empty; `Io` if there is no working directory.
pub(super) fn absolute(dir: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(dir).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => {
            Error::new(ErrorKind::InvalidInput, "the path of a directory is empty")
        }
        _ => Error::io("find the directory of", dir, error),
    })
}

/// Takes the lock of a store that is opened to write.
pub(super) fn lock(dir: &Path, options: &StoreOptions) -> Result<Option<Box<dyn FileLock>>, Error> {
    let fs = &options.fs;
    interrupted::refuse(&**fs, dir)?;
    elsewhere::refuse_elsewhere(&**fs, dir)?;
    match options.access {
        Access::Read => return Ok(None),
        Access::Create | Access::Write => elsewhere::refuse_followed(&**fs, dir)?,
    }
    match options.access {
        Access::Read => return Ok(None),
        Access::Create => fs
            .create_dir_all(dir)
            .map_err(|error| Error::io("make the directory", dir, error))?,
        Access::Write => match fs.list_names(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(not_found(dir));
            }
            listed => {
                let entries = listed.map_err(|error| Error::io("list", dir, error))?;
                // Nothing is left where there is no store, be it a damaged one.
                if !entries.iter().any(|entry| is_of_store(&entry.name)) {
                    return Err(not_found(dir));
                }
            }
        },
    }
    let path = dir.join(LOCK_FILE);
    let lock = fs
        .try_lock(&path)
        .map_err(|error| Error::io("lock", &path, error))?;
    let Some(lock) = lock else {
        return Err(locked(
            &**fs,
            dir,
            "is open for writing elsewhere",
            "; open it to read only, or close the other holder",
        ));
    };
    note_holder(&**fs, &path, &*lock, options.clock.now_ms());
    Ok(Some(lock))
}

/// Notes in LOCK who has it from `now_ms` on. What somebody else put there is left alone, and that nothing can be
/// noted keeps nobody from writing the store.
fn note_holder(fs: &dyn Fs, path: &Path, lock: &dyn FileLock, now_ms: u64) {
    let noted = read_file(fs, path, HOLDER_BYTES_MAX).unwrap_or_default();
    if noted.is_empty() || LockHolder::parse(&noted).is_some() {
        let _ = lock.note(&LockHolder::new(Process::current().id(), now_ms).text());
    }
}

/// The error of a lock that somebody else has, who is told if LOCK says so: the directory, what it is, by whom, and
/// what to do.
pub(crate) fn locked(fs: &dyn Fs, dir: &Path, is: &str, next: &str) -> Error {
    let noted = read_file(fs, &dir.join(LOCK_FILE), HOLDER_BYTES_MAX);
    let holder = noted.ok().and_then(|noted| LockHolder::parse(&noted));
    let by = holder.map_or_else(String::new, |holder| format!(", by {holder}"));
    Error::locked(format!("{} {is}{by}{next}", dir.display()), holder)
}

pub(super) fn not_found(dir: &Path) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no store in {}", dir.display()),
    )
}
