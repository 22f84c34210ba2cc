//! Events whose every byte follows from few numbers, which are in them; so whoever finds one can say
//! whether it is what was appended, and by whom.

use strandline::{Coordinate, Event, EventKind};
use strandline_core::fs::Draws;

/// Most events of one process.
pub(crate) const LIFE_EVENTS_MAX: u64 = 1 << 20;

/// What an event says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// The number of the process that appended it.
    pub(crate) life: u32,
    /// Sequence of the first event of its commit.
    pub(crate) first: u64,
    /// Events of its commit.
    pub(crate) count: u64,
    /// Its own sequence.
    pub(crate) number: u64,
}

impl Content {
    /// The numbers at the front of a payload.
    pub(crate) fn of(payload: &[u8]) -> Option<Self> {
        let number = |at: usize| {
            let bytes = payload.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_le_bytes(bytes))
        };
        Some(Self {
            life: u32::try_from(number(0)?).ok()?,
            first: number(8)?,
            count: number(16)?,
            number: number(24)?,
        })
    }

    pub(crate) fn coordinate(&self) -> Coordinate {
        let number = self.number;
        // An entity in eight is new, so that names are written too.
        let entity = match number % 8 {
            0 => format!("alone:{number}"),
            other => format!("entity:{other}"),
        };
        let scope = format!("scope/{}", number % 3);
        Coordinate::new(&entity, &scope).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn event(&self, seed: u64) -> Event {
        let kind = EventKind::new(0x1, 1 + (self.number % 3) as u16);
        Event::bytes(kind, self.payload(seed))
    }

    pub(crate) fn payload(&self, seed: u64) -> Vec<u8> {
        let numbers = [u64::from(self.life), self.first, self.count, self.number];
        let mut payload: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let mut draws = Draws::of(seed, &numbers);
        let more = match draws.below(12) {
            0 => draws.below(12_000),
            1..4 => draws.below(2_000),
            _ => draws.below(200),
        };
        payload.extend((0..more.div_ceil(8)).flat_map(|_| draws.number().to_le_bytes()));
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_read_back_and_decide_every_byte() {
        let content = Content {
            life: 3,
            first: 7,
            count: 2,
            number: 8,
        };
        let payload = content.payload(1);
        assert_eq!(Content::of(&payload), Some(content));
        assert_eq!(payload, content.payload(1));
        assert_ne!(payload, content.payload(2));
        assert_eq!(Content::of(&payload[..31]), None);
    }
}
