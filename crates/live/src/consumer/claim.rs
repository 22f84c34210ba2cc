//! `Claimant`: who wants a partition, looks at who holds it, and takes it when it is free.

use super::lease::{Lease, Locked};
use super::names;
use super::partition::{LeaseHead, Listing, Partition};
use super::seen::Sign;
use crate::{Error, ErrorKind, Holder, PartitionState};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::{FileLock, FsFile, OpenMode};
use strandline_core::sync::{Condvar, Mutex};

/// How often it is looked again whether a partition is free that is held for a moment, and after how long.
const LOOKS: usize = 25;
const LOOK: Duration = Duration::from_millis(2);

/// Who wants a partition.
///
/// A holder that is dead is taken the place of at once. One that lives and does nothing, neither save nor beat, is
/// taken the place of once it has been seen so for as long as the holder's lease says, by whichever claimants of the
/// same [`Place`](super::Place): by the time that passes here, so that no clocks are compared.
#[derive(Debug)]
pub(crate) struct Claimant {
    partition: Partition,
    /// How long the lease of this one lasts without being renewed.
    lease: Duration,
    takes_damaged: bool,
}

/// What came of an attempt to claim a partition.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// It is this worker's, and goes on from this state.
    Taken(Lease, Box<PartitionState>),
    /// Somebody else's, who lives; or somebody claims it in this moment, who is not known yet.
    Held(Option<Holder>),
}

impl Claimant {
    pub(crate) const fn new(partition: Partition, lease: Duration) -> Self {
        Self {
            partition,
            lease,
            takes_damaged: false,
        }
    }

    /// Begins with an empty state where every one that was saved is damaged: for who is told where to go on.
    pub(crate) const fn takes_damaged(mut self) -> Self {
        self.takes_damaged = true;
        self
    }

    #[cfg(test)]
    pub(super) const fn partition(&self) -> &Partition {
        &self.partition
    }

    /// As [`try_claim`](Self::try_claim), and again for some 50 ms while the partition is held: whoever looks whether a
    /// holder is dead, or does what is asked for where nobody works, holds it for a moment.
    ///
    /// # Errors
    ///
    /// As [`try_claim`](Self::try_claim).
    pub(crate) fn claim_soon(&self) -> Result<Claimed, Error> {
        let (lock, never) = (Mutex::new(()), Condvar::new());
        for _ in 0..LOOKS {
            let claimed = self.try_claim()?;
            if matches!(claimed, Claimed::Taken(..)) {
                return Ok(claimed);
            }
            let _ = never.wait_for(&mut lock.lock(), LOOK);
        }
        self.try_claim()
    }

    /// Takes the partition if nobody holds it, or who does has not renewed his lease for its time.
    ///
    /// # Errors
    ///
    /// `Corrupt` if there are states and all are damaged; `UnsupportedVersion`, `Exhausted`, `Io`.
    pub(crate) fn try_claim(&self) -> Result<Claimed, Error> {
        let place = self.partition.place();
        let before = place.clock.elapsed();
        let listing = self.partition.list()?;
        if let Some(token) = listing.lease
            && let Some(holder) = self.holder(token, &listing, before)?
        {
            return Ok(Claimed::Held(Some(holder)));
        }
        let Some(mut lease) = self.take(&listing)? else {
            return Ok(Claimed::Held(None));
        };
        match self.begin(&mut lease) {
            Ok(state) => {
                place.seen.forget(self.partition.dir());
                Ok(Claimed::Taken(lease, Box::new(state)))
            }
            // Others have claimed it since it was listed: what failed may be what they removed.
            Err(_) if lease.is_lost() => Ok(Claimed::Held(None)),
            Err(error) => {
                lease.remove_others();
                Err(error)
            }
        }
    }

    /// Who holds the lease with this token; none if it may be taken over.
    fn holder(
        &self,
        token: u32,
        listing: &Listing,
        before: Duration,
    ) -> Result<Option<Holder>, Error> {
        let path = self.partition.path(&names::lease(token));
        if self.partition.is_free(&path)? {
            return Ok(None);
        }
        let place = self.partition.place();
        let (holder, beat, _) = self.partition.read_lease(token)?;
        let sign = Sign {
            token,
            state: listing.state,
            beat,
        };
        let read = (before, place.clock.elapsed());
        let unchanged = place.seen.unchanged(self.partition.dir(), sign, read);
        let lease = match holder.lease_ms {
            0 => self.lease,
            lease_ms => Duration::from_millis(lease_ms),
        };
        Ok((unchanged < lease).then_some(holder))
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
        let path = self.partition.path(&names::lease(token));
        let made = self.write_head(&claim);
        let made = made.and_then(|made| place.fs.rename_new(&claim, &path).map(|()| made));
        let (file, head_bytes) = match made {
            Ok(made) => made,
            Err(error) => {
                self.drop_claim(&claim, lock);
                return match error.kind() {
                    // Whoever was faster has the token; one who came between may have removed the claim, which was not
                    // locked yet when it was looked at.
                    io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound => Ok(None),
                    _ => Err(Error::io("make", &path, error)),
                };
            }
        };
        let dir = self.partition.dir();
        let synced = place.fs.sync_dir(dir);
        synced.map_err(|error| Error::io("sync", dir, error))?;
        let locked = Locked {
            lock,
            file,
            head_bytes,
        };
        Ok(Some(Lease::new(self.partition.clone(), token, locked)))
    }

    fn drop_claim(&self, claim: &Path, lock: Box<dyn FileLock>) {
        // Before it is unlocked: nobody else removes it then.
        let removed = self.partition.place().fs.remove_file(claim);
        drop(lock);
        if removed.is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
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
        let head_bytes = line.len() as u64;
        line.extend(names::beat(0, head.since_ms).bytes());
        let file = place.fs.open(claim, OpenMode::Append { end: 0 })?;
        file.write_all_at(&line, 0)?;
        Ok((file, head_bytes))
    }

    /// The state that a new lease goes on from, saved under it.
    ///
    /// A worker with a lower token that publishes one more before that is taken over; whatever one publishes after it
    /// has a lower number, and is read by nobody.
    fn begin(&self, lease: &mut Lease) -> Result<PartitionState, Error> {
        let mut below = None;
        loop {
            let loaded = self.partition.load_below(below)?;
            let mut state = match loaded.state {
                None if !loaded.damaged.is_empty() && !self.takes_damaged => {
                    return Err(self.partition.all_damaged(&loaded.damaged));
                }
                state => state.unwrap_or_default(),
            };
            lease.publish(&mut state)?;
            let listing = lease.check()?;
            let states = listing.states();
            let late = states.filter(|number| names::token_of(*number) < lease.token());
            if late.max().is_none_or(|late| late <= loaded.newest) {
                lease.remove_old(&listing);
                return Ok(state);
            }
            below = Some(lease.token());
        }
    }
}
