//! `Stretch`: the records of a frame that is not whole, with the numbers that they have in it.
//!
//! A record says how long it is, so one with other contents is stepped over. Where the length itself is
//! damaged, the next record is searched for; which number it has is told by those from there to the end.

use crate::FRAME_ALIGNMENT;
use crate::frame::{FRAME_HEADER_BYTES, Frame, RECORD_HEADER_BYTES, RecordRef};

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
pub(crate) struct Stretch<'f, 'a> {
    frame: &'f Frame<'a>,
    /// How many records there were, if that is known.
    count: Option<u64>,
    number: u64,
    offset: usize,
    /// How many bytes may be hashed yet to find a record.
    budget: usize,
    is_over: bool,
}

/// Where the records go on after one that is not right.
struct Resumed {
    offset: usize,
    /// How many are stepped over, if that is known.
    count: Option<u64>,
}

impl<'f, 'a> Stretch<'f, 'a> {
    pub(crate) const fn new(frame: &'f Frame<'a>, count: Option<u64>) -> Self {
        Self {
            frame,
            count,
            number: 0,
            offset: FRAME_HEADER_BYTES,
            budget: frame.bytes().len().saturating_mul(SEARCHES_MAX),
            is_over: false,
        }
    }

    /// The next record, or those that are lost before it.
    pub(crate) fn next(&mut self) -> Option<Found<'a>> {
        let left = self.count.unwrap_or(u64::MAX).saturating_sub(self.number);
        if self.is_over || left == 0 {
            return None;
        }
        let (number, offset) = (self.number, self.offset);
        let reason = match self.frame.record_at(offset) {
            Ok((record, _)) => {
                self.number += 1;
                self.offset += record.bytes();
                return Some(Found::Record {
                    number,
                    offset,
                    record,
                });
            }
            Err(reason) => reason,
        };
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
                Some(_) if is_last && count < left => {
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
    fn by_lengths(&self, left: u64) -> Option<(usize, u64)> {
        let mut offset = self.offset;
        for count in 1..=left {
            offset = offset.checked_add(self.claimed(offset)?)?;
            let is_there = self.frame.record_at(offset).is_ok();
            let is_end = self.is_end(offset) && (self.count.is_none() || count == left);
            if is_there || is_end {
                return Some((offset, count));
            }
        }
        None
    }

    /// The length that the record at an offset claims, if the frame is as long.
    fn claimed(&self, offset: usize) -> Option<usize> {
        let bytes = self.frame.bytes().get(offset..)?;
        let claimed = usize::try_from(RecordRef::claimed_bytes(bytes)?).ok()?;
        (claimed <= bytes.len()).then_some(claimed)
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
        while let Ok((record, _)) = self.frame.record_at(offset) {
            offset += record.bytes();
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
