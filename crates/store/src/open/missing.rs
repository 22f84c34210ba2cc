//! The errors of a directory that has no store, or not all of one.

use crate::{Error, ErrorKind};
use std::path::Path;

pub(super) fn log_vanished(dir: &Path) -> Error {
    Error::new(
        ErrorKind::LogBehindCheckpoint,
        format!(
            "{} has a checkpoint and no log; restore the segments and the MANIFEST from a backup",
            dir.display()
        ),
    )
}

pub(super) fn not_found(dir: &Path) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no store in {}", dir.display()),
    )
}
