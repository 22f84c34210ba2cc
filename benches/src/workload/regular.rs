//! `Workload`: events of entities in turn.

use crate::engine::NewEvent;

/// Bytes of a payload.
pub const PAYLOAD_BYTES: usize = 200;
/// Number of kinds, 0 to 15.
pub const KINDS: u16 = 16;
/// Number of scopes.
pub const SCOPES: u32 = 10;
/// A kind that [`RARE_EVENTS`] of the events have, evenly spread.
pub const RARE_KIND: u16 = 100;
/// How many events are of [`RARE_KIND`].
pub const RARE_EVENTS: u64 = 100;

/// The events of a run, all decided by the number of events and of entities.
///
/// Event `n` belongs to entity `n` modulo the number of entities, scope entity modulo 10, and kind
/// `n / entities + entity` modulo 16, except for the rare ones.
#[derive(Debug)]
pub struct Workload {
    events: u64,
    entities: Vec<String>,
    scopes: Vec<String>,
    payloads: Vec<u8>,
}

/// How many different payloads there are; each is used again.
const PAYLOADS: usize = 4096;

impl Workload {
    /// `events` events of 1,000 entities.
    #[must_use]
    pub fn regular(events: u64) -> Self {
        Self::new(events, 1_000)
    }

    /// `events` events, 5 for each entity.
    #[must_use]
    pub fn wide(events: u64) -> Self {
        Self::new(events, u32::try_from(events / 5).unwrap_or(u32::MAX).max(1))
    }

    fn new(events: u64, entities: u32) -> Self {
        // xorshift64 (Marsaglia, 2003): payloads that do not compress, the same in every run.
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut payloads = Vec::with_capacity(PAYLOADS * PAYLOAD_BYTES);
        while payloads.len() < PAYLOADS * PAYLOAD_BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            payloads.extend_from_slice(&state.to_le_bytes());
        }
        Self {
            events,
            entities: (0..entities).map(|n| format!("order:{n:06}")).collect(),
            scopes: (0..SCOPES).map(|n| format!("region-{n}")).collect(),
            payloads,
        }
    }

    /// How many events there are.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Names of the entities, by number.
    #[must_use]
    pub fn entities(&self) -> &[String] {
        &self.entities
    }

    /// Names of the scopes, by number.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Event `number`, from 0. Numbers past the end are events too, for the work that appends to
    /// what is there.
    #[must_use]
    pub fn event(&self, number: u64) -> NewEvent<'_> {
        let entities = self.entities.len() as u64;
        let entity = number % entities;
        let every = (self.events / RARE_EVENTS).max(1);
        let is_rare = number % every == every / 2;
        let kind = (number / entities + entity) % u64::from(KINDS);
        let payload = (number % PAYLOADS as u64) as usize * PAYLOAD_BYTES;
        NewEvent {
            entity_number: entity as u32,
            entity: &self.entities[entity as usize],
            scope: &self.scopes[(entity % u64::from(SCOPES)) as usize],
            kind: if is_rare { RARE_KIND } else { kind as u16 },
            payload: &self.payloads[payload..payload + PAYLOAD_BYTES],
        }
    }
}
