//! `Backlog`: the events of one held entity, read ahead from the log.

use super::partition_by::PartitionBy;
use super::schedule::Wanted;
use crate::Error;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use strandline::{Query, Store, StoredEvent};
use strandline_core::Sequence;

/// How many events are read ahead at most, and of which payloads no more, in bytes.
const AHEAD: usize = 32;
const AHEAD_BYTES: usize = 256 << 10;

/// Events of the entity that was asked for last.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    key: Option<Arc<str>>,
    /// Where these are all.
    within: Option<Range<Sequence>>,
    events: VecDeque<StoredEvent>,
}

impl Backlog {
    /// The first event of a held entity within what is wanted, if there is one.
    ///
    /// # Errors
    ///
    /// `Store` if it cannot be read.
    pub(super) fn first(
        &mut self,
        wanted: &Wanted,
        (store, query, by): (&Store, &Query, PartitionBy),
    ) -> Result<Option<StoredEvent>, Error> {
        let start = wanted.within.start;
        let reaches = |within: &Range<Sequence>| within.contains(&start);
        if self.key.as_ref() != Some(&wanted.key) || !self.within.as_ref().is_some_and(reaches) {
            self.read(wanted, store, by.narrow(query, &wanted.key))?;
        }
        Ok(self.take(start))
    }

    /// Takes the first event from `start` on; one that was taken is read again if it is wanted again.
    fn take(&mut self, start: Sequence) -> Option<StoredEvent> {
        let mut event = self.events.pop_front()?;
        while event.sequence < start {
            event = self.events.pop_front()?;
        }
        let within = self.within.take()?;
        self.within = Some(event.sequence.checked_add(1)?..within.end);
        Some(event)
    }

    fn read(&mut self, wanted: &Wanted, store: &Store, query: Query) -> Result<(), Error> {
        self.events.clear();
        self.within = None;
        self.key = Some(wanted.key.clone());
        let Range { start, end } = wanted.within;
        let mut query = query.before(end);
        if let Some(before) = start.get().checked_sub(1) {
            query = query.after(Sequence::new(before));
        }
        let snapshot = store.snapshot();
        let mut bytes = 0;
        for event in snapshot.query(query.limit(AHEAD)) {
            let event = match event {
                Ok(event) => event,
                Err(error) if self.events.is_empty() => return Err(error.into()),
                // It is met again when those before it are handled.
                Err(_) => break,
            };
            bytes += event.payload().map_or(0, <[u8]>::len);
            self.events.push_back(event);
            if bytes >= AHEAD_BYTES {
                break;
            }
        }
        let last = self.events.back().map(|event| event.sequence);
        self.within = last.map(|last| start..last.checked_add(1).unwrap_or(last));
        Ok(())
    }
}
