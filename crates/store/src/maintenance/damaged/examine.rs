//! What is in a directory, and the file of a segment as it is, whatever is wrong with the others.

use crate::{Error, ErrorKind};
use std::path::Path;
use strandline_core::fs::{DirEntry, Fs, OpenMode};
use strandline_segment::{Examiner, Manifest, SEGMENT_HEADER_BYTES, SegmentInfo};

/// What is in the directory of a store.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] if there is no directory, [`ErrorKind::Io`] if it cannot be listed.
pub(in crate::maintenance) fn entries(fs: &dyn Fs, dir: &Path) -> Result<Vec<DirEntry>, Error> {
    fs.list(dir).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(
            ErrorKind::NotFound,
            format!("there is no directory {}", dir.display()),
        ),
        _ => Error::io("list", dir, error),
    })
}

/// Opens a segment, with what the manifest says of it if that can be read.
pub(in crate::maintenance) fn examiner(
    fs: &dyn Fs,
    dir: &Path,
    name: &str,
) -> Result<Examiner, Error> {
    let manifest = Manifest::read(fs, dir).ok().flatten();
    let infos = manifest.as_ref().map_or(&[][..], Manifest::segments);
    let known: Option<&SegmentInfo> = infos.iter().find(|info| info.file_name() == name);
    Ok(Examiner::open(fs, &dir.join(name), known)?)
}

/// Whether a file begins with zeros: one that was made ahead, and holds nothing yet.
pub(super) fn is_blank(fs: &dyn Fs, path: &Path) -> bool {
    let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
    let read = fs
        .open(path, OpenMode::Read)
        .and_then(|file| file.read_up_to(&mut bytes, 0));
    read.is_ok() && bytes.iter().all(|byte| *byte == 0)
}
