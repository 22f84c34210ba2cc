//! `EventId` and `Sequence`: the name of an event and its place in the commit order.

use super::hlc::Hlc;
use std::fmt;
use std::str::FromStr;

/// The name of an event: 128 bits, unique in a store.
///
/// Ids that a store makes follow the layout of a UUID version 7 ([RFC 9562], section 5.7) and
/// strictly increase. A caller may supply its own; it is then the idempotency key of the append.
///
/// ```
/// # use strandline_core::EventId;
/// let id: EventId = "8b4fe342-5135-e63d-9fd7-6997832a9ffe".parse()?;
/// assert_eq!("8b4fe3425135e63d9fd76997832a9ffe".parse::<EventId>()?, id);
/// assert_eq!(id.to_string(), "8b4fe342-5135-e63d-9fd7-6997832a9ffe");
/// # Ok::<(), strandline_core::EventIdError>(())
/// ```
///
/// [RFC 9562]: https://www.rfc-editor.org/rfc/rfc9562
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(u128);

/// Bits of randomness that [`EventId::from_hlc`] takes.
pub const ID_RANDOM_BITS: u32 = 42;

impl EventId {
    /// An id from its 128 bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// The id of an event made at `hlc`, in the layout of a UUID version 7.
    ///
    /// From the top: 48 bits of `wall_ms`, version 7, the upper 12 bits of the counter, variant 2,
    /// the lower 20 bits of the counter, and the lower 42 bits of `random`. So ids order as their
    /// clocks do, whatever the random bits.
    #[must_use]
    pub fn from_hlc(hlc: Hlc, random: u64) -> Self {
        let counter = u128::from(hlc.counter());
        let random = u128::from(random) & ((1 << ID_RANDOM_BITS) - 1);
        Self(
            (u128::from(hlc.wall_ms()) << 80)
                | (0x7 << 76)
                | ((counter >> 20) << 64)
                | (0b10 << 62)
                | ((counter & 0xF_FFFF) << ID_RANDOM_BITS)
                | random,
        )
    }

    /// The clock reading in an id of the layout of [`from_hlc`](Self::from_hlc), or `None` if it is
    /// no UUID version 7. Where something else made the id, only the time means something.
    #[must_use]
    #[inline]
    pub fn hlc(self) -> Option<Hlc> {
        let is_version_7 = (self.0 >> 76) & 0xF == 0x7 && (self.0 >> 62) & 0b11 == 0b10;
        let high = (self.0 >> 64) & 0xFFF;
        let low = (self.0 >> ID_RANDOM_BITS) & 0xF_FFFF;
        let wall_ms = u64::try_from(self.0 >> 80).ok()?;
        let counter = u32::try_from(high << 20 | low).ok()?;
        Hlc::new(wall_ms, counter).ok().filter(|_| is_version_7)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            id >> 96,
            (id >> 80) & 0xFFFF,
            (id >> 64) & 0xFFFF,
            (id >> 48) & 0xFFFF,
            id & 0xFFFF_FFFF_FFFF,
        )
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

/// A text that is not an event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event id is 32 hexadecimal digits, with or without the hyphens of a UUID")]
pub struct EventIdError;

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hyphens = [8, 13, 18, 23];
        let well_formed = match text.len() {
            32 => text.bytes().all(|b| b.is_ascii_hexdigit()),
            36 => text.bytes().enumerate().all(|(at, b)| {
                if hyphens.contains(&at) {
                    b == b'-'
                } else {
                    b.is_ascii_hexdigit()
                }
            }),
            _ => false,
        };
        if !well_formed {
            return Err(EventIdError);
        }
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        u128::from_str_radix(&digits, 16)
            .map(Self)
            .map_err(|_| EventIdError)
    }
}

/// An event's place in the global commit order, from 0.
///
/// Also used as an exclusive upper bound: a watermark of *n* stands for every sequence below *n*.
///
/// To save as a position: with the [`Epoch`](crate::Epoch), for a restore gives sequences to other events,
/// and only below what is durable, for a power cut does the same with what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Sequence(u64);

impl Sequence {
    /// The first place.
    pub const ZERO: Self = Self(0);

    /// A place from its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of the place.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place `count` further on, or `None` past the end of 64 bits.
    #[must_use]
    pub const fn checked_add(self, count: u64) -> Option<Self> {
        match self.0.checked_add(count) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "serde")]
super::serde_text::text_or_bits!(
    EventId,
    u128,
    |id: &EventId| id.as_u128(),
    EventId::from_u128
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_uuid_version_7_layout() {
        let hlc = Hlc::new(0x0123_4567_89AB, 0xFEDC_BA98).unwrap();
        let id = EventId::from_hlc(hlc, u64::MAX).as_u128();
        assert_eq!(id >> 80, 0x0123_4567_89AB, "milliseconds");
        assert_eq!((id >> 76) & 0xF, 7, "version");
        assert_eq!((id >> 64) & 0xFFF, 0xFED, "upper 12 bits of the counter");
        assert_eq!((id >> 62) & 0b11, 0b10, "variant");
        assert_eq!((id >> 42) & 0xF_FFFF, 0xC_BA98, "lower 20 bits");
        assert_eq!(id & ((1 << 42) - 1), (1 << 42) - 1, "random");
    }

    #[test]
    fn the_clock_is_read_back_from_an_id_of_version_7_alone() {
        let hlc = Hlc::new(0x0123_4567_89AB, 0xFEDC_BA98).unwrap();
        assert_eq!(EventId::from_hlc(hlc, 7).hlc(), Some(hlc));
        let version_4 = "8b4fe342-5135-463d-9fd7-6997832a9ffe".parse::<EventId>();
        assert_eq!(version_4.unwrap().hlc(), None);
        let other_variant = "8b4fe342-5135-763d-1fd7-6997832a9ffe".parse::<EventId>();
        assert_eq!(other_variant.unwrap().hlc(), None);
    }

    #[test]
    fn ids_order_as_their_clocks() {
        let clocks = [(5, 0), (5, 1), (5, 0xF_FFFF), (5, 0x10_0000), (6, 0)];
        let ids: Vec<_> = clocks
            .iter()
            .enumerate()
            .map(|(at, (ms, counter))| {
                let random = if at % 2 == 0 { u64::MAX } else { 0 };
                EventId::from_hlc(Hlc::new(*ms, *counter).unwrap(), random)
            })
            .collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn refuses_texts_that_are_no_id() {
        for text in [
            "",
            "8b4fe342",
            "+b4fe3425135e63d9fd76997832a9ffe",
            "8b4fe3425135e63d-9fd76997832a9ffe",
            "8b4fe342-5135-e63d-9fd7-6997832a9ffé",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(EventIdError), "{text}");
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_writes_ids_as_text() {
        let id = EventId::from_u128(1);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, "\"00000000-0000-0000-0000-000000000001\"");
        assert_eq!(serde_json::from_str::<EventId>(&json).unwrap(), id);
        assert!(serde_json::from_str::<EventId>("\"1\"").is_err());
    }
}
