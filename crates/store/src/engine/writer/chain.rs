//! Where the chain of an entity ends, published or not.

use super::confirm::{Claimed, confirm_removed};
use super::ends::{ChainEnd, StreamEnd};
use super::prepared::Prepared;
use super::state::Writer;
use crate::{Error, ErrorKind};
use strandline_index::{CoordinateId, EntityId, Head};
use strandline_segment::{LogReader, RecordPosition};

impl Writer {
    /// The number of an event's coordinate in the index: it may have got one, or lost it to a
    /// rotation, while its thread waited for the lock.
    pub(super) fn known(&self, prepared: &Prepared<'_>) -> Option<CoordinateId> {
        prepared
            .known
            .filter(|known| self.index.entity_of(*known).is_some())
            .or_else(|| self.index.lookup(prepared.coordinate))
    }

    /// Where the stream of an entity ends; `known` is its number, if it has one. What a block says of it
    /// is held against the log.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it cannot be told, because what the index has of a sealed segment is damaged and
    /// the segment too, or because the log says otherwise; `Io`.
    pub(super) fn stream_end(
        &self,
        entity: &str,
        known: Option<EntityId>,
        log: &LogReader,
    ) -> Result<StreamEnd, Error> {
        if let Some(head) = known.and_then(|known| self.index.head(known)) {
            // Events of the active segment are not removed before that is sealed.
            return Ok(StreamEnd {
                newest: Some(head),
                last: Some(head),
            });
        }
        if let Some(end) = self.confirmed.get(entity) {
            return Ok(*end);
        }
        let claimed = self.index.claimed_head(entity);
        self.check_index()?;
        let newest = match claimed {
            Some((head, Some(claim))) => {
                let claimed = Claimed {
                    entity,
                    position: head.position,
                    clock: head.clock,
                    hash: head.hash,
                };
                let hash = Some(self.confirm(claimed, &claim, &log.view())?);
                Some(Head { hash, ..head })
            }
            Some((head, None)) => Some(head),
            None => None,
        };
        let removed = self.removed.find_since(entity, None)?;
        let newer =
            removed.filter(|(_, removed)| newest.is_none_or(|head| head.clock < removed.clock));
        let Some((segment, removed)) = newer else {
            let last = newest;
            return Ok(StreamEnd { newest, last });
        };
        confirm_removed(entity, segment, &removed, &log.view())?;
        let last = Some(Head {
            sequence: removed.sequence,
            clock: removed.clock,
            // The hash is known, so nothing is read there.
            position: 0,
            hash: Some(removed.hash),
        });
        Ok(StreamEnd { newest, last })
    }

    /// Fails if the index may lack events.
    pub(super) fn check_index(&self) -> Result<(), Error> {
        match self.index.damage() {
            None => Ok(()),
            Some(damage) => Err(Error::new(
                ErrorKind::Corrupt,
                "the index of a sealed segment is damaged and cannot be rebuilt, so nothing is \
                 appended",
            )
            .with_source(damage)),
        }
    }

    /// Where an entity's chain ends before the commit. Reads the hash from the log if it is not
    /// known, which is so only for the first append to an entity after some openings.
    pub(super) fn stored_chain_end(
        &self,
        entity: &str,
        known: Option<EntityId>,
        log: &LogReader,
    ) -> Result<ChainEnd, Error> {
        let Some(head) = self.stream_end(entity, known, log)?.last else {
            return Ok(ChainEnd::START);
        };
        let hash = match head.hash {
            Some(hash) => hash,
            None => {
                let position = RecordPosition::from_bits(head.position);
                log.view().read(position)?.digest
            }
        };
        Ok(ChainEnd {
            next_clock: head.clock.checked_add(1),
            hash,
            in_segment: head.sequence >= self.log.segment_start().sequence,
        })
    }
}
