//! `NameList`: sorted names, read and searched where they are. What is named is not here.

use super::packed::Packed;
use super::section::ALIGNMENT;
use crate::model::BlockError;
use crate::search::partition;
use std::ops::Range;
use strandline_core::check_name;
use strandline_core::codec::{DecodeError, DecodeProblem};

/// Names in the order of their bytes.
#[derive(Clone, Copy)]
pub(crate) struct NameList<'a> {
    ends: Packed<'a>,
    names: &'a [u8],
    count: u32,
}

impl<'a> NameList<'a> {
    pub(crate) const fn new(ends: Packed<'a>, names: &'a [u8], count: u32) -> Self {
        Self { ends, names, count }
    }

    fn end(&self, at: usize) -> usize {
        let end = self.ends.get(at).unwrap_or(0);
        usize::try_from(end).unwrap_or(usize::MAX)
    }

    /// Where the name at `at` is; nowhere past the end.
    #[inline]
    pub(crate) fn range(&self, at: u32) -> Range<usize> {
        if at >= self.count {
            return usize::MAX..usize::MAX;
        }
        let at = at as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.end(before));
        start..self.end(at)
    }

    /// The name at a range that [`range`](Self::range) gave.
    #[inline]
    pub(crate) fn bytes_in(&self, range: Range<usize>) -> Option<&'a [u8]> {
        self.names.get(range)
    }

    fn bytes_at(&self, at: usize) -> &'a [u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.end(before));
        self.names.get(start..self.end(at)).unwrap_or_default()
    }

    /// The bytes of the name at `at`.
    #[inline]
    pub(crate) fn bytes(&self, at: u32) -> &'a [u8] {
        self.bytes_at(at as usize)
    }

    /// The name at `at`; empty past the end.
    pub(crate) fn get(&self, at: u32) -> &'a str {
        if at >= self.count {
            return "";
        }
        std::str::from_utf8(self.bytes_at(at as usize)).unwrap_or_default()
    }

    /// Where `name` is. O(log names).
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let at = self.partition(|bytes| bytes < name.as_bytes());
        (at < self.count && self.bytes_at(at as usize) == name.as_bytes()).then_some(at)
    }

    /// The names that start with `prefix`. O(log names).
    pub(crate) fn with_prefix(&self, prefix: &str) -> Range<u32> {
        let prefix = prefix.as_bytes();
        let start = self.partition(|bytes| bytes < prefix);
        let end = self.partition(|bytes| bytes < prefix || bytes.starts_with(prefix));
        start..end.max(start)
    }

    /// The first name after `name`. O(log names).
    pub(crate) fn after(&self, name: &str) -> u32 {
        self.partition(|bytes| bytes <= name.as_bytes())
    }

    fn partition(&self, before: impl Fn(&[u8]) -> bool) -> u32 {
        partition(self.count, |at| before(self.bytes_at(at)))
    }

    /// Checks that there are as many names as was said, allowed ones, strictly ascending.
    pub(crate) fn check(&self) -> Result<(), BlockError> {
        let invalid = |reason| {
            BlockError::Malformed(DecodeError {
                offset: 0,
                what: "names",
                problem: DecodeProblem::Invalid(reason),
            })
        };
        let mut before: &[u8] = &[];
        let mut start = 0;
        for at in 0..self.count as usize {
            let end = self.end(at);
            let bytes = self.names.get(start..end);
            let bytes = bytes.ok_or_else(|| invalid("not within their section"))?;
            if bytes <= before {
                return Err(invalid("not ascending"));
            }
            let name = std::str::from_utf8(bytes).map_err(|_| invalid("not UTF-8"))?;
            check_name("name", name)?;
            (before, start) = (bytes, end);
        }
        let rest = self.names.get(start..).unwrap_or_default();
        if rest.len() < ALIGNMENT && rest.iter().all(|byte| *byte == 0) {
            Ok(())
        } else {
            Err(invalid("not all of their section"))
        }
    }
}
