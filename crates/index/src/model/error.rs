//! Why the index refuses a row, and why it refuses a block. Nothing is refused here.

use std::fmt;
use strandline_core::codec::DecodeError;
use strandline_core::{Checksum, EventId, NameError, Sequence};

/// Why a row, a name or a reservation was refused. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Sequences stay below 2^63.
    #[error("no {requested} sequences are left after {allocated}")]
    SequencesExhausted {
        /// How many were asked for.
        requested: u64,
        /// Sequences assigned so far.
        allocated: Sequence,
    },
    /// Row numbers have 32 bits.
    #[error("no room for {requested} more rows after {rows}")]
    RowsExhausted {
        /// How many were asked for.
        requested: usize,
        /// Rows inserted so far.
        rows: u32,
    },
    /// Numbers of names have 31 bits.
    #[error("an index holds at most 2^31 names of a sort")]
    NamesExhausted,
    /// The coordinate was never interned in this index.
    #[error("coordinate {coordinate} was not interned in this index")]
    UnknownCoordinate {
        /// Number of the coordinate.
        coordinate: u32,
    },
    /// Sequences of rows strictly ascend, and what is visible never changes.
    #[error("sequence {sequence} is below {least}, the least that can be inserted")]
    SequenceOutOfOrder {
        /// Sequence of the refused row.
        sequence: Sequence,
        /// The least that would be accepted.
        least: Sequence,
    },
    /// The sequence was not reserved.
    #[error("sequence {sequence} was not reserved; {allocated} are")]
    SequenceNotReserved {
        /// Sequence of the refused row.
        sequence: Sequence,
        /// Sequences assigned so far.
        allocated: Sequence,
    },
    /// Another row has this id.
    #[error("event {id} is in the index already, with sequence {sequence}")]
    DuplicateId {
        /// The id.
        id: EventId,
        /// Sequence of the row that has it.
        sequence: Sequence,
    },
    /// Only rows that are visible can be sealed.
    #[error("rows up to {end} are to be sealed, and only those below {visible} are visible")]
    NotVisible {
        /// The sequence after the last row.
        end: Sequence,
        /// The watermark.
        visible: Sequence,
    },
    /// Clocks of an entity strictly ascend.
    #[error("clock {clock} is not after {head}, the newest of the entity")]
    ClockNotAfterHead {
        /// Clock of the refused row.
        clock: u32,
        /// Clock of the newest row of the entity.
        head: u32,
    },
}

/// Why a block was refused. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockError {
    /// The bytes do not begin as a block does.
    NotABlock {
        /// The first four bytes, as a little-endian number.
        found: u32,
    },
    /// The block has a version that this code does not read.
    UnsupportedVersion {
        /// Version of the block.
        found: u16,
    },
    /// The bytes were changed or cut short.
    ChecksumMismatch {
        /// Checksum of the bytes.
        expected: Checksum,
        /// Checksum that the block holds.
        found: Checksum,
    },
    /// A part is cut short or out of range.
    Malformed(DecodeError),
    /// A name breaks the rules of names.
    Name(NameError),
    /// The block cannot follow the rows that are there.
    Row(IndexError),
    /// No sealed rows are exactly those of the block.
    OtherRows {
        /// The first sequence of the block.
        first: Sequence,
        /// The sequence after its last.
        end: Sequence,
    },
    /// A block numbers rows, and rows by tag, with 32 bits.
    TooManyRows {
        /// How many there are.
        rows: u64,
    },
    /// The block was damaged, and could not be made anew.
    Lost {
        /// What was damaged, and why it stays so.
        reason: String,
        /// The first sequence of the block.
        first: Sequence,
        /// The sequence after its last.
        end: Sequence,
    },
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotABlock { found } => write!(f, "{found:#010x} is not the start of a block"),
            Self::UnsupportedVersion { found } => {
                write!(f, "block version {found} is not supported")
            }
            Self::ChecksumMismatch { expected, found } => {
                write!(
                    f,
                    "the block has checksum {found}, its bytes have {expected}"
                )
            }
            Self::Malformed(_) => f.write_str("the block is malformed"),
            Self::Name(_) => f.write_str("the block holds a name that is not allowed"),
            Self::Row(_) => f.write_str("the block cannot follow the rows that are there"),
            Self::OtherRows { first, end } => write!(
                f,
                "the sealed rows are not those of the block, which has the sequences from {first} \
                 to below {end}"
            ),
            Self::TooManyRows { rows } => {
                write!(f, "{rows} rows are more than a block can number")
            }
            Self::Lost { reason, first, end } => write!(
                f,
                "the block of the sequences from {first} to below {end} is damaged: {reason}"
            ),
        }
    }
}

impl std::error::Error for BlockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotABlock { .. }
            | Self::UnsupportedVersion { .. }
            | Self::ChecksumMismatch { .. }
            | Self::OtherRows { .. }
            | Self::TooManyRows { .. }
            | Self::Lost { .. } => None,
            Self::Malformed(error) => Some(error),
            Self::Name(error) => Some(error),
            Self::Row(error) => Some(error),
        }
    }
}

impl From<DecodeError> for BlockError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<NameError> for BlockError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

impl From<IndexError> for BlockError {
    fn from(error: IndexError) -> Self {
        Self::Row(error)
    }
}
