//! `Claimant`: who wants a partition, looks at who holds it, and takes it when it is free.

use super::lease::Lease;
use super::names;
use super::partition::{LeaseHead, Listing, Partition};
use crate::{Error, ErrorKind, Holder, PartitionState};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::{FileLock, FsFile, OpenMode};

/// Who wants a partition.
///
/// A holder that is dead is taken the place of at once. One that lives and does nothing, neither save nor beat, is
/// taken the place of once this claimant has seen that for as long as the holder's lease says: by the time that passes
/// here, so that no clocks are compared.
#[derive(Debug)]
pub(crate) struct Claimant {
    partition: Partition,
    /// How long the lease of this one lasts without being renewed.
    lease: Duration,
    /// What was seen of the holder, and since when it has been so.
    seen: Option<(Sign, Duration)>,
}

/// What a holder that lives changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sign {
    token: u32,
    state: u64,
    beats: u64,
}

/// What came of an attempt to claim a partition.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// It is this worker's, and goes on from this state.
    Taken(Lease, PartitionState),
    /// Somebody else's, who lives; or somebody claims it in this moment, who is not known yet.
    Held(Option<Holder>),
}

impl Claimant {
    pub(crate) const fn new(partition: Partition, lease: Duration) -> Self {
        Self {
            partition,
            lease,
            seen: None,
        }
    }

    /// Takes the partition if nobody holds it, or who does has not renewed his lease for its time.
    ///
    /// # Errors
    ///
    /// As [`Partition::load`]; `Io`; `Exhausted`.
    pub(crate) fn try_claim(&mut self) -> Result<Claimed, Error> {
        let listing = self.partition.list()?;
        if let Some(token) = listing.lease
            && let Some(holder) = self.holder(token, &listing)?
        {
            return Ok(Claimed::Held(Some(holder)));
        }
        let Some(mut lease) = self.take(&listing)? else {
            return Ok(Claimed::Held(None));
        };
        let state = begin(&mut lease)?;
        self.seen = None;
        Ok(Claimed::Taken(lease, state))
    }

    /// Who holds the lease with this token; none if it may be taken over.
    fn holder(&mut self, token: u32, listing: &Listing) -> Result<Option<Holder>, Error> {
        let path = self.partition.path(&names::lease(token));
        if self.partition.is_free(&path)? {
            return Ok(None);
        }
        let (holder, beats) = self.partition.read_lease(token)?;
        let sign = Sign {
            token,
            state: listing.state,
            beats,
        };
        let now = self.partition.place().clock.elapsed();
        let (seen, since) = *self.seen.get_or_insert((sign, now));
        if seen != sign {
            self.seen = Some((sign, now));
            return Ok(Some(holder));
        }
        let lease = match holder.lease_ms {
            0 => self.lease,
            lease_ms => Duration::from_millis(lease_ms),
        };
        match now.saturating_sub(since) >= lease {
            true => Ok(None),
            false => Ok(Some(holder)),
        }
    }

    /// Makes the file of the next lease; none if somebody else has made it, or is at it.
    fn take(&self, listing: &Listing) -> Result<Option<Lease>, Error> {
        let place = self.partition.place();
        let Some(token) = listing.token.checked_add(1) else {
            let message = format!("{} has had all tokens", self.partition.dir().display());
            return Err(Error::new(ErrorKind::Exhausted, message));
        };
        // Nobody sees the lease before it is locked and written.
        let claim = self.partition.path(&names::claim(&place.random));
        let lock = place.fs.try_lock(&claim);
        let Some(lock) = lock.map_err(|error| Error::io("lock", &claim, error))? else {
            return Ok(None);
        };
        let written = self.write_head(&claim);
        let (file, bytes) = written.map_err(|error| Error::io("write", &claim, error))?;
        let path = self.partition.path(&names::lease(token));
        match place.fs.rename_new(&claim, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.drop_claim(&claim, lock);
                return Ok(None);
            }
            renamed => renamed.map_err(|error| Error::io("make", &path, error))?,
        }
        let dir = self.partition.dir();
        let synced = place.fs.sync_dir(dir);
        synced.map_err(|error| Error::io("sync", dir, error))?;
        let partition = self.partition.clone();
        Ok(Some(Lease::new(partition, token, (lock, file, bytes))))
    }

    fn drop_claim(&self, claim: &Path, lock: Box<dyn FileLock>) {
        // Before it is unlocked: nobody else removes it then.
        let removed = self.partition.place().fs.remove_file(claim);
        drop(lock);
        if removed.is_err() {
            crate::trace::not_removed(&claim.to_string_lossy());
        }
    }

    fn write_head(&self, claim: &Path) -> io::Result<(Arc<dyn FsFile>, u64)> {
        let place = self.partition.place();
        let head = LeaseHead {
            pid: std::process::id(),
            since_ms: place.clock.now_ms(),
            lease_ms: u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX),
        };
        let mut line = serde_json::to_vec(&head)?;
        line.push(b'\n');
        let file = place.fs.open(claim, OpenMode::Append { end: 0 })?;
        file.write_all_at(&line, 0)?;
        Ok((file, line.len() as u64))
    }
}

/// The state that a new lease goes on from, saved under it.
///
/// A worker with a lower token that publishes one more before that is taken over; whatever one publishes after it
/// has a lower number, and is read by nobody.
fn begin(lease: &mut Lease) -> Result<PartitionState, Error> {
    let mut loaded = lease.partition().load()?;
    loop {
        let mut state = loaded.state.unwrap_or_default();
        lease.publish(&mut state)?;
        let listing = lease.check()?;
        let late = listing
            .files
            .iter()
            .filter_map(|name| strandline_checkpoint::file_number(name));
        let late = late
            .filter(|number| names::token_of(*number) < lease.token())
            .max();
        if late.is_none_or(|late| late <= loaded.newest) {
            lease.remove_old(&listing);
            return Ok(state);
        }
        loaded = lease.partition().load_below(Some(lease.token()))?;
    }
}
