//! `Shared`: what the handle of a store and its threads work on.

use super::caches::Caches;
use super::follower::Follower;
use super::footers_written::FootersWritten;
use super::merged_files::MergedFiles;
use super::ours::Ours;
use super::redactions::Redactions;
use super::rewriting::{Rewriting, RewritingGuard};
use crate::engine::group_sync::{GroupSync, Reach, fate_unknown};
use crate::engine::news::Mark;
use crate::engine::push::Hub;
use crate::engine::writer::{CommitLock, Committing, Context, Writer};
use crate::meter::Metrics;
use crate::model::{Kinds, Sources};
use crate::tree::Trees;
use crate::{Error, ErrorKind, OpenReport, Receipt, StoreOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::FileLock;
use strandline_core::sync::thread::{self, ThreadId};
use strandline_core::sync::{Condvar, Mutex, RwLock};
use strandline_core::{Epoch, Hlc, Random, Sequence};
use strandline_index::IndexReader;
use strandline_segment::{LogIdentity, LogPosition, LogReader, SyncHandle};

/// How long a rewriting waits for a replication. Longer than a bucket takes that works.
const REPLICATION_MOMENT: Duration = Duration::from_secs(2);

/// What the handle and the background thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) options: StoreOptions,
    pub(crate) identity: LogIdentity,
    pub(crate) epoch: Epoch,
    /// The single writer, and with it the commit lock; none in a store opened to read only.
    pub(crate) writer: Option<CommitLock>,
    /// What reads on in the log of another process; none in a store opened to write.
    pub(crate) follower: Option<Mutex<Follower>>,
    pub(crate) group: Arc<GroupSync<SyncHandle>>,
    /// Pushes events to subscribers.
    pub(crate) hub: Arc<Hub>,
    pub(crate) index: IndexReader,
    pub(crate) caches: Caches,
    /// The names of kinds.
    pub(crate) kinds: Arc<Kinds>,
    /// How far sources were gone through.
    pub(crate) sources: Arc<Sources>,
    pub(crate) log: LogReader,
    /// Held while index and log are replaced by ones with other positions, and while both are taken
    /// for a snapshot. Taken after the commit lock.
    pub(crate) positions: Arc<RwLock<()>>,
    pub(crate) redacted: Arc<Redactions>,
    /// What is known of the tree over the log. Its locks are taken after every other, and none of its own within
    /// another of them.
    pub(crate) trees: Arc<Trees>,
    /// Held by whoever rewrites segments.
    pub(crate) rewriting: Mutex<Rewriting>,
    /// The thread that holds it, which may come again from a callback.
    pub(crate) rewriter: Mutex<Option<ThreadId>>,
    /// Whether the store is open. Held to read by whoever copies the log, for as long as it has this, so that a
    /// close has let go of the directory when it returns.
    pub(crate) is_open: Arc<RwLock<bool>>,
    pub(crate) random: Random,
    /// Told of what is done.
    pub(crate) metrics: Metrics,
    /// From where on removals have records, as the manifest said at opening.
    pub(crate) unrecorded_before: Option<Sequence>,
    pub(crate) report: OpenReport,
    /// Where the log ended at opening.
    pub(crate) opened_at: LogPosition,
    /// Position of the newest checkpoint, and the lock under which one is made.
    pub(crate) checkpointed: Mutex<Option<LogPosition>>,
    /// What became of the footers that were to be written.
    pub(crate) footers: Mutex<FootersWritten>,
    /// Files of the index that are in use. Taken after every other lock.
    pub(crate) merged: Mutex<MergedFiles>,
    /// A merge has ended, or it is known which segments it is of.
    pub(crate) merge_ended: Condvar,
    /// What was wrong with segments that were looked into after the opening.
    pub(crate) segment_problems: Mutex<Vec<String>>,
    /// Whether the directory is still the one that was locked; none in a store opened to read only.
    pub(crate) ours: Option<Arc<Ours>>,
    pub(crate) _lock: Option<Box<dyn FileLock>>,
}

impl Shared {
    /// The commit lock, which nobody may wait for in a fork: who had it does not exist there.
    pub(crate) fn writer(&self) -> Result<&CommitLock, Error> {
        self.check_process()?;
        self.writer_here()
    }

    /// As [`writer`](Self::writer), where the process was looked at already.
    pub(crate) fn writer_here(&self) -> Result<&CommitLock, Error> {
        self.writer
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::ReadOnly, "the store was opened to read only"))
    }

    /// The commit lock, once a rotation under it need not wait for a replication, if there would be one.
    /// `rotates` says that, and has changed nothing.
    ///
    /// A replication is given a moment. Then, or where there is none any more, what waits for it is shown without it,
    /// as a commit shows it that asks for less: what is erased by law, and others who wait for the right to rewrite,
    /// do not wait until a bucket can be reached again.
    pub(crate) fn lock_to_rotate(
        &self,
        mut rotates: impl FnMut(&mut Writer) -> bool,
    ) -> Result<Committing<'_>, Error> {
        let mut has_waited = false;
        loop {
            let mut writer = self.writer()?.lock();
            match self.group.held(writer.index.gate().allocated()) {
                Some(end) if rotates(&mut writer) => {
                    if has_waited {
                        self.group.wish(end);
                        return Ok(writer);
                    }
                    drop(writer);
                    self.group.wait_for(Reach::Synced, end)?;
                    self.wait_a_moment_for(end)?;
                    has_waited = true;
                }
                _ => return Ok(writer),
            }
        }
    }

    /// Gives a replication, if there is one, a moment to show what is below `end`.
    fn wait_a_moment_for(&self, end: Sequence) -> Result<(), Error> {
        if self.group.is_replicating() {
            let last = Sequence::new(end.get().saturating_sub(1));
            self.group
                .news()
                .wait(Mark::Visible, last, REPLICATION_MOMENT)?;
        }
        Ok(())
    }

    /// Fails in a fork of the process that opened the store to write. Takes no lock.
    pub(crate) fn check_process(&self) -> Result<(), Error> {
        match &self.ours {
            None => Ok(()),
            Some(ours) => Ok(ours.check_process()?),
        }
    }

    /// Fails if the directory is not the one any more that was locked; nothing is written then.
    pub(crate) fn check_ours(&self) -> Result<(), Error> {
        let looked = self.ours.as_ref().map_or(Ok(()), |ours| ours.check());
        looked.map_err(|error| Error::io("look at the LOCK of", &self.dir, error))
    }

    /// Fails if what is in the directory now is another store, or another course of this one.
    pub(crate) fn check_course(&self) -> Result<(), Error> {
        self.check_ours()?;
        let follower = self.follower.as_ref();
        follower.map_or(Ok(()), |follower| follower.lock().check())
    }

    /// Returns when everything below `end` is as far as that.
    pub(crate) fn wait_for(&self, reach: Reach, end: Sequence) -> Result<(), Error> {
        self.group.wait_for(reach, end).map_err(fate_unknown)
    }

    /// Makes everything that was written durable, notes too.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.group.flush().map_err(fate_unknown)
    }

    /// The receipt, which says whether its event is durable and replicated now.
    pub(crate) fn note_levels(&self, receipt: Receipt) -> Receipt {
        Receipt {
            durable: receipt.sequence < self.group.at(Reach::Synced),
            replicated: receipt.sequence < self.group.at(Reach::Replicated),
            ..receipt
        }
    }

    /// Fails if an earlier failure stopped all writing.
    pub(crate) fn check_poison(&self) -> Result<(), Error> {
        match self.group.poison() {
            None => Ok(()),
            Some(poison) => Err(poison.into()),
        }
    }

    /// The time after which the next event's must be: the newest that was given or observed, also where
    /// the event that had it was removed. None in a store that has had no events. Fails in a fork, where
    /// nobody may wait for the lock.
    pub(crate) fn newest_time(&self) -> Result<Option<Hlc>, Error> {
        match (&self.writer, &self.follower) {
            (Some(_), _) => Ok(self.writer()?.lock().hlc.last()),
            (None, Some(follower)) => Ok(follower.lock().newest_time()),
            (None, None) => Ok(None),
        }
    }

    /// What the writer works with, at a time that the clock said before the commit lock was taken.
    pub(crate) fn context(&self, now_ms: u64) -> Context<'_> {
        Context {
            group: &self.group,
            log: &self.log,
            random: &self.random,
            kinds: &self.kinds,
            sources: &self.sources,
            now_ms,
            drift_ms_max: self.options.drift_ms_max(),
            segment_bytes_max: self.options.log.segment_bytes(),
        }
    }

    /// The right to rewrite segments, once whoever has it is done.
    ///
    /// # Errors
    ///
    /// `Busy` if this thread has it. `Io` if files that were replaced by an earlier one cannot be removed.
    pub(crate) fn begin_rewriting(&self) -> Result<RewritingGuard<'_>, Error> {
        self.writer()?;
        self.check_ours()?;
        let this = thread::current().id();
        if *self.rewriter.lock() == Some(this) {
            let message = "this thread is within a compaction or redaction of the store";
            return Err(Error::new(ErrorKind::Busy, message));
        }
        let rewriting = self.rewriting.lock();
        *self.rewriter.lock() = Some(this);
        let mut rewriting = RewritingGuard::new(&self.rewriter, rewriting);
        self.check_poison()?;
        rewriting.remove_superseded(&*self.options.fs)?;
        Ok(rewriting)
    }
}
