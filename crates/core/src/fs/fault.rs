//! `FaultFs`: a file system that fails on demand, for tests of the layers above.

use super::{Fs, FsFile, FsFileLayer, FsLayer, Mapping, OpenMode, Operation};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How an operation fails.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// How many calls succeed first.
    pub after: u64,
    /// How many calls then fail.
    pub times: u64,
    /// With what.
    pub error: io::ErrorKind,
    /// For a write: how many bytes reach the file before the error; 0 for none.
    pub partial_bytes: usize,
}

/// Wraps a file system and fails the operations it is told to. Clones share their faults.
#[derive(Debug, Clone)]
pub struct FaultFs {
    inner: Arc<dyn Fs>,
    faults: Faults,
}

#[derive(Debug, Clone, Default)]
struct Faults(Arc<Mutex<BTreeMap<Operation, State>>>);

#[derive(Debug, Default)]
struct State {
    calls: u64,
    fault: Option<Fault>,
}

impl Faults {
    /// Counts a call; gives the fault it fails with, if it does.
    fn call(&self, operation: Operation) -> Option<Fault> {
        let mut states = self.0.lock();
        let state = states.entry(operation).or_default();
        state.calls += 1;
        let fault = state.fault.as_mut()?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        if fault.times == 0 {
            return None;
        }
        fault.times -= 1;
        Some(*fault)
    }

    fn check(&self, operation: Operation) -> io::Result<()> {
        match self.call(operation) {
            None => Ok(()),
            Some(fault) => Err(fault.error.into()),
        }
    }
}

impl FaultFs {
    /// A file system that does what `inner` does until a fault is set.
    #[must_use]
    pub fn new(inner: Arc<dyn Fs>) -> Self {
        Self {
            inner,
            faults: Faults::default(),
        }
    }

    /// Makes coming calls of `operation` fail, in place of an earlier fault of it.
    pub fn fail(&self, operation: Operation, fault: Fault) {
        self.faults.0.lock().entry(operation).or_default().fault = Some(fault);
    }

    /// Lets all calls succeed again.
    pub fn heal(&self) {
        for state in self.faults.0.lock().values_mut() {
            state.fault = None;
        }
    }

    /// How many times `operation` was called, failed calls included.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.faults
            .0
            .lock()
            .get(&operation)
            .map_or(0, |state| state.calls)
    }
}

impl FsLayer for FaultFs {
    fn below(&self) -> &dyn Fs {
        &*self.inner
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        if mode == OpenMode::Create {
            self.faults.check(Operation::Create)?;
        }
        Ok(Arc::new(FaultFile {
            inner: self.inner.open(path, mode)?,
            faults: self.faults.clone(),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.check(Operation::Rename)?;
        self.inner.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.check(Operation::Rename)?;
        self.inner.rename_new(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.faults.check(Operation::Rename)?;
        self.inner.exchange(one, other)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.faults.check(Operation::SyncDir)?;
        self.inner.sync_dir(path)
    }
}

#[derive(Debug)]
struct FaultFile {
    inner: Arc<dyn FsFile>,
    faults: Faults,
}

impl FsFileLayer for FaultFile {
    fn below(&self) -> &dyn FsFile {
        &*self.inner
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.faults.check(Operation::Read)?;
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.faults.call(Operation::Write) {
            None => self.inner.write_at(bytes, offset),
            Some(fault) => {
                let partial = bytes.get(..fault.partial_bytes.min(bytes.len()));
                self.inner
                    .write_all_at(partial.unwrap_or_default(), offset)?;
                Err(fault.error.into())
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.check(Operation::Sync)?;
        self.inner.sync()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.faults.check(Operation::SetLen)?;
        self.inner.set_len(bytes)
    }

    fn map(&self, bytes: u64) -> Option<Mapping> {
        self.faults.check(Operation::Map).ok()?;
        self.inner.map(bytes)
    }
}
