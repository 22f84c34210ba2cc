//! `MergeSink`: where the bytes of a merged block go, in memory or against other bytes; and why a merge
//! ends early. A file is somebody else's.

use crate::model::BlockError;
use std::fmt;
use std::io;

/// Takes the bytes of a merged block: room for the header is left, the sections follow in order, and
/// the header comes last.
pub trait MergeSink {
    /// Leaves room for a header of `bytes` bytes before everything. Called once, first.
    ///
    /// # Errors
    ///
    /// Any error ends the merge.
    fn begin(&mut self, bytes: usize) -> io::Result<()>;

    /// Takes the next bytes, 64 KiB at most.
    ///
    /// # Errors
    ///
    /// Any error ends the merge.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Takes the header, which has its place before everything else. Called once, last.
    ///
    /// # Errors
    ///
    /// Any error ends the merge.
    fn write_header_at_start(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A block in memory.
impl MergeSink for Vec<u8> {
    fn begin(&mut self, bytes: usize) -> io::Result<()> {
        self.clear();
        self.resize(bytes, 0);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn write_header_at_start(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(header) = self.get_mut(..bytes.len()) {
            header.copy_from_slice(bytes);
        }
        Ok(())
    }
}

/// Compares a merged block with bytes that should be it, and keeps none of its own.
#[derive(Debug)]
pub struct ComparingSink<'b> {
    expected: &'b [u8],
    at: usize,
    /// The first byte that is another one.
    difference: Option<usize>,
}

impl<'b> ComparingSink<'b> {
    /// Against `expected`, which may be anything.
    #[must_use]
    pub const fn new(expected: &'b [u8]) -> Self {
        Self {
            expected,
            at: 0,
            difference: None,
        }
    }

    /// Where the first byte is that is another one or missing, once a merge is done; none if all are the
    /// same.
    #[must_use]
    pub fn difference(&self) -> Option<usize> {
        let left_over = (self.at < self.expected.len()).then_some(self.at);
        self.difference.or(left_over)
    }

    fn compare(&mut self, start: usize, bytes: &[u8]) {
        let other = self.expected.get(start..).unwrap_or_default();
        let other = other.get(..bytes.len()).unwrap_or(other);
        if other == bytes {
            return;
        }
        let same = bytes.iter().zip(other).take_while(|(one, two)| one == two);
        let first = start + same.count();
        self.difference = Some(self.difference.map_or(first, |known| known.min(first)));
    }
}

impl MergeSink for ComparingSink<'_> {
    fn begin(&mut self, bytes: usize) -> io::Result<()> {
        (self.at, self.difference) = (bytes, None);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.compare(self.at, bytes);
        self.at += bytes.len();
        Ok(())
    }

    fn write_header_at_start(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.compare(0, bytes);
        Ok(())
    }
}

/// Why a merge ended early. What was written until then is no block.
#[derive(Debug)]
#[non_exhaustive]
pub enum MergeError {
    /// It was told to stop.
    Cancelled,
    /// A block cannot be read or made: one is damaged, or there would be too many rows.
    Block(BlockError),
    /// What was given is not rows that follow each other, of at most 64 blocks.
    Parts,
    /// A block is intact and says of one thing two.
    Contradiction {
        /// What there are more or fewer of than there should be.
        what: &'static str,
    },
    /// The bytes could not be written.
    Io(io::Error),
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the merge was cancelled"),
            Self::Block(_) => f.write_str("a block cannot be merged"),
            Self::Parts => {
                f.write_str("what is to be merged is not rows of at most 64 blocks, in order")
            }
            Self::Contradiction { what } => {
                write!(f, "a block contradicts itself: another number of {what}")
            }
            Self::Io(_) => f.write_str("a merged block cannot be written"),
        }
    }
}

impl std::error::Error for MergeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Cancelled | Self::Parts | Self::Contradiction { .. } => None,
            Self::Block(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<BlockError> for MergeError {
    fn from(error: BlockError) -> Self {
        Self::Block(error)
    }
}

impl From<io::Error> for MergeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
