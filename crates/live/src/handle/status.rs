//! How far consumers are, as this process and the files know it.

use super::live::Live;
use crate::consumer::{Consumer, Loaded, Partition};
use crate::progress::{Done, Phase};
use crate::{Condition, Error, PartitionState, PartitionStatus, Rebuild, Status};
use std::time::Duration;
use strandline::{RefusedPosition, Region, SavedPosition, Snapshot};
use strandline_core::Sequence;

/// A partition that is held and has not moved for so long, while an event has waited for it as long, is stalled.
const STALLED: Duration = Duration::from_secs(60);

impl Live {
    /// How a consumer is. Of what runs in this process as of now; of what runs in another as it saved it last, which
    /// reactors and projections do each second if they move.
    ///
    /// In a store that is opened to read only the head is where the last
    /// [`refresh`](strandline::Store::refresh) found it. Reads the state of each partition: O(partitions, and what is
    /// parked).
    ///
    /// # Errors
    ///
    /// `NotFound`; `Corrupt` if every saved state of a partition is damaged, or its directory is gone, or nothing
    /// says which version of a projection is served: a [reset](Self::reset) mends each; `UnsupportedVersion`, `Io`, `Store`.
    pub fn status(&self, name: &str) -> Result<Status, Error> {
        let consumer = self.consumer(name)?;
        let version = consumer.version()?;
        let now = self.store().snapshot();
        let mut partitions = Vec::new();
        for index in 0..consumer.info().partitions {
            let partition = consumer.partition_there(version, index);
            partitions.push(self.partition_status(&consumer, version, &partition, &now)?);
        }
        let settled = partitions.iter().map(|partition| partition.sequence);
        let sequence = settled.min().unwrap_or_default().min(now.visible());
        let conditions = partitions.iter().map(|partition| partition.condition);
        let errors = partitions
            .iter()
            .filter_map(|partition| partition.last_error.as_ref());
        let last_error = errors
            .max_by_key(|error| (error.stopped, error.at_ms))
            .cloned();
        Ok(Status {
            name: name.to_owned(),
            kind: consumer.info().kind,
            version,
            rebuild: rebuild(&consumer, version)?,
            condition: conditions.max().unwrap_or(Condition::Stopped),
            sequence,
            head: now.visible(),
            behind: now.visible().get() - sequence.get(),
            behind_time: self.waited(&now, sequence)?,
            parked: partitions
                .iter()
                .map(|partition| partition.parked.len())
                .sum(),
            last_error,
            partitions,
        })
    }

    /// How each partition of a consumer is, or why that cannot be told: for who looks after one of which
    /// [`status`](Self::status) says that not all can be read. O(partitions, and what is parked).
    ///
    /// # Errors
    ///
    /// `NotFound`; `Corrupt` if it cannot be read what it is or which version is served; `UnsupportedVersion`, `Io`.
    pub fn partitions_readable(
        &self,
        name: &str,
    ) -> Result<Vec<Result<PartitionStatus, Error>>, Error> {
        let consumer = self.consumer(name)?;
        let version = consumer.version()?;
        let now = self.store().snapshot();
        let partitions = (0..consumer.info().partitions).map(|index| {
            let partition = consumer.partition_there(version, index);
            self.partition_status(&consumer, version, &partition, &now)
        });
        Ok(partitions.collect())
    }

    fn partition_status(
        &self,
        consumer: &Consumer,
        version: u32,
        partition: &Partition,
        now: &Snapshot,
    ) -> Result<PartitionStatus, Error> {
        consumer.check_there(version, partition)?;
        let Loaded { state, damaged, .. } = partition.load()?;
        let state = state.unwrap_or_default();
        let board = self.progress().board(&consumer.info().name);
        let here = board.as_ref().and_then(|board| board.of(partition.index()));
        let held = partition.holder_renewed()?;
        let holder = held.map(|(holder, _)| holder);
        let overdue = held.and_then(|(holder, renewed_ms)| {
            // A save renews it too.
            let renewed_ms = renewed_ms.max(state.saved_at_ms);
            let since_ms = self.clock().now_ms().saturating_sub(renewed_ms);
            let over_ms = since_ms.checked_sub(holder.lease_ms);
            over_ms
                .filter(|_| holder.lease_ms > 0)
                .map(Duration::from_millis)
        });
        let (sequence, phase) = match here {
            Some((_, Phase::Beginning)) => (state.settled(), Some(Phase::Beginning)),
            Some((applied, phase)) => (applied, Some(phase)),
            None => (state.settled(), None),
        };
        let works = holder.is_some() || phase.is_some();
        let position = state.position.as_ref().filter(|_| !works);
        let refused = position.map(|position| self.refused(position));
        let refused = refused.transpose()?.flatten();
        // What was handled after that was of another log.
        let sequence = refused.map_or(sequence, |refused| {
            let proven = refused.rewind.map(|rewind| rewind.sequence());
            sequence.min(proven.unwrap_or_default())
        });
        let condition = match phase {
            Some(Phase::Faulted(_)) => Condition::Faulted,
            Some(Phase::Rebuilding) => Condition::Rebuilding,
            _ if !works && is_rebuilt(consumer, version, partition.index())? => {
                Condition::Rebuilding
            }
            _ if !works && (has_stopped(&state) || refused.is_some()) => Condition::Faulted,
            _ if !works => Condition::Stopped,
            _ if sequence >= now.visible() => Condition::CaughtUp,
            _ if self.is_stalled(&state, now, sequence)? => Condition::Stalled,
            _ => Condition::Behind,
        };
        // Of one that has stopped, what was saved is what others may have changed since.
        let runs = matches!(phase, Some(Phase::Working | Phase::Rebuilding));
        let done = board.filter(|_| runs);
        let done = done.and_then(|board| board.done(partition.index()));
        let state = match done {
            Some(done) => as_of_now(state, done),
            None => state,
        };
        Ok(PartitionStatus {
            partition: partition.index(),
            condition,
            position: state.position,
            sequence,
            holder,
            overdue,
            saved_at_ms: state.saved_at_ms,
            moved_at_ms: state.moved_at_ms,
            parked: state.parked,
            counters: state.counters,
            last_error: state.last_error,
            damaged,
            refused,
        })
    }

    /// Why the store does not take a position that nobody works from.
    pub(super) fn refused(
        &self,
        position: &SavedPosition,
    ) -> Result<Option<RefusedPosition>, Error> {
        // What was saved after this process looked at the store last is not lost.
        let now = match self.store().snapshot() {
            now if position.sequence() <= now.visible() => now,
            _ => {
                self.store().refresh()?;
                self.store().snapshot()
            }
        };
        match now.verify_position(position) {
            Ok(_) => Ok(None),
            Err(error) => match error.refused_position() {
                Some(refused) => Ok(Some(*refused)),
                None => Err(error.into()),
            },
        }
    }

    fn is_stalled(
        &self,
        state: &PartitionState,
        now: &Snapshot,
        sequence: Sequence,
    ) -> Result<bool, Error> {
        let since = self.clock().now_ms().saturating_sub(state.moved_at_ms);
        let is_still = Duration::from_millis(since) >= STALLED;
        Ok(is_still && self.waited(now, sequence)? >= STALLED)
    }

    /// How old the first event from a sequence on is; nothing if there is none.
    fn waited(&self, now: &Snapshot, sequence: Sequence) -> Result<Duration, Error> {
        let mut waiting = now.query(Region::all().sequence(sequence.get()..));
        let first = waiting.next().transpose()?;
        let waited = first.map(|event| self.clock().now_ms().saturating_sub(event.hlc.wall_ms()));
        Ok(Duration::from_millis(waited.unwrap_or_default()))
    }
}

/// A saved state with what was done since, in this process.
fn as_of_now(mut state: PartitionState, done: Done) -> PartitionState {
    state.counters = done.counters;
    state.parked = done.parked.into_values().collect();
    state
        .parked
        .sort_by(|one, other| (one.first, &one.key).cmp(&(other.first, &other.key)));
    // That a handler does not return is noted in the file alone.
    if done.at_ms >= state.saved_at_ms {
        state.last_error = done.last_error;
    }
    state
}

/// Whether somebody works on another version of a partition than the one that is served.
pub(super) fn is_rebuilt(consumer: &Consumer, served: u32, index: u32) -> Result<bool, Error> {
    for version in consumer.versions()? {
        let is_other = version != served;
        if is_other && consumer.partition_there(version, index).holder()?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How far the highest version is that is to take the place of the one that is served.
fn rebuild(consumer: &Consumer, served: u32) -> Result<Option<Rebuild>, Error> {
    let versions = consumer.versions()?;
    let Some(version) = versions.last().copied().filter(|last| *last > served) else {
        return Ok(None);
    };
    let (mut least, mut holder) = (None, None);
    for index in 0..consumer.info().partitions {
        let partition = consumer.partition_there(version, index);
        // One whose states are damaged begins anew.
        let loaded = partition.load().ok().and_then(|loaded| loaded.state);
        let sequence = loaded.unwrap_or_default().sequence();
        least = Some(least.map_or(sequence, |least: Sequence| least.min(sequence)));
        if holder.is_none() {
            holder = partition.holder()?;
        }
    }
    Ok(Some(Rebuild {
        version,
        sequence: least.unwrap_or_default(),
        holder,
    }))
}

/// Whether the last worker of a partition stopped with an error.
pub(super) fn has_stopped(state: &PartitionState) -> bool {
    state.last_error.as_ref().is_some_and(|error| error.stopped)
}
