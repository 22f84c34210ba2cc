//! The background threads: one for interval syncs, which nothing else holds up, and one for the
//! footers of sealed segments, checkpoints, and segments made ahead.

use crate::checkpoint;
use crate::footer::{self, Opened};
use crate::jobs::Jobs;
use crate::open::WithoutFooter;
use crate::removed::HeadMap;
use crate::store::Shared;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Hlc;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::thread;
use strandline_segment::{NextSegment, SealedSegment, SegmentId, SegmentInfo, footer_on_disk};

/// How many sealed segments wait for their footers at most: their rows are in memory until then. Who
/// seals one more writes a footer itself.
const FOOTERS_WAITING_MAX: usize = 4;

/// A sealed segment that wants its footer, and the newest clock reading in it. Its file is opened when
/// its turn comes.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) info: SegmentInfo,
    pub(crate) newest: Option<Hlc>,
}

/// What became of the footers that were to be written.
#[derive(Debug, Default)]
pub(crate) struct FootersWritten {
    pub(crate) count: usize,
    /// How many were there already, as they should be.
    pub(crate) sound: usize,
    /// A sentence for each of the newest that could not be.
    pub(crate) failed: Vec<String>,
}

impl FootersWritten {
    const FAILED_KEPT: usize = 100;

    fn failed(&mut self, segment: SegmentId, error: &dyn fmt::Display) {
        let number = segment.get();
        tracing::warn!(segment = number, %error, "cannot write the footer of a sealed segment");
        self.failed.truncate(Self::FAILED_KEPT - 1);
        self.failed.insert(
            0,
            format!(
                "the footer of {} was not written: {error}",
                segment.file_name()
            ),
        );
    }
}

#[derive(Debug)]
enum Job {
    /// A segment was sealed and wants its footer.
    Footer(Box<Sealed>),
    /// So much was written that a checkpoint is wanted.
    Checkpoint,
    /// The active segment fills up, and the next one should be there.
    Prepare(NextSegment),
}

/// The handle of the threads; dropping it lets them finish what they were given and joins them.
#[derive(Debug)]
pub(crate) struct Background {
    syncs: Option<Sender<()>>,
    jobs: Arc<Jobs<Job>>,
    /// Whether a sync was asked for and is waited with. Set by writers and cleared by the thread
    /// before it syncs, both by swaps with acquire and release: who finds it set leaves its write to
    /// the swap that clears it, after which the thread looks up to where the log is written.
    sync_waits: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
    /// What callers work on where there are no threads.
    inline: Option<Arc<Shared>>,
}

impl Background {
    pub(crate) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let mut background = Self {
            syncs: None,
            jobs: Arc::default(),
            sync_waits: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
            inline: None,
        };
        if shared.options.background_inline {
            background.inline = Some(shared);
            return Ok(background);
        }
        let (syncs, asked) = unbounded();
        background.syncs = Some(syncs);
        let (waits, of_syncs) = (background.sync_waits.clone(), shared.clone());
        background.spawn("strandline-sync", move || {
            run_syncs(&of_syncs, &asked, &waits);
        })?;
        let jobs = background.jobs.clone();
        background.spawn("strandline", move || {
            while let Some(mut in_work) = jobs.next() {
                work(&shared, in_work.take());
            }
        })?;
        Ok(background)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Asks for a sync within the store's interval.
    pub(crate) fn sync_soon(&self) {
        if let Some(shared) = &self.inline {
            sync(shared);
        } else if !self.sync_waits.swap(true, Ordering::AcqRel)
            && let Some(syncs) = &self.syncs
        {
            let _ = syncs.send(());
        }
    }

    /// Asks for a checkpoint.
    pub(crate) fn checkpoint_soon(&self) {
        if let Some(shared) = &self.inline {
            return save_checkpoint(shared);
        }
        // It holds what there is when it is made.
        let is_same = |job: &Job| matches!(job, Job::Checkpoint);
        self.jobs.add_once(Job::Checkpoint, is_same);
    }

    /// Asks for the footers of segments that have none.
    pub(crate) fn write_footers(&self, segments: &[WithoutFooter]) {
        for without in segments {
            self.add_footer(Sealed {
                info: without.info,
                newest: without.newest,
            });
        }
        if !segments.is_empty() {
            self.checkpoint_soon();
        }
    }

    /// Asks for the footer of a sealed segment, and for a checkpoint of what follows it. Writes a footer
    /// itself if too many wait, so that whoever appends faster than the background works is held up by
    /// it, and nobody else is. Called without the commit lock.
    pub(crate) fn write_footer(&self, shared: &Shared, sealed: Sealed) {
        self.add_footer(sealed);
        self.checkpoint_soon();
        let is_footer = |job: &Job| matches!(job, Job::Footer(_));
        if let Some(mut oldest) = self.jobs.take_if_over(FOOTERS_WAITING_MAX, is_footer) {
            work(shared, oldest.take());
        }
    }

    fn add_footer(&self, sealed: Sealed) {
        let job = Job::Footer(Box::new(sealed));
        match &self.inline {
            Some(shared) => work(shared, Some(job)),
            None => self.jobs.add(job),
        }
    }

    /// Asks for the file of the next segment, before all else: it is made in a moment, and a rotation
    /// that does not find it holds up all appends while it makes it.
    pub(crate) fn prepare(&self, next: NextSegment) {
        let job = Job::Prepare(next);
        match &self.inline {
            Some(shared) => work(shared, Some(job)),
            None => {
                let is_same = |job: &Job| matches!(job, Job::Prepare(_));
                self.jobs.add_first_once(job, is_same);
            }
        }
    }

    /// Returns when everything that was asked for before is done; does what nobody has begun.
    pub(crate) fn finish(&self, shared: &Shared) {
        self.jobs.finish(|mut in_work| work(shared, in_work.take()));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.syncs = None;
        self.jobs.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn run_syncs(shared: &Shared, asked: &Receiver<()>, sync_waits: &AtomicBool) {
    let interval = shared.options.sync_interval.unwrap_or(Duration::ZERO);
    while asked.recv().is_ok() {
        // Ends early when the store is closed: nothing is asked for twice before it is done.
        let _ = asked.recv_timeout(interval);
        sync_waits.swap(false, Ordering::AcqRel);
        sync(shared);
    }
}

fn sync(shared: &Shared) {
    // A failure has stopped the store; whoever calls next is told.
    let _ = shared.group.wait(shared.group.written());
}

fn work(shared: &Shared, job: Option<Job>) {
    match job {
        Some(Job::Footer(sealed)) => write_footer(shared, &sealed),
        Some(Job::Checkpoint) => save_checkpoint(shared),
        Some(Job::Prepare(next)) => {
            if let Err(error) = next.prepare() {
                // The rotation tries again, and says what is wrong.
                tracing::warn!(%error, "cannot make the next segment ahead");
            }
        }
        None => {}
    }
}

fn save_checkpoint(shared: &Shared) {
    if let Err(error) = checkpoint::save(shared) {
        // It saves time at an opening, which reads the log where there is none.
        tracing::warn!(%error, "cannot save a checkpoint");
    }
}

/// Opens a sealed segment to write its footer, with where streams end in it whose newest event was
/// removed; none if it was rewritten meanwhile, with a footer.
fn open_sealed(
    shared: &Shared,
    info: &SegmentInfo,
) -> Result<Option<(SealedSegment, HeadMap)>, crate::Error> {
    let writer = shared.writer()?.lock();
    let segment = writer.log.sealed_segment(info.id())?;
    let is_same = segment.info() == info;
    Ok(is_same.then(|| (segment, writer.removed.map_of(info.id()))))
}

/// Writes the footer of a sealed segment, and puts its block in the place of the live rows.
fn write_footer(shared: &Shared, sealed: &Sealed) {
    let info = &sealed.info;
    let number = info.id().get();
    let (segment, removed) = match open_sealed(shared, info) {
        Ok(Some(opened)) => opened,
        // It was rewritten meanwhile, with a footer of its own.
        Ok(None) => return,
        Err(error) => return shared.footers.lock().failed(info.id(), &error),
    };
    let begun = footer::begin(sealed.newest, &removed);
    let first = info.start().sequence;
    let end = info.end().map_or(first, |end| end.sequence);
    let exported = shared.index.snapshot().export_after(begun, first..end);
    let written = exported.map_err(crate::Error::from).and_then(|bytes| {
        let is_sound = has_footer(shared, info, &bytes);
        if !is_sound {
            segment.write_footer(&bytes)?;
        }
        Ok(is_sound)
    });
    let is_sound = match written {
        // A footer saves time at an opening and memory before it, and is rebuilt from the frames.
        Err(error) => return shared.footers.lock().failed(info.id(), &error),
        Ok(is_sound) => is_sound,
    };
    let mapped = shared.options.log.maps_reads();
    let opened = segment
        .footer(mapped)
        .map_err(crate::Error::from)
        .and_then(|footer| match (footer, segment.frames()) {
            (Some(footer), Some(frames)) => footer::open(footer, frames),
            _ => Err(crate::Error::new(
                crate::ErrorKind::Corrupt,
                "it is not there",
            )),
        });
    let replaced = opened.and_then(|Opened { block, .. }| {
        if block.rows() == 0 {
            return Ok(());
        }
        // A rewritten segment has rows of its own, whose positions are others.
        let _positions = shared.positions.read();
        if shared.log.view().info(info.id()) == Some(info) {
            return shared.index.replace(block).map_err(crate::Error::from);
        }
        Ok(())
    });
    match replaced {
        Ok(()) => {
            let mut footers = shared.footers.lock();
            match is_sound {
                true => footers.sound += 1,
                false => footers.count += 1,
            }
            drop(footers);
            tracing::debug!(segment = number, "wrote the footer of a sealed segment");
        }
        // It was written, and cannot be used.
        Err(error) => shared.footers.lock().failed(info.id(), &error),
    }
}

/// Whether the file of a segment has a footer that says what it should, byte for byte but for hashes
/// that it need not know.
fn has_footer(shared: &Shared, info: &SegmentInfo, expected: &[u8]) -> bool {
    let found = footer_on_disk(&*shared.options.fs, &shared.dir, info);
    found.is_ok_and(|found| {
        found.is_some_and(|found| found.is_intact() && footer::is_as_expected(&found, expected))
    })
}
