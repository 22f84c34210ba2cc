//! `Running`: a store at work, with the threads that keep it.

use super::background::Background;
use super::checkpoint;
use super::checks::SegmentChecks;
use crate::Error;
use crate::engine::Shared;
use crate::engine::group_sync::{SyncDriver, close, fate_unknown, join};
use crate::engine::news::{Lookout, Over};
use crate::rows::Sealed;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::sync::RwLock;

/// What the handle of a store holds.
#[derive(Debug)]
pub(crate) struct Running {
    // Dropped in this order: no thread syncs any more when the log is cut off and the lock let go.
    /// Syncs what is submitted; none before the first submit.
    driver: RwLock<Option<SyncDriver>>,
    pub(crate) background: Option<Background>,
    /// Looks into segments that were not opened with the log.
    checks: Option<SegmentChecks>,
    pub(crate) shared: Arc<Shared>,
}

impl Running {
    /// Starts the threads of a store that was opened, which write the footers of segments that have none.
    pub(crate) fn start(shared: Shared, without_footer: &[Sealed]) -> Result<Self, Error> {
        let shared = Arc::new(shared);
        let no_thread = |error| Error::io("start a thread for", &shared.dir, error);
        let background = if shared.writer.is_some() {
            let started = Background::start(shared.clone()).map_err(no_thread)?;
            started.write_footers(without_footer);
            started.merge_soon(&shared);
            Some(started)
        } else {
            None
        };
        let checks = SegmentChecks::start(&shared).map_err(no_thread)?;
        Ok(Self {
            shared,
            background,
            checks,
            driver: RwLock::new(None),
        })
    }

    /// Makes sure that there is a thread that syncs what is submitted.
    pub(crate) fn start_driver(&self) -> Result<(), Error> {
        if self.driver.read().is_some() {
            return Ok(());
        }
        let mut driver = self.driver.write();
        if driver.is_none() {
            let group = self.shared.group.clone();
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

    /// Returns when the background has done what it was asked for until now.
    pub(crate) fn wait_for_background(&self) {
        if let Some(background) = &self.background
            && self.shared.check_process().is_ok()
        {
            background.finish(&self.shared);
        }
    }

    /// Asks for merges of the index, where there is something to merge.
    pub(crate) fn merge_soon(&self) {
        if let Some(background) = &self.background
            && self.shared.check_process().is_ok()
        {
            background.merge_soon(&self.shared);
        }
    }

    /// Saves a checkpoint, and gives the sequence up to which it holds the store.
    pub(crate) fn checkpoint(&self) -> Result<Sequence, Error> {
        self.shared.check_process()?;
        self.shared.check_poison()?;
        checkpoint::save(&self.shared)
    }

    /// Ends the threads, makes what was written durable, and saves a checkpoint if anything changed.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        self.shared.check_process()?;
        self.checks = None;
        self.background = None;
        let before = self.shared.check_poison();
        let driver = self.driver.write().take();
        let closed = close(driver, &self.shared.group);
        if self.shared.writer.is_none() {
            return Ok(());
        }
        before?;
        closed.map_err(fate_unknown)?;
        self.shared.check_ours()?;
        self.checkpoint().map(drop)
    }

    /// Ends the threads by which events may yet become visible or durable, and tells whoever waits for
    /// others that none come.
    fn end_waits(&mut self) {
        drop(self.driver.write().take());
        self.background = None;
        self.shared
            .group
            .detach("the store was closed before the events were replicated");
        // Whoever copies the log lets go of the store first, and does not come back.
        *self.shared.is_open.write() = false;
        self.shared.hub.close();
        let news = self.shared.group.news();
        news.end(&Over::closed());
        if let Some(thread) = news.lookout().and_then(Lookout::take) {
            join(thread);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.shared.group.is_in_this_process() {
            return self.end_waits();
        }
        if self.shared.ours.is_none() {
            return;
        }
        // In a fork the threads do not exist that would be joined, locks are held by nobody who lets
        // them go, and the files are the parent's to tidy up.
        std::mem::forget(std::mem::replace(&mut self.driver, RwLock::new(None)));
        std::mem::forget(self.background.take());
        std::mem::forget(self.checks.take());
        std::mem::forget(self.shared.clone());
    }
}
