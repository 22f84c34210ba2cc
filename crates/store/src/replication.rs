//! `Replication`: the handle of whoever copies the log of a store elsewhere.
//!
//! Says what there is to copy, and takes what is copied. Does not copy: where to, and what an answer from there
//! means, is the business of whoever holds the handle.

use crate::engine::Shared;
use crate::engine::group_sync::{GroupSync, Reach};
use crate::engine::news::Mark;
#[cfg(doc)]
use crate::{Durability, Store};
use crate::{Error, ErrorKind};
use std::sync::{Arc, Weak};
use std::time::Duration;
use strandline_core::sync::{Mutex, RwLock};
use strandline_core::{Clock, Sequence, SystemClock};
use strandline_segment::{
    LogIdentity, LogPosition, LogView, Manifest, RecordPosition, ScanError, SegmentInfo, SyncHandle,
};

/// The handle of whoever copies the log of a store elsewhere: what [`Store::replication`] gives.
///
/// It says how much of the log is on this disk, and is told how much is copied. Events whose appends ask for
/// [`Durability::Replicated`] are visible from then on. Dropping it ends the replication: appends that wait for
/// it end with [`ErrorKind::Unknown`], their events stay hidden until something is appended that does not ask to
/// be replicated, another replication has them, or the store is opened anew.
///
/// It does not keep the store open: once that is closed, what needs it fails with [`ErrorKind::Closed`].
#[derive(Debug)]
pub struct Replication {
    shared: Weak<Shared>,
    /// That of the store.
    is_open: Arc<RwLock<bool>>,
    group: Arc<GroupSync<SyncHandle>>,
    /// The end that was given last, with how often the log had been rewritten.
    given: Mutex<Option<(u64, LogPosition)>>,
}

impl Replication {
    /// Begins one, unless there is one.
    pub(crate) fn begin(shared: &Arc<Shared>) -> Result<Self, Error> {
        shared.writer()?;
        shared.check_poison()?;
        if !shared.group.attach() {
            let message = "there is a replication of this store already";
            return Err(Error::new(ErrorKind::Busy, message));
        }
        Ok(Self {
            shared: Arc::downgrade(shared),
            is_open: shared.is_open.clone(),
            group: shared.group.clone(),
            given: Mutex::default(),
        })
    }

    /// Asks something of the store, which is not let go of meanwhile.
    fn ask<R>(&self, ask: impl FnOnce(&Shared) -> Result<R, Error>) -> Result<R, Error> {
        // In a fork the lock may be held by a thread that does not exist.
        self.group.news().check_process()?;
        let is_open = self.is_open.read();
        let shared = is_open.then(|| self.shared.upgrade()).flatten();
        let closed = || Error::new(ErrorKind::Closed, "the store that was replicated is closed");
        // Dropped before the lock is.
        let shared = shared.ok_or_else(closed)?;
        ask(&shared)
    }

    /// The identity of the log.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`]; [`ErrorKind::LockLost`] in a fork.
    pub fn identity(&self) -> Result<LogIdentity, Error> {
        self.ask(|shared| Ok(shared.identity))
    }

    /// The segments of the log as they are now. What is appended to the newest one is seen.
    ///
    /// # Errors
    ///
    /// As [`identity`](Self::identity).
    pub fn log(&self) -> Result<LogView, Error> {
        self.ask(|shared| Ok(shared.log.view()))
    }

    /// The MANIFEST as it is on the disk now. One read of a file.
    ///
    /// # Errors
    ///
    /// As [`identity`](Self::identity); [`ErrorKind::Io`], [`ErrorKind::Corrupt`] if it cannot be read;
    /// [`ErrorKind::LockLost`] if the directory is another's.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let read = self.ask(|shared| {
            shared.check_ours()?;
            Ok(Manifest::read(&*shared.options.fs, &shared.dir)?)
        })?;
        read.ok_or_else(|| Error::new(ErrorKind::Corrupt, "the MANIFEST of the store is gone"))
    }

    /// Up to where the log is on this disk: what may be copied. The end of a commit, or of a note after one.
    ///
    /// Never more than was synced; a note may be told of later than it was, once all is. It never goes back,
    /// but to another place of the same commit, where segments were rewritten. Takes the commit lock for a
    /// moment, and reads some headers of the log if more is written than synced: O(log commits).
    ///
    /// # Errors
    ///
    /// As [`identity`](Self::identity); [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] if the log cannot be read.
    pub fn durable_end(&self) -> Result<LogPosition, Error> {
        let (end, rewritings) = self.ask(durable_end)?;
        let mut given = self.given.lock();
        if let Some((before, last)) = *given
            && before == rewritings
            && place(&last) >= place(&end)
        {
            // A note after the commit, which is known to be on the disk.
            return Ok(last);
        }
        *given = Some((rewritings, end));
        Ok(end)
    }

    /// Returns `true` once [`durable_end`](Self::durable_end) is another place than `past`, and `false` if it is
    /// not after `timeout`. Zero looks, and [`Duration::MAX`] waits for ever.
    ///
    /// Wakes for events. A note after them is found when the time is over, or with the next event.
    ///
    /// # Errors
    ///
    /// As [`durable_end`](Self::durable_end); [`ErrorKind::Closed`] once the store closes, and
    /// [`ErrorKind::Poisoned`], [`ErrorKind::Fenced`] or [`ErrorKind::LockLost`] once writing has stopped.
    pub fn wait_durable(&self, past: LogPosition, timeout: Duration) -> Result<bool, Error> {
        let clock = SystemClock::default();
        loop {
            if !self.durable_end()?.is_same_place(&past) {
                return Ok(true);
            }
            let left = timeout.saturating_sub(clock.elapsed());
            let news = self.group.news();
            if left.is_zero() || news.wait(Mark::Synced, past.sequence, left)?.is_none() {
                return Ok(!self.durable_end()?.is_same_place(&past));
            }
        }
    }

    /// Says that everything below `end` is copied, to where it outlives this machine, and that nobody has
    /// taken over there. Publishes it, and wakes who waits for it. Less than before changes nothing, and neither
    /// does anything once writing has stopped or the store is closed; what is not on this disk does not count.
    pub fn replicated(&self, end: Sequence) {
        if self.group.is_in_this_process() {
            self.group.replicated(end);
        }
    }

    /// Up to where everything is replicated, as this was told.
    #[must_use]
    pub fn acknowledged(&self) -> Sequence {
        self.group.at(Reach::Replicated)
    }

    /// Whether somebody waits until events on this disk are replicated: they are hidden until then, or a thread or
    /// a task waits to be told. A wait for events that are not there yet does not count. O(threads that wait).
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.group.is_in_this_process() && self.group.awaits_replication()
    }

    /// Stops all writing, as somebody else has taken over where the log is copied to: `reason` says who and when.
    /// Appends that wait end with [`ErrorKind::Unknown`], later ones with [`ErrorKind::Fenced`]. Reads go on.
    pub fn fence(&self, reason: &str) {
        if self.group.is_in_this_process() {
            self.group.fence(reason);
        }
    }
}

impl Drop for Replication {
    fn drop(&mut self) {
        // In a fork its locks may be held by threads that do not exist.
        if self.group.is_in_this_process() {
            self.group
                .detach("the replication has ended before the events were replicated");
        }
    }
}

/// By which places of a log that was not rewritten are in order.
const fn place(position: &LogPosition) -> (u64, u32, u32) {
    let LogPosition {
        sequence,
        segment,
        offset,
        ..
    } = position;
    // A place after a note has the sequence of that before it.
    (sequence.get(), segment.get(), *offset)
}

/// Up to where the log is known to be on the disk, and how often it was rewritten.
fn durable_end(shared: &Shared) -> Result<(LogPosition, u64), Error> {
    let (view, last, near, written) = {
        // Under the lock the row and the log say the same: no segment is rewritten meanwhile.
        let writer = shared.writer()?.lock();
        let (view, position) = (shared.log.view(), writer.log.position());
        let synced = shared.group.at(Reach::Synced);
        let is_all = synced >= position.sequence && !writer.notes.wait_for_sync();
        let last = synced.get().checked_sub(1).filter(|_| !is_all);
        let Some(last) = last.map(Sequence::new) else {
            // Before the first event there is nothing to wait for but notes, which are told of later.
            let first = view.infos().next().map(SegmentInfo::start);
            let end = match (is_all, first) {
                (false, Some(start)) => start,
                _ => position,
            };
            return Ok((end, view.rewritings()));
        };
        let rows = writer.index.inserted();
        let row = rows.row_at(last);
        let near = row.map(|row| RecordPosition::from_bits(row.position()));
        let written = (!writer.notes.wait_for_sync()).then_some(position);
        (view, last, near, written)
    };
    let commit = view.commit_at(last, near)?;
    let lost = || {
        let message = format!("the log has no commit with sequence {last}, which is durable");
        Error::new(ErrorKind::Corrupt, message)
    };
    let mut end = commit.map(|commit| commit.after).ok_or_else(lost)?;
    if let Some(written) = written {
        end = after_notes(&view, end, written)?;
    }
    Ok((end, view.rewritings()))
}

/// Where the notes end that follow a commit. Whoever goes on with a copy that has them would find itself ahead of the
/// log otherwise.
fn after_notes(
    view: &LogView,
    commit: LogPosition,
    written: LogPosition,
) -> Result<LogPosition, Error> {
    let mut end = commit;
    let scanned = view.scan(written, Some(commit), |frame| {
        let after = frame.end();
        if after.sequence > commit.sequence {
            return Err(());
        }
        end = after;
        Ok(())
    });
    match scanned {
        Ok(_) | Err(ScanError::Visit(())) => Ok(end),
        Err(ScanError::Log(error)) => Err(error.into()),
    }
}
