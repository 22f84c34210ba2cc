//! Where the streams of a commit's entities end, published or not: looked up once for each, all that the
//! active segment does not know together.

use super::confirm::{Claimed, confirm_removed};
use super::ends::{Last, Newest, StreamEnd};
use super::entities::{ByName, Entities, Named};
use super::prepared::Prepared;
use super::state::Writer;
use crate::{Error, ErrorKind};
use strandline_core::Hash;
use strandline_index::{CoordinateId, SealedHead};
use strandline_segment::{LogReader, LogView, RecordPosition};

impl Writer {
    /// The number of an event's coordinate in the index: it may have got one, or lost it to a
    /// rotation, while its thread waited for the lock.
    fn known(&self, prepared: &Prepared<'_>) -> Option<CoordinateId> {
        prepared
            .known
            .filter(|known| self.index.entity_of(*known).is_some())
            .or_else(|| self.index.lookup(prepared.coordinate))
    }

    /// Looks up where the streams of the events of a commit end. What a block says of one is held against
    /// the log, unless this process made the block.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it cannot be told, because what the index has of a sealed segment is damaged and
    /// the segment too, or because the log says otherwise; `Io`. Nothing has changed then.
    pub(super) fn look_up(
        &mut self,
        events: &[Prepared<'_>],
        log: &LogReader,
    ) -> Result<(), Error> {
        // What is live is looked up here, and what is not is listed.
        let mut entities = std::mem::take(&mut self.entities);
        let unknown = self.look_among_live(events, log, &mut entities);
        let found = unknown.and_then(|unknown| match unknown.is_empty() {
            true => Ok(()),
            false => self.look_among_sealed(events, &unknown, log, &mut entities),
        });
        self.entities = entities;
        found
    }

    /// Looks entities up among the rows of the active segment and the heads that are kept, and gives the
    /// places of those that are in neither.
    fn look_among_live(
        &mut self,
        events: &[Prepared<'_>],
        log: &LogReader,
        entities: &mut Entities,
    ) -> Result<Vec<usize>, Error> {
        entities.begin();
        let mut fresh = Vec::new();
        let mut by_name = ByName::default();
        for prepared in events {
            let name = prepared.coordinate.entity();
            let coordinate = self.known(prepared);
            let number = match coordinate {
                Some(known) => self.index.entity_of(known),
                None => self.index.lookup_entity(name),
            };
            let next = entities.len();
            let live = number.and_then(|number| self.index.head(number));
            if let (Some(number), Some(head)) = (number, live) {
                let place = entities.place_of(number);
                entities.push_event(place, coordinate);
                if let Some(entity) = entities.get_mut(next) {
                    // Events of the active segment are not removed before that is sealed.
                    entity.end = StreamEnd::at(Last {
                        sequence: head.sequence,
                        clock: head.clock,
                        hash: hash_of(head.hash, head.position, || log.view())?,
                    });
                }
                continue;
            }
            let hash = self.heads.hash(name);
            let place = match events.len() {
                1 => 0,
                _ => {
                    let next = u32::try_from(next).unwrap_or(u32::MAX);
                    *by_name.entry(Named { name, hash }).or_insert(next)
                }
            };
            entities.push_event(place, coordinate);
            if let Some(entity) = entities.get_mut(next) {
                entity.hash = Some(hash);
                fresh.push((next, name, hash));
                self.heads.ask_for(hash);
            }
        }
        // Looked at once all were asked for: each is a wait for memory.
        fresh.retain(|(place, name, hash)| match self.heads.get(name, *hash) {
            Some(last) => {
                if let Some(entity) = entities.get_mut(*place) {
                    entity.end = StreamEnd::at(last);
                }
                false
            }
            None => true,
        });
        Ok(fresh.into_iter().map(|(place, ..)| place).collect())
    }

    /// Looks entities at `unknown` places up among the sealed rows and the removed events, all in one pass.
    fn look_among_sealed(
        &mut self,
        events: &[Prepared<'_>],
        unknown: &[usize],
        log: &LogReader,
        entities: &mut Entities,
    ) -> Result<(), Error> {
        let name = |place: &usize| {
            let entity = entities.all().get(*place);
            let first = entity.and_then(|entity| events.get(usize::try_from(entity.first).ok()?));
            first.map_or("", |event| event.coordinate.entity())
        };
        let names: Vec<&str> = unknown.iter().map(name).collect();
        let found = self.index.sealed_heads(&names);
        self.check_index()?;
        let log = log.view();
        for ((place, name), found) in unknown.iter().zip(names).zip(found) {
            let end = self.stream_end(name, found, &log)?;
            if let Some(entity) = entities.get_mut(*place) {
                entity.end = end;
                if let (Some(last), Some(hash)) = (end.whole(), entity.hash) {
                    self.heads.put(name, hash, last, None);
                }
            }
        }
        Ok(())
    }

    /// Where the stream of an entity without events in the active segment ends, by what was found of it
    /// among the sealed rows.
    fn stream_end(
        &self,
        entity: &str,
        found: Option<SealedHead>,
        log: &LogView,
    ) -> Result<StreamEnd, Error> {
        let newest_in = found.as_ref().map(|found| found.head.position);
        let newest = match found {
            None => None,
            Some(SealedHead { head, claim }) => Some(Last {
                sequence: head.sequence,
                clock: head.clock,
                hash: match claim {
                    None => hash_of(head.hash, head.position, || log.clone())?,
                    Some(claim) => {
                        let claimed = Claimed {
                            entity,
                            sequence: head.sequence,
                            position: head.position,
                            clock: head.clock,
                            hash: head.hash,
                        };
                        self.confirm(claimed, &claim, log)?
                    }
                },
            }),
        };
        let newest_in = newest_in.map(|position| RecordPosition::from_bits(position).segment);
        let removed = self.removed.find_since(entity, newest_in)?;
        let newer = removed.filter(|(_, removed)| newest.is_none_or(|it| it.clock < removed.clock));
        let Some((segment, removed)) = newer else {
            return Ok(newest.map_or_else(StreamEnd::default, StreamEnd::at));
        };
        confirm_removed(entity, segment, &removed, log)?;
        Ok(StreamEnd {
            newest: newest.map(
                |Last {
                     sequence, clock, ..
                 }| Newest { sequence, clock },
            ),
            last: Some(Last {
                sequence: removed.sequence,
                clock: removed.clock,
                hash: removed.hash,
            }),
        })
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
}

/// The hash of an event: read from the log if it is not known, which is so only for the first append to an
/// entity after some openings.
fn hash_of(
    known: Option<Hash>,
    position: u64,
    log: impl FnOnce() -> LogView,
) -> Result<Hash, Error> {
    match known {
        Some(hash) => Ok(hash),
        None => Ok(log().read(RecordPosition::from_bits(position))?.digest),
    }
}
