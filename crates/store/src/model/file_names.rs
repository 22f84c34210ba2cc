//! Names in and beside the directory of a store. Others may be anybody's: `model.ckpt`, say.

use std::fmt;
use strandline_segment::{MANIFEST_FILE, SegmentId};

const INDEX_PREFIX: &str = "index-";
const INDEX_SUFFIX: &str = ".idx";
const DIGITS: usize = 10;

/// The file whose lock the writing process holds; it stays where it is.
pub(crate) const LOCK_FILE: &str = "LOCK";
/// The file that a copy has while it is not in its place.
pub(crate) const MARKER: &str = "RESTORING";
/// The name of a copy that is made within its target.
pub(crate) const STAGING_WITHIN: &str = ".restoring";
/// What follows the name of the target in that of a copy beside it, before a number.
pub(crate) const STAGING_BESIDE: &str = ".restoring-";

/// Whether a directory has the name of a copy that a restore makes, in its target or beside it.
pub(crate) fn is_staging(name: &str) -> bool {
    let beside = name.rsplit_once(STAGING_BESIDE);
    let is_number = |digits: &str| digits.parse::<u32>().is_ok();
    name == STAGING_WITHIN || beside.is_some_and(|(_, digits)| is_number(digits))
}

/// Whether a file of that name may be a store's.
pub(crate) fn is_of_store(name: &str) -> bool {
    [LOCK_FILE, MANIFEST_FILE].contains(&name) || is_of_log(name)
}

/// Whether a file has a name that nothing but a segment has, or what is made from the log beside the
/// segments: a checkpoint, and a merged file of the index. The one list of these.
pub(crate) fn is_of_log(name: &str) -> bool {
    SegmentId::parse_file_name(name).is_some()
        || strandline_checkpoint::is_file_name(name)
        || IndexFileName::parse(name).is_some()
}

/// The name of a merged file of the index: `index-`, the numbers of the first and the last segment that
/// it was made of, and a generation that no earlier file of these has, ten digits each, `.idx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IndexFileName {
    pub(crate) first: SegmentId,
    pub(crate) last: SegmentId,
    pub(crate) generation: u32,
}

impl IndexFileName {
    /// The name in a file's name, written in the one way that there is.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let numbers = name
            .strip_prefix(INDEX_PREFIX)?
            .strip_suffix(INDEX_SUFFIX)?;
        let mut numbers = numbers.split('-').map(|digits| {
            let is_number = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| is_number)
        });
        let (first, last, generation) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let is_one = numbers.next().is_none() && first <= last;
        is_one.then(|| Self {
            first: SegmentId::new(first),
            last: SegmentId::new(last),
            generation,
        })
    }
}

impl fmt::Display for IndexFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first.get(), self.last.get());
        let generation = self.generation;
        write!(
            f,
            "{INDEX_PREFIX}{first:010}-{last:010}-{generation:010}{INDEX_SUFFIX}"
        )
    }
}

#[cfg(all(test, not(strandline_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_in_no_other_way() {
        let name = IndexFileName {
            first: SegmentId::new(7),
            last: SegmentId::new(u32::MAX),
            generation: 3,
        };
        let text = name.to_string();
        assert_eq!(text, "index-0000000007-4294967295-0000000003.idx");
        assert_eq!(IndexFileName::parse(&text), Some(name));
        assert!(is_of_log(&text));
        for other in [
            "index-7-8-1.idx",
            "index-0000000008-0000000007-0000000001.idx",
            "index-0000000007-4294967296-0000000003.idx",
            "index-0000000007-0000000008-0000000003-0000000004.idx",
            "index-0000000007-0000000008.idx",
            "index-+000000007-0000000008-0000000001.idx",
            "index-0000000007-0000000008-0000000001.idx.tmp",
            "index.idx",
        ] {
            assert_eq!(IndexFileName::parse(other), None, "{other}");
            assert!(!is_of_log(other));
        }
    }
}
