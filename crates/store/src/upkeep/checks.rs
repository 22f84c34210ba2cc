//! `SegmentChecks`: the thread that looks into the segments that were not opened with the log, soon after
//! the opening, so that one that is damaged or exchanged is not found when it is needed, years later.
//!
//! Goes through no frames: that is verification.

use crate::engine::Shared;
use crate::engine::group_sync::join;
use crate::trace;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::thread;
use strandline_segment::SegmentId;
use tracing::Level;

/// How many are looked into in a row.
const IN_A_ROW: usize = 16;
/// How much longer the thread rests than it has worked: appends and reads want the disk too.
const RESTS: u32 = 4;
const REST_MAX: Duration = Duration::from_millis(100);

/// The handle of the thread, which ends when all are looked into. Dropping it ends it sooner.
#[derive(Debug)]
pub(crate) struct SegmentChecks {
    stop: Option<Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl SegmentChecks {
    /// Starts the thread, if there is anything to look into. Where a store has no threads, it is done at
    /// once.
    pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<Option<Self>> {
        let unchecked = shared.log.unchecked();
        if unchecked.is_empty() {
            return Ok(None);
        }
        if shared.options.background_inline {
            unchecked.iter().for_each(|segment| check(shared, *segment));
            return Ok(None);
        }
        let (stop, stopped) = bounded(0);
        let shared = shared.clone();
        let thread = thread::Builder::new()
            .name("strandline-check".to_owned())
            .spawn(move || {
                let calls = shared.group.calls();
                trace::hand_over(calls);
                calls.catch("a check of segments", || run(&shared, &unchecked, &stopped));
            })?;
        Ok(Some(Self {
            stop: Some(stop),
            thread: Some(thread),
        }))
    }
}

impl Drop for SegmentChecks {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            join(thread);
        }
    }
}

fn run(shared: &Shared, unchecked: &[SegmentId], stopped: &Receiver<()>) {
    for segments in unchecked.chunks(IN_A_ROW) {
        let clock = &shared.options.clock;
        let begun = clock.elapsed();
        segments.iter().for_each(|segment| check(shared, *segment));
        let worked = clock.elapsed().saturating_sub(begun);
        let rest = worked.saturating_mul(RESTS).min(REST_MAX);
        if stopped.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn check(shared: &Shared, segment: SegmentId) {
    // Another process may rewrite what this one only reads, and removes the file then.
    let keeps = shared.writer.is_none();
    let Err(error) = shared.log.check(segment, keeps) else {
        return;
    };
    let problem = error.to_string();
    let told = problem.clone();
    let number = segment.get();
    trace::tell(Level::ERROR, move || {
        tracing::error!(segment = number, problem = told, "a segment cannot be used");
    });
    shared.segment_problems.lock().push(problem);
}
