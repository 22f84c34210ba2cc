//! `Bound`: the socket of whoever has the store's LOCK, while it listens.

use super::address::Directory;
use super::{CONTROL_FILE, UNFINISHED};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, Mode, Stat, chmodat, fchmod, fstat, renameat, statat, unlinkat,
};
use rustix::io::{self, Errno};
use rustix::net::{AddressFamily, SocketFlags, SocketType, accept_with, bind, listen, socket_with};
use std::collections::BTreeSet;
use std::path::Path;
use strandline::{Error, ErrorKind};
use strandline_core::sync::Mutex;

/// How many connections wait until they are taken.
const BACKLOG: i32 = 64;

/// The directories that have a socket of this process, by device and number: two of one process would both have LOCK.
static TAKEN: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

/// A socket that listens, under its name in a directory.
pub(crate) struct Bound {
    listener: OwnedFd,
    directory: Directory,
    /// Which file it is.
    file: (u64, u64),
    /// Taken until this is gone.
    _taken: Taken,
}

impl Bound {
    /// Makes the socket. Whoever calls it has the store's LOCK, so what another process left is nobody's and is replaced; a
    /// file, a folder or a link in its place is refused, and stays.
    ///
    /// # Errors
    ///
    /// `Busy` if this process has one there; `InvalidInput` if something else has its name; `Io` with what the system
    /// said.
    pub(crate) fn new(dir: &Path) -> Result<Self, Error> {
        let failed = |error: Errno| {
            let message = format!("cannot make the control socket of {}", dir.display());
            Error::new(ErrorKind::Io, message).with_source(std::io::Error::from(error))
        };
        let directory = Directory::open(dir).map_err(failed)?;
        let of_directory = fstat(&directory.fd).map_err(failed)?;
        let taken = Taken::take(id_of(&of_directory)).ok_or_else(|| {
            let dir = dir.display();
            Error::new(
                ErrorKind::Busy,
                format!("{dir} has a control socket of this process: close that `Control` first"),
            )
        })?;
        for name in [CONTROL_FILE, UNFINISHED] {
            refuse_others(&directory, dir, name)?;
        }
        let listener = listening(&directory).map_err(failed)?;
        let published =
            statat(directory.as_fd(), UNFINISHED, AtFlags::SYMLINK_NOFOLLOW).and_then(|found| {
                renameat(
                    directory.as_fd(),
                    UNFINISHED,
                    directory.as_fd(),
                    CONTROL_FILE,
                )?;
                Ok(id_of(&found))
            });
        let file = published.inspect_err(|_| {
            let _ = unlinkat(directory.as_fd(), UNFINISHED, AtFlags::empty());
        });
        Ok(Self {
            listener,
            file: file.map_err(failed)?,
            directory,
            _taken: taken,
        })
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// The next connection; none if nobody waits.
    pub(crate) fn accept(&self) -> io::Result<Option<OwnedFd>> {
        match accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(connection) => Ok(Some(connection)),
            Err(Errno::AGAIN | Errno::CONNABORTED | Errno::INTR) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Bound {
    /// Removes the name, if it is still that of this socket: who took over the store has another one there.
    fn drop(&mut self) {
        let found = statat(
            self.directory.as_fd(),
            CONTROL_FILE,
            AtFlags::SYMLINK_NOFOLLOW,
        );
        if found.is_ok_and(|found| id_of(&found) == self.file) {
            let _ = unlinkat(self.directory.as_fd(), CONTROL_FILE, AtFlags::empty());
        }
    }
}

/// A socket that listens under the unfinished name, with the mode 0600 before anybody can connect to it.
fn listening(directory: &Directory) -> io::Result<OwnedFd> {
    match unlinkat(directory.as_fd(), UNFINISHED, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error),
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    let owner = Mode::RUSR | Mode::WUSR;
    // Linux gives the file the mode of the socket, less what the umask takes. Elsewhere this may do nothing.
    let _ = fchmod(&socket, owner);
    bind(&socket, &directory.address(UNFINISHED)?)?;
    // Nobody is let in before it listens, so there is no moment at which others could be.
    let made = chmodat(directory.as_fd(), UNFINISHED, owner, AtFlags::empty())
        .and_then(|()| listen(&socket, BACKLOG));
    if let Err(error) = made {
        let _ = unlinkat(directory.as_fd(), UNFINISHED, AtFlags::empty());
        return Err(error);
    }
    Ok(socket)
}

/// Refuses to replace what is no socket, without following a link.
fn refuse_others(directory: &Directory, dir: &Path, name: &str) -> Result<(), Error> {
    let found = match statat(directory.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        // What cannot be looked at cannot be made either, and that says why.
        Err(_) => return Ok(()),
    };
    match FileType::from_raw_mode(found.st_mode) {
        FileType::Socket => Ok(()),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{} is no socket, and is left alone; move it away, so that the control socket can have its name",
                dir.join(name).display()
            ),
        )),
    }
}

pub(super) const fn id_of(found: &Stat) -> (u64, u64) {
    (found.st_dev, found.st_ino)
}

/// A directory that is in the list of those that have a socket of this process.
struct Taken((u64, u64));

impl Taken {
    fn take(directory: (u64, u64)) -> Option<Self> {
        // Nothing is made that is dropped again: that would take the lock, and take the directory off the list.
        let is_new = TAKEN.lock().insert(directory);
        is_new.then(|| Self(directory))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        TAKEN.lock().remove(&self.0);
    }
}
