//! An event with all that its hash is made of.

use super::snapshot::Snapshot;
use crate::{Error, ErrorKind, EventRef, StoredEvent};
use strandline_core::{CanonicalHeader, EventHasher, EventId, Hash, Nonce};

/// An event with all that its hash is made of, beside what a read gives: whoever has it makes the hash again, and has no
/// log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WholeEvent {
    /// The event.
    pub event: StoredEvent,
    /// What is hashed before the payload; of a redacted event nobody has it any more.
    pub nonce: Option<Nonce>,
    /// Hash of the payload with its nonce: what the hash covers, and stays when the payload goes.
    pub payload_hash: Hash,
    /// Hash of the event before it in its entity's stream, also if that was removed; [`Hash::ZERO`] of the first.
    pub previous: Hash,
}

impl Snapshot {
    /// The event with this id and all that its hash is made of, which was held against the hash; `None` if no event
    /// has the id.
    ///
    /// Reads the event and the newest of its entity before it. Where a compaction has removed that, the hashes of the
    /// records between them are tried: each is one more hash.
    ///
    /// ```
    /// use strandline::{Coordinate, Event, EventKind, Hash, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// let event = || Event::bytes(EventKind::new(1, 1), *b"x");
    /// let (first, second) = (store.append(&order, event())?, store.append(&order, event())?);
    /// let now = store.snapshot();
    /// assert_eq!(now.get_whole(first.id)?.ok_or("it is there")?.previous, Hash::ZERO);
    /// assert_eq!(now.get_whole(second.id)?.ok_or("it is there")?.previous, first.hash);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the event is not the one of its hash, or [`ErrorKind::Io`] if it cannot be read.
    pub fn get_whole(&self, id: EventId) -> Result<Option<WholeEvent>, Error> {
        let Some(row) = self.index.get(id) else {
            return self.absent();
        };
        // The newest of the entity before it. It follows that one, or one that was removed since.
        let entity = row.coordinate();
        let earlier = self.snapshot_at(row.sequence());
        let before = earlier.latest(entity.entity())?;
        let removed = match &before {
            Some(before) => before.header().sequence.get().saturating_add(1),
            None => 0,
        };
        let first = before.map_or(Hash::ZERO, |before| before.header().hash);
        let read = |event: EventRef<'_>| {
            let ((nonce, payload_hash), stored) = (event.nonce_and_hash(), event.stored_previous());
            let whole = WholeEvent {
                nonce,
                payload_hash,
                previous: first,
                event: event.into_owned(),
            };
            (whole, stored)
        };
        let (mut whole, stored) = self.reader.read_with(row, read)?;
        let mut candidates = [Some(first), stored].into_iter().flatten();
        whole.previous = match candidates.find(|previous| whole.follows(previous)) {
            Some(previous) => previous,
            None => self.removed_before(&whole, removed)?,
        };
        Ok(Some(whole))
    }

    /// The hash of the removed event that this one follows: it stays in the log, from sequence `from` on.
    fn removed_before(&self, whole: &WholeEvent, from: u64) -> Result<Hash, Error> {
        let (tree, header) = (self.tree(), whole.event.header());
        for number in (from..header.sequence.get()).rev() {
            let hash = tree.digest(number)?;
            if whole.follows(&hash) {
                return Ok(hash);
            }
        }
        Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "event {}, sequence {}, is not the one that its hash is of",
                header.id, header.sequence
            ),
        ))
    }
}

impl WholeEvent {
    /// Whether the event is the one of its hash, after an event with the hash `previous`.
    fn follows(&self, previous: &Hash) -> bool {
        let event = self.event.header();
        let header = CanonicalHeader {
            entity: event.coordinate.entity(),
            scope: event.coordinate.scope(),
            kind: event.kind,
            encoding: event.encoding,
            id: event.id,
            correlation: event.correlation,
            causation: event.causation,
            clock: event.clock,
            hlc: event.hlc,
            sequence: event.sequence,
            extensions: &event.extensions,
        };
        let hash = EventHasher::default().hash(previous, &header, &self.payload_hash);
        hash == event.hash
    }
}
