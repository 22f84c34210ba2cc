//! `Worker`: one partition of a projection, from event to event and from save to save. It has no thread.

use super::fold::{Fold, decode, encode, not_applied};
use super::options::Settings;
use super::pace::Unsaved;
use super::served::{Mode, Served};
use crate::consumer::Lease;
use crate::handle::Live;
use crate::trace::Told;
use crate::{Counters, Error, ErrorKind, LastError, PartitionState, Request, partition_of};
use std::sync::Arc;
use std::time::Duration;
use strandline::{Cursor, Delivery, Sequence, Start};
use strandline_core::Clock;

/// One partition of a projection.
///
/// The state in memory is always that of the events before the cursor; a file has both, or neither.
pub(super) struct Worker<F: Fold> {
    fold: Arc<F>,
    live: Live,
    clock: Arc<dyn Clock>,
    settings: Settings,
    lease: Lease,
    /// What was saved last, without the state in it.
    saved: PartitionState,
    /// Up to where the file that was saved last goes.
    saved_next: Option<Sequence>,
    cursor: Cursor,
    served: Served<F::State>,
    unsaved: Unsaved,
    /// When the lease was renewed last.
    renewed_at: Duration,
    /// The event that could not be applied.
    refused: Option<Sequence>,
}

impl<F: Fold> Worker<F> {
    /// Goes on from a saved state, or begins if there is none.
    ///
    /// # Errors
    ///
    /// `ForeignPosition` if the store does not take the position, `Corrupt` if the state cannot be read: both are
    /// noted in the file too, and a rebuild begins anew. `Store`, `Io`, `Fenced`.
    pub(super) fn open(
        fold: Arc<F>,
        live: &Live,
        settings: Settings,
        (lease, saved): (Lease, PartitionState),
        mode: Mode,
    ) -> Result<Self, Error> {
        let mut lease = lease;
        let mut saved = saved;
        let part = (lease.partition().index(), settings.partitions);
        let (state, cursor) = match begin(&*fold, live, &saved, part) {
            Ok(begun) => begun,
            // Nobody has seen what a rebuild has made by now, so it begins anew.
            Err(error) if mode == Mode::Rebuilding && is_of_saved(&error) => {
                saved.reset(None);
                begin(&*fold, live, &saved, part)?
            }
            Err(error) => {
                note(&mut saved, live, &error, None, true);
                lease.save(&mut saved)?;
                return Err(error);
            }
        };
        let is_saved = saved.state.take().is_some();
        if let Some(error) = &mut saved.last_error {
            error.stopped = false;
        }
        let clock = live.clock();
        let now = clock.elapsed();
        Ok(Self {
            fold,
            live: live.clone(),
            settings,
            lease,
            saved_next: is_saved.then(|| cursor.sequence()),
            saved,
            cursor,
            served: Served::new(state, mode),
            unsaved: Unsaved {
                saved_at: now,
                ..Unsaved::default()
            },
            renewed_at: now,
            refused: None,
            clock,
        })
    }

    pub(super) const fn served(&self) -> &Served<F::State> {
        &self.served
    }

    /// As what it is told of.
    pub(super) const fn told(&self) -> &Told {
        self.lease.partition().told()
    }

    pub(super) const fn partition(&self) -> u32 {
        self.lease.partition().index()
    }

    /// Everything before it was looked at.
    pub(super) fn next(&self) -> Sequence {
        self.cursor.sequence()
    }

    /// What it has done, and what it failed by last.
    pub(super) const fn done(&self) -> (&Counters, Option<&LastError>) {
        (&self.saved.counters, self.saved.last_error.as_ref())
    }

    /// Applies what is durable of the next events, `most` of all partitions at most, and gives how many there were: 0
    /// if it has caught up.
    ///
    /// # Errors
    ///
    /// `Faulted` if one cannot be applied, which may be in the state in part: the worker is good for nothing after
    /// that. `Store`.
    pub(super) fn step(&mut self, most: usize) -> Result<usize, Error> {
        let Self {
            fold,
            cursor,
            served,
            saved,
            ..
        } = self;
        let mut refused = None;
        let mut shown = served.write();
        let looked_at = cursor.try_batch_with(most, |event| {
            if refused.is_some() {
                return;
            }
            match fold.apply(&mut shown.state, &event) {
                Ok(()) => saved.counters.handled += 1,
                Err(error) => refused = Some((event.sequence(), error)),
            }
        });
        if let Some((sequence, error)) = refused {
            let error = not_applied(sequence, error);
            shown.mode = Mode::Faulted(error.to_string());
            self.refused = Some(sequence);
            return Err(error);
        }
        drop(shown);
        let looked_at = looked_at?;
        self.unsaved.events += looked_at as u64;
        Ok(looked_at)
    }

    /// Saves the state if it is time to, and renews the lease.
    ///
    /// # Errors
    ///
    /// `Fenced`. `Io` if the state could not be saved for as long as the lease lasts; until then it is tried again.
    pub(super) fn keep(&mut self) -> Result<(), Error> {
        let now = self.clock.elapsed();
        let since = now.saturating_sub(self.renewed_at);
        let kept = if self.is_moved() && self.settings.pace.is_due(&self.unsaved, now) {
            self.save()
        } else if since >= self.settings.lease / 3 {
            self.lease.beat().map(|()| self.renewed_at = now)
        } else {
            return Ok(());
        };
        match kept {
            Err(error) if error.kind() == ErrorKind::Io && since < self.settings.lease => {
                note(&mut self.saved, &self.live, &error, None, false);
                // As if it had been saved: so it is tried again when the next save would be due.
                self.unsaved.events = 0;
                self.unsaved.saved_at = now;
                Ok(())
            }
            kept => kept,
        }
    }

    /// Whether there is something that is not saved.
    fn is_moved(&self) -> bool {
        self.saved_next != Some(self.cursor.sequence())
    }

    /// Saves what is not saved.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`, `Store`.
    pub(super) fn save_moved(&mut self) -> Result<(), Error> {
        match self.is_moved() {
            true => self.save(),
            false => Ok(()),
        }
    }

    /// State and position in one file: the next worker finds both of them, or those before.
    fn save(&mut self) -> Result<(), Error> {
        let began = self.clock.elapsed();
        let position = self.cursor.position()?;
        let bytes = encode(&self.served.peek().state)?;
        self.saved.position = Some(position);
        self.saved.state = Some(bytes);
        let saved = self.lease.save(&mut self.saved);
        self.saved.state = None;
        saved?;
        let now = self.clock.elapsed();
        self.saved_next = Some(position.sequence());
        self.told().saved(position.sequence().get());
        self.renewed_at = now;
        self.unsaved = Unsaved {
            events: 0,
            saved_at: now,
            cost: now.saturating_sub(began),
        };
        Ok(())
    }

    /// Does what people have asked for: to begin anew. Nothing is parked in a projection, so all else is answered
    /// and changes nothing. Says whether it began anew.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`, `Store`.
    pub(super) fn answer(&mut self) -> Result<bool, Error> {
        let pending = self.lease.requests(&self.saved)?;
        if pending.is_empty() {
            return Ok(false);
        }
        let mut is_reset = false;
        for pending in pending {
            is_reset |= matches!(pending.request(), Request::Reset { .. });
            self.told().answered(pending.request().verb());
            pending.answer(&mut self.saved);
        }
        if is_reset {
            // The state of another place than the beginning is not known.
            self.saved.reset(None);
            let part = (self.partition(), self.settings.partitions);
            self.cursor = feed(&*self.fold, &self.live, Start::Beginning, part)?;
            let mut shown = self.served.write();
            shown.state = F::State::default();
            shown.mode = Mode::Rebuilding;
        }
        self.save()?;
        Ok(is_reset)
    }

    /// Whether the state may be read.
    pub(super) fn is_served(&self) -> bool {
        self.served.peek().mode == Mode::Served
    }

    /// After how long there is something to save.
    pub(super) fn due_in(&self) -> Duration {
        match self.is_moved() {
            true => self
                .settings
                .pace
                .due_in(&self.unsaved, self.clock.elapsed()),
            false => Duration::MAX,
        }
    }

    /// Lets the state be read.
    pub(super) fn serve(&self) {
        self.served.write().mode = Mode::Served;
    }

    /// Notes why the worker stops, in memory and in the file, whose state stays as it was saved last.
    pub(super) fn fault(&mut self, error: &Error) {
        self.served.write().mode = Mode::Faulted(error.to_string());
        if error.kind() == ErrorKind::Fenced {
            return;
        }
        // What is in memory may be of half an event. Where the file cannot be read, it is not written over.
        let Ok(loaded) = self.lease.partition().load() else {
            return;
        };
        let mut state = loaded.state.unwrap_or_default();
        note(&mut state, &self.live, error, self.refused, true);
        // Whoever asks this process is told; a file that cannot be written tells nobody.
        let _ = self.lease.save(&mut state);
    }
}

/// A saved state and the cursor that goes on from there, or those of the beginning.
fn begin<F: Fold>(
    fold: &F,
    live: &Live,
    saved: &PartitionState,
    part: (u32, u32),
) -> Result<(F::State, Cursor), Error> {
    let (state, start) = match (&saved.state, &saved.position) {
        (Some(bytes), Some(_)) => {
            let start = live.start(saved, Start::Beginning)?;
            (decode(bytes)?, start)
        }
        _ => (F::State::default(), Start::Beginning),
    };
    Ok((state, feed(fold, live, start, part)?))
}

/// The events of one of several partitions, as they become durable. Of the others nothing is read.
fn feed<F: Fold>(
    fold: &F,
    live: &Live,
    start: Start,
    (partition, partitions): (u32, u32),
) -> Result<Cursor, Error> {
    let cursor = live.store().follow(fold.query(), start)?;
    let cursor = cursor.at(Delivery::Durable);
    Ok(match partitions {
        1 => cursor,
        _ => {
            cursor.only(move |row| partition_of(row.coordinate().entity(), partitions) == partition)
        }
    })
}

/// Whether it is what was saved that cannot be used.
fn is_of_saved(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ForeignPosition | ErrorKind::Corrupt
    )
}

fn note(
    state: &mut PartitionState,
    live: &Live,
    error: &Error,
    sequence: Option<Sequence>,
    stopped: bool,
) {
    let mut last = LastError::new(error.to_string(), live.store().clock().now_ms());
    last.sequence = sequence;
    last.stopped = stopped;
    state.counters.failed += 1;
    state.last_error = Some(last);
}
