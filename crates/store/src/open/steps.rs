//! `Steps`: how long each step of opening takes, and the spans of the steps.

use crate::OpenTimes;
use crate::trace;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Clock;
use tracing::{Level, Span, debug_span};

/// A step of opening. The names of the spans are stable: `docs/tracing.md`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Lock,
    Manifest,
    Checkpoint,
    Footers,
    Log,
    Repair,
}

/// Measures steps. A step may be taken more than once, and not within another.
#[derive(Debug)]
pub(super) struct Steps {
    clock: Arc<dyn Clock>,
    started: Duration,
    times: OpenTimes,
}

impl Steps {
    pub(super) fn start(clock: Arc<dyn Clock>) -> Self {
        Self {
            started: clock.elapsed(),
            clock,
            times: OpenTimes::default(),
        }
    }

    /// Takes a step.
    pub(super) fn take<T>(&mut self, step: Step, work: impl FnOnce() -> T) -> T {
        let times = &mut self.times;
        let (span, spent): (fn() -> Span, _) = match step {
            Step::Lock => (|| debug_span!("open.lock"), &mut times.lock),
            Step::Manifest => (|| debug_span!("open.manifest"), &mut times.manifest),
            Step::Checkpoint => (|| debug_span!("open.checkpoint"), &mut times.checkpoint),
            Step::Footers => (|| debug_span!("open.footers"), &mut times.footers),
            Step::Log => (|| debug_span!("open.log"), &mut times.log),
            Step::Repair => (|| debug_span!("open.repair"), &mut times.repair),
        };
        let _span = trace::span(Level::DEBUG, span);
        let before = self.clock.elapsed();
        let done = work();
        *spent += self.clock.elapsed().saturating_sub(before);
        done
    }

    /// The times of the steps, and the time since the start.
    pub(super) fn end(&self) -> (OpenTimes, Duration) {
        let all = self.clock.elapsed().saturating_sub(self.started);
        (self.times, all)
    }
}
