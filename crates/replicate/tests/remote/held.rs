//! A file system in memory that holds the writes of the threads that fetch.

use std::io;
use std::path::Path;
use std::sync::{Arc, Barrier};
use strandline_core::fs::{Fs, FsFile, FsLayer, MemFs, OpenMode};

/// Holds the writes of the threads that fetch.
#[derive(Debug)]
pub(crate) struct HeldWrites {
    pub(crate) below: MemFs,
    pub(crate) let_go: Arc<Barrier>,
}

impl FsLayer for HeldWrites {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let name = std::thread::current().name().map(str::to_owned);
        if mode == OpenMode::Create && name.as_deref() == Some("strandline-fetch") {
            self.let_go.wait();
        }
        self.below.open(path, mode)
    }
}
