//! The background thread: interval syncs and the footers of sealed segments.

use crate::footer;
use crate::store::Shared;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Hlc;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::thread;
use strandline_segment::SealedSegment;

/// A sealed segment, and the newest clock reading in it.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) segment: SealedSegment,
    pub(crate) newest: Option<Hlc>,
}

enum Job {
    /// Something was written and not synced.
    Sync,
    /// A segment was sealed and wants its footer.
    Footer(Box<Sealed>),
}

/// The handle of the thread; dropping it lets the thread finish what it was given and joins it.
#[derive(Debug)]
pub(crate) struct Background {
    jobs: Option<Sender<Job>>,
    /// Whether a `Sync` job is waiting. Set by writers and cleared by the thread before it syncs,
    /// both by swaps with acquire and release: who finds it set leaves its write to the swap that
    /// clears it, after which the thread looks up to where the log is written.
    sync_waits: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Background {
    pub(crate) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (sender, receiver) = unbounded();
        let sync_waits = Arc::new(AtomicBool::new(false));
        let waits = sync_waits.clone();
        let thread = thread::Builder::new()
            .name("strandline".to_owned())
            .spawn(move || run(&shared, &receiver, &waits))?;
        Ok(Self {
            jobs: Some(sender),
            sync_waits,
            thread: Some(thread),
        })
    }

    /// Asks for a sync within the store's interval.
    pub(crate) fn sync_soon(&self) {
        if !self.sync_waits.swap(true, Ordering::AcqRel) {
            self.send(Job::Sync);
        }
    }

    /// Asks for the footer of a sealed segment.
    pub(crate) fn write_footer(&self, sealed: Sealed) {
        self.send(Job::Footer(Box::new(sealed)));
    }

    fn send(&self, job: Job) {
        // The receiver outlives every sender; if its thread died, syncs are left to the callers
        // and footers to the next opening.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, jobs: &Receiver<Job>, sync_waits: &AtomicBool) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Sync => {
                let interval = shared.options.sync_interval.unwrap_or(Duration::ZERO);
                let footer = wait(jobs, interval);
                sync_waits.swap(false, Ordering::AcqRel);
                // A failure has stopped the store; whoever calls next is told.
                let _ = shared.group.wait(shared.group.written());
                if let Some(sealed) = footer {
                    write_footer(shared, &sealed);
                }
            }
            Job::Footer(sealed) => write_footer(shared, &sealed),
        }
    }
}

/// Waits for the interval; returns early with a footer that came, or when the store closes.
fn wait(jobs: &Receiver<Job>, interval: Duration) -> Option<Box<Sealed>> {
    match jobs.recv_timeout(interval) {
        Ok(Job::Footer(sealed)) => Some(sealed),
        Ok(Job::Sync) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
    }
}

fn write_footer(shared: &Shared, sealed: &Sealed) {
    let info = sealed.segment.info();
    let segment = info.id().get();
    let bytes = footer::encode(&shared.index.snapshot(), info, sealed.newest);
    if let Err(error) = sealed.segment.write_footer(&bytes) {
        // A footer saves time at an opening without a checkpoint, and is rebuilt from the frames.
        tracing::warn!(segment, %error, "cannot write the footer of a sealed segment");
    } else {
        tracing::debug!(segment, "wrote the footer of a sealed segment");
    }
}
