//! `NamedPosition`: a position that is kept under a name, for who loops over a cursor himself.

use super::live::{LEASE, Live};
use crate::consumer::{Claimant, Claimed, Lease, ONLY_VERSION};
use crate::progress::Slot;
use crate::{ConsumerInfo, ConsumerKind, Error, ErrorKind, Holder, PartitionState};
use std::time::Duration;
use strandline::{SavedPosition, Start};

/// The version of what has none.
pub(crate) const VERSION: u32 = ONLY_VERSION;

/// A position that is kept under a name: held by one worker at a time, which says how far it is.
#[derive(Debug)]
pub struct NamedPosition {
    live: Live,
    lease: Lease,
    state: PartitionState,
    slot: Slot,
}

impl Live {
    /// The position with this name, made if there is none, and held by who called until it is dropped. What was asked
    /// of it meanwhile, to go on elsewhere, is done first.
    ///
    /// One that is held and was not saved or renewed for its [lease](NamedPosition::lease_time) is taken over: once that
    /// time has passed since this handle found it so first. So whoever wants it calls again. A call looks for some 50 ms,
    /// since whoever asks something of it holds it for a moment.
    ///
    /// # Errors
    ///
    /// `Held` if another worker holds it and lives, `OtherConsumer` if the name is another kind's; `Corrupt` if all that
    /// was saved is damaged, which [`reset`](Self::reset) mends; `UnsupportedVersion`, `Io`.
    pub fn position(&self, name: &str) -> Result<NamedPosition, Error> {
        let info = ConsumerInfo::new(name, ConsumerKind::Position, 1)?;
        let consumer = self.consumer_as(&info, VERSION)?;
        let partition = consumer.partition(VERSION, 0)?;
        match Claimant::new(partition, LEASE).claim_soon()? {
            Claimed::Held(holder) => Err(held(name, holder, "")),
            Claimed::Taken(mut lease, mut state) => {
                lease.apply_requests(&mut state, |state| self.forget_foreign(state))?;
                let slot = self.progress().enter(name, 0, state.sequence());
                lease.partition().told().claimed(lease.token());
                Ok(NamedPosition {
                    live: self.clone(),
                    lease,
                    state: *state,
                    slot,
                })
            }
        }
    }
}

/// That somebody else works, and what to do then; `instead` is what else can be done.
pub(crate) fn held(name: &str, holder: Option<Holder>, instead: &str) -> Error {
    let who = match holder {
        Some(holder) => format!("process {}", holder.pid),
        None => "somebody who has just begun".to_owned(),
    };
    let message = format!(
        "{name:?} is held by {who}; try again until that one has ended, or has not renewed its lease for its \
         time{instead}"
    );
    Error::new(ErrorKind::Held, message)
}

impl NamedPosition {
    /// Where to go on, for [`Store::follow`](strandline::Store::follow).
    ///
    /// # Errors
    ///
    /// `ForeignPosition` if the store does not take the position; `Store`.
    pub fn start(&self) -> Result<Start, Error> {
        self.live.start(&self.state, Start::Beginning)
    }

    /// Saves how far the caller is, durably.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`.
    pub fn save(&mut self, position: SavedPosition) -> Result<(), Error> {
        self.state.position = Some(position);
        let saved = self.lease.save(&mut self.state);
        self.tell(saved)?;
        self.lease
            .partition()
            .told()
            .saved(position.sequence().get());
        self.slot.applied(position.sequence());
        Ok(())
    }

    /// Renews the lease without saving anything.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`.
    pub fn beat(&mut self) -> Result<(), Error> {
        let beaten = self.lease.beat();
        self.tell(beaten)
    }

    /// Tells of it if somebody else has the position now.
    fn tell(&self, done: Result<(), Error>) -> Result<(), Error> {
        if let Some(error) = done
            .as_ref()
            .err()
            .filter(|error| error.kind() == ErrorKind::Fenced)
        {
            self.lease.partition().told().fenced(error);
        }
        done
    }

    /// For how long the position is held without a save or [beat](Self::beat).
    #[must_use]
    pub const fn lease_time(&self) -> Duration {
        LEASE
    }
}
