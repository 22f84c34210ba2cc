//! `Stretch`: the records of a frame that is not whole, with the numbers that they have in it.
//!
//! A record says how long it is, so one with other contents is stepped over. Where the length itself is
//! damaged, the next record is searched for; which number it has is told by those from there to the end.
//! Bytes without a right header may be several frames, whose records follow each other all the same.

use crate::format::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, MAGIC, RECORD_HEADER_BYTES, RecordRef,
};
use strandline_core::{note_digest, run_digest};

/// Where a frame's header has its first sequence.
const SEQUENCE_AT: usize = 8;

/// How many times the bytes of a frame are hashed at most in the search for records.
const SEARCHES_MAX: usize = 64;

/// What is found of the records.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// One that is right.
    Record {
        number: u64,
        offset: usize,
        record: RecordRef<'a>,
    },
    /// Some that are not, the first of them at the offset.
    Broken {
        number: u64,
        count: u64,
        offset: usize,
        reason: &'static str,
    },
}

/// Goes through the records of a frame.
#[derive(Debug)]
pub(super) struct Stretch<'f, 'a> {
    frame: &'f Frame<'a>,
    /// How many records there were, if that is known.
    count: Option<u64>,
    number: u64,
    offset: usize,
    /// How many bytes may be hashed yet to find a record.
    budget: usize,
    /// Whether the bytes are one frame, whose header is right.
    is_framed: bool,
    is_over: bool,
}

/// Where the records go on after one that is not right.
struct Resumed {
    offset: usize,
    /// How many are stepped over, if that is known.
    count: Option<u64>,
}

impl<'f, 'a> Stretch<'f, 'a> {
    /// Of a frame whose header is right, which gives the count; or of bytes that begin with one that is not.
    pub(crate) const fn new(frame: &'f Frame<'a>, count: Option<u64>, is_framed: bool) -> Self {
        Self {
            frame,
            count,
            number: 0,
            offset: FRAME_HEADER_BYTES,
            budget: frame.bytes().len().saturating_mul(SEARCHES_MAX),
            is_framed,
            is_over: false,
        }
    }

    /// The next record, or those that are lost before it.
    pub(crate) fn next(&mut self) -> Option<Found<'a>> {
        loop {
            match self.step()? {
                // Nothing was lost but a header.
                Found::Broken { count: 0, .. } => {}
                found => return Some(found),
            }
        }
    }

    fn step(&mut self) -> Option<Found<'a>> {
        let left = self.count.unwrap_or(u64::MAX).saturating_sub(self.number);
        if self.is_over || left == 0 {
            return None;
        }
        let number = self.number;
        let (offset, reason) = match self.record_from(self.offset, Some(number)) {
            Ok((offset, record)) => {
                self.number += 1;
                self.offset = offset + record.bytes();
                return Some(Found::Record {
                    number,
                    offset,
                    record,
                });
            }
            Err(found) => found,
        };
        self.offset = offset;
        let resumed = self.resume(left);
        let count = resumed.as_ref().map_or(Some(left), |resumed| resumed.count);
        // With neither, nothing says what the records are that come after.
        let count = count.filter(|count| self.count.is_some() || *count < left);
        let Some(count) = count else {
            self.is_over = true;
            return None;
        };
        match resumed {
            Some(Resumed { offset, .. }) => self.offset = offset,
            None => self.is_over = true,
        }
        self.number += count;
        Some(Found::Broken {
            number,
            count,
            offset,
            reason,
        })
    }

    /// The record at an offset, past what may stand between frames there, and where it begins; `number` is
    /// its own, if that is known. Or where it should, and why it is none.
    fn record_from(
        &self,
        mut offset: usize,
        number: Option<u64>,
    ) -> Result<(usize, RecordRef<'a>), (usize, &'static str)> {
        let mut is_first = offset == FRAME_HEADER_BYTES;
        loop {
            match self.frame.record_at(offset) {
                // A note has no number, nor what a run says of itself.
                Ok((record, _)) if self.is_note(&record) => {
                    offset += record.bytes();
                    is_first = false;
                }
                Ok((record, _)) => return Ok((offset, record)),
                Err(reason) => match self.past_header(offset, number) {
                    Some(after) if !is_first => {
                        offset = after;
                        is_first = true;
                    }
                    _ => return Err((offset, reason)),
                },
            }
        }
    }

    fn is_note(&self, record: &RecordRef<'_>) -> bool {
        !self.is_framed
            && (record.digest == note_digest(record.body)
                || record.digest == run_digest(record.body))
    }

    /// Where the first record of a frame begins whose header follows at an offset and is not right, if
    /// enough of it is left to tell: its magic, or the sequence of the record with the number.
    fn past_header(&self, offset: usize, number: Option<u64>) -> Option<usize> {
        if self.is_framed {
            return None;
        }
        let start = offset.next_multiple_of(FRAME_ALIGNMENT as usize);
        let after = start.checked_add(FRAME_HEADER_BYTES)?;
        let padding = self.frame.bytes().get(offset..start)?;
        let header = self.frame.bytes().get(start..after)?;
        let sequence = number.and_then(|number| self.frame.first_sequence().checked_add(number));
        let has_sequence = |of: strandline_core::Sequence| {
            let rest = header.get(SEQUENCE_AT..).unwrap_or_default();
            rest.starts_with(&of.get().to_le_bytes())
        };
        let is_one = header.starts_with(&MAGIC) || sequence.is_some_and(has_sequence);
        (is_one && padding.iter().all(|byte| *byte == 0)).then_some(after)
    }

    /// Where the records go on after the one at the offset, of which `left` are to come.
    fn resume(&mut self, left: u64) -> Option<Resumed> {
        if let Some((offset, count)) = self.by_lengths(left) {
            return Some(Resumed {
                offset,
                count: Some(count),
            });
        }
        let mut from = self.offset + 1;
        while let Some(offset) = self.search(from) {
            let (end, count) = self.run_from(offset);
            let is_last = self.is_end(end);
            match self.count {
                Some(_) if is_last && count <= left => {
                    return Some(Resumed {
                        offset,
                        count: Some(left - count),
                    });
                }
                _ => from = end.max(offset + 1),
            }
        }
        None
    }

    /// Follows the lengths that records claim up to one that is right, or to the end.
    fn by_lengths(&mut self, left: u64) -> Option<(usize, u64)> {
        let mut offset = self.offset;
        for count in 1..=left {
            offset = offset.checked_add(self.claimed(offset)?)?;
            if let Some(offset) = self.record_after(offset, self.number.checked_add(count)) {
                return self.lost_before(offset, left, count);
            }
            let is_end = self.is_end(offset) && (self.count.is_none() || count == left);
            if is_end {
                return Some((offset, count));
            }
        }
        None
    }

    /// Where the record begins that lengths lead to. What stands between frames may be looked through from
    /// many places, so that is paid for.
    fn record_after(&mut self, offset: usize, number: Option<u64>) -> Option<usize> {
        if self.budget == 0 || self.past_header(offset, number).is_none() {
            return self.frame.record_at(offset).is_ok().then_some(offset);
        }
        let found = self.record_from(offset, number);
        let (Ok((end, _)) | Err((end, _))) = found;
        let looked_at = (end - offset).saturating_add(self.claimed(end).unwrap_or(0));
        self.budget = self.budget.saturating_sub(looked_at);
        found.ok().map(|(begin, _)| begin)
    }

    /// How many of the records that are left come before the one at an offset: what those from there to the
    /// end leave, if nothing is wrong with them, or else as many as lengths led past.
    fn lost_before(&self, offset: usize, left: u64, past: u64) -> Option<(usize, u64)> {
        let (end, count) = self.run_from(offset);
        let lost = match self.count.is_some() && self.is_end(end) {
            true => left.checked_sub(count)?,
            false => past,
        };
        Some((offset, lost))
    }

    /// The length that the record at an offset claims, if the frame is as long. Zeros claim none.
    fn claimed(&self, offset: usize) -> Option<usize> {
        let bytes = self.frame.bytes().get(offset..)?;
        let claimed = usize::try_from(RecordRef::claimed_bytes(bytes)?).ok()?;
        (claimed > RECORD_HEADER_BYTES && claimed <= bytes.len()).then_some(claimed)
    }

    /// The next record that is right from an offset on, at any byte.
    fn search(&mut self, from: usize) -> Option<usize> {
        let last = self.frame.bytes().len().checked_sub(RECORD_HEADER_BYTES)?;
        (from..=last).find(|offset| {
            let Some(claimed) = self.claimed(*offset).filter(|bytes| *bytes <= self.budget) else {
                return false;
            };
            self.budget -= claimed;
            self.frame.record_at(*offset).is_ok()
        })
    }

    /// Where the records that are right end which begin at an offset, and how many they are.
    fn run_from(&self, mut offset: usize) -> (usize, u64) {
        let mut count = 0;
        while let Ok((begin, record)) = self.record_from(offset, None) {
            offset = begin + record.bytes();
            count += 1;
        }
        (offset, count)
    }

    /// Whether nothing but padding comes from an offset on.
    fn is_end(&self, offset: usize) -> bool {
        let rest = self.frame.bytes().get(offset..);
        rest.is_some_and(|rest| {
            rest.len() < FRAME_ALIGNMENT as usize && rest.iter().all(|byte| *byte == 0)
        })
    }
}
