//! `SavedPosition`: how far a reader of a log has come, as a value that can be kept; and why a store does not take
//! one. It is made, and held against a log, where snapshots are.

use super::hex_text::{self, Digits};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use strandline_core::{Epoch, Hash, Sequence};

/// How many places of the log a position proves: its own, and some before it.
pub(crate) const PROOFS: usize = 7;

/// How far back the earlier places are, in bits: each at least so far, and less than twice. They are the same for
/// many positions, so that they are mostly known already.
const STEPS: [u32; PROOFS - 1] = [4, 8, 12, 16, 20, 24];

/// How far a reader has come in a store: it has seen every event before this place that it asked for, and none
/// from there on.
///
/// A value that can be printed, kept and given back, also after the store was closed, compacted or redacted, and
/// to another process. It says which store it is of, in which [epoch](crate::Store::epoch), and a part of the
/// hash of the whole log up to there; so a store in which other events stand before it, or fewer, does not take
/// it ([`Snapshot::verify_position`](crate::Snapshot::verify_position)): nothing is passed over in silence.
///
/// It is a place in a store and not of a query. Shown as 201 letters and digits. It can be forged, and gives nobody
/// access to anything.
///
/// ```
/// use strandline::{Coordinate, Event, EventKind, SavedPosition, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"x"))?;
/// let now = store.snapshot();
/// let kept = now.position(now.visible())?.to_string();
///
/// // Any time later, in any process.
/// let position: SavedPosition = kept.parse()?;
/// assert_eq!(store.snapshot().verify_position(&position)?, position.sequence());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SavedPosition {
    log: [u8; 16],
    epoch: Epoch,
    sequence: Sequence,
    proofs: [LogMark; PROOFS],
}

/// A part of the log hash after the commit that has the event before a place; 0 where there is none before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct LogMark(u64);

impl From<Hash> for LogMark {
    fn from(hash: Hash) -> Self {
        let first = hash.as_bytes().first_chunk();
        Self(first.map_or(0, |first| u64::from_be_bytes(*first)))
    }
}

/// The places that a position at `sequence` proves: that, and earlier ones at distances that grow.
pub(crate) fn places(sequence: Sequence) -> [Sequence; PROOFS] {
    let mut places = [sequence; PROOFS];
    for (place, bits) in places.iter_mut().skip(1).zip(STEPS) {
        let back = sequence.get().saturating_sub(1 << bits);
        *place = Sequence::new(back >> bits << bits);
    }
    places
}

/// Letters and digits of a position.
const LENGTH: usize = 1 + 32 + 32 + 16 + 16 * PROOFS + 8;

impl SavedPosition {
    pub(crate) const fn new(
        log: [u8; 16],
        epoch: Epoch,
        sequence: Sequence,
        proofs: [LogMark; PROOFS],
    ) -> Self {
        Self {
            log,
            epoch,
            sequence,
            proofs,
        }
    }

    /// The sequence of the next event: every one before it was seen.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The [epoch](crate::Store::epoch) that the sequence is of.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The identity of the log, which all copies of a store have.
    pub(crate) const fn log(&self) -> [u8; 16] {
        self.log
    }

    /// The places that it proves, and with what; its own first.
    pub(crate) fn proofs(&self) -> impl Iterator<Item = (Sequence, LogMark)> {
        places(self.sequence).into_iter().zip(self.proofs)
    }

    /// What tells a position from one with a letter that is wrong.
    fn check(&self) -> u32 {
        let mut bytes = Vec::with_capacity(40 + 8 * PROOFS);
        bytes.extend_from_slice(&self.log);
        bytes.extend_from_slice(self.epoch.as_bytes());
        bytes.extend_from_slice(&self.sequence.get().to_le_bytes());
        for mark in self.proofs {
            bytes.extend_from_slice(&mark.0.to_le_bytes());
        }
        hex_text::check(&bytes)
    }
}

impl fmt::Display for SavedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (log, epoch) = (u128::from_be_bytes(self.log), self.epoch);
        write!(f, "p{log:032x}{epoch}{:016x}", self.sequence.get())?;
        for mark in self.proofs {
            write!(f, "{:016x}", mark.0)?;
        }
        write!(f, "{:08x}", self.check())
    }
}

/// A text that is not a saved position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a saved position has 201 letters and digits, as it was printed; this is none, a part of one, or one with \
     something changed or added, such as a line end"
)]
pub struct SavedPositionError;

impl FromStr for SavedPosition {
    type Err = SavedPositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).ok_or(SavedPositionError)
    }
}

fn read(text: &str) -> Option<SavedPosition> {
    if text.len() != LENGTH {
        return None;
    }
    let mut digits = Digits(text.strip_prefix('p')?);
    let mut position = SavedPosition {
        log: digits.u128()?.to_be_bytes(),
        epoch: digits.take(32)?.parse().ok()?,
        sequence: Sequence::new(digits.u64()?),
        proofs: [LogMark::default(); PROOFS],
    };
    for mark in &mut position.proofs {
        mark.0 = digits.u64()?;
    }
    (digits.u32()? == position.check()).then_some(position)
}

impl TryFrom<String> for SavedPosition {
    type Error = SavedPositionError;

    fn try_from(text: String) -> Result<Self, SavedPositionError> {
        text.parse()
    }
}

impl From<SavedPosition> for String {
    fn from(position: SavedPosition) -> Self {
        position.to_string()
    }
}

/// What a store has in the place of what a saved position is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PositionMismatch {
    /// It is another store. Nothing that was seen is in it, as far as anybody knows.
    OtherStore,
    /// It is the same store on another course: it was restored from a backup since, or is a copy that went its own
    /// way, or the one that was copied.
    OtherCourse,
    /// Its log does not have all that was seen: it ends before, or other events are there. What was not durable
    /// yet was lost, as in a power cut; or it is a copy that was made by other means.
    LostEnd,
}

impl fmt::Display for PositionMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherStore => "it is of another store",
            Self::OtherCourse => {
                "the store was restored since, or is a copy that went its own way"
            }
            Self::LostEnd => {
                "the log has not all that was seen before it: its end was lost before it was durable, or this is \
                 an earlier copy"
            }
        })
    }
}

/// Why a saved position was not taken, and from where one may go on:
/// [`Error::refused_position`](crate::Error::refused_position).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedPosition {
    /// The position.
    pub saved: SavedPosition,
    /// What is wrong with it.
    pub mismatch: PositionMismatch,
    /// A position that this store takes, up to which its log is proven to be the one that was seen: the nearest
    /// that the saved one can prove. What follows it was not seen, or not all of it, so going on there may repeat
    /// events and leaves none out; what was made of events that are lost is for the caller to undo. If it has the
    /// [sequence](SavedPosition::sequence) of the saved one, nothing that was seen was lost. None for another
    /// store.
    pub rewind: Option<SavedPosition>,
}

impl fmt::Display for RefusedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sequence, mismatch) = (self.saved.sequence, self.mismatch);
        write!(
            f,
            "the saved position {sequence} is not one of this store as it is: {mismatch}"
        )?;
        match self.rewind {
            Some(rewind) if rewind.sequence == sequence => {
                f.write_str("; all that was seen is there, so going on there leaves nothing out")
            }
            Some(rewind) => write!(
                f,
                "; what was seen is known to be there before event {}",
                rewind.sequence
            ),
            None => f.write_str("; begin with its first event"),
        }
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn positions_come_back_and_others_do_not(
            log in any::<[u8; 16]>(),
            epoch in any::<[u8; 16]>(),
            sequence in any::<u64>(),
            marks in any::<[u64; PROOFS]>(),
            at in 0..LENGTH,
            other in "[ -~ä]",
        ) {
            let proofs = marks.map(LogMark);
            let sequence = Sequence::new(sequence);
            let position = SavedPosition::new(log, Epoch::from_bytes(epoch), sequence, proofs);
            let text = position.to_string();
            prop_assert_eq!(text.len(), LENGTH);
            prop_assert_eq!(text.parse(), Ok(position));
            let json = serde_json::to_string(&position).unwrap();
            prop_assert_eq!(serde_json::from_str::<SavedPosition>(&json).unwrap(), position);
            let mut changed = text.clone();
            changed.replace_range(at..=at, &other);
            prop_assert!(changed == text || changed.parse::<SavedPosition>().is_err());
            prop_assert!(text[..at].parse::<SavedPosition>().is_err());
            prop_assert!((text.clone() + "0").parse::<SavedPosition>().is_err());
            let of_a_line = (text + "\n").parse::<SavedPosition>().unwrap_err();
            prop_assert!(of_a_line.to_string().contains("line end"));
        }
    }

    #[test]
    fn places_lie_ever_further_back() {
        let at = |sequence| places(Sequence::new(sequence)).map(Sequence::get);
        assert_eq!(at(0), [0; PROOFS]);
        assert_eq!(at(255), [255, 224, 0, 0, 0, 0, 0]);
        assert_eq!(at(600), [600, 576, 256, 0, 0, 0, 0]);
        let places = at(0x0234_5678);
        let expected = [
            0x0234_5660,
            0x0234_5500,
            0x0234_4000,
            0x0233_0000,
            0x0220_0000,
            0x0100_0000,
        ];
        assert_eq!(places[1..], expected);
        assert_eq!(at(u64::MAX)[6], u64::MAX - 0x1ff_ffff);
    }
}
