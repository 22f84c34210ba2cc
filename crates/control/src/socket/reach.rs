//! A connection to the socket of a directory, made by somebody else.

use super::CONTROL_FILE;
use super::address::Directory;
use super::peer::{Peer, peer_of};
use rustix::fs::{AtFlags, FileType, fstat, statat};
use rustix::io::{self, Errno};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use strandline::{Error, ErrorKind};

/// Connects to the socket in a directory, and says who answers; `None` if there is none, or nobody listens. A link in its
/// place is not followed.
///
/// # Errors
///
/// `InvalidInput` if something else has its name, or another user's process listens than whose the directory is; `Io`.
pub(crate) fn reach(
    dir: &Path,
    patience: Duration,
) -> Result<Option<(UnixStream, Option<Peer>)>, Error> {
    let path = dir.join(CONTROL_FILE);
    let failed = |error: Errno| {
        let message = format!("cannot connect to {}", path.display());
        Error::new(ErrorKind::Io, message).with_source(std::io::Error::from(error))
    };
    let refused = |what: &str| {
        let message = format!("{} {what}", path.display());
        Err(Error::new(ErrorKind::InvalidInput, message))
    };
    let directory = match Directory::open(dir) {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match statat(directory.as_fd(), CONTROL_FILE, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(found) if FileType::from_raw_mode(found.st_mode) != FileType::Socket => {
            return refused("is no socket, and nothing is asked of it");
        }
        Ok(_) => {}
    }
    let stream = match connected(&directory, patience) {
        Ok(stream) => stream,
        // Whoever made it was killed, or has closed it meanwhile.
        Err(Errno::CONNREFUSED | Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let peer = peer_of(&stream).map_err(failed)?;
    let owner = fstat(&directory.fd).map_err(failed)?.st_uid;
    if peer.is_some_and(|peer| !peer.may_use() && !peer.is_of(owner)) {
        return refused(
            "is listened to by another user than the directory is of; nothing was asked of it",
        );
    }
    Ok(Some((stream, peer)))
}

fn connected(directory: &Directory, patience: Duration) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Whoever has stopped takes no connection, and there is room for some alone.
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(patience))?;
    connect(&socket, &directory.address(CONTROL_FILE)?)?;
    Ok(UnixStream::from(socket))
}
