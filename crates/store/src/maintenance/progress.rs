//! `Progress`: how far a maintenance function is.

use crate::{Error, ErrorKind};
use std::fmt;
use std::ops::ControlFlow;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgressUnit {
    /// Events.
    Events,
    /// Bytes.
    Bytes,
}

/// How far a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How much is done.
    pub done: u64,
    /// How much there is to do, where that is known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: ProgressUnit,
}

/// What is told of progress, and says whether to go on: with `Break` the function stops with
/// [`ErrorKind::Cancelled`]. Called every few thousand events or every mebibyte, on the caller's
/// thread and under no lock, so it may use the store.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Watches nothing and stops nothing: what is given to a function of which nobody wants to know how far it is.
///
/// ```
/// use strandline::maintenance::{Census, unwatched};
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"four"))?;
///
/// let census = Census::take(&store.snapshot(), 10, &mut unwatched)?;
/// assert_eq!(census.events, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// How many events there are between two reports.
const EVENTS_BETWEEN: u64 = 4096;
/// How many bytes there are between two reports.
const BYTES_BETWEEN: u64 = 1 << 20;

/// Counts what a function does, and reports it every few thousand events or every mebibyte: for functions of
/// other crates that are watched and stopped as those of this module are.
///
/// ```
/// use std::ops::ControlFlow;
/// use strandline::maintenance::Meter;
///
/// let mut reports = 0;
/// let mut on_progress = |_| {
///     reports += 1;
///     ControlFlow::Continue(())
/// };
/// let mut meter = Meter::events(Some(10_000), &mut on_progress);
/// for _ in 0..10_000 {
///     meter.add(1)?;
/// }
/// meter.finish()?;
/// assert_eq!(reports, 3);
/// # Ok::<(), strandline::Error>(())
/// ```
pub struct Meter<'a> {
    on_progress: OnProgress<'a>,
    progress: Progress,
    reported: u64,
}

impl<'a> Meter<'a> {
    /// Counts events, of as many as there are if that is known.
    pub fn events(total: Option<u64>, on_progress: OnProgress<'a>) -> Self {
        Self::new(ProgressUnit::Events, total, on_progress)
    }

    /// Counts bytes, of as many as there are if that is known.
    pub fn bytes(total: Option<u64>, on_progress: OnProgress<'a>) -> Self {
        Self::new(ProgressUnit::Bytes, total, on_progress)
    }

    fn new(unit: ProgressUnit, total: Option<u64>, on_progress: OnProgress<'a>) -> Self {
        Self {
            on_progress,
            progress: Progress {
                done: 0,
                total,
                unit,
            },
            reported: 0,
        }
    }

    /// Counts `more`, and reports if it is time to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cancelled`] if the callback says so.
    pub fn add(&mut self, more: u64) -> Result<(), Error> {
        self.progress.done += more;
        let between = match self.progress.unit {
            ProgressUnit::Events => EVENTS_BETWEEN,
            ProgressUnit::Bytes => BYTES_BETWEEN,
        };
        if self.progress.done - self.reported >= between {
            return self.report();
        }
        Ok(())
    }

    /// Reports that everything is done.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn finish(&mut self) -> Result<(), Error> {
        self.progress.done = self.progress.total.unwrap_or(self.progress.done);
        self.report()
    }

    /// Reports where it is now.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn report(&mut self) -> Result<(), Error> {
        self.reported = self.progress.done;
        match (self.on_progress)(self.progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(cancelled()),
        }
    }
}

/// The error of a function that a callback stopped.
pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "stopped, as was asked for")
}

impl fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn a_callback_that_breaks_stops_the_function() {
        let mut calls = 0;
        let mut on_progress = |progress: Progress| {
            calls += 1;
            if progress.done > EVENTS_BETWEEN {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let mut meter = Meter::events(None, &mut on_progress);
        for _ in 0..2 * EVENTS_BETWEEN - 1 {
            meter.add(1).unwrap();
        }
        assert_eq!(meter.add(1).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(calls, 2);
    }
}
