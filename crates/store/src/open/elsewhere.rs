//! Directories of which sealed segments are in a bucket, not opened by whoever does not see these; and copies of a bucket,
//! not written by anybody.

use crate::{Error, ErrorKind};
use std::io;
use std::path::Path;
use strandline_core::fs::Fs;
use strandline_segment::{BUCKET_FILE, FOLLOWED_FILE};

/// Refuses a directory that says that it has not all files: who can read the others does not see that. Whoever reads the
/// files themselves would take those for lost. Nor is one let be of which that cannot be found out. One look.
pub(crate) fn refuse_elsewhere(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let path = dir.join(BUCKET_FILE);
    match fs.identity(&path) {
        Ok(_) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "sealed segments of {} are not in the directory but in the bucket that its file {BUCKET_FILE} names; \
                 open it through strandline_replicate::bucket_fs, or restore or take over the bucket into another \
                 directory",
                dir.display()
            ),
        )),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(()),
            _ => Err(Error::io("look for", &path, error)),
        },
    }
}

/// Refuses to write where a bucket is followed into the directory: what is written would contradict what comes next, and
/// who goes on with the log there has to take the bucket over. One look.
pub(crate) fn refuse_followed(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let path = dir.join(FOLLOWED_FILE);
    match fs.identity(&path) {
        Ok(_) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{} is a replica of a bucket, as its file {FOLLOWED_FILE} says: only what the bucket has is written there; \
                 to write, take the bucket over into it (`strandline take-over`, strandline_replicate::take_over), or open \
                 a copy of it (`strandline backup`), which goes its own way",
                dir.display()
            ),
        )),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(()),
            _ => Err(Error::io("look for", &path, error)),
        },
    }
}
