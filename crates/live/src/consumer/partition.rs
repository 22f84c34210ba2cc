//! `Partition`: the directory of a partition, its newest state, and who holds it. Changes nothing.

use super::place::Place;
use super::{names, state_file};
use crate::trace::Told;
use crate::{Error, ErrorKind, Holder, PartitionState};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use strandline_checkpoint::{Checkpoint, CheckpointError, file_name, file_number};
use strandline_core::fs::{EntryKind, OpenMode};

/// As much of a lease as is read: who holds it.
const LEASE_HEAD_BYTES: usize = 512;
/// How often a directory is listed again whose states go while they are read.
const LISTED_MOST: usize = 100;
/// Longest time that a lease says it is held for without being renewed: whatever a file says, a partition is taken over
/// after that.
const LEASE_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// A partition of one version of a consumer.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    place: Place,
    dir: PathBuf,
    index: u32,
    told: Told,
}

/// The newest state of a partition.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// None if none was saved yet.
    pub(crate) state: Option<PartitionState>,
    /// The number of the newest file, damaged or not; 0 if there is none.
    pub(super) newest: u64,
    /// What is wrong with newer ones.
    pub(crate) damaged: Vec<String>,
}

/// What is in the directory of a partition.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    /// The highest token that was given; 0 if none was.
    pub(super) token: u32,
    /// The highest token that there is the file of a lease of.
    pub(super) lease: Option<u32>,
    /// The number of the newest state; 0 if there is none.
    pub(super) state: u64,
    /// Files of requests, sorted: in their order.
    pub(super) requests: Vec<String>,
    /// All files.
    pub(super) files: Vec<String>,
}

impl Partition {
    pub(super) fn new(place: Place, dir: PathBuf, index: u32) -> Self {
        Self {
            place,
            dir,
            index,
            told: Told::default(),
        }
    }

    /// The same as one of this consumer.
    pub(super) fn of(mut self, consumer: &str) -> Self {
        self.told = Told::new(consumer, self.index);
        self
    }

    /// As what it is told of.
    pub(crate) const fn told(&self) -> &Told {
        &self.told
    }

    pub(crate) const fn index(&self) -> u32 {
        self.index
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The newest state that is whole.
    ///
    /// One that is older than the newest leads to repeats and never past an event, so it is taken in place of one
    /// that is damaged.
    ///
    /// # Errors
    ///
    /// `Corrupt` if there are states and all are damaged; `UnsupportedVersion`, `Io`.
    pub(crate) fn load(&self) -> Result<Loaded, Error> {
        let loaded = self.load_below(None)?;
        match loaded.state.is_none() && !loaded.damaged.is_empty() {
            true => Err(self.all_damaged(&loaded.damaged)),
            false => Ok(loaded),
        }
    }

    /// As [`load`](Self::load), of those that were saved under lower tokens than this one, if one is given. Where all
    /// are damaged it says so, and has no state.
    ///
    /// # Errors
    ///
    /// `UnsupportedVersion`, `Io`.
    pub(super) fn load_below(&self, token: Option<u32>) -> Result<Loaded, Error> {
        for _ in 0..LISTED_MOST {
            if let Some(loaded) = self.load_listed(token)? {
                return Ok(loaded);
            }
        }
        let message = format!(
            "states in {} go as fast as they are read",
            self.dir.display()
        );
        Err(Error::new(ErrorKind::Io, message))
    }

    /// None if a state is gone since it was listed: a newer one is there.
    fn load_listed(&self, below: Option<u32>) -> Result<Option<Loaded>, Error> {
        let listing = self.list()?;
        let is_below = |number: &u64| below.is_none_or(|token| names::token_of(*number) < token);
        let mut numbers: Vec<_> = listing.states().filter(is_below).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let mut loaded = Loaded {
            newest: numbers.first().copied().unwrap_or_default(),
            ..Loaded::default()
        };
        for number in numbers {
            match self.read_state(number) {
                Ok(state) => {
                    loaded.state = Some(state);
                    return Ok(Some(loaded));
                }
                Err(CheckpointError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound =>
                {
                    return Ok(None);
                }
                Err(
                    error @ (CheckpointError::Io { .. }
                    | CheckpointError::VersionUnsupported { .. }),
                ) => return Err(self.unreadable(error)),
                Err(error) => loaded
                    .damaged
                    .push(format!("{}: {error}", file_name(number))),
            }
        }
        Ok(Some(loaded))
    }

    fn read_state(&self, number: u64) -> Result<PartitionState, CheckpointError> {
        let checkpoint = Checkpoint::open(&*self.place.fs, &self.path(&file_name(number)))?;
        match checkpoint.number() == number {
            true => state_file::read(&checkpoint),
            false => Err(CheckpointError::Damaged("its name has another number")),
        }
    }

    pub(super) fn all_damaged(&self, damaged: &[String]) -> Error {
        let message = format!(
            "every saved state in {} is damaged ({}); look at what the consumer has done last, then reset it",
            self.dir.display(),
            damaged.join("; ")
        );
        Error::new(ErrorKind::Corrupt, message)
    }

    fn unreadable(&self, error: CheckpointError) -> Error {
        let kind = match &error {
            CheckpointError::Io { .. } => ErrorKind::Io,
            CheckpointError::VersionUnsupported { .. } => ErrorKind::UnsupportedVersion,
            _ => ErrorKind::Corrupt,
        };
        let message = format!("cannot read the state in {}", self.dir.display());
        Error::new(kind, message).with_source(error)
    }

    /// Who holds the partition; none if nobody does, or who did is dead.
    pub(crate) fn holder(&self) -> Result<Option<Holder>, Error> {
        Ok(self.holder_renewed()?.map(|(holder, _)| holder))
    }

    /// As [`holder`](Self::holder), and when he renewed his lease last without a save, in milliseconds since 1970; when
    /// he began, if he has not.
    pub(crate) fn holder_renewed(&self) -> Result<Option<(Holder, u64)>, Error> {
        let Some(token) = self.list()?.lease else {
            return Ok(None);
        };
        let path = self.path(&names::lease(token));
        match self.is_free(&path)? {
            true => Ok(None),
            false => {
                let (holder, _, renewed_ms) = self.read_lease(token)?;
                Ok(Some((holder, renewed_ms)))
            }
        }
    }

    /// Whether nobody holds the lock of the file of a lease.
    pub(super) fn is_free(&self, path: &Path) -> Result<bool, Error> {
        // A lease that is not there any more is one that another one took the place of.
        match self.place.fs.open(path, OpenMode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            _ => {}
        }
        let lock = self.place.fs.try_lock(path);
        let lock = lock.map_err(|error| Error::io("lock", path, error))?;
        Ok(lock.is_some())
    }

    /// What the file of a lease says, a number of all that is in it, which is another one after each beat, and when the
    /// last one was. What cannot be read says nothing.
    pub(super) fn read_lease(&self, token: u32) -> Result<(Holder, u64, u64), Error> {
        let path = self.path(&names::lease(token));
        let read = || {
            let file = self.place.fs.open(&path, OpenMode::Read)?;
            let mut head = [0; LEASE_HEAD_BYTES];
            let count = file.read_up_to(&mut head, 0)?;
            let head = head.get(..count).unwrap_or_default();
            let mut lines = head.split(|byte| *byte == b'\n');
            let line = lines.next().unwrap_or_default();
            let said: LeaseHead = serde_json::from_slice(line).unwrap_or_default();
            let beat = lines.next().and_then(|line| str::from_utf8(line).ok());
            let renewed_ms = beat.and_then(names::beat_time).unwrap_or_default();
            let renewed_ms = renewed_ms.max(said.since_ms);
            let number = xxhash_rust::xxh3::xxh3_64(head);
            io::Result::Ok((said.holder(), number, renewed_ms))
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok((LeaseHead::default().holder(), 0, 0))
            }
            read => read.map_err(|error| Error::io("read", &path, error)),
        }
    }

    /// Whether the directory is there.
    pub(super) fn is_there(&self) -> Result<bool, Error> {
        match self.place.fs.list_names(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            listed => {
                let listed = listed.map_err(|error| Error::io("list", &self.dir, error));
                listed.map(|_| true)
            }
        }
    }

    /// What is in the directory; of one that is not there yet, nothing.
    pub(super) fn list(&self) -> Result<Listing, Error> {
        let entries = match self.place.fs.list_names(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            entries => entries.map_err(|error| Error::io("list", &self.dir, error))?,
        };
        // A name that is taken is taken by whatever has it.
        let tokens = entries.iter();
        let tokens = tokens.filter_map(|entry| names::lease_token(&entry.name));
        let token = tokens.max().unwrap_or_default();
        let files = entries.into_iter();
        let files = files.filter(|entry| entry.kind == EntryKind::File);
        let listing = Listing::of(files.map(|entry| entry.name).collect());
        Ok(Listing {
            token: listing.token.max(token),
            ..listing
        })
    }
}

impl Listing {
    fn of(files: Vec<String>) -> Self {
        let lease = files
            .iter()
            .filter_map(|name| names::lease_token(name))
            .max();
        let state = states_of(&files).max().unwrap_or_default();
        let requests = files.iter();
        let requests = requests.filter(|name| names::request_time(name).is_some());
        Self {
            token: lease.unwrap_or_default().max(names::token_of(state)),
            lease,
            state,
            requests: requests.cloned().collect(),
            files,
        }
    }

    /// The numbers of the states.
    pub(super) fn states(&self) -> impl Iterator<Item = u64> {
        states_of(&self.files)
    }
}

fn states_of(files: &[String]) -> impl Iterator<Item = u64> {
    files.iter().filter_map(|name| file_number(name))
}

/// The first line of the file of a lease.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct LeaseHead {
    pub(super) pid: u32,
    pub(super) since_ms: u64,
    pub(super) lease_ms: u64,
}

impl LeaseHead {
    fn holder(&self) -> Holder {
        Holder {
            pid: self.pid,
            since_ms: self.since_ms,
            lease_ms: self.lease_ms.min(LEASE_MS_MAX),
        }
    }
}
