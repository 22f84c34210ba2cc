//! `Metrics`: what is told to the recorder that the program has installed, and when.

use super::calls::{Read, Run};
use super::handles::Handles;
use crate::trace;
use crate::{Error, ErrorKind, Event, Receipt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::{Clock, Coordinate, SystemClock};

/// Tells what a store does; nothing, where there is no store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics(Option<Arc<Handles>>);

/// Counts what is read through one iterator, and tells it when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    metrics: Metrics,
    events: u64,
}

/// A work of maintenance: a failure, unless it is done.
#[derive(Debug)]
pub(crate) struct Running {
    metrics: Metrics,
    run: Run,
    begun: Option<SystemClock>,
}

impl Metrics {
    /// Registers the metrics of the store in a directory. Under no lock.
    pub(crate) fn of(dir: &Path) -> Self {
        let mut handles = None;
        trace::guarded(|| handles = Some(Arc::new(Handles::register(dir))));
        Self(handles)
    }

    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells something, here, or where this thread may call a recorder.
    #[inline]
    fn tell(&self, tell: impl FnOnce(&Handles) + Send + 'static) {
        let Some(handles) = &self.0 else { return };
        if trace::is_free() {
            trace::guarded(|| tell(handles));
        } else {
            let handles = handles.clone();
            trace::tell_later(Box::new(move || tell(&handles)));
        }
    }

    /// Counts an append of an event, which may have failed.
    pub(crate) fn appended(&self, done: &Result<Receipt, Error>, event: &Event) {
        match done {
            Ok(receipt) => self.wrote_one(receipt, event),
            Err(error) => self.refused(error),
        }
    }

    /// Counts an append of a batch, which may have failed.
    pub(crate) fn appended_all(
        &self,
        done: &Result<Vec<Receipt>, Error>,
        events: &[(Coordinate, Event)],
    ) {
        match done {
            Ok(receipts) => self.wrote(receipts, events),
            Err(error) => self.refused(error),
        }
    }

    /// Counts an event that was written, or was there already.
    pub(crate) fn wrote_one(&self, receipt: &Receipt, event: &Event) {
        let bytes = event.payload.len() as u64;
        if receipt.repeated {
            return self.tell(|handles| handles.repeated.increment(1));
        }
        self.tell(move |handles| {
            handles.appends.increment(1);
            handles.events_appended.increment(1);
            handles.bytes_appended.increment(bytes);
        });
    }

    /// As [`wrote_one`](Self::wrote_one), of a batch.
    pub(crate) fn wrote(&self, receipts: &[Receipt], events: &[(Coordinate, Event)]) {
        if !self.is_on() {
            return;
        }
        let (mut new, mut bytes) = (0, 0);
        for (receipt, (_, event)) in receipts.iter().zip(events) {
            if !receipt.repeated {
                new += 1;
                bytes += event.payload.len() as u64;
            }
        }
        let repeated = receipts.len() as u64 - new;
        let is_batch = events.len() > 1;
        self.tell(move |handles| {
            if repeated > 0 {
                handles.repeated.increment(repeated);
            }
            if new > 0 {
                handles.appends.increment(1);
                handles.batches.increment(u64::from(is_batch));
                handles.events_appended.increment(new);
                handles.bytes_appended.increment(bytes);
            }
        });
    }

    /// Counts an append that failed.
    pub(crate) fn refused(&self, error: &Error) {
        if self.is_on() {
            let reason = reason(error.kind());
            self.tell(move |handles| handles.refused(reason));
        }
    }

    /// Tells of a sync that has made so many events durable.
    pub(crate) fn synced(&self, took: Duration, events: u64) {
        self.tell(move |handles| {
            handles.sync_seconds.record(took);
            #[expect(clippy::cast_precision_loss, reason = "a recorder takes no integers")]
            handles.sync_events.record(events as f64);
        });
    }

    /// Counts a sync that failed.
    pub(crate) fn sync_failed(&self) {
        self.tell(|handles| handles.sync_failures.increment(1));
    }

    /// Counts a segment that was sealed.
    pub(crate) fn rotated(&self) {
        self.tell(|handles| handles.rotations.increment(1));
    }

    /// Counts a call that gives an event or none.
    pub(crate) fn read(&self, read: Read) {
        self.tell(move |handles| handles.reads(read).increment(1));
    }

    /// Counts a call that gives an iterator, and what that gives.
    pub(crate) fn reading(&self, read: Read) -> Reading {
        self.read(read);
        Reading {
            metrics: self.clone(),
            events: 0,
        }
    }

    /// Begins a work of maintenance.
    pub(crate) fn running(&self, run: Run) -> Running {
        Running {
            metrics: self.clone(),
            run,
            begun: Some(SystemClock::default()),
        }
    }

    pub(super) fn handles(&self) -> Option<&Handles> {
        self.0.as_deref()
    }
}

impl Reading {
    /// Counts an event.
    #[inline]
    pub(crate) const fn add(&mut self) {
        self.events += 1;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let events = self.events;
        if events > 0 {
            self.metrics
                .tell(move |handles| handles.events_read.increment(events));
        }
    }
}

impl Running {
    /// Tells that it failed, as what is dropped does.
    pub(crate) fn failed(self) {}

    /// Tells that it is done, and how long it took.
    pub(crate) fn done(mut self) {
        let run = self.run;
        if let Some(begun) = self.begun.take() {
            let took = begun.elapsed();
            self.metrics
                .tell(move |handles| handles.run_seconds(run).record(took));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let run = self.run;
        if self.begun.is_some() {
            self.metrics
                .tell(move |handles| handles.run_failures(run).increment(1));
        }
    }
}

/// The name of a kind of error, in snake case.
fn reason(kind: ErrorKind) -> String {
    let mut reason = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !reason.is_empty() {
            reason.push('_');
        }
        reason.push(letter.to_ascii_lowercase());
    }
    reason
}
