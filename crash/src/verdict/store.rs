//! What a store says of itself: that it is whole, or that what is on the disk cannot be believed.

use super::violation::Violation;
use strandline::{Error, ErrorKind, Store};

/// Whether an error says that what is on the disk cannot be believed.
pub(crate) fn is_typed(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Corrupt
            | ErrorKind::LogBehindCheckpoint
            | ErrorKind::UnsupportedVersion
            | ErrorKind::NotFound
    )
}

/// Checks every checksum and chain of a store.
pub(crate) fn expect_whole(store: &Store) -> Result<(), Violation> {
    match store.verify() {
        Ok(report) if report.is_intact() => Ok(()),
        Ok(report) => {
            let first = report.problems.first().map(ToString::to_string);
            Err(Violation::new(format!("verification finds {first:?}")))
        }
        Err(error) => Err(Violation::new(format!("verification fails: {error:?}"))),
    }
}
