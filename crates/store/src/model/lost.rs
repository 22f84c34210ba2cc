//! `Lost`: how a store was lost to the process that held it. Who notices is not its business.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// How a store was lost.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Lost {
    #[error(
        "the directory {} was moved, replaced or removed, or a file in it was: {} there is not the file any \
         more that this process holds, so nothing more is written; open the store where it is now, and leave \
         the files of a store in use alone, LOCK too",
        dir.display(),
        file.display()
    )]
    Directory { dir: PathBuf, file: OsString },
    #[error(
        "this process is a fork of the one that opened {}, which holds its lock: nothing is written here; \
         open stores after the fork",
        dir.display()
    )]
    Fork { dir: PathBuf },
}

impl Lost {
    /// The loss that an error comes from, if it does.
    pub(crate) fn of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            let of_system = error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            if let Some(lost) = of_system.and_then(|inner| inner.downcast_ref()) {
                return Some(lost);
            }
            next = error.source();
        }
        None
    }
}
