//! `Control`: the handle. Holds no thread's work: that is `listening`'s.

use super::listening::Listening;
use super::options::ControlOptions;
use crate::socket::{Bound, CONTROL_FILE};
use crate::work::Waker;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::{Error, ErrorKind, Store};
use strandline_core::Process;
use strandline_core::sync::Mutex;
use strandline_core::sync::thread::{self, JoinHandle};

/// A socket in the directory of a store that is open to write, by which other processes of the same user ask for
/// maintenance.
///
/// It does not keep the store open: once that is dropped or closed, whoever asks is told so. While something is done the
/// store is open, whoever drops it; dropping this first stops that.
///
/// ```
/// use std::sync::Arc;
/// use strandline::Store;
/// use strandline_control::{Client, Control};
///
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Arc::new(Store::open(&path)?);
/// let control = Control::open(&store)?;
///
/// // In another process, or `strandline checkpoint` on the command line.
/// let client = Client::connect(&path)?.ok_or("somebody listens")?;
/// assert_eq!(client.checkpoint()?.get(), 0);
///
/// drop(control);
/// assert!(Client::connect(&path)?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Control {
    path: PathBuf,
    is_stopped: Arc<Mutex<bool>>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
    process: Process,
}

impl Control {
    /// Makes the socket [`CONTROL_FILE`] in the store's directory, and listens from then on.
    ///
    /// What a process that was killed has left there is replaced; a file, a folder or a link is not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`] for a store that is opened to read only, as the socket is for who has the lock, and
    /// [`ErrorKind::LockLost`], [`ErrorKind::Poisoned`] for one that cannot be written any more; [`ErrorKind::Busy`] if the
    /// store has such a socket already; [`ErrorKind::InvalidInput`] if something else has the name;
    /// [`ErrorKind::Io`] if it cannot be made, on a file system that has no sockets, say.
    pub fn open(store: &Arc<Store>) -> Result<Self, Error> {
        ControlOptions::new().open(store)
    }

    fn with_options(store: &Arc<Store>, options: ControlOptions) -> Result<Self, Error> {
        // Who has lost the lock must not replace the socket of who has it.
        store.check_held()?;
        let cannot = |error: std::io::Error| {
            Error::new(ErrorKind::Io, "cannot start to listen for control").with_source(error)
        };
        let (waker, woken) = Waker::pair().map_err(cannot)?;
        let bound = Bound::new(store.dir())?;
        // The directory may have been moved while the socket was made.
        store.check_held()?;
        let is_stopped = Arc::new(Mutex::new(false));
        let listening = Listening::new(
            bound,
            Arc::downgrade(store),
            options,
            (waker.clone(), woken),
            is_stopped.clone(),
        );
        let thread = thread::Builder::new().name("strandline-control".to_owned());
        let thread = thread.spawn(move || listening.run()).map_err(cannot)?;
        Ok(Self {
            path: store.dir().join(CONTROL_FILE),
            is_stopped,
            waker,
            thread: Some(thread),
            process: Process::current(),
        })
    }

    /// Where the socket is.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Stops what is being done, at the next point at which it can be, and removes the socket. As dropping it.
    pub fn close(self) {}
}

impl ControlOptions {
    /// As [`Control::open`], with these options.
    ///
    /// # Errors
    ///
    /// As [`Control::open`].
    pub fn open(self, store: &Arc<Store>) -> Result<Control, Error> {
        Control::with_options(store, self)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // A fork has neither the thread nor the lock.
        if !self.process.is_current() {
            return;
        }
        *self.is_stopped.lock() = true;
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // It has ended, however it did.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
