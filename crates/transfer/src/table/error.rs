//! `ParquetError`: what is wrong with a file that is to be imported.

use std::io;

/// What is wrong with a file of Parquet that is to be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParquetError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file is damaged, or none of Parquet, or has something in it that is not read.
    #[error("it is no file of Parquet that can be read: {reason}")]
    Damaged {
        /// What does not fit.
        reason: String,
    },
    /// A column is missing without which a row is no event.
    #[error("the column `{name}` is missing; an event has `entity` and `scope`")]
    MissingColumn {
        /// Its name.
        name: &'static str,
    },
    /// A column is none of an event.
    #[error("the column `{name}` is none of an event: leave it out, or give it the name of one")]
    UnknownColumn {
        /// Its name.
        name: String,
    },
    /// A column is of another type than it should, or there twice.
    #[error("the column `{name}` has {found}, or comes twice; it is to have {expected}")]
    ColumnType {
        /// Its name.
        name: String,
        /// What it should have.
        expected: &'static str,
        /// What it has.
        found: String,
    },
    /// Something in the file would take more memory than it may.
    #[error(
        "{what} is {size}, the limit is {most}; write the file anew with smaller row groups or pages"
    )]
    TooLarge {
        /// What.
        what: &'static str,
        /// How much it is.
        size: u64,
        /// How much it may be.
        most: u64,
    },
    /// A value is none that its column has.
    #[error("column `{column}`: {reason}")]
    Value {
        /// The name of the column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl ParquetError {
    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged {
            reason: reason.into(),
        }
    }

    pub(super) fn value(column: &'static str, reason: impl Into<String>) -> Self {
        Self::Value {
            column,
            reason: reason.into(),
        }
    }
}

impl From<parquet::errors::ParquetError> for ParquetError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::damaged(error.to_string())
    }
}

/// What a reader of lines is told.
impl From<ParquetError> for io::Error {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}
