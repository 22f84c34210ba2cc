//! Requests as files: written by who asks, read by who holds the partition, and removed once a state is saved in which
//! they are applied.
//!
//! A request that cannot be read, of a later version say, is renamed, so that who asked learns of it.

use super::names;
use super::partition::{Listing, Partition};
use crate::{Error, ErrorKind, PartitionState, Request};
use std::collections::BTreeSet;
use std::io;
use strandline_core::fs::{TEMPORARY_SUFFIX, read_file, replace_file};

/// Longest request that is read, in bytes.
const REQUEST_BYTES_MAX: u64 = 64 << 10;
/// Most requests that are taken at once.
const PENDING_MAX: usize = 1000;
/// What the name of a request that was refused begins with.
const REFUSED: &str = "refused-";
/// After how long whoever asked looks no more at what became of it, in milliseconds.
const FORGOTTEN_MS: u64 = 24 * 60 * 60 * 1000;

/// A request that was not applied yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    name: String,
    request: Request,
}

impl Pending {
    pub(crate) const fn request(&self) -> &Request {
        &self.request
    }

    /// Notes in the state that the request is applied in it. Once that is saved the request is gone.
    pub(crate) fn answer(self, state: &mut PartitionState) {
        state.answered.push(self.name);
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Waiting,
    Applied,
    Refused,
}

impl Partition {
    /// Asks whoever holds the partition, and gives the name of the request.
    pub(crate) fn ask(&self, request: &Request) -> Result<String, Error> {
        let place = self.place();
        let name = names::request(place.clock.now_ms(), &place.random);
        let path = self.path(&name);
        let bytes = serde_json::to_vec(request).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the request cannot be written").with_source(error)
        })?;
        if bytes.len() as u64 > REQUEST_BYTES_MAX {
            let message = format!("a request has at most {REQUEST_BYTES_MAX} bytes");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        if let Err(error) = replace_file(&*place.fs, &path, &bytes) {
            // Whichever of both there is: what failed is not asked for.
            for name in [name.clone() + TEMPORARY_SUFFIX, name] {
                let _ = place.fs.remove_file(&self.path(&name));
            }
            return Err(Error::io("write", &path, error));
        }
        Ok(name)
    }

    /// What became of the request with this name.
    pub(crate) fn fate(&self, name: &str) -> Result<Fate, Error> {
        let refused = refused(name);
        let mut is_refused = false;
        // Twice: of a file that is renamed while it is listed, neither name may be there.
        for _ in 0..2 {
            let listing = self.list()?;
            if listing.requests.iter().any(|request| request == name) {
                return Ok(Fate::Waiting);
            }
            is_refused |= listing.files.contains(&refused);
        }
        if !is_refused {
            return Ok(Fate::Applied);
        }
        self.take_back(&refused)?;
        Ok(Fate::Refused)
    }

    /// Takes a request back. Who holds the partition may have applied it already.
    pub(crate) fn take_back(&self, name: &str) -> Result<(), Error> {
        let path = self.path(name);
        match self.place().fs.remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|error| Error::io("remove", &path, error)),
        }
    }
}

fn refused(name: &str) -> String {
    format!("{REFUSED}{name}")
}

/// Whether a file is what somebody left who asked, and was interrupted or looked no more at what became of it.
pub(super) fn is_left_over(name: &str, now_ms: u64) -> bool {
    let request = name.strip_prefix(REFUSED);
    let request = request.or_else(|| name.strip_suffix(TEMPORARY_SUFFIX));
    let asked_at_ms = request.and_then(names::request_time);
    asked_at_ms.is_some_and(|asked_at_ms| now_ms.saturating_sub(asked_at_ms) > FORGOTTEN_MS)
}

/// The first requests that are in no state yet, in their order.
pub(super) fn pending(
    partition: &Partition,
    state: &PartitionState,
    listing: &Listing,
) -> Result<Vec<Pending>, Error> {
    let mut pending = Vec::new();
    let answered: BTreeSet<_> = state.answered.iter().collect();
    let waiting = listing.requests.iter();
    for name in waiting.filter(|name| !answered.contains(name)) {
        if pending.len() == PENDING_MAX {
            break;
        }
        let path = partition.path(name);
        let bytes = match read_file(&*partition.place().fs, &path, REQUEST_BYTES_MAX) {
            // Who asked has taken it back.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Vec::new(),
            read => read.map_err(|error| Error::io("read", &path, error))?,
        };
        match serde_json::from_slice(&bytes) {
            Ok(request) => pending.push(Pending {
                name: name.clone(),
                request,
            }),
            Err(_) => {
                let to = partition.path(&refused(name));
                match partition.place().fs.rename(&path, &to) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    renamed => renamed.map_err(|error| Error::io("rename", &path, error))?,
                }
            }
        }
    }
    Ok(pending)
}

/// Removes the files of requests that are applied in a state that is saved, and forgets those whose files are gone.
pub(super) fn remove_answered(
    partition: &Partition,
    state: &mut PartitionState,
    listing: &Listing,
) {
    state
        .answered
        .retain(|name| listing.requests.binary_search(name).is_ok());
    for name in &state.answered {
        // What cannot be removed is for the next time.
        if partition.take_back(name).is_err() {
            crate::trace::not_removed(name);
        }
    }
}
