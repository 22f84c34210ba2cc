//! The background threads: one for interval syncs, which nothing else holds up, and one for the
//! footers of sealed segments, checkpoints, segments made ahead, and merges of the index when there is
//! nothing else to do.

use super::checkpoint;
use super::footers::write_footer;
use super::jobs::Jobs;
use super::merges::{is_behind, merge_next};
use crate::engine::Shared;
use crate::engine::group_sync::{Reach, join};
use crate::rows::Sealed;
use crate::trace;
use crossbeam_channel::{Receiver, Sender, never, unbounded};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::thread;
use strandline_segment::NextSegment;
use tracing::Level;

/// How many sealed segments wait for their footers at most: their rows are in memory until then. Who
/// seals one more writes a footer itself.
const FOOTERS_WAITING_MAX: usize = 4;
/// How long a merge rests after each piece at most, while others append: as long as the piece took.
const REST_MAX: Duration = Duration::from_millis(20);
/// How many other jobs are done between two pieces of a merge at most.
const JOBS_A_PIECE: usize = 4;

#[derive(Debug)]
enum Job {
    /// A segment was sealed and wants its footer.
    Footer(Box<Sealed>),
    /// So much was written that a checkpoint is wanted.
    Checkpoint,
    /// The active segment fills up, and the next one should be there.
    Prepare(NextSegment),
    /// Blocks of the index may be merged.
    Merge,
}

/// The handle of the threads; dropping it lets them finish what they were given and joins them, but on a
/// thread of a store's. They end by themselves then, and what they work on is let go with the last.
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
            trace::hand_over(shared.group.calls());
            while let Some(mut in_work) = jobs.next() {
                // What it left half done is made anew by the next opening, as after a crash.
                let calls = shared.group.calls();
                let job = in_work.take();
                calls.catch("work in the background", || match job {
                    Some(Job::Merge) => merge(&shared, &jobs),
                    job => work(&shared, job),
                });
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
    pub(crate) fn write_footers(&self, segments: &[Sealed]) {
        let _held = trace::hold();
        for sealed in segments {
            self.add_footer(sealed.clone());
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
            // The append is done, whatever becomes of this.
            let job = oldest.take();
            let calls = shared.group.calls();
            calls.catch("work in the background", || work(shared, job));
        }
        self.merge_soon(shared);
    }

    /// Asks for merges of the index, beside what else there is to do.
    pub(crate) fn merge_soon(&self, shared: &Shared) {
        shared.merged.lock().failures.ask();
        match &self.inline {
            Some(shared) => while merge_next(shared, &mut || ControlFlow::Continue(())) {},
            None => self.jobs.when_idle(Job::Merge),
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
        if trace::is_stores_own() {
            // It would wait for itself.
            return;
        }
        self.jobs.finish(|mut in_work| work(shared, in_work.take()));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.syncs = None;
        self.jobs.close();
        self.threads.drain(..).for_each(join);
    }
}

fn run_syncs(shared: &Shared, asked: &Receiver<()>, sync_waits: &AtomicBool) {
    let calls = shared.group.calls();
    trace::hand_over(calls);
    let interval = shared.options.sync_interval.unwrap_or(Duration::ZERO);
    while asked.recv().is_ok() {
        // Ends early when the store is closed: nothing is asked for twice before it is done.
        let _ = asked.recv_timeout(interval);
        sync_waits.swap(false, Ordering::AcqRel);
        // A panic has stopped the store, as a failure has.
        calls.catch("a sync", || sync(shared));
    }
}

fn sync(shared: &Shared) {
    // A failure has stopped the store; whoever calls next is told.
    let _ = shared.group.wait_for(Reach::Synced, shared.group.written());
}

/// Does one merge, and the jobs that come meanwhile: as long as the merge had at least half of the time. Once
/// there are too many parts it has all of it, and whoever seals segments writes their footers. Ends early once
/// the store is closed.
fn merge(shared: &Shared, jobs: &Jobs<Job>) {
    let clock = &shared.options.clock;
    let is_behind = is_behind(shared);
    let (mut since, mut written) = (clock.elapsed(), shared.group.written());
    // For how long others had the time of the merge.
    let mut owed = Duration::ZERO;
    let mut pace = || {
        if jobs.is_closed() {
            return ControlFlow::Break(());
        }
        let begun = clock.elapsed();
        let spent = begun.saturating_sub(since);
        owed = owed.saturating_sub(spent);
        // Rotations wait for the next segment, and it is made in a moment.
        let is_short = |job: &Job| matches!(job, Job::Prepare(_));
        let mut left = JOBS_A_PIECE;
        while let Some(mut in_work) =
            jobs.take_first_if(|job| is_short(job) || !is_behind && owed.is_zero() && left > 0)
        {
            let job = in_work.take();
            let calls = shared.group.calls();
            calls.catch("work in the background", || work(shared, job));
            owed += clock.elapsed().saturating_sub(begun);
            left = left.saturating_sub(1);
        }
        // Whoever appends has at least half of the disk and of the processor.
        let now = shared.group.written();
        if std::mem::replace(&mut written, now) != now && !is_behind {
            let _ = never::<()>().recv_timeout(spent.min(REST_MAX));
        }
        since = clock.elapsed();
        ControlFlow::Continue(())
    };
    // What waits may be the footers that the next merge is of.
    if merge_next(shared, &mut pace) || jobs.has_waiting() {
        jobs.when_idle(Job::Merge);
    }
}

fn work(shared: &Shared, job: Option<Job>) {
    match job {
        Some(Job::Footer(sealed)) => write_footer(shared, &sealed),
        Some(Job::Checkpoint) => save_checkpoint(shared),
        Some(Job::Prepare(next)) => {
            if let Err(error) = next.prepare() {
                // The rotation tries again, and says what is wrong.
                trace::tell(Level::WARN, move || {
                    tracing::warn!(%error, "cannot make the next segment ahead");
                });
            }
        }
        // Done by `merge` alone, on the thread of its own.
        Some(Job::Merge) | None => {}
    }
}

fn save_checkpoint(shared: &Shared) {
    if let Err(error) = checkpoint::save(shared) {
        // It saves time at an opening, which reads the log where there is none.
        trace::tell(Level::WARN, move || {
            tracing::warn!(%error, "cannot save a checkpoint");
        });
    }
}
