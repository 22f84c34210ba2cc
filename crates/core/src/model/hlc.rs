//! `Hlc` and `HlcClock`: a hybrid logical clock that never goes back.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Largest `wall_ms`: 48 bits, the year 10889.
pub const WALL_MS_MAX: u64 = (1 << 48) - 1;

/// A reading of the hybrid logical clock: milliseconds since 1970, and a counter that tells apart
/// what happens within one.
///
/// After Kulkarni, Demirbas, Madappa, Avva and Leone, *Logical Physical Clocks* (2014).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hlc {
    wall_ms: u64,
    counter: u32,
}

/// A time that does not fit in 48 bits of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{wall_ms} ms is past the last representable time, {WALL_MS_MAX} ms")]
pub struct HlcError {
    /// The refused time, in milliseconds since 1970.
    pub wall_ms: u64,
}

/// The clock has no later reading to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hybrid logical clock is at its last reading")]
pub struct HlcExhausted;

/// The clock is past a reading that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hybrid logical clock is at {last} already")]
pub struct HlcBehind {
    /// The newest reading given or observed.
    pub last: Hlc,
}

/// The milliseconds since 1970 of a time, parts of one cut off; 0 for those before.
#[must_use]
pub fn wall_ms_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Hlc {
    /// A reading from its parts.
    ///
    /// # Errors
    ///
    /// [`HlcError`] if `wall_ms` needs more than 48 bits.
    pub const fn new(wall_ms: u64, counter: u32) -> Result<Self, HlcError> {
        if wall_ms > WALL_MS_MAX {
            return Err(HlcError { wall_ms });
        }
        Ok(Self { wall_ms, counter })
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn wall_ms(self) -> u64 {
        self.wall_ms
    }

    /// The time of the reading, to the millisecond.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use strandline_core::Hlc;
    ///
    /// assert_eq!(Hlc::new(1500, 7)?.time(), UNIX_EPOCH + Duration::from_millis(1500));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.wall_ms)
    }

    /// The counter within the millisecond.
    #[must_use]
    pub const fn counter(self) -> u32 {
        self.counter
    }

    /// The next reading within the millisecond, or the first of the next one.
    const fn next(self) -> Option<Self> {
        match self.counter.checked_add(1) {
            Some(counter) => Some(Self { counter, ..self }),
            None if self.wall_ms < WALL_MS_MAX => Some(Self {
                wall_ms: self.wall_ms + 1,
                counter: 0,
            }),
            None => None,
        }
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms+{}", self.wall_ms, self.counter)
    }
}

/// Gives readings that strictly increase, whatever the system clock does.
///
/// ```
/// use strandline_core::HlcClock;
///
/// let mut clock = HlcClock::default();
/// let first = clock.tick(1_000)?;
/// let second = clock.tick(400)?; // the system clock went back
/// assert!(first < second);
/// # Ok::<(), strandline_core::HlcExhausted>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct HlcClock {
    last: Option<Hlc>,
}

impl HlcClock {
    /// A clock whose next reading is after `last`.
    #[must_use]
    pub const fn after(last: Hlc) -> Self {
        Self { last: Some(last) }
    }

    /// The newest reading given or observed.
    #[must_use]
    pub const fn last(&self) -> Option<Hlc> {
        self.last
    }

    /// The next reading, at `now_ms` if that is later than the last one, else just after the last.
    ///
    /// A `now_ms` past [`WALL_MS_MAX`] counts as that.
    ///
    /// # Errors
    ///
    /// [`HlcExhausted`] when the last representable reading has been given.
    pub fn tick(&mut self, now_ms: u64) -> Result<Hlc, HlcExhausted> {
        let now = Hlc {
            wall_ms: now_ms.min(WALL_MS_MAX),
            counter: 0,
        };
        let reading = match self.last {
            Some(last) if now <= last => last.next().ok_or(HlcExhausted)?,
            _ => now,
        };
        self.last = Some(reading);
        Ok(reading)
    }

    /// The reading `wanted`, if it is later than the last one; where only its counter is not, the
    /// next reading of the same millisecond. So the time is kept, and readings still increase.
    ///
    /// # Errors
    ///
    /// [`HlcBehind`] if the clock is past that millisecond.
    pub fn tick_at(&mut self, wanted: Hlc) -> Result<Hlc, HlcBehind> {
        let reading = match self.last {
            Some(last) if wanted <= last => last
                .next()
                .filter(|next| next.wall_ms == wanted.wall_ms)
                .ok_or(HlcBehind { last })?,
            _ => wanted,
        };
        self.last = Some(reading);
        Ok(reading)
    }

    /// Moves the clock forward so that the next reading is after `seen`; an older one changes
    /// nothing.
    pub fn observe(&mut self, seen: Hlc) {
        self.last = self.last.max(Some(seen));
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::Hlc;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename = "Hlc", deny_unknown_fields)]
    struct Parts {
        wall_ms: u64,
        counter: u32,
    }

    impl Serialize for Hlc {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            Parts {
                wall_ms: self.wall_ms(),
                counter: self.counter(),
            }
            .serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Hlc {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let parts = Parts::deserialize(deserializer)?;
            Self::new(parts.wall_ms, parts.counter).map_err(serde::de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_increase_when_the_system_clock_goes_back() {
        let mut clock = HlcClock::default();
        let readings: Vec<_> = [500, 500, 100, 0, 501, 2]
            .into_iter()
            .map(|now| clock.tick(now).unwrap())
            .collect();
        assert!(readings.is_sorted_by(|a, b| a < b));
        assert_eq!(readings[4], Hlc::new(501, 0).unwrap());
        assert_eq!(readings[5], Hlc::new(501, 1).unwrap());
    }

    #[test]
    fn observed_times_hold() {
        let mut clock = HlcClock::default();
        let seen = Hlc::new(900, 7).unwrap();
        clock.observe(seen);
        clock.observe(Hlc::new(1, 1).unwrap());
        assert_eq!(clock.tick(10).unwrap(), Hlc::new(900, 8).unwrap());
    }

    #[test]
    fn a_reading_that_is_asked_for_keeps_its_millisecond() {
        let mut clock = HlcClock::after(Hlc::new(5, 3).unwrap());
        let mut at = |wall_ms, counter| clock.tick_at(Hlc::new(wall_ms, counter).unwrap());
        assert_eq!(at(5, 0), Ok(Hlc::new(5, 4).unwrap()));
        assert_eq!(at(5, 9), Ok(Hlc::new(5, 9).unwrap()));
        assert_eq!(at(7, 2), Ok(Hlc::new(7, 2).unwrap()));
        let last = Hlc::new(7, 2).unwrap();
        assert_eq!(at(6, u32::MAX), Err(HlcBehind { last }));
        let full = Hlc::new(7, u32::MAX).unwrap();
        assert_eq!(at(7, u32::MAX), Ok(full));
        assert_eq!(at(7, 0), Err(HlcBehind { last: full }));
    }

    #[test]
    fn a_full_counter_moves_to_the_next_millisecond() {
        let mut clock = HlcClock::after(Hlc::new(5, u32::MAX).unwrap());
        assert_eq!(clock.tick(5).unwrap(), Hlc::new(6, 0).unwrap());
        let mut clock = HlcClock::after(Hlc::new(WALL_MS_MAX, u32::MAX).unwrap());
        assert_eq!(clock.tick(5), Err(HlcExhausted));
        assert!(Hlc::new(WALL_MS_MAX + 1, 0).is_err());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_checks_the_range() {
        let json = format!("{{\"wall_ms\":{},\"counter\":0}}", WALL_MS_MAX + 1);
        assert!(serde_json::from_str::<Hlc>(&json).is_err());
    }
}
