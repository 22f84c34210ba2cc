//! `SyncDriver`: a thread that syncs what was written and nobody may be waiting for.
//!
//! Not for what may stay unsynced for a while: that is the background thread's.

use super::sync::GroupSync;
use super::target::SyncTarget;
use crate::engine::parker::Parker;
use crate::trace;
use std::io;
use std::sync::Arc;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::thread;

/// The thread; dropping this lets it sync what it was asked for, and joins it.
#[derive(Debug)]
pub(crate) struct SyncDriver {
    asks: Arc<Asks>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Asks {
    /// Whether a sync was asked for that has not begun. Only ever swapped, with acquire and release:
    /// who finds it set leaves its write to the swap of the driver that clears it, after which the
    /// driver looks up to where the log is written.
    sync: AtomicBool,
    /// Stored with release after the last ask, loaded with acquire before the flag is swapped.
    stop: AtomicBool,
    parker: Parker,
}

impl SyncDriver {
    pub(crate) fn start<T>(group: Arc<GroupSync<T>>) -> io::Result<Self>
    where
        T: SyncTarget + Send + 'static,
    {
        let asks = Arc::new(Asks {
            sync: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            parker: Parker::default(),
        });
        let asked = asks.clone();
        let thread = thread::Builder::new()
            .name("strandline-sync".to_owned())
            .spawn(move || run(&group, &asked))?;
        Ok(Self {
            asks,
            thread: Some(thread),
        })
    }

    /// Asks for a sync of everything that was written before. Does not wait.
    pub(crate) fn ask(&self) {
        if !self.asks.sync.swap(true, Ordering::AcqRel) {
            self.asks.parker.unpark();
        }
    }
}

impl Drop for SyncDriver {
    fn drop(&mut self) {
        self.asks.stop.store(true, Ordering::Release);
        self.asks.parker.unpark();
        if let Some(thread) = self.thread.take() {
            join(thread);
        }
    }
}

/// Joins a thread of a store, unless this is one: it would wait for itself, or for one that waits for a
/// sync of its. It ends by itself then.
pub(crate) fn join(thread: thread::JoinHandle<()>) {
    if !trace::is_stores_own() {
        let _ = thread.join();
    }
}

fn run<T: SyncTarget>(group: &GroupSync<T>, asks: &Asks) {
    trace::hand_over(group.calls());
    loop {
        // Before the other flag, so that an ask before the stop is not missed.
        let stop = asks.stop.load(Ordering::Acquire);
        if asks.sync.swap(false, Ordering::AcqRel) {
            // A failure has stopped the store, and so has a panic; whoever waits is told.
            let sync = || group.sync_at_once();
            let _ = group.calls().catch("a sync", sync);
        } else if stop {
            return;
        } else {
            asks.parker.park();
        }
    }
}
