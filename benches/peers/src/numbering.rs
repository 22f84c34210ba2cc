//! What users of a plain database number themselves: ids that rise with time, clocks of entities.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use strandline_benches::engine::{Failure, NewEvent};

/// Milliseconds since 1970.
pub(crate) fn wall_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

fn since_1970() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A source of ids in the layout of UUID version 7: 48 bits of milliseconds, then a counter where a
/// UUID may have random bits.
#[derive(Debug)]
pub(crate) struct Ids {
    counter: AtomicU64,
}

impl Ids {
    /// Starts the counter at the nanoseconds of now, so that no id comes twice when a store is
    /// closed and opened within a millisecond.
    pub(crate) fn new() -> Self {
        let nanoseconds = since_1970().as_nanos() & u128::from(u64::MAX);
        Self {
            counter: AtomicU64::new(u64::try_from(nanoseconds).unwrap_or_default()),
        }
    }

    /// The id that an event was given, or else the next one.
    pub(crate) fn given_or_next(&self, given: Option<&u128>, wall_ms: u64) -> u128 {
        given.copied().unwrap_or_else(|| self.next(wall_ms))
    }

    pub(crate) fn next(&self, wall_ms: u64) -> u128 {
        const VERSION: u128 = 0x7 << 76;
        const VARIANT: u128 = 0b10 << 62;
        let count = u128::from(self.counter.fetch_add(1, Ordering::Relaxed));
        (u128::from(wall_ms) << 80) | VERSION | VARIANT | (count & ((1 << 62) - 1))
    }
}

/// The next clock of each entity that was appended to, by the entity's number.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    next: Vec<Option<u64>>,
}

impl Clocks {
    /// The clock of the entity's next event. `load` tells how many events the store holds of an
    /// entity that this does not know yet.
    pub(crate) fn next(
        &mut self,
        event: &NewEvent<'_>,
        load: impl FnOnce() -> Result<u64, Failure>,
    ) -> Result<u64, Failure> {
        let number = event.entity_number as usize;
        if self.next.len() <= number {
            self.next.resize(number + 1, None);
        }
        let slot = self
            .next
            .get_mut(number)
            .ok_or("an entity's number is out of range")?;
        let clock = match *slot {
            Some(clock) => clock,
            None => load()?,
        };
        *slot = Some(clock + 1);
        Ok(clock)
    }

    /// Forgets everything, after a commit that did not happen.
    pub(crate) fn clear(&mut self) {
        self.next.clear();
    }
}
