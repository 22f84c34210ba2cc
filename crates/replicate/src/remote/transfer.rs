//! `Transfer`: bytes of an object on their way to somebody, past the blocks that are kept.

use super::blocks::{Blocks, Shared};
use super::objects::NotFetched;
use bytes::Bytes;
use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::fs::FsFile;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::{Condvar, Mutex};

/// Where bytes of objects go.
pub(super) trait Receive: Send + Sync + Debug {
    /// Whether it still has a use for them.
    fn is_wanted(&self) -> bool;

    /// Takes bytes, which belong at a place.
    fn receive(&self, bytes: Bytes, at: u64);
}

/// A file that is being filled.
#[derive(Debug)]
pub(super) struct Filling {
    file: Arc<dyn FsFile>,
    has_failed: AtomicBool,
}

impl Filling {
    pub(super) fn new(file: Arc<dyn FsFile>) -> Self {
        Self {
            file,
            has_failed: AtomicBool::new(false),
        }
    }

    /// Whether something could not be written to it.
    pub(super) fn has_failed(&self) -> bool {
        // Relaxed: who asks has waited for those who write.
        self.has_failed.load(Ordering::Relaxed)
    }
}

impl Receive for Filling {
    fn is_wanted(&self) -> bool {
        !self.has_failed()
    }

    fn receive(&self, bytes: Bytes, at: u64) {
        if self.file.write_all_at(&bytes, at).is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
    }
}

/// A range of an object, where it goes, and to which place there.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) object: Arc<str>,
    pub(super) range: Range<u64>,
    pub(super) to: Arc<dyn Receive>,
    pub(super) at: u64,
}

/// Transfers that somebody waits for.
#[derive(Debug)]
struct Transfers {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Debug)]
struct State {
    left: usize,
    failed: Option<NotFetched>,
}

impl Transfers {
    fn new(count: usize) -> Self {
        Self {
            state: Mutex::new(State {
                left: count,
                failed: None,
            }),
            told: Condvar::new(),
        }
    }

    /// Whether one has failed, so that the others are for nothing.
    fn have_failed(&self) -> bool {
        self.state.lock().failed.is_some()
    }

    /// Notes what became of one.
    fn land(&self, landed: Result<(), NotFetched>) {
        let mut state = self.state.lock();
        state.left = state.left.saturating_sub(1);
        if let Err(error) = landed {
            state.failed.get_or_insert(error);
        }
        if state.left == 0 {
            self.told.notify_all();
        }
    }

    /// Waits for all of them.
    ///
    /// # Errors
    ///
    /// The first that failed.
    fn wait(&self) -> Result<(), NotFetched> {
        let mut state = self.state.lock();
        while state.left > 0 {
            self.told.wait(&mut state);
        }
        state.failed.take().map_or(Ok(()), Err)
    }
}

impl Blocks {
    /// Fetches ranges of objects for others, as many at once as may be, and keeps none of them. What could not be done with
    /// them is for those to say.
    ///
    /// # Errors
    ///
    /// The first that could not be fetched; the rest is given up then.
    pub(super) fn transfer(&self, all: Vec<Transfer>) -> io::Result<()> {
        let transfers = Arc::new(Transfers::new(all.len()));
        for transfer in all {
            let moving = Moving {
                shared: self.shared.clone(),
                transfers: transfers.clone(),
                transfer,
                is_landed: false,
            };
            self.pool.run(Box::new(move || moving.fetch()));
        }
        transfers.wait().map_err(NotFetched::into_io)
    }
}

/// A transfer that a thread sees to. Dropped, it has failed.
struct Moving {
    shared: Arc<Shared>,
    transfers: Arc<Transfers>,
    transfer: Transfer,
    is_landed: bool,
}

impl Moving {
    fn fetch(mut self) {
        if self.transfers.have_failed() || !self.transfer.to.is_wanted() {
            return self.land(Ok(()));
        }
        let Transfer { object, range, .. } = &self.transfer;
        let landed = match self.shared.read(object, range.clone()) {
            Ok(bytes) => {
                self.transfer.to.receive(bytes, self.transfer.at);
                Ok(())
            }
            Err(error) => Err(self.failed(&error)),
        };
        self.land(landed);
    }

    fn land(&mut self, landed: Result<(), NotFetched>) {
        self.is_landed = true;
        self.transfers.land(landed);
    }

    fn failed(&self, error: &io::Error) -> NotFetched {
        let Transfer { object, range, .. } = &self.transfer;
        self.shared.not_fetched(object, range.clone(), error)
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        if !self.is_landed {
            let failed = self.failed(&io::Error::other("the fetch was given up"));
            self.land(Err(failed));
        }
    }
}
