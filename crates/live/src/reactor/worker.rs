//! `Worker`: one partition of a reactor, from event to event and from save to save. It has no thread.

use super::backlog::Backlog;
use super::failure::{Context, Failure};
use super::held;
use super::kept::Kept;
use super::schedule::{Failed, Schedule, Unhandled};
use super::settings::Settings;
use crate::handle::Live;
use crate::progress::{Lag, Phase, Slot};
use crate::trace;
use crate::{Error, ErrorKind, LastError, PartitionState, Request, partition_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use strandline::{Cursor, Delivery, Start, StoredEvent};
use strandline_core::{Clock, Random};

/// How often it is looked whether somebody has asked for something.
pub(super) const POLL: Duration = Duration::from_millis(200);

/// What is called for each event.
pub(super) type Handler =
    dyn Fn(&StoredEvent, &Context<'_>) -> Result<(), Failure> + Send + Sync + 'static;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    Worked,
    /// There is nothing to do, until events come or for so long.
    Idle(Duration),
}

/// One partition of a reactor.
pub(super) struct Worker {
    settings: Arc<Settings>,
    handler: Arc<Handler>,
    live: Live,
    clock: Arc<dyn Clock>,
    random: Random,
    partition: u32,
    kept: Arc<Kept>,
    /// What was saved last, but for what is counted.
    state: PartitionState,
    cursor: Cursor,
    schedule: Schedule,
    backlog: Backlog,
    slot: Slot,
    /// Tries and events that are in no save yet.
    unsaved: u64,
    saved_at: Duration,
    asked_at: Option<Duration>,
    lag: Lag,
}

impl Worker {
    /// Goes on from a saved state, or begins if there is none.
    ///
    /// # Errors
    ///
    /// `ForeignPosition` if the store does not take the position; `Corrupt`, `OtherConsumer`; `Store`.
    pub(super) fn open(
        live: &Live,
        settings: &Arc<Settings>,
        handler: &Arc<Handler>,
        (kept, partition): (Arc<Kept>, u32),
        mut state: PartitionState,
    ) -> Result<Self, Error> {
        let random = Random::from_os().map_err(|error| {
            Error::new(ErrorKind::Io, "the system gives no random bytes").with_source(error)
        })?;
        let held = held::load(&state, settings.by)?;
        let start = live.start(&state, settings.start)?;
        let cursor = feed(live, settings, partition, start)?;
        let schedule = Schedule::new(cursor.sequence(), held, settings.limits);
        let schedule = schedule.ok_or_else(|| {
            let message = "the saved state has entities that wait for events after its position";
            Error::new(ErrorKind::Corrupt, message)
        })?;
        if let Some(error) = &mut state.last_error {
            error.stopped = false;
        }
        let progress = live.progress();
        let slot = progress.enter(&settings.name, partition, schedule.settled());
        let clock = live.clock();
        let mut worker = Self {
            settings: settings.clone(),
            handler: handler.clone(),
            live: live.clone(),
            saved_at: clock.elapsed(),
            lag: Lag::new(clock.elapsed()),
            clock,
            random,
            partition,
            kept,
            state,
            cursor,
            schedule,
            backlog: Backlog::default(),
            slot,
            unsaved: 0,
            asked_at: None,
        };
        if worker.state.position.is_none() {
            // Where it began is where it begins again.
            worker.save()?;
        }
        worker.show();
        Ok(worker)
    }

    /// Tries one event of a held entity and takes one of the feed, as far as there are some; saves if it is time to.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Store`, `TooManyParked`; `Io` if for as long as the lease lasts nothing could be saved.
    pub(super) fn step(&mut self, takes_more: bool) -> Result<Stepped, Error> {
        let now = self.clock.elapsed();
        if self
            .asked_at
            .is_none_or(|at| now.saturating_sub(at) >= POLL)
        {
            self.answer()?;
        }
        if self.schedule.is_full() {
            return Err(self.too_many_parked());
        }
        let has_tried = self.try_held(now)?;
        let has_taken = takes_more && self.schedule.takes_more() && self.take()?;
        self.show();
        if takes_more && self.lag.falls_behind(now) {
            let next = self.cursor.sequence().get();
            let head = self.live.store().snapshot().visible().get();
            self.kept
                .told()
                .fell_behind(next, head.saturating_sub(next));
        }
        self.keep()?;
        if has_tried || has_taken {
            return Ok(Stepped::Worked);
        }
        let now = self.clock.elapsed();
        let due = self.schedule.due().map(|due| due.saturating_sub(now));
        Ok(Stepped::Idle(due.unwrap_or(POLL).min(POLL)))
    }

    /// What is to be waited past for more events; none while so much waits for another try that no more is taken:
    /// those that are there already would end the wait at once.
    pub(super) fn next_event(&self) -> Option<strandline::Passed> {
        let next = self.cursor.sequence();
        let takes_more = self.schedule.takes_more();
        takes_more.then(|| self.live.store().durable_past(next))
    }

    /// Whether something waits that is not parked.
    pub(super) fn is_busy(&self) -> bool {
        self.schedule.is_busy()
    }

    fn try_held(&mut self, now: Duration) -> Result<bool, Error> {
        let Some(wanted) = self.schedule.wanted(now) else {
            return Ok(false);
        };
        let (store, query) = (self.live.store(), &self.settings.query);
        let from = (&**store, query, self.settings.by);
        let Some(event) = self.backlog.first(&wanted, from)? else {
            self.schedule.caught_up(&wanted.key);
            return Ok(true);
        };
        let is_replayed = self.schedule.is_replayed(&wanted.key);
        if let Some(tries) = self.schedule.take_held(&wanted.key, event.sequence) {
            self.handle(&event, tries, is_replayed);
        }
        Ok(true)
    }

    /// Takes the next event; false if there is none.
    fn take(&mut self) -> Result<bool, Error> {
        let event = self.cursor.try_next()?;
        let Some(event) = event else {
            self.schedule.advance(self.cursor.sequence());
            if self.lag.at_end(self.clock.elapsed()) {
                self.kept.told().caught_up(self.cursor.sequence().get());
            }
            return Ok(false);
        };
        let key = self.settings.by.key(&event);
        self.unsaved += 1;
        if let Some(tries) = self.schedule.take(event.sequence, &key) {
            self.handle(&event, tries, false);
        }
        Ok(true)
    }

    /// Calls the handler, and notes what came of it.
    fn handle(&mut self, event: &StoredEvent, tries: u32, is_replayed: bool) {
        let tries = tries.saturating_add(1);
        let context = Context {
            reactor: &self.settings.name,
            partition: self.partition,
            tries,
            is_last_try: tries >= self.settings.limits.tries_max,
        };
        let caught = self.kept.calling(event.sequence, || {
            catch_unwind(AssertUnwindSafe(|| {
                let handled = (self.handler)(event, &context);
                // How it is told and dropped is code of the handler's too.
                handled.map_err(|failure| (failure.to_string(), failure.is_parked()))
            }))
        });
        let handled =
            caught.unwrap_or_else(|caught| Err((Failure::panicked(&*caught).to_string(), false)));
        self.unsaved += 1;
        let counters = &mut self.state.counters;
        let Err((reason, is_final)) = handled else {
            counters.handled += 1;
            counters.replayed += u64::from(is_replayed);
            self.schedule.done();
            return;
        };
        let now_ms = self.clock.now_ms();
        counters.failed += 1;
        self.state.last_error = Some(LastError {
            sequence: Some(event.sequence),
            ..LastError::new(reason.clone(), now_ms)
        });
        let unhandled = self.schedule.failed(Failed {
            reason: reason.clone(),
            is_final,
            now: self.clock.elapsed(),
            now_ms,
            chance: self.random.number(),
        });
        self.state.counters.parked += u64::from(unhandled == Some(Unhandled::Parked));
        let failed = trace::Failed {
            key: &self.settings.by.key(event),
            sequence: event.sequence.get(),
            tries,
            reason: &reason,
        };
        match unhandled {
            Some(Unhandled::Retried { due }) => {
                let delay = due.saturating_sub(self.clock.elapsed());
                self.kept.told().retrying(failed, delay);
            }
            Some(Unhandled::Parked) => self.kept.told().parked(failed),
            None => {}
        }
    }

    /// Does what people ask for, and saves that.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`, `Store`.
    pub(super) fn answer(&mut self) -> Result<(), Error> {
        self.asked_at = Some(self.clock.elapsed());
        let pending = self.kept.requests(&self.state)?;
        if pending.is_empty() {
            return Ok(());
        }
        for pending in pending {
            self.apply(pending.request())?;
            self.kept.told().answered(pending.request().verb());
            pending.answer(&mut self.state);
        }
        self.show();
        self.save()
    }

    /// Enters what is done for who asks this process.
    fn show(&mut self) {
        let changed = self.schedule.changed();
        if !changed.is_empty() {
            self.slot.parked(changed);
        }
        let last_error = self.state.last_error.as_ref();
        let done = (&self.state.counters, last_error);
        let (settled, now_ms) = (self.schedule.settled(), self.clock.now_ms());
        self.slot.did(settled, done, now_ms);
    }

    fn apply(&mut self, request: &Request) -> Result<(), Error> {
        let counters = &mut self.state.counters;
        match request {
            Request::Park { key, reason } => {
                if partition_of(key, self.settings.partitions) == self.partition {
                    let now_ms = self.clock.now_ms();
                    let is_new = self.schedule.park(key, reason.clone(), now_ms);
                    counters.parked += u64::from(is_new);
                }
            }
            Request::Replay { key } => drop(self.schedule.replay(key.as_deref())),
            Request::Skip { key } => {
                counters.discarded += u64::from(self.schedule.skip(key));
            }
            Request::Discard { key } => {
                counters.discarded += u64::from(self.schedule.discard(key).is_some());
            }
            Request::Reset { to } => {
                let start = to.map_or(Start::Beginning, Start::Saved);
                match feed(&self.live, &self.settings, self.partition, start) {
                    Ok(cursor) => {
                        self.cursor = cursor;
                        self.schedule.reset(self.cursor.sequence());
                        self.state.last_error = None;
                    }
                    Err(error) if error.kind() == ErrorKind::ForeignPosition => {
                        self.note(&error, false);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Saves if it is time to.
    fn keep(&mut self) -> Result<(), Error> {
        let now = self.clock.elapsed();
        let since = now.saturating_sub(self.saved_at);
        let saved = self.state.position.map(|position| position.sequence());
        let has_moved = self.unsaved > 0 || saved != Some(self.schedule.front());
        let is_due =
            since >= self.settings.save_interval || self.unsaved >= self.settings.save_events;
        if !has_moved || !is_due {
            return Ok(());
        }
        match self.save() {
            // Said where everybody looks, and done again: until somebody else may have the partition.
            Err(error) if error.kind() == ErrorKind::Io && !self.kept.is_overdue(now) => {
                self.note(&error, false);
                (self.saved_at, self.unsaved) = (now, 0);
                self.state.position = None;
                Ok(())
            }
            saved => saved,
        }
    }

    /// Saves how far the partition is and what waits, in one file.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`, `Store`.
    pub(super) fn save(&mut self) -> Result<(), Error> {
        let Some(held) = self.schedule.saved() else {
            return Ok(());
        };
        self.state.position = Some(self.cursor.position()?);
        self.state.waits_from = Some(self.schedule.settled());
        held::save(&mut self.state, self.settings.by, held)?;
        let saved = self.kept.save(&mut self.state);
        self.state.state = None;
        self.state.parked.clear();
        saved?;
        self.unsaved = 0;
        self.saved_at = self.clock.elapsed();
        Ok(())
    }

    /// Notes in what is saved why the worker stops, and for whom waits in this process; gives what keeps that.
    pub(super) fn fault(mut self, error: &Error) -> Slot {
        self.slot.phase(Phase::Faulted(error.to_string()));
        if error.kind() != ErrorKind::Fenced {
            self.note(error, true);
            // Who asks this process is told; a file that cannot be written tells nobody.
            let _ = self.save();
        }
        self.slot
    }

    /// As [`fault`](Self::fault), where a panic went through the worker: what it has in memory may be half of
    /// something, so what was saved last stays.
    pub(super) fn panicked(self, error: &Error) -> Slot {
        self.slot.phase(Phase::Faulted(error.to_string()));
        // As there.
        if let Ok(Some(saved)) = self.kept.load() {
            note_refused(&self.kept, saved, error, &self.live);
        }
        self.slot
    }

    fn note(&mut self, error: &Error, stopped: bool) {
        let mut last = LastError::new(error.to_string(), self.clock.now_ms());
        last.stopped = stopped;
        self.state.last_error = Some(last);
    }

    fn too_many_parked(&self) -> Error {
        let message = format!(
            "{} entities are parked in partition {}, more than the {} that may be: something is wrong with more than \
             an entity; replay or discard them when that is mended",
            self.schedule.parked_count(),
            self.partition,
            self.settings.limits.parked_max
        );
        Error::new(ErrorKind::TooManyParked, message)
    }
}

/// The events of one partition, as they become durable. Of the others nothing is read.
///
/// # Errors
///
/// `ForeignPosition` if the store does not take the position; `Store`.
fn feed(live: &Live, settings: &Settings, partition: u32, start: Start) -> Result<Cursor, Error> {
    let cursor = live.store().follow(settings.query.clone(), start)?;
    let cursor = cursor.at(Delivery::Durable);
    let (by, partitions) = (settings.by, settings.partitions);
    Ok(match partitions {
        1 => cursor,
        _ => cursor.only(move |row| by.is_in(row, partition, partitions)),
    })
}

/// Notes in a state that cannot be gone on from why; the rest of it stays as it is.
pub(super) fn note_refused(kept: &Kept, mut state: PartitionState, error: &Error, live: &Live) {
    let mut last = LastError::new(error.to_string(), live.clock().now_ms());
    last.stopped = true;
    state.last_error = Some(last);
    // Who started the reactor is told anyway.
    let _ = kept.save(&mut state);
}
