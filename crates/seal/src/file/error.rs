//! What is told of a file of keys that cannot be used. Decides nothing.

use super::format::{NoKeyFile, VERSION};
use crate::keys::KeyRecord;
use std::io;
use std::path::Path;
use strandline::{Error, ErrorKind};

pub(super) fn refused(what: &str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Io,
    };
    let message = format!("cannot {what} the file of keys {}", path.display());
    Error::new(kind, message).with_source(error)
}

pub(super) fn damaged_key(path: &Path, record: &KeyRecord) -> Error {
    let (path, id, subject) = (path.display(), record.id, record.subject());
    let message = format!("in {path} key {id} of {subject} is not what was written");
    Error::new(ErrorKind::Corrupt, message)
}

pub(super) fn no_key_file(path: &Path, why: NoKeyFile) -> Error {
    let path = path.display();
    match why {
        NoKeyFile::Other => Error::new(
            ErrorKind::InvalidInput,
            format!("{path} is no file of keys"),
        ),
        NoKeyFile::Version(version) => Error::new(
            ErrorKind::UnsupportedVersion,
            format!(
                "{path} has version {version} of files of keys, and this program knows {VERSION}"
            ),
        ),
        NoKeyFile::Damaged(error) => Error::new(
            ErrorKind::Corrupt,
            format!("the file of keys {path} is damaged: put a copy of it back"),
        )
        .with_source(error),
    }
}
