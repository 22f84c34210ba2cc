//! Who is at the other end of a connection, as the system says it.

use rustix::fd::AsFd;
use rustix::process::geteuid;

/// A process at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its number; 0 if it is in another container than this one.
    pub(crate) process: u32,
    user: u32,
}

impl Peer {
    /// Whether it may do here what the files of the store are there for: as the user of this process, or as the superuser.
    pub(crate) fn may_use(&self) -> bool {
        self.user == 0 || self.user == geteuid().as_raw()
    }

    /// Whether it is a user's, or the superuser's.
    pub(super) const fn is_of(&self, user: u32) -> bool {
        self.user == 0 || self.user == user
    }
}

/// Who is at the other end; `None` where the system does not say, and the mode of the socket is all that there is.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn peer_of(connection: impl AsFd) -> rustix::io::Result<Option<Peer>> {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    // Not through rustix: its number of a process is never 0, and that of one in another container is.
    let found = getsockopt(&connection, PeerCredentials)
        .map_err(|error| rustix::io::Errno::from_raw_os_error(error as i32))?;
    Ok(Some(Peer {
        process: found.pid().unsigned_abs(),
        user: found.uid(),
    }))
}

/// Who is at the other end; `None` where the system does not say, and the mode of the socket is all that there is.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn peer_of(_: impl AsFd) -> rustix::io::Result<Option<Peer>> {
    Ok(None)
}
