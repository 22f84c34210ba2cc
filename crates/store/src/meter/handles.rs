//! `Handles`: what a store tells of its calls, each registered once. What it tells of its state is registered anew
//! whenever that is told.

use super::calls::{Read, Run};
use super::table::{
    APPENDS, BATCHES, BYTES_APPENDED, EVENTS_APPENDED, EVENTS_READ, READS, REFUSED, REPEATED,
    ROTATIONS, RUN_FAILURES, RUN_SECONDS, SYNC_EVENTS, SYNC_FAILURES, SYNC_SECONDS, Shape, TABLE,
};
use ::metrics::{Counter, Histogram, SharedString};
use std::fmt;
use std::path::Path;

/// The metrics of calls.
pub(super) struct Handles {
    /// The value of the label `store`: the directory.
    pub(super) store: SharedString,
    pub(super) appends: Counter,
    pub(super) batches: Counter,
    pub(super) events_appended: Counter,
    pub(super) bytes_appended: Counter,
    pub(super) repeated: Counter,
    pub(super) sync_seconds: Histogram,
    pub(super) sync_events: Histogram,
    pub(super) sync_failures: Counter,
    pub(super) rotations: Counter,
    reads: [Counter; Read::ALL.len()],
    pub(super) events_read: Counter,
    run_seconds: [Histogram; Run::ALL.len()],
    run_failures: [Counter; Run::ALL.len()],
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handles")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Handles {
    /// Describes and registers everything with the recorder that there is now.
    pub(super) fn register(dir: &Path) -> Self {
        for metric in &TABLE {
            let (name, unit, says) = (metric.name, metric.unit, metric.says);
            match metric.shape {
                Shape::Counter => ::metrics::describe_counter!(name, unit, says),
                Shape::Gauge => ::metrics::describe_gauge!(name, unit, says),
                Shape::Histogram => ::metrics::describe_histogram!(name, unit, says),
            }
        }
        let store: SharedString = dir.to_string_lossy().into_owned().into();
        let counter = |name: &'static str| ::metrics::counter!(name, "store" => store.clone());
        let histogram = |name: &'static str| ::metrics::histogram!(name, "store" => store.clone());
        let read = |read: Read| ::metrics::counter!(READS, "store" => store.clone(), "call" => read.label());
        let seconds = |run: Run| ::metrics::histogram!(RUN_SECONDS, "store" => store.clone(), "run" => run.label());
        let failures = |run: Run| ::metrics::counter!(RUN_FAILURES, "store" => store.clone(), "run" => run.label());
        Self {
            appends: counter(APPENDS),
            batches: counter(BATCHES),
            events_appended: counter(EVENTS_APPENDED),
            bytes_appended: counter(BYTES_APPENDED),
            repeated: counter(REPEATED),
            sync_seconds: histogram(SYNC_SECONDS),
            sync_events: histogram(SYNC_EVENTS),
            sync_failures: counter(SYNC_FAILURES),
            rotations: counter(ROTATIONS),
            reads: Read::ALL.map(read),
            events_read: counter(EVENTS_READ),
            run_seconds: Run::ALL.map(seconds),
            run_failures: Run::ALL.map(failures),
            store,
        }
    }

    pub(super) fn refused(&self, reason: String) {
        ::metrics::counter!(REFUSED, "store" => self.store.clone(), "reason" => reason)
            .increment(1);
    }

    #[expect(clippy::indexing_slicing, reason = "there is one for each value")]
    pub(super) fn reads(&self, read: Read) -> &Counter {
        &self.reads[read as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "there is one for each value")]
    pub(super) fn run_seconds(&self, run: Run) -> &Histogram {
        &self.run_seconds[run as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "there is one for each value")]
    pub(super) fn run_failures(&self, run: Run) -> &Counter {
        &self.run_failures[run as usize]
    }
}
