//! `Lease`: a partition that this worker holds, until somebody takes it over.

use super::asked::{self, Pending};
use super::partition::{Listing, Partition};
use super::{names, state_file};
use crate::{Error, ErrorKind, PartitionState};
use std::path::PathBuf;
use std::sync::Arc;
use strandline_checkpoint::{file_name, file_number};
use strandline_core::Process;
use strandline_core::fs::{FileLock, FsFile, TEMPORARY_SUFFIX};

/// How many states are kept.
const KEPT: usize = 2;

/// A partition that this worker holds: only he saves its state. Dropping it gives the partition back at once.
#[derive(Debug)]
pub(crate) struct Lease {
    partition: Partition,
    token: u32,
    /// How often was saved under the token.
    saves: u32,
    /// The file of the lease, which grows with each beat.
    file: Arc<dyn FsFile>,
    bytes: u64,
    /// The position that was saved last, by its sequence, and when it moved.
    moved: Option<(u64, u64)>,
    process: Process,
    /// Held as long as the worker lives; released when the lease is dropped.
    _lock: Box<dyn FileLock>,
}

impl Lease {
    pub(super) fn new(
        partition: Partition,
        token: u32,
        (lock, file, bytes): (Box<dyn FileLock>, Arc<dyn FsFile>, u64),
    ) -> Self {
        Self {
            partition,
            token,
            saves: 0,
            file,
            bytes,
            moved: None,
            process: Process::current(),
            _lock: lock,
        }
    }

    /// Which of those who held the partition this is, counted from 1.
    pub(crate) const fn token(&self) -> u32 {
        self.token
    }

    pub(crate) const fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Saves a state, durably, and renews the lease. Sets when it was saved, and when its position moved.
    ///
    /// # Errors
    ///
    /// `Fenced` if another worker has taken the partition over: the state does not count, or was taken over too, and
    /// nothing is to be done any more. `Io` if it is open whether the state was saved; the next save decides.
    pub(crate) fn save(&mut self, state: &mut PartitionState) -> Result<(), Error> {
        self.check_process()?;
        self.publish(state)?;
        let listing = self.check()?;
        self.remove_old(&listing);
        asked::remove_answered(&self.partition, state, &listing);
        Ok(())
    }

    /// Publishes a state under the next number, without a look at other leases.
    pub(super) fn publish(&mut self, state: &mut PartitionState) -> Result<(), Error> {
        let place = self.partition.place();
        let now_ms = place.clock.now_ms();
        let next = state.sequence().get();
        state.saved_at_ms = now_ms;
        if self.moved.is_some_and(|(moved, _)| moved != next) {
            state.moved_at_ms = now_ms;
        }
        let Some(save) = self.saves.checked_add(1) else {
            let message = "a worker has saved as often as it can; start it again";
            return Err(Error::new(ErrorKind::Exhausted, message));
        };
        // Also if it fails: what came of it is not known, and the number is not used again.
        self.saves = save;
        let number = names::state_number(self.token, save);
        let published =
            state_file::writer(state)?.publish(&*place.fs, self.partition.dir(), number);
        published.map_err(|error| {
            let message = format!("cannot save a state in {}", self.partition.dir().display());
            Error::new(ErrorKind::Io, message).with_source(error)
        })?;
        self.moved = Some((next, state.moved_at_ms));
        Ok(())
    }

    /// Renews the lease without saving anything.
    ///
    /// # Errors
    ///
    /// `Fenced` as for [`save`](Self::save); `Io`.
    pub(crate) fn beat(&mut self) -> Result<(), Error> {
        self.check_process()?;
        let written = self.file.write_all_at(b".", self.bytes);
        written.map_err(|error| Error::io("write", &self.path(), error))?;
        self.bytes += 1;
        self.check().map(drop)
    }

    /// What people ask for and was not done yet, in the order in which they asked.
    ///
    /// Whoever does it says so with [`Pending::answer`] in the state that he saves next.
    ///
    /// # Errors
    ///
    /// `Fenced` as for [`save`](Self::save); `Io`.
    pub(crate) fn requests(&self, state: &PartitionState) -> Result<Vec<Pending>, Error> {
        self.check_process()?;
        let listing = self.check()?;
        asked::pending(&self.partition, state, &listing)
    }

    /// Fails if another worker has taken the partition over.
    pub(super) fn check(&self) -> Result<Listing, Error> {
        let listing = self.partition.list()?;
        if listing.token > self.token {
            return Err(self.fenced(listing.token));
        }
        Ok(listing)
    }

    fn fenced(&self, token: u32) -> Error {
        let message = format!(
            "another worker has taken over partition {} ({}), as number {token}, since this one, number {}, did not \
             renew its lease in time",
            self.partition.index(),
            self.partition.dir().display(),
            self.token
        );
        Error::new(ErrorKind::Fenced, message)
    }

    /// A fork has the lease of its parent, and must not use it.
    fn check_process(&self) -> Result<(), Error> {
        match self.process.is_current() {
            true => Ok(()),
            false => {
                let message = "the partition is held by the process that this one is a fork of";
                Err(Error::new(ErrorKind::Fenced, message))
            }
        }
    }

    /// Removes what nobody needs any more: states before the last two, leases before this one, and what interrupted
    /// saves and claims left. What cannot be removed is for the next time.
    pub(super) fn remove_old(&self, listing: &Listing) {
        let mut states: Vec<_> = listing
            .files
            .iter()
            .filter_map(|name| file_number(name))
            .collect();
        states.sort_unstable_by(|a, b| b.cmp(a));
        let states = states.into_iter().skip(KEPT).map(file_name);
        let others = listing.files.iter().filter(|name| self.is_left_over(name));
        let fs = &self.partition.place().fs;
        for name in states.chain(others.cloned()) {
            let removed = fs.remove_file(&self.partition.path(&name));
            if removed.is_err() {
                crate::trace::not_removed(&name);
            }
        }
    }

    /// Whether a file is the lease of a lower token, or what a worker with one was interrupted in.
    fn is_left_over(&self, name: &str) -> bool {
        if let Some(token) = names::lease_token(name) {
            return token < self.token;
        }
        if names::is_claim(name) {
            // Who is at a claim has it locked.
            return self
                .partition
                .is_free(&self.partition.path(name))
                .unwrap_or(false);
        }
        let state = name.strip_suffix(TEMPORARY_SUFFIX).and_then(file_number);
        state.is_some_and(|state| names::token_of(state) < self.token)
    }

    fn path(&self) -> PathBuf {
        self.partition.path(&names::lease(self.token))
    }
}
