//! Steps 2 to 4 of an append, under the commit lock: assign, encode, write, index.
//!
//! Nothing of the writer's state changes before the write has succeeded; the clock is put back if it
//! does not.

use super::asked::Asked;
use super::assigned::Assigned;
use super::condition::check_condition;
use super::context::Context;
use super::ends::{ChainEnd, Last};
use super::failure::{exhausted, no_segment_has_room};
use super::prepared::Prepared;
use super::state::Writer;
use super::times::tick;
use crate::engine::group_sync::Poison;
use crate::model::Link;
use crate::{Durability, Error, Receipt};
use std::collections::HashMap;
use strandline_core::record::Record;
use strandline_core::{Coordinate, EventId, Sequence};
use strandline_index::{CoordinateId, Row, SequenceGate};
use strandline_segment::{Appended, LogPosition};

/// The local numbers of coordinates that the segment has not named, known to the index or not.
type NewNames<'a> = HashMap<&'a Coordinate, u32>;

impl Writer {
    /// Commits those of `events` that are not there yet in one frame, and gives the receipts of all in
    /// order. Returns the upper bound of the sequences that the caller must wait for.
    ///
    /// With `Written` they are published before this returns, and whoever waits for them is to be told once
    /// the lock is let go; otherwise the caller waits until everything below the bound is durable.
    pub(crate) fn commit(
        &mut self,
        events: &[Prepared<'_>],
        asked: Asked<'_>,
        context: Context<'_>,
        give: &mut dyn FnMut(Receipt),
    ) -> Result<Sequence, Error> {
        let committed = self.commit_all(events, asked, context, give);
        self.name_tables.forget_large();
        self.heads.tell();
        committed
    }

    fn commit_all(
        &mut self,
        events: &[Prepared<'_>],
        asked: Asked<'_>,
        context: Context<'_>,
        give: &mut dyn FnMut(Receipt),
    ) -> Result<Sequence, Error> {
        let Some(repeats) = self.find_repeats(events, context.log)? else {
            return self.commit_new(events, asked, context, give);
        };
        if let Some(end) = repeats.end_of_all() {
            repeats.joined(Vec::new()).for_each(give);
            return Ok(end);
        }
        let new = repeats.new_among(events, asked.tracking)?;
        let mut written = Vec::with_capacity(new.len());
        let mut take = |receipt| written.push(receipt);
        // What is new comes after everything that was repeated, so whoever waits for it waits for all.
        let end = self.commit_new(&new, asked, context, &mut take)?;
        repeats.joined(written).for_each(give);
        Ok(end)
    }

    /// Commits events none of which is there.
    fn commit_new(
        &mut self,
        events: &[Prepared<'_>],
        asked: Asked<'_>,
        context: Context<'_>,
        give: &mut dyn FnMut(Receipt),
    ) -> Result<Sequence, Error> {
        let Asked {
            durability,
            condition,
            tracking,
        } = asked;
        if let Some(tracking) = tracking {
            self.check_tracking(tracking, context.sources)?;
        }
        self.look_up(events, context.log)?;
        self.check_expected(events)?;
        check_condition(&self.index, |name| self.kinds.kind(name), condition)?;
        self.check_times(events, context)?;
        let count = events.len() as u64;
        let first = self.index.gate().allocated();
        self.index.check_room(events.len())?;
        let end = first
            .checked_add(count)
            .filter(|end| *end <= SequenceGate::BOUND_MAX)
            .ok_or_else(|| exhausted("sequences"))?;
        self.kinds.begin(events)?;
        let clock = self.hlc.clone();
        let written = self.make_room(events, durability, context);
        let written = written.and_then(|()| self.write(events, first, context));
        let appended = written.inspect_err(|_| {
            // Times that no event has got may be given again: those of the same events, above all.
            self.hlc = clock;
            self.kinds.undo();
        })?;
        // Before an event can be seen of a kind whose name came with it.
        self.kinds.written(context.kinds);
        if let Some(tracking) = tracking {
            self.tracked(tracking, first, context.sources);
        }
        self.insert(events, first, appended.start)
            .inspect_err(|_| {
                context
                    .group
                    .set_poison("the index refused an event that was written");
            })?;
        match durability {
            Durability::Replicated => context.group.wrote_to_replicate(end),
            Durability::Synced | Durability::Written => context.group.wrote(end),
        }
        if durability == Durability::Written && !self.index.gate().advance_to(end) {
            // Who freezes the gate says why under the same lock.
            let poison = context.group.stopped_for();
            let reason = poison.map_or_else(|| "no reason is known".into(), |poison| poison.reason);
            let why = format!("writing stopped while the events were written: {reason}");
            return Err(self.fate_unknown(&why));
        }
        for (sequence, assigned) in (first.get()..).zip(&self.assigned) {
            give(Receipt {
                id: assigned.id,
                sequence: Sequence::new(sequence),
                clock: assigned.clock,
                hlc: assigned.hlc,
                hash: assigned.hash,
                durable: false,
                replicated: false,
                repeated: false,
            });
        }
        Ok(end)
    }

    /// Encodes the events and appends them to the log. If that fails, the clock alone has changed.
    fn write(
        &mut self,
        events: &[Prepared<'_>],
        first: Sequence,
        context: Context<'_>,
    ) -> Result<Appended, Error> {
        self.encode(events, first, context)?;
        self.log
            .append_undone_by(&mut self.buffer, first, context.group.synced(), |_| {
                let flushed = context.group.flush();
                flushed.map_err(|Poison { reason, .. }| std::io::Error::other(reason.to_string()))
            })
            .map_err(|error| self.append_failed(error, context.group))
    }

    /// Most bytes that the records of a commit take.
    fn record_bytes_max(&mut self, events: &[Prepared<'_>]) -> usize {
        let records: usize = events.iter().map(Prepared::record_bytes_max).sum();
        records + self.kinds.bytes_max(events)
    }

    /// Whether the commit might not fit in the active segment: then it rotates, unless it fits in none. Those of its
    /// events that are no repeats may fit in another where all do not.
    pub(crate) fn would_rotate(&mut self, events: &[Prepared<'_>]) -> bool {
        let bytes_max = self.record_bytes_max(events);
        !self.log.fits(bytes_max, events.len())
    }

    /// Rotates if the commit might not fit in the active segment. One that is replicated has waited until nothing
    /// in it waits for that; another publishes what is before it a moment before it would in any case.
    fn make_room(
        &mut self,
        events: &[Prepared<'_>],
        durability: Durability,
        context: Context<'_>,
    ) -> Result<(), Error> {
        let bytes_max = self.record_bytes_max(events);
        if self.log.fits(bytes_max, events.len()) {
            return Ok(());
        }
        if !self.log.fits_empty(bytes_max, events.len()) {
            return Err(no_segment_has_room(bytes_max, context.segment_bytes_max));
        }
        let allocated = self.index.gate().allocated();
        if durability != Durability::Replicated
            && let Some(end) = context.group.held(allocated)
        {
            context.group.wish(end);
        }
        self.sealed = Some(self.rotate(context)?);
        let heads = &self.heads;
        let name = |event: usize| {
            events
                .get(event)
                .map_or("", |event| event.coordinate.entity())
        };
        self.entities.rotated(|event| heads.hash(name(event)));
        Ok(())
    }

    /// Assigns ids, clocks, times and hashes, and encodes the records into the buffer.
    fn encode<'a>(
        &mut self,
        events: &'a [Prepared<'a>],
        first: Sequence,
        context: Context<'_>,
    ) -> Result<(), Error> {
        self.buffer.clear();
        self.assigned.clear();
        let mut new = NewNames::default();
        let segment_start = self.log.segment_start().sequence;
        let numbered = (first.get()..).map(Sequence::new).zip(events).enumerate();
        for (at, (sequence, prepared)) in numbered {
            let Prepared {
                coordinate, event, ..
            } = *prepared;
            let hlc = tick(&mut self.hlc, event.at, context.now_ms)?;
            let id = match event.id {
                Some(id) => id,
                None => EventId::from_hlc(hlc, self.next_id_bits()),
            };
            let resolve =
                |link: Link| link.resolve(|place| self.assigned.get(place).map(|event| event.id));
            let correlation = prepared.correlation.and_then(resolve).unwrap_or(id);
            let causation = prepared.causation.and_then(resolve);
            let known = self.entities.coordinate_of(at);
            let end = self.chain_end(at, segment_start);
            let clock = end.next_clock.ok_or_else(|| exhausted("clocks"))?;
            let (local_coordinate, is_named) = self.local(coordinate, known, &mut new);
            let record = Record {
                local_coordinate,
                coordinate: (!is_named).then(|| coordinate.clone()),
                previous: (!end.in_segment).then_some(end.hash),
                kind: event.kind,
                encoding: event.encoding,
                clock,
                hlc,
                id,
                correlation,
                causation,
                extensions: self.kinds.extensions(prepared, sequence)?,
                payload: prepared.record_payload(),
            };
            let hash = self.hasher.hash(
                &end.hash,
                &record.canonical_header(coordinate, sequence),
                &prepared.payload_hash,
            );
            self.buffer.push(&hash, |out| record.encode(out));
            self.assigned.push(Assigned {
                id,
                coordinate: known,
                local: local_coordinate,
                clock,
                hlc,
                hash,
                correlation,
                causation,
            });
        }
        Ok(())
    }

    /// Where the chain of an event's entity ends, for the event at `at` in the commit, which becomes its
    /// last.
    fn chain_end(&mut self, at: usize, segment_start: Sequence) -> ChainEnd {
        let earlier = self.entities.assign(at);
        if let Some(earlier) = earlier.and_then(|earlier| self.assigned.get(earlier)) {
            return ChainEnd {
                next_clock: earlier.clock.checked_add(1),
                hash: earlier.hash,
                in_segment: true,
            };
        }
        let entity = self.entities.of_event(at);
        entity.map_or(ChainEnd::START, |entity| entity.chain_end(segment_start))
    }

    /// The local number of a coordinate, and whether the segment has its names already.
    fn local<'a>(
        &self,
        coordinate: &'a Coordinate,
        known: Option<CoordinateId>,
        new: &mut NewNames<'a>,
    ) -> (u32, bool) {
        if let Some(local) = self.names.local(coordinate, known) {
            return (local, true);
        }
        // The frame's limit of 65,535 records keeps the sum far from the end of 32 bits.
        let added = u32::try_from(new.len()).unwrap_or(u32::MAX);
        let next = self.names.next_local().saturating_add(added);
        let local = *new.entry(coordinate).or_insert(next);
        (local, local != next)
    }

    /// Enters the written events in the index, unpublished.
    fn insert(
        &mut self,
        events: &[Prepared<'_>],
        first: Sequence,
        start: LogPosition,
    ) -> Result<(), Error> {
        let reserved = self.index.reserve(events.len() as u64)?;
        assert_eq!(
            reserved, first,
            "only the holder of the commit lock reserves"
        );
        let numbered = (first.get()..).map(Sequence::new);
        for ((((at, prepared), assigned), position), sequence) in events
            .iter()
            .enumerate()
            .zip(&mut self.assigned)
            .zip(self.buffer.positions(start))
            .zip(numbered)
        {
            let Prepared {
                coordinate, event, ..
            } = *prepared;
            let coordinate = match assigned.coordinate {
                Some(known) => known,
                None => self.index.intern(coordinate)?,
            };
            assigned.coordinate = Some(coordinate);
            self.names.note(coordinate, assigned.local);
            let tags: Vec<_> = prepared.extensions.tags().collect();
            let row = Row {
                sequence,
                id: assigned.id,
                coordinate,
                kind: event.kind,
                wall_ms: assigned.hlc.wall_ms(),
                clock: assigned.clock,
                position: position.to_bits(),
                correlation: assigned.correlation,
                causation: assigned.causation,
                hash: Some(assigned.hash),
            };
            let entity = self.entities.of_event(at);
            let last = entity.and_then(|entity| entity.end.last);
            self.index
                .insert_known(&row, &tags, last.map(|last| last.clock))?;
        }
        self.keep_heads(events, first);
        Ok(())
    }

    /// Keeps the newest events of the entities of a commit that was written.
    fn keep_heads(&mut self, events: &[Prepared<'_>], first: Sequence) {
        for entity in self.entities.all() {
            let at = entity.last();
            let (Some(prepared), Some(assigned)) = (events.get(at), self.assigned.get(at)) else {
                continue;
            };
            let last = Last {
                sequence: Sequence::new(first.get() + at as u64),
                clock: assigned.clock,
                hash: assigned.hash,
            };
            let number = assigned
                .coordinate
                .and_then(|known| self.index.entity_of(known));
            match (entity.hash, number) {
                (None, Some(number)) => self.heads.follow(number, last),
                (Some(hash), number) => {
                    let name = prepared.coordinate.entity();
                    self.heads.put(name, hash, last, number);
                }
                (None, None) => {}
            }
        }
    }
}
