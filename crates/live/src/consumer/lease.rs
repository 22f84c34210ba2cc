//! `Lease`: a partition that this worker holds, until somebody takes it over.

use super::asked::{self, Pending};
use super::partition::{Listing, Partition};
use super::{names, state_file};
use crate::{Error, ErrorKind, PartitionState, Request};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use strandline_checkpoint::{file_name, file_number};
use strandline_core::Process;
use strandline_core::fs::{FileLock, FsFile, TEMPORARY_SUFFIX};

/// How many states are kept.
const KEPT: usize = 2;

/// The file of a lease, locked.
#[derive(Debug)]
pub(super) struct Locked {
    /// Held as long as the worker lives; released when the lease is dropped.
    pub(super) lock: Box<dyn FileLock>,
    pub(super) file: Arc<dyn FsFile>,
    /// Length of what is before the number of the beat.
    pub(super) head_bytes: u64,
}

/// A partition that this worker holds: only he saves its state. Dropping it gives the partition back at once.
#[derive(Debug)]
pub(crate) struct Lease {
    partition: Partition,
    token: u32,
    /// How often was saved under the token.
    saves: u32,
    beats: u64,
    locked: Locked,
    /// The position that was saved last, by its sequence, and when it moved.
    moved: Option<(u64, u64)>,
    process: Process,
}

/// How a lease stands.
enum Standing {
    /// It is the highest, and what is in the directory.
    Highest(Listing),
    /// This token is higher.
    Below(u32),
    /// Its file is not in the directory, or another one has its name.
    Gone,
}

impl Lease {
    pub(super) fn new(partition: Partition, token: u32, locked: Locked) -> Self {
        Self {
            partition,
            token,
            saves: 0,
            beats: 0,
            locked,
            moved: None,
            process: Process::current(),
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
    /// `Fenced` if another worker has taken the partition over, or its directory is another one: the state does not
    /// count, or was taken over too, and nothing is to be done any more. `Io` if it is open whether the state was saved;
    /// the next save decides.
    pub(crate) fn save(&mut self, state: &mut PartitionState) -> Result<(), Error> {
        self.check_process()?;
        // In a directory that took the place of this one, the state of a higher token would count.
        if !self.is_there()? {
            // Mostly whoever has taken the partition over has removed it.
            self.check()?;
            return Err(self.gone());
        }
        let published = self.publish(state);
        if let Err(error) = published {
            return Err(self.lost_or(error));
        }
        let listing = match self.stand() {
            Ok(Standing::Highest(listing)) => listing,
            Ok(Standing::Below(token)) => return Err(self.fenced(token)),
            Ok(Standing::Gone) => {
                self.remove(&file_name(self.number()));
                return Err(self.gone());
            }
            Err(error) => return Err(self.lost_or(error)),
        };
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
        let writer = state_file::writer(state)?;
        let Some(save) = self.saves.checked_add(1) else {
            let message = "a worker has saved as often as it can; start it again";
            return Err(Error::new(ErrorKind::Exhausted, message));
        };
        // Also if it fails: what came of it is not known, and the number is not used again.
        self.saves = save;
        let dir = self.partition.dir();
        if let Err(error) = writer.publish(&*place.fs, dir, self.number()) {
            // On a full disk each try would leave a part.
            let temporary = file_name(self.number()) + TEMPORARY_SUFFIX;
            let _ = place.fs.remove_file(&self.partition.path(&temporary));
            let message = format!("cannot save a state in {}", dir.display());
            return Err(Error::new(ErrorKind::Io, message).with_source(error));
        }
        self.moved = Some((next, state.moved_at_ms));
        Ok(())
    }

    /// The number of the state that was published last.
    fn number(&self) -> u64 {
        names::state_number(self.token, self.saves)
    }

    /// Renews the lease without saving anything.
    ///
    /// # Errors
    ///
    /// `Fenced` as for [`save`](Self::save); `Io`.
    pub(crate) fn beat(&mut self) -> Result<(), Error> {
        self.check_process()?;
        self.beats = self.beats.wrapping_add(1);
        let Locked {
            file, head_bytes, ..
        } = &self.locked;
        let beat = names::beat(self.beats, self.partition.place().clock.now_ms());
        let written = file.write_all_at(beat.as_bytes(), *head_bytes);
        let written = written.map_err(|error| Error::io("write", &self.path(), error));
        match written.and_then(|()| self.check()) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.lost_or(error)),
        }
    }

    /// What people ask for and was not done yet, in the order in which they asked; of very much as much as may be done
    /// at once.
    ///
    /// Whoever does it says so with [`Pending::answer`] in the state that he saves next.
    ///
    /// # Errors
    ///
    /// `Fenced` as for [`save`](Self::save); `Io`.
    pub(crate) fn requests(&self, state: &PartitionState) -> Result<Vec<Pending>, Error> {
        self.check_process()?;
        let listing = self.check()?;
        let pending = asked::pending(&self.partition, state, &listing);
        pending.map_err(|error| self.lost_or(error))
    }

    /// Does all that people ask for, as far as that is a change of the state, and saves it if there was something.
    /// Before it goes on elsewhere, `leave` takes away what is of no use there.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save) and `leave`.
    pub(crate) fn apply_requests(
        &mut self,
        state: &mut PartitionState,
        leave: impl Fn(&mut PartitionState) -> Result<(), Error>,
    ) -> Result<(), Error> {
        loop {
            let pending = self.requests(state)?;
            if pending.is_empty() {
                return Ok(());
            }
            for pending in pending {
                if matches!(pending.request(), Request::Reset { .. }) {
                    leave(state)?;
                }
                state.apply(pending.request(), self.partition.place().clock.now_ms());
                pending.answer(state);
            }
            self.save(state)?;
        }
    }

    /// Fails if another worker has taken the partition over.
    pub(super) fn check(&self) -> Result<Listing, Error> {
        match self.stand()? {
            Standing::Highest(listing) => Ok(listing),
            Standing::Below(token) => Err(self.fenced(token)),
            Standing::Gone => Err(self.gone()),
        }
    }

    /// Whether another worker has taken the partition over for certain.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.stand(), Ok(Standing::Below(_) | Standing::Gone))
    }

    fn stand(&self) -> Result<Standing, Error> {
        let listing = self.partition.list()?;
        if listing.token > self.token {
            return Ok(Standing::Below(listing.token));
        }
        Ok(match self.is_there()? {
            true => Standing::Highest(listing),
            false => Standing::Gone,
        })
    }

    /// Whether the file that is locked has the name of the lease still.
    fn is_there(&self) -> Result<bool, Error> {
        let path = self.path();
        match self.partition.place().fs.identity(&path) {
            Ok(named) => {
                let locked = self.locked.lock.identity();
                Ok(locked.is_none_or(|locked| locked == named))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            // Not to be told on such a file system.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
            Err(error) => Err(Error::io("look at", &path, error)),
        }
    }

    /// That another worker has taken the partition over, if that is so: it removes files of this one, and what fails
    /// for that is no failure of the file system.
    fn lost_or(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Io {
            return error;
        }
        match self.stand() {
            Ok(Standing::Below(token)) => self.fenced(token),
            Ok(Standing::Gone) => self.gone(),
            Ok(Standing::Highest(_)) | Err(_) => error,
        }
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

    fn gone(&self) -> Error {
        let message = format!(
            "the lease of partition {}, number {}, is not in {} any more: the directory was removed or replaced while \
             a worker held it",
            self.partition.index(),
            self.token,
            self.partition.dir().display()
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
    /// saves, claims and askers left. What cannot be removed is for the next time.
    pub(super) fn remove_old(&self, listing: &Listing) {
        let mut states: Vec<_> = listing.states().collect();
        states.sort_unstable_by(|a, b| b.cmp(a));
        let states = states.into_iter().skip(KEPT).map(file_name);
        for name in states.chain(self.left_over(listing)) {
            self.remove(&name);
        }
    }

    /// Removes what others have left, and no state: for who has claimed the partition and cannot go on.
    pub(super) fn remove_others(&self) {
        let listing = self.partition.list().unwrap_or_default();
        for name in self.left_over(&listing) {
            self.remove(&name);
        }
    }

    fn remove(&self, name: &str) {
        let removed = self
            .partition
            .place()
            .fs
            .remove_file(&self.partition.path(name));
        if removed.is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
            crate::trace::not_removed(name);
        }
    }

    fn left_over(&self, listing: &Listing) -> Vec<String> {
        let files = listing.files.iter();
        let left_over = files.filter(|name| self.is_left_over(name));
        left_over.cloned().collect()
    }

    /// Whether a file is the lease of a lower token, or what somebody was interrupted in. This worker is at no save.
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
        if asked::is_left_over(name, self.partition.place().clock.now_ms()) {
            return true;
        }
        let state = name.strip_suffix(TEMPORARY_SUFFIX).and_then(file_number);
        state.is_some_and(|state| names::token_of(state) <= self.token)
    }

    fn path(&self) -> PathBuf {
        self.partition.path(&names::lease(self.token))
    }
}
