//! The background thread: interval syncs, the footers of sealed segments, and segments made ahead.

use crate::open::WithoutFooter;
use crate::store::Shared;
use crate::{checkpoint, footer};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Hlc;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::thread;
use strandline_segment::{NextSegment, SealedSegment};

/// A sealed segment, and the newest clock reading in it.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) segment: SealedSegment,
    pub(crate) newest: Option<Hlc>,
}

enum Job {
    /// Something was written and not synced.
    Sync,
    /// A segment was sealed and wants its footer, and then a checkpoint of what follows it.
    Footer(Box<Sealed>),
    /// So much was written that a checkpoint is wanted.
    Checkpoint,
    /// The active segment fills up, and the next one should be there.
    Prepare(NextSegment),
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
    /// What callers work on where there is no thread.
    inline: Option<Arc<Shared>>,
}

impl Background {
    pub(crate) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (sender, receiver) = unbounded();
        let sync_waits = Arc::new(AtomicBool::new(false));
        if shared.options.background_inline {
            return Ok(Self {
                jobs: None,
                sync_waits,
                thread: None,
                inline: Some(shared),
            });
        }
        let waits = sync_waits.clone();
        let thread = thread::Builder::new()
            .name("strandline".to_owned())
            .spawn(move || run(&shared, &receiver, &waits))?;
        Ok(Self {
            jobs: Some(sender),
            sync_waits,
            thread: Some(thread),
            inline: None,
        })
    }

    /// Asks for a sync within the store's interval.
    pub(crate) fn sync_soon(&self) {
        if !self.sync_waits.swap(true, Ordering::AcqRel) {
            self.send(Job::Sync);
        }
    }

    /// Asks for a checkpoint.
    pub(crate) fn checkpoint_soon(&self) {
        self.send(Job::Checkpoint);
    }

    /// Asks for the footers of segments that have none.
    pub(crate) fn write_footers(&self, shared: &Shared, segments: &[WithoutFooter]) {
        for without in segments {
            let sealed = shared
                .writer()
                .and_then(|writer| Ok(writer.lock().log.sealed_segment(without.segment)?));
            match sealed {
                Ok(segment) => self.write_footer(Sealed {
                    segment,
                    newest: without.newest,
                }),
                Err(error) => {
                    let segment = without.segment.get();
                    tracing::warn!(segment, %error, "cannot open a segment to write its footer");
                }
            }
        }
    }

    /// Asks for the footer of a sealed segment.
    pub(crate) fn write_footer(&self, sealed: Sealed) {
        self.send(Job::Footer(Box::new(sealed)));
    }

    /// Asks for the file of the next segment.
    pub(crate) fn prepare(&self, next: NextSegment) {
        self.send(Job::Prepare(next));
    }

    fn send(&self, job: Job) {
        // The receiver outlives every sender; if its thread died, syncs are left to the callers
        // and footers to the next opening.
        if let Some(shared) = &self.inline {
            self.sync_waits.swap(false, Ordering::AcqRel);
            work(shared, job);
        } else if let Some(jobs) = &self.jobs {
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
        if !matches!(job, Job::Sync) {
            work(shared, job);
            continue;
        }
        let interval = shared.options.sync_interval.unwrap_or(Duration::ZERO);
        let other = wait(jobs, interval);
        sync_waits.swap(false, Ordering::AcqRel);
        work(shared, Job::Sync);
        if let Some(other) = other {
            work(shared, other);
        }
    }
}

fn work(shared: &Shared, job: Job) {
    match job {
        Job::Sync => {
            // A failure has stopped the store; whoever calls next is told.
            let _ = shared.group.wait(shared.group.written());
        }
        Job::Footer(sealed) => {
            write_footer(shared, &sealed);
            save_checkpoint(shared);
        }
        Job::Checkpoint => save_checkpoint(shared),
        Job::Prepare(next) => {
            if let Err(error) = next.prepare() {
                // The rotation tries again, and says what is wrong.
                tracing::warn!(%error, "cannot make the next segment ahead");
            }
        }
    }
}

/// Waits for the interval; returns early with another job that came, or when the store closes.
fn wait(jobs: &Receiver<Job>, interval: Duration) -> Option<Job> {
    jobs.recv_timeout(interval).ok()
}

fn save_checkpoint(shared: &Shared) {
    if let Err(error) = checkpoint::save(shared) {
        // It saves time at an opening, which reads the log where there is none.
        tracing::warn!(%error, "cannot save a checkpoint");
    }
}

/// Writes the footer of a sealed segment, and puts its block in the place of the live rows.
fn write_footer(shared: &Shared, sealed: &Sealed) {
    let info = sealed.segment.info();
    let segment = info.id().get();
    let bytes = footer::encode(&shared.index.snapshot(), info, sealed.newest);
    if let Err(error) = sealed.segment.write_footer(&bytes) {
        // A footer saves time at an opening and memory before it, and is rebuilt from the frames.
        tracing::warn!(segment, %error, "cannot write the footer of a sealed segment");
        return;
    }
    drop(bytes);
    let mapped = shared.options.log.maps_reads();
    let opened = sealed
        .segment
        .footer(mapped)
        .map_err(crate::Error::from)
        .and_then(|footer| match (footer, sealed.segment.frames()) {
            (Some(footer), Some(frames)) => footer::open(footer, frames),
            _ => Err(crate::Error::new(
                crate::ErrorKind::Corrupt,
                "it is not there",
            )),
        });
    let replaced = opened.and_then(|(_, block)| {
        if block.rows() == 0 {
            return Ok(());
        }
        shared.index.replace(block).map_err(crate::Error::from)
    });
    match replaced {
        Ok(()) => tracing::debug!(segment, "wrote the footer of a sealed segment"),
        Err(error) => {
            tracing::warn!(segment, %error, "cannot use the footer of a sealed segment");
        }
    }
}
