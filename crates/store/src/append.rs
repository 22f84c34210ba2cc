//! Appending: from the caller's thread through the commit lock to the wait for the disk.

use crate::store::Store;
use crate::trace::{self, Span};
use crate::writer::{
    Committing, Context, GroupSync, Poison, Prepared, SyncDriver, check_batch, look_ahead,
};
use crate::{AppendOptions, Batch, Durability, Error, ErrorKind, Event, Receipt};
use std::sync::Arc;
use strandline_core::{Coordinate, Sequence};
use strandline_segment::{SegmentId, SyncHandle};
use tracing::Level;

impl Store {
    /// Appends an event, and returns when it is visible and as durable as the store's options ask.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`], [`ErrorKind::TooLarge`], [`ErrorKind::Conflict`],
    /// [`ErrorKind::WrongExpectedVersion`], [`ErrorKind::ConditionFailed`], [`ErrorKind::RefusedTime`], [`ErrorKind::Exhausted`], [`ErrorKind::ReadOnly`], [`ErrorKind::Poisoned`], [`ErrorKind::LockLost`] and
    /// [`ErrorKind::NotWritten`] mean that nothing was written. [`ErrorKind::Unknown`] means that
    /// only a reopen can tell.
    pub fn append(&self, coordinate: &Coordinate, event: Event) -> Result<Receipt, Error> {
        self.append_with(coordinate, event, AppendOptions::new())
    }

    /// Appends an event with options of its own.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_with(
        &self,
        coordinate: &Coordinate,
        event: Event,
        options: AppendOptions<'_>,
    ) -> Result<Receipt, Error> {
        let _span = self.append_span(1, &options);
        let prepared = self.prepare(coordinate, &event)?;
        let mut given = None;
        let written = self.write(&[prepared], &options, &mut |receipt| given = Some(receipt))?;
        let receipt: Receipt = given.ok_or_else(Error::no_receipt)?;
        self.wait_for(written)
            .map_err(|error| error.with_ids([receipt.id]))?;
        Ok(self.shared.note_durable(receipt))
    }

    /// Appends the events of a batch, all of them or none, and returns their receipts in order. Members
    /// that were appended before give their first receipts; see [`Batch`].
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); for an empty batch [`ErrorKind::InvalidInput`].
    pub fn append_batch(&self, batch: Batch) -> Result<Vec<Receipt>, Error> {
        self.append_batch_with(batch, AppendOptions::new())
    }

    /// Appends the events of a batch with options of its own.
    ///
    /// # Errors
    ///
    /// As [`append_batch`](Self::append_batch).
    pub fn append_batch_with(
        &self,
        batch: Batch,
        options: AppendOptions<'_>,
    ) -> Result<Vec<Receipt>, Error> {
        self.append_slice(&batch.events, options)
    }

    /// Appends events together, as those of a batch, and leaves them with the caller: who has to divide them
    /// or give them other times where they are refused needs no copy.
    ///
    /// # Errors
    ///
    /// As [`append_batch`](Self::append_batch).
    pub fn append_slice(
        &self,
        events: &[(Coordinate, Event)],
        options: AppendOptions<'_>,
    ) -> Result<Vec<Receipt>, Error> {
        self.append_events(events, options, self.shared.options.payload_bytes_max)
    }

    /// Appends events together, as a batch, with payloads of at most so many bytes, and leaves them with
    /// the caller.
    pub(crate) fn append_events(
        &self,
        events: &[(Coordinate, Event)],
        options: AppendOptions<'_>,
        payload_bytes_max: usize,
    ) -> Result<Vec<Receipt>, Error> {
        let _span = self.append_span(events.len(), &options);
        let prepared = self.prepare_batch(events, payload_bytes_max)?;
        check_batch(&prepared)?;
        let mut receipts = Vec::with_capacity(prepared.len());
        let written = self.write(&prepared, &options, &mut |receipt| receipts.push(receipt))?;
        self.wait_for(written)
            .map_err(|error| error.with_ids(receipts.iter().map(|receipt| receipt.id)))?;
        for receipt in &mut receipts {
            *receipt = self.shared.note_durable(*receipt);
        }
        Ok(receipts)
    }

    /// The span of an append, entered.
    fn append_span(&self, events: usize, options: &AppendOptions<'_>) -> Span {
        let durability = options.durability.unwrap_or(self.shared.options.durability);
        trace::span(Level::DEBUG, || {
            tracing::debug_span!("append", events, ?durability)
        })
    }

    /// Checks and hashes an event, without a lock.
    pub(crate) fn prepare<'a>(
        &self,
        coordinate: &'a Coordinate,
        event: &'a Event,
    ) -> Result<Prepared<'a>, Error> {
        let shared = &self.shared;
        // Before any lock is waited for, that of a shard of the index too.
        shared.check_process()?;
        let limit = shared.options.payload_bytes_max;
        Prepared::new(coordinate, event, 0, shared.random.nonce(), (shared, limit))
    }

    /// Checks and hashes the events of a batch, without a lock.
    pub(crate) fn prepare_batch<'a>(
        &self,
        events: &'a [(Coordinate, Event)],
        payload_bytes_max: usize,
    ) -> Result<Vec<Prepared<'a>>, Error> {
        self.shared.check_process()?;
        let limits = (&*self.shared, payload_bytes_max);
        let numbered = events.iter().enumerate();
        numbered
            .zip(self.shared.random.nonces())
            .map(|((place, (coordinate, event)), nonce)| {
                Prepared::new(coordinate, event, place, nonce, limits)
            })
            .collect()
    }

    /// Writes events and gives their receipts, which hold once what this returns was waited for.
    fn write(
        &self,
        prepared: &[Prepared<'_>],
        options: &AppendOptions<'_>,
        give: &mut dyn FnMut(Receipt),
    ) -> Result<Written, Error> {
        self.commit(prepared, options, Full::Never, give)
            .or_else(|error| {
                // Whoever is refused because of an event, and reads, must find it.
                self.shared.wait_durable(error.decided_by())?;
                Err(error)
            })
    }

    /// Writes events as [`write`](Self::write) does, and leaves it to the caller to wait for the
    /// event because of which they are refused.
    pub(crate) fn commit(
        &self,
        prepared: &[Prepared<'_>],
        options: &AppendOptions<'_>,
        full: Full,
        give: &mut dyn FnMut(Receipt),
    ) -> Result<Written, Error> {
        let shared = &*self.shared;
        shared.check_poison()?;
        let durability = options.durability.unwrap_or(shared.options.durability);
        let condition = options.condition;
        let condition = condition.map(|condition| look_ahead(&shared.index, condition, prepared));
        let condition = condition.transpose()?;
        let mut wanted = Wanted::default();
        let (committed, sealed, next) = {
            let (_span, mut writer, now_ms) = self.lock_to_commit(prepared, full)?;
            let guard = PoisonOnPanic(&shared.group);
            let mut context = self.context(now_ms);
            if options.takes_any_time {
                context.drift_ms_max = u64::MAX;
            }
            let committed = writer.commit(prepared, durability, condition, context, give);
            if let (Ok(end), Durability::Synced, Full::Wait | Full::Refuse) =
                (&committed, durability, full)
            {
                shared.group.submitted(*end);
            }
            guard.finish();
            wanted.sync = writer.should_sync_ahead();
            wanted.checkpoint = writer.should_checkpoint(shared.options.checkpoint_interval_bytes);
            let next = writer.next_to_prepare();
            (committed, writer.sealed.take(), next)
        };
        if let Some(background) = &self.background {
            if let Some(next) = next {
                background.prepare(next);
            }
            if let Some(sealed) = sealed {
                background.write_footer(shared, sealed);
            }
            if wanted.sync {
                background.sync_soon();
            }
            if wanted.checkpoint {
                background.checkpoint_soon();
            }
        }
        committed.map(|end| Written { end, durability })
    }

    /// The end of the oldest submit in flight, if there are as many as may be.
    pub(crate) fn oldest_if_full(&self) -> Result<Option<Sequence>, Error> {
        let shared = &*self.shared;
        shared.check_poison()?;
        shared.writer()?;
        let most = shared.options.in_flight_max;
        Ok(shared.group.oldest_if_full(most))
    }

    /// Seals a segment if it is the active one.
    pub(crate) fn seal_segment(&self, segment: SegmentId) -> Result<(), Error> {
        let shared = &*self.shared;
        let number = segment.get();
        let sealed = {
            let _span = rotate_span(number);
            let now_ms = shared.options.clock.now_ms();
            let mut writer = shared.writer()?.lock();
            shared.check_poison()?;
            if writer.log.position().segment != segment {
                return Ok(());
            }
            let guard = PoisonOnPanic(&shared.group);
            let sealed = writer.rotate(self.context(now_ms));
            guard.finish();
            sealed?
        };
        if let Some(background) = &self.background {
            background.write_footer(shared, sealed);
        }
        Ok(())
    }

    /// Returns when the background has done what it was asked for until now.
    pub(crate) fn wait_for_background(&self) {
        if let Some(background) = &self.background
            && self.shared.check_process().is_ok()
        {
            background.finish(&self.shared);
        }
    }

    pub(crate) fn context(&self, now_ms: u64) -> Context<'_> {
        let shared = &*self.shared;
        Context {
            group: &shared.group,
            log: &shared.log,
            random: &shared.random,
            now_ms,
            drift_ms_max: shared.options.drift_ms_max(),
            segment_bytes_max: shared.options.log.segment_bytes(),
        }
    }

    /// The commit lock, as [`lock_with_room`](Self::lock_with_room), and the span of a rotation if there
    /// will be one: opened before the lock is taken, and to be dropped after it.
    fn lock_to_commit(
        &self,
        prepared: &[Prepared<'_>],
        full: Full,
    ) -> Result<(Option<Span>, Committing<'_>, u64), Error> {
        let (writer, now_ms) = self.lock_with_room(full)?;
        if !trace::wants(Level::INFO) || !writer.would_rotate(prepared) {
            return Ok((None, writer, now_ms));
        }
        let segment = writer.log.position().segment.get();
        drop(writer);
        let span = rotate_span(segment);
        let (writer, now_ms) = self.lock_with_room(full)?;
        Ok((Some(span), writer, now_ms))
    }

    /// The commit lock, once there is room for what is submitted, and the time just before it.
    fn lock_with_room(&self, full: Full) -> Result<(Committing<'_>, u64), Error> {
        let shared = &*self.shared;
        let most = shared.options.in_flight_max;
        loop {
            // A clock may be the caller's, so it is not asked under the lock. Times do not go back all
            // the same.
            let now_ms = shared.options.clock.now_ms();
            let writer = shared.writer_here()?.lock();
            // Writing may have stopped while this thread waited for the lock.
            shared.check_poison()?;
            if full == Full::Never {
                return Ok((writer, now_ms));
            }
            let Some(oldest) = shared.group.oldest_if_full(most) else {
                return Ok((writer, now_ms));
            };
            drop(writer);
            if full == Full::Refuse {
                let message = format!(
                    "{most} submitted appends are not durable yet (StoreOptions::in_flight_max)"
                );
                return Err(Error::new(ErrorKind::Busy, message));
            }
            shared.wait_durable(oldest)?;
        }
    }

    /// Returns when what was written is visible, and as durable as was asked for.
    fn wait_for(&self, written: Written) -> Result<(), Error> {
        let end = self.unmet(written);
        self.shared
            .group
            .wait(end)
            .map_err(|Poison { reason, .. }| {
                Error::new(
                    ErrorKind::Unknown,
                    format!("{reason}; reopen the store and look for the event ids"),
                )
            })
    }

    /// Up to where what was written has to become durable for its promise to hold; asks for the
    /// sync of the rest.
    pub(crate) fn unmet(&self, written: Written) -> Sequence {
        let Written { end, durability } = written;
        let shared = &self.shared;
        if durability == Durability::Synced || end > shared.index.gate().visible() {
            return end;
        }
        if let (Some(_), Some(background)) = (shared.options.sync_interval, &self.background) {
            background.sync_soon();
        }
        Sequence::ZERO
    }

    pub(crate) fn group(&self) -> Arc<GroupSync<SyncHandle>> {
        self.shared.group.clone()
    }

    /// Whether everything below `end` is visible.
    pub(crate) fn is_visible(&self, end: Sequence) -> bool {
        end <= self.shared.index.gate().visible()
    }

    /// Makes sure that there is a thread that syncs what is submitted.
    pub(crate) fn start_driver(&self) -> Result<(), Error> {
        if self.driver.read().is_some() {
            return Ok(());
        }
        let mut driver = self.driver.write();
        if driver.is_none() {
            let group = self.group();
            let started = group
                .calls()
                .start()
                .and_then(|()| SyncDriver::start(group.clone()));
            *driver = Some(
                started
                    .map_err(|error| Error::io("start a thread for", &self.shared.dir, error))?,
            );
        }
        Ok(())
    }

    /// Asks for a sync of what is written, and does not wait for it.
    pub(crate) fn ask_driver(&self) {
        if let Some(driver) = &*self.driver.read() {
            driver.ask();
        }
    }
}

/// What is to be done beside the appends, by how much was written.
#[derive(Default, Clone, Copy)]
struct Wanted {
    sync: bool,
    checkpoint: bool,
}

/// Events that were written, up to a sequence, and what their append asked for.
#[must_use = "what was written is promised only once it was waited for"]
#[derive(Clone, Copy)]
pub(crate) struct Written {
    end: Sequence,
    durability: Durability,
}

/// What to do when as much is in flight as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The append is waited for, so it is not in flight.
    Never,
    Wait,
    Refuse,
}

/// The span of a rotation, to be opened before the commit lock is taken.
fn rotate_span(segment: u32) -> Span {
    trace::span(Level::INFO, || tracing::info_span!("rotate", segment))
}

/// Stops all writing if the commit panics: the writer's state may be half changed.
pub(crate) struct PoisonOnPanic<'a>(pub(crate) &'a GroupSync<SyncHandle>);

impl PoisonOnPanic<'_> {
    pub(crate) fn finish(self) {
        std::mem::forget(self);
    }
}

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        self.0.set_poison("a thread panicked while it was writing");
    }
}
