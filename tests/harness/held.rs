//! `HeldFs`: a file system whose syncs wait while they are held, so that what is in flight stays so, and
//! that panics on demand.

use super::LIMIT;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use strandline::fs::{Fs, FsFile, FsFileLayer, FsLayer, MemFs, OpenMode};

#[derive(Debug, Clone, Default)]
pub(crate) struct HeldFs {
    inner: MemFs,
    hold: Arc<Hold>,
}

#[derive(Debug, Default)]
struct Hold {
    syncs: Mutex<Syncs>,
    changed: Condvar,
    panics: Mutex<Option<Panics>>,
    in_sync: Mutex<Hook>,
}

#[derive(Debug, Default)]
struct Syncs {
    is_held: bool,
    waiting: usize,
}

/// What is called in the next sync.
#[derive(Default)]
struct Hook(Option<Box<dyn FnOnce() + Send>>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

/// A call that panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Panics {
    Write,
    Sync,
}

impl Hold {
    fn panic_if(&self, call: Panics) {
        let mut panics = self.panics.lock().unwrap();
        if *panics == Some(call) {
            *panics = None;
            drop(panics);
            panic!("a hostile file system");
        }
    }
}

impl HeldFs {
    /// Lets every sync wait until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.hold.syncs.lock().unwrap().is_held = true;
    }

    /// Returns once so many syncs wait.
    pub(crate) fn until_held(&self, syncs: usize) {
        let now = self.hold.syncs.lock().unwrap();
        let fewer = |now: &mut Syncs| now.waiting < syncs;
        let waited = self.hold.changed.wait_timeout_while(now, LIMIT, fewer);
        assert!(!waited.unwrap().1.timed_out(), "nobody syncs");
    }

    /// Lets the next such call panic.
    pub(crate) fn panic_next(&self, call: Panics) {
        *self.hold.panics.lock().unwrap() = Some(call);
    }

    /// Calls this in the next sync, once it is not held.
    pub(crate) fn in_next_sync(&self, call: impl FnOnce() + Send + 'static) {
        self.hold.in_sync.lock().unwrap().0 = Some(Box::new(call));
    }

    pub(crate) fn release(&self) {
        self.hold.syncs.lock().unwrap().is_held = false;
        self.hold.changed.notify_all();
    }
}

impl FsLayer for HeldFs {
    fn below(&self) -> &dyn Fs {
        &self.inner
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        Ok(Arc::new(HeldFile {
            inner: self.inner.open(path, mode)?,
            hold: self.hold.clone(),
        }))
    }
}

#[derive(Debug)]
struct HeldFile {
    inner: Arc<dyn FsFile>,
    hold: Arc<Hold>,
}

impl FsFileLayer for HeldFile {
    fn below(&self) -> &dyn FsFile {
        &*self.inner
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.hold.panic_if(Panics::Write);
        self.inner.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        let mut now = self.hold.syncs.lock().unwrap();
        now.waiting += 1;
        self.hold.changed.notify_all();
        let held = |now: &mut Syncs| now.is_held;
        let mut now = self.hold.changed.wait_while(now, held).unwrap();
        now.waiting -= 1;
        drop(now);
        self.hold.panic_if(Panics::Sync);
        let hook = self.hold.in_sync.lock().unwrap().0.take();
        if let Some(call) = hook {
            call();
        }
        self.inner.sync()
    }
}
