//! Addresses of sockets by an open directory. That of a socket has room for 107 bytes, and a path may have 4,095.

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io;
use rustix::net::SocketAddrUnix;
use std::path::{Path, PathBuf};

/// Where Linux shows the descriptors of a process.
const DESCRIPTORS: &str = "/proc/self/fd";

/// A directory that was opened: it stays the same one, whatever its path names later.
pub(super) struct Directory {
    pub(super) fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            fd: openat(CWD, path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The address of a name in it.
    pub(super) fn address(&self, name: &str) -> io::Result<SocketAddrUnix> {
        match of_descriptor(self.as_fd()) {
            Some(directory) => SocketAddrUnix::new(directory.join(name)),
            None => SocketAddrUnix::new(self.path.join(name)),
        }
    }
}

/// The path by which the kernel finds what a descriptor is of; none where it shows none.
pub(super) fn of_descriptor(fd: BorrowedFd<'_>) -> Option<PathBuf> {
    let path = Path::new(DESCRIPTORS).join(fd.as_raw_fd().to_string());
    rustix::fs::stat(&path).is_ok().then_some(path)
}
