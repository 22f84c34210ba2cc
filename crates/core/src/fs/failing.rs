//! Errors of the disk itself, as against those of who asks it. Asks nothing.

use std::io;

/// `EIO`: a device does not give back what is on it, or took what it was given badly. The same on every Unix.
const EIO: i32 = 5;
/// `EBADMSG` and `EUCLEAN` of Linux: a file system finds that what it has on the disk is not what it wrote.
#[cfg(target_os = "linux")]
const OF_FILE_SYSTEMS: [i32; 2] = [74, 117];
#[cfg(not(target_os = "linux"))]
const OF_FILE_SYSTEMS: [i32; 0] = [];

/// Whether a disk, or the file system on it, does not give back what is there: nothing that another right, more
/// memory or another try would change. What stands elsewhere on it may be readable.
///
/// ```
/// use std::io;
/// use strandline_core::fs::is_of_failing_disk;
///
/// assert!(is_of_failing_disk(&io::Error::from_raw_os_error(5)));
/// assert!(!is_of_failing_disk(&io::ErrorKind::PermissionDenied.into()));
/// ```
#[must_use]
pub fn is_of_failing_disk(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code.is_some_and(|code| code == EIO || OF_FILE_SYSTEMS.contains(&code))
}
