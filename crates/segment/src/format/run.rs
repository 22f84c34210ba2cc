//! `RunHead`: what a run says of itself. A run is a frame that stands for adjacent commits all of whose records are
//! gone, but for some that are kept.
//!
//! It is the body of the frame's first record, whose digest is [`run_digest`](strandline_core::run_digest) of it:
//!
//! | field | bytes |
//! |---|---|
//! | 0x82: no record of the layer above begins so | 1 |
//! | version: 1 | 1 |
//! | number of records that are kept: those after this one | 2 |
//! | number of sequences, at most [`RUN_SEQUENCES_MAX`] | 4 |
//! | log hash before the first of the commits | 32 |
//! | for each kept record, ascending: its sequence, less the first one | 4 each |
//! | bytes of the layer above | the rest |
//!
//! The frame's header has the log hash after the last of the commits, and that cannot be made again: digests are
//! gone. So a run proves no more of what was before it than that whoever wrote it knew it.

use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Hash, Sequence};

/// Most sequences of a run: 2^20.
pub const RUN_SEQUENCES_MAX: u32 = 1 << 20;
/// Most records that are kept in a run: one less than a frame has.
pub const RUN_KEPT_MAX: usize = 65_534;

const KIND: u8 = 0x82;
const VERSION: u8 = 1;
const FIXED_BYTES: usize = 1 + 1 + 2 + 4 + 32;
const PLACE_BYTES: usize = 4;

/// What a run says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunHead<'a> {
    /// How many sequences it has.
    pub(crate) sequences: u32,
    /// Hash of the log before it.
    pub(crate) before: Hash,
    /// Of each kept record the sequence, less the first one.
    kept: &'a [[u8; PLACE_BYTES]],
    /// What the layer above says of it.
    pub(crate) said: &'a [u8],
}

/// Appends the bytes of a head. `kept` has sequences, less the first one, and ascends.
pub(crate) fn encode_run(
    sequences: u32,
    before: &Hash,
    kept: &[u32],
    said: &[u8],
    out: &mut Vec<u8>,
) {
    let mut out = Writer::new(out);
    out.u8(KIND);
    out.u8(VERSION);
    out.u16(u16::try_from(kept.len()).unwrap_or(u16::MAX));
    out.u32(sequences);
    out.bytes(before.as_bytes());
    for place in kept {
        out.u32(*place);
    }
    out.bytes(said);
}

/// Bytes of what a run says of itself that keeps so many records, without those of the layer above.
#[must_use]
pub const fn run_head_bytes(kept: usize) -> usize {
    FIXED_BYTES.saturating_add(kept.saturating_mul(PLACE_BYTES))
}

impl<'a> RunHead<'a> {
    /// Reads a head.
    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "what a run says of itself is cut short";
        let mut reader = Reader::new(body);
        let short = |_: DecodeError| SHORT;
        if reader.u8("kind").map_err(short)? != KIND {
            return Err("a run does not begin with what it says of itself");
        }
        if reader.u8("version").map_err(short)? != VERSION {
            return Err("a run is of a version that this program does not know");
        }
        let count = reader.u16("number of kept records").map_err(short)?;
        let sequences = reader.u32("number of sequences").map_err(short)?;
        let before = Hash::from_bytes(reader.array("log hash").map_err(short)?);
        let bytes = usize::from(count) * PLACE_BYTES;
        let kept = reader.bytes("kept records", bytes).map_err(short)?;
        let (kept, _) = kept.as_chunks::<PLACE_BYTES>();
        let said = reader.bytes("the rest", reader.left()).map_err(short)?;
        let head = Self {
            sequences,
            before,
            kept,
            said,
        };
        let places = || head.kept();
        let ascends = places().zip(places().skip(1)).all(|(one, next)| one < next);
        let last = places().last();
        match ascends && last.is_none_or(|last| last < sequences) {
            true => Ok(head),
            false => Err("a run keeps records that are not of its sequences, or in another order"),
        }
    }

    fn kept(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.kept.iter().map(|place| u32::from_le_bytes(*place))
    }

    /// How many records are kept.
    pub(crate) const fn kept_count(&self) -> usize {
        self.kept.len()
    }

    /// The sequences of the kept records, of a run that begins with `first`.
    pub(crate) fn kept_from(&self, first: Sequence) -> impl Iterator<Item = Sequence> + use<'a> {
        self.kept()
            .map_while(move |place| first.checked_add(place.into()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn heads_round_trip_and_no_cut_is_one(
            places in proptest::collection::btree_set(0..1000_u32, 0..20),
            said in proptest::collection::vec(any::<u8>(), 0..40),
            more in 0..9_u32,
        ) {
            let kept: Vec<_> = places.iter().copied().collect();
            let sequences = kept.last().map_or(1, |last| last + 1) + more;
            let before = Hash::of(b"before");
            let mut bytes = Vec::new();
            encode_run(sequences, &before, &kept, &said, &mut bytes);
            prop_assert_eq!(bytes.len(), run_head_bytes(kept.len()) + said.len());
            let head = RunHead::decode(&bytes).unwrap();
            prop_assert_eq!((head.sequences, head.before, head.said), (sequences, before, said.as_slice()));
            let first = Sequence::new(7);
            let expected: Vec<_> = kept.iter().map(|place| Sequence::new(7 + u64::from(*place))).collect();
            prop_assert_eq!(head.kept_from(first).collect::<Vec<_>>(), expected);
            for length in 0..run_head_bytes(kept.len()) {
                prop_assert!(RunHead::decode(&bytes[..length]).is_err(), "{} bytes", length);
            }
        }

        #[test]
        fn any_bytes_decode_to_themselves_or_not_at_all(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..120),
            few in 0..4_u8,
        ) {
            let head = [KIND, VERSION, few, 0];
            let length = head.len().min(bytes.len());
            bytes[..length].copy_from_slice(&head[..length]);
            if let Ok(head) = RunHead::decode(&bytes) {
                let kept: Vec<_> = head.kept().collect();
                let mut again = Vec::new();
                encode_run(head.sequences, &head.before, &kept, head.said, &mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn what_is_kept_twice_or_elsewhere_is_refused() {
        for kept in [[1, 1], [2, 1], [3, 9]] {
            let mut bytes = Vec::new();
            encode_run(9, &Hash::ZERO, &kept, b"", &mut bytes);
            assert!(RunHead::decode(&bytes).is_err(), "{kept:?}");
        }
    }
}
