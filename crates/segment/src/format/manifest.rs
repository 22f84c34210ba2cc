//! `Manifest`: which segments count, and where the sealed ones end.
//!
//! | field | bytes |
//! |---|---|
//! | magic `STRNDMAN` | 8 |
//! | format version | 4 |
//! | identity of the log | 16 |
//! | number of the manifest, one more each time | 8 |
//! | removals of events before this sequence have no record in the log; not in version 1 | 8 |
//! | epoch; in version 1 it is the identity | 16 |
//! | 1 if this is of a copy that was not opened to write yet, else 0; not in version 1 | 1 |
//! | number of segments | 4 |
//! | for each segment, oldest first: its header | 128 |
//! | — 1 if it is sealed, else 0 | 1 |
//! | — where its frames end; of the active one up to where they were durable, or zeros | 52 |
//! | checksum of everything before | 8 |
//!
//! Version 3 is version 2 of a log whose numbers of segments have gaps, where several were merged into the
//! one before the gap; version 4 is the same of a log that has a segment with runs. Each is written for such a
//! log alone. Version 1 is read, and not written any more.

use super::header::{LogIdentity, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::position::{LogPosition, POSITION_BYTES, SegmentId};
use super::segment_info::SegmentInfo;
use crate::error::LogError;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Epoch, Random, Salt, Sequence};

/// The file that lists the segments.
pub const MANIFEST_FILE: &str = "MANIFEST";
/// Name of the file that a directory has beside it whose log is not all there: sealed segments are in a bucket, and
/// are read through a file system that knows it. That one does not show the file, so whoever sees it lacks the rest.
pub const BUCKET_FILE: &str = "BUCKET";

/// The latest manifest format that this crate reads; it writes this one where a segment has runs, and else an
/// earlier one.
pub const MANIFEST_VERSION: u32 = 4;
/// The format of a manifest without runs whose numbers have gaps.
const WITHOUT_RUNS: u32 = 3;
/// The format of a manifest whose numbers have no gaps.
const WITHOUT_GAPS: u32 = 2;
pub(crate) const MANIFEST_MAGIC: &[u8; 8] = b"STRNDMAN";
/// Stands for where records begin while that is not known.
pub(super) const UNKNOWN: Sequence = Sequence::new(u64::MAX);
const ENTRY_BYTES: usize = SEGMENT_HEADER_BYTES as usize + 1 + POSITION_BYTES;
/// What is before the segments.
const HEAD_BYTES: usize = 65;

/// Which segments count, as the file `MANIFEST` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub(crate) identity: LogIdentity,
    pub(crate) number: u64,
    /// Removals of events before it have no record in the log; [`UNKNOWN`] in version 1, which knew
    /// none.
    pub(crate) unrecorded_before: Sequence,
    pub(crate) epoch: Epoch,
    /// Whether it is of a copy that was not opened to write yet: what is appended to one would have
    /// sequences that the log it was copied from gives to other events.
    pub(crate) is_copy: bool,
    /// Oldest first, never empty; all but the last are sealed.
    pub(crate) segments: Vec<SegmentInfo>,
    /// Up to where the frames of the active segment were durable when this was written, if that was
    /// known.
    pub(crate) synced: Option<LogPosition>,
}

impl Manifest {
    /// The identity of the log.
    #[must_use]
    pub const fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    /// Its number, one more each time that it is replaced.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Removals of events before this sequence may have no record in the log. `None` if it has no records
    /// yet: it was written by an earlier version, and by none since.
    #[must_use]
    pub const fn unrecorded_before(&self) -> Option<Sequence> {
        if self.unrecorded_before.get() == UNKNOWN.get() {
            return None;
        }
        Some(self.unrecorded_before)
    }

    /// Which course of the log this is of. A restore begins a new one, and so does whoever opens a copy
    /// to write.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether it is of a copy that was not opened to write since it was made.
    #[must_use]
    pub const fn is_copy(&self) -> bool {
        self.is_copy
    }

    /// The segments, oldest first; the last one is active, the others are sealed.
    #[must_use]
    pub fn segments(&self) -> &[SegmentInfo] {
        &self.segments
    }

    /// Up to where the frames of the active segment were durable when this was written, if that was known.
    #[must_use]
    pub const fn synced(&self) -> Option<&LogPosition> {
        self.synced.as_ref()
    }

    /// Where it lists a segment, if it does.
    pub(crate) fn find(&self, id: SegmentId) -> Option<usize> {
        SegmentInfo::find(&self.segments, id, |info| info)
    }

    /// Whether it lists a segment with this header: one that was rewritten since, or merged into another, it does not.
    /// O(log segments).
    #[must_use]
    pub fn lists(&self, header: &SegmentHeader) -> bool {
        self.segment(header.id)
            .is_some_and(|info| info.header == *header)
    }

    /// A segment that it lists.
    pub(crate) fn segment(&self, id: SegmentId) -> Option<&SegmentInfo> {
        self.segments.get(self.find(id)?)
    }

    /// The segment that has what the one with this number had: that one, or where it is not listed any more, the
    /// one that it was merged into.
    pub(crate) fn holder(&self, id: SegmentId) -> Option<&SegmentInfo> {
        let after = self.segments.partition_point(|info| info.id() <= id);
        let found = self.segments.get(after.checked_sub(1)?)?;
        // Whatever was merged into it, it was rewritten then.
        let may_hold = found.is_sealed() && found.header.rewritings() > 0;
        (found.id() == id || may_hold).then_some(found)
    }

    /// The segment into which the one with this number was merged, if it was: it is not listed, and later
    /// ones are.
    #[must_use]
    pub fn merged_into(&self, id: SegmentId) -> Option<&SegmentInfo> {
        self.holder(id).filter(|holder| holder.id() != id)
    }

    /// The manifest of the same log, were `last` its active segment: what follows that is left out. `None` if it
    /// is not listed.
    #[must_use]
    pub fn ending_in(&self, last: SegmentId) -> Option<Self> {
        let mut segments = self.segments.get(..=self.find(last)?)?.to_vec();
        let is_same = segments.len() == self.segments.len();
        if let Some(last) = segments.last_mut() {
            last.end = None;
        }
        Some(Self {
            identity: self.identity,
            number: self.number,
            unrecorded_before: self.unrecorded_before,
            epoch: self.epoch,
            is_copy: self.is_copy,
            segments,
            synced: self.synced.filter(|_| is_same),
        })
    }

    /// Whether numbers are left out between those of the segments.
    fn has_gaps(&self) -> bool {
        let mut pairs = self.segments.windows(2);
        pairs.any(|pair| match pair {
            [left, right] => left.id().next() != Some(right.id()),
            _ => false,
        })
    }

    /// The version that an earlier program can read which knows all that is in it.
    fn version(&self) -> u32 {
        // Earlier programs take what is left of merged segments for strays, and a checkpoint within one for
        // proof that the log lost its end; and runs for damage. They refuse a later version.
        let has_runs = self.segments.iter().any(|info| info.header.has_runs);
        match (has_runs, self.has_gaps()) {
            (true, _) => MANIFEST_VERSION,
            (false, true) => WITHOUT_RUNS,
            (false, false) => WITHOUT_GAPS,
        }
    }

    /// The manifest after this one, which says the same so far.
    pub(crate) fn next(&self) -> Self {
        Self {
            number: self.number.saturating_add(1),
            ..self.clone()
        }
    }

    /// The next manifest, in a new epoch.
    pub(crate) fn in_new_epoch(&self, random: &Random) -> Self {
        Self {
            epoch: Epoch::from_bytes(random.nonce().0),
            is_copy: false,
            ..self.next()
        }
    }

    /// Its bytes, as the file has them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.segments.len() * ENTRY_BYTES + 8);
        let mut out = Writer::new(&mut bytes);
        out.bytes(MANIFEST_MAGIC);
        out.u32(self.version());
        out.bytes(&self.identity);
        out.u64(self.number);
        out.u64(self.unrecorded_before.get());
        out.bytes(self.epoch.as_bytes());
        out.u8(u8::from(self.is_copy));
        out.u32(u32::try_from(self.segments.len()).unwrap_or(u32::MAX));
        for segment in &self.segments {
            bytes.extend_from_slice(&segment.header.bytes());
            match &segment.end {
                Some(end) => {
                    bytes.push(1);
                    end.encode(&mut bytes);
                }
                None => {
                    bytes.push(0);
                    match &self.synced {
                        Some(synced) => synced.encode(&mut bytes),
                        None => bytes.extend_from_slice(&[0; POSITION_BYTES]),
                    }
                }
            }
        }
        let checksum = Salt::NONE.checksum(0, &bytes);
        Writer::new(&mut bytes).u64(checksum.0);
        bytes
    }

    /// Reads and checks what [`encode`](Self::encode) wrote, in this version or an earlier one. Linear in the
    /// length of `bytes`.
    ///
    /// # Errors
    ///
    /// [`LogError::VersionUnsupported`] for a later version, [`LogError::Corrupt`] if they are damaged or their
    /// segments do not follow each other.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        let damaged = |reason: &str| LogError::corrupt(MANIFEST_FILE, 0, reason);
        let short =
            |error: DecodeError| LogError::corrupt(MANIFEST_FILE, error.offset as u64, error);
        let mut reader = Reader::new(bytes);
        if &reader.array::<8>("magic").map_err(short)? != MANIFEST_MAGIC {
            return Err(damaged("this is no manifest"));
        }
        let version = reader.u32("format version").map_err(short)?;
        if version > MANIFEST_VERSION {
            return Err(LogError::VersionUnsupported {
                file: MANIFEST_FILE.to_owned(),
                found: version,
                supported: MANIFEST_VERSION,
            });
        }
        let (covered, checksum) = bytes
            .split_last_chunk()
            .ok_or_else(|| damaged("it is cut short"))?;
        if Salt::NONE.checksum(0, covered).0 != u64::from_le_bytes(*checksum) {
            return Err(damaged("its checksum is wrong"));
        }
        let identity = reader.array("identity").map_err(short)?;
        let number = reader.u64("number").map_err(short)?;
        let (mut unrecorded_before, mut epoch, mut is_copy) = (UNKNOWN, identity, false);
        if version > 1 {
            unrecorded_before = Sequence::new(reader.u64("start of the records").map_err(short)?);
            epoch = reader.array("epoch").map_err(short)?;
            is_copy = reader.u8("copy").map_err(short)? == 1;
        }
        let count = reader.u32("segment count").map_err(short)?;
        if u64::from(count) * ENTRY_BYTES as u64 + 8 != reader.left() as u64 || count == 0 {
            return Err(damaged("its length does not fit its number of segments"));
        }
        // Not more than the bytes that are there.
        let mut segments = Vec::with_capacity(reader.left() / ENTRY_BYTES);
        let mut synced = None;
        for _ in 0..count {
            let (header, is_sealed, position) = Self::decode_entry(&mut reader)?;
            let end = is_sealed.then_some(position);
            // Frames end after a header, so a position of zeros is none.
            synced = (!is_sealed && position.offset > 0).then_some(position);
            segments.push(SegmentInfo { header, end });
        }
        let manifest = Self {
            identity,
            number,
            unrecorded_before,
            epoch: Epoch::from_bytes(epoch),
            is_copy,
            segments,
            synced,
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// The header of a segment, whether it is sealed, and the position after that.
    fn decode_entry(
        reader: &mut Reader<'_>,
    ) -> Result<(SegmentHeader, bool, LogPosition), LogError> {
        let short =
            |error: DecodeError| LogError::corrupt(MANIFEST_FILE, error.offset as u64, error);
        let header = reader
            .bytes("segment header", SEGMENT_HEADER_BYTES as usize)
            .map_err(short)?;
        let header = SegmentHeader::decode(MANIFEST_FILE, header)?;
        let sealed = reader.u8("sealed").map_err(short)?;
        let position = LogPosition::decode(reader).map_err(short)?;
        Ok((header, sealed == 1, position))
    }

    /// Checks that the segments follow each other.
    fn check(&self) -> Result<(), LogError> {
        let follows = self.segments.windows(2).all(|pair| match pair {
            [left, right] => left.end.is_some_and(|end| {
                left.header.id < right.header.id
                    && end.segment == left.header.id
                    && end.is_same_place(&right.start())
            }),
            _ => false,
        });
        let end_after_start = self.segments.iter().all(|info| {
            info.end
                .is_none_or(|end| end.sequence >= info.start().sequence)
        });
        let one_log = self
            .segments
            .iter()
            .all(|s| s.header.identity == self.identity);
        let last_is_active = self.segments.last().is_some_and(|last| last.end.is_none());
        let last = self.segments.last();
        let synced_is_of_last = self.synced.is_none_or(|synced| {
            last.is_some_and(|last| {
                last.id() == synced.segment && last.start().sequence <= synced.sequence
            })
        });
        if follows && end_after_start && one_log && last_is_active && synced_is_of_last {
            Ok(())
        } else {
            Err(LogError::corrupt(
                MANIFEST_FILE,
                0,
                "its segments do not follow each other",
            ))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use strandline_core::Hash;

    /// A log of sealed segments with these numbers and ends, and an active one of number `u32::MAX`.
    fn manifest(sealed: &[(u32, u64)]) -> Manifest {
        let mut first_sequence = Sequence::ZERO;
        let header = |id, first_sequence| SegmentHeader {
            identity: [3; 16],
            id: SegmentId::new(id),
            generation: 1,
            nonce: [4; 16],
            first_sequence,
            base_log_hash: Hash::ZERO,
            has_runs: false,
        };
        let mut segments = Vec::new();
        for (id, end) in sealed {
            let header = header(*id, first_sequence);
            first_sequence = Sequence::new(*end);
            let end = LogPosition {
                sequence: first_sequence,
                ..header.start()
            };
            segments.push(SegmentInfo {
                header,
                end: Some(end),
            });
        }
        segments.push(SegmentInfo {
            header: header(u32::MAX, first_sequence),
            end: None,
        });
        Manifest {
            identity: [3; 16],
            number: 9,
            unrecorded_before: Sequence::ZERO,
            epoch: Epoch::from_bytes([3; 16]),
            is_copy: false,
            segments,
            synced: None,
        }
    }

    #[test]
    fn segments_that_do_not_follow_are_refused_and_gaps_cost_nothing() {
        let decoded = |sealed: &[_]| Manifest::decode(&manifest(sealed).encode());
        for good in [
            &[][..],
            &[(1, 10)],
            &[(1, 10), (2, 10), (3, 12)],
            &[(0, 0), (7, 12), (u32::MAX - 1, 13)],
        ] {
            assert_eq!(decoded(good).unwrap(), manifest(good));
        }
        for bad in [
            &[(1, 10), (1, 12)][..],
            &[(2, 10), (1, 12)],
            &[(u32::MAX, 10)],
            // One that ends before it begins, and all that follow it agree.
            &[(1, 10), (2, 5)],
            &[(1, 10), (2, 5), (3, 12)],
        ] {
            assert!(decoded(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_was_merged_is_held_by_the_segment_before_the_gap() {
        let manifest = manifest(&[(2, 10), (7, 12)]);
        let held = |id| manifest.holder(SegmentId::new(id)).map(SegmentInfo::id);
        let of = |id| Some(SegmentId::new(id));
        let both = [1, 2, 6, 7, u32::MAX - 1, u32::MAX].map(held);
        assert_eq!(both, [None, of(2), of(2), of(7), of(7), of(u32::MAX)]);
    }

    #[test]
    fn what_went_on_is_the_next_manifest_and_can_be_taken_back() {
        let random = Random::from_seed(1);
        let place = |id: u32, offset| LogPosition {
            segment: SegmentId::new(id),
            offset,
            last_frame: 0,
            sequence: Sequence::new(u64::from(id)),
            log_hash: Hash::of(&[7]),
        };
        let first = SegmentHeader::after([3; 16], SegmentId::FIRST, &place(1, 128), &random);
        let mut manifest = Manifest {
            identity: [3; 16],
            number: 4,
            unrecorded_before: Sequence::new(0),
            epoch: Epoch::from_bytes([5; 16]),
            is_copy: false,
            segments: vec![SegmentInfo {
                header: first,
                end: None,
            }],
            synced: Some(place(1, 500)),
        };
        let before = manifest.clone();
        let end = place(1, 900);
        let next = SegmentHeader::after([3; 16], SegmentId::new(2), &end, &random);
        let went_on = manifest.go_on(
            end,
            SegmentInfo {
                header: next,
                end: None,
            },
        );
        assert_eq!(manifest.number, 5);
        assert_eq!(manifest.synced, None);
        let ends: Vec<_> = manifest.segments.iter().map(|info| info.end).collect();
        assert_eq!(ends, [Some(end), None]);
        assert_eq!(Manifest::decode(&manifest.encode()).unwrap(), manifest);
        manifest.take_back(went_on);
        assert_eq!(manifest, before);
    }
}
