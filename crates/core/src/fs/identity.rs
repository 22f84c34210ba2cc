//! `FileIdentity`: which file something is, whatever it is called.

use std::sync::atomic::{AtomicU64, Ordering};

/// Which file or directory this is among all that exist now. Another one may get the identity after
/// it was removed and closed by all who had it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// The file system that has it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

/// Numbers of file systems that are not the operating system's. Relaxed: all that counts is that each is
/// given once.
static DEVICES: AtomicU64 = AtomicU64::new(1 << 63);

impl FileIdentity {
    /// The number of another file system.
    pub(in crate::fs) fn new_device() -> u64 {
        DEVICES.fetch_add(1, Ordering::Relaxed)
    }
}
