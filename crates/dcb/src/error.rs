//! Errors of the store as those of the trait, each with the store's own words.

use std::io;
use strandline::{Error, ErrorKind};
use umadb_dcb::DcbError;

/// The error of the trait that tells callers the same.
pub(crate) fn of_store(error: &Error) -> DcbError {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::InvalidInput
        | ErrorKind::TooLarge
        | ErrorKind::Conflict
        | ErrorKind::KindConflict
        | ErrorKind::ReceiptMismatch
        | ErrorKind::ForeignToken
        | ErrorKind::ForeignPosition => DcbError::InvalidArgument(text),
        ErrorKind::ConditionFailed
        | ErrorKind::TrackingConflict
        | ErrorKind::WrongExpectedVersion => DcbError::IntegrityError(text),
        ErrorKind::Corrupt | ErrorKind::LogBehindCheckpoint => DcbError::Corruption(text),
        ErrorKind::Payload | ErrorKind::Redacted | ErrorKind::Sealed | ErrorKind::Forgotten => {
            DcbError::DeserializationError(text)
        }
        ErrorKind::Locked | ErrorKind::NotFound | ErrorKind::UnsupportedVersion => {
            DcbError::InitializationError(text)
        }
        ErrorKind::Io | ErrorKind::NotWritten => {
            io_error(error.io_kind().unwrap_or(io::ErrorKind::Other), text)
        }
        ErrorKind::ReadOnly => io_error(io::ErrorKind::PermissionDenied, text),
        ErrorKind::Busy => io_error(io::ErrorKind::WouldBlock, text),
        ErrorKind::Closed => io_error(io::ErrorKind::NotConnected, text),
        // The one failure after which events may be there.
        ErrorKind::Unknown => DcbError::Unknown(text),
        ErrorKind::Cancelled => DcbError::CancelledByUser(),
        // RefusedTime, Exhausted, Poisoned, LockLost, Fenced, NotReplicated, and what later versions add.
        _ => DcbError::InternalError(text),
    }
}

fn io_error(kind: io::ErrorKind, text: String) -> DcbError {
    DcbError::Io(io::Error::new(kind, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::discriminant;

    /// The table of the README.
    #[test]
    fn every_kind_has_its_error() {
        use ErrorKind as Kind;
        let text = String::new;
        let io = |kind: io::ErrorKind| DcbError::Io(kind.into());
        let invalid = DcbError::InvalidArgument(text());
        let integrity = DcbError::IntegrityError(text());
        let corruption = DcbError::Corruption(text());
        let internal = DcbError::InternalError(text());
        let opening = DcbError::InitializationError(text());
        let decoding = DcbError::DeserializationError(text());
        let unknown = DcbError::Unknown(text());
        let cancelled = DcbError::CancelledByUser();
        let other = io(io::ErrorKind::Other);
        let table: [(&DcbError, &[Kind]); 9] = [
            (
                &invalid,
                &[
                    Kind::InvalidInput,
                    Kind::TooLarge,
                    Kind::Conflict,
                    Kind::KindConflict,
                    Kind::ReceiptMismatch,
                    Kind::ForeignToken,
                    Kind::ForeignPosition,
                ],
            ),
            (
                &integrity,
                &[
                    Kind::ConditionFailed,
                    Kind::TrackingConflict,
                    Kind::WrongExpectedVersion,
                ],
            ),
            (&corruption, &[Kind::Corrupt, Kind::LogBehindCheckpoint]),
            (&decoding, &[Kind::Payload, Kind::Redacted]),
            (
                &opening,
                &[Kind::Locked, Kind::NotFound, Kind::UnsupportedVersion],
            ),
            (
                &other,
                &[
                    Kind::Io,
                    Kind::NotWritten,
                    Kind::ReadOnly,
                    Kind::Busy,
                    Kind::Closed,
                ],
            ),
            (&unknown, &[Kind::Unknown]),
            (&cancelled, &[Kind::Cancelled]),
            (
                &internal,
                &[
                    Kind::RefusedTime,
                    Kind::Exhausted,
                    Kind::Poisoned,
                    Kind::LockLost,
                    Kind::Fenced,
                    Kind::NotReplicated,
                ],
            ),
        ];
        for (expected, kinds) in table {
            for kind in kinds {
                let found = of_store(&Error::new(*kind, "why"));
                assert_eq!(discriminant(&found), discriminant(expected), "{kind:?}");
                let shown = found.to_string();
                assert!(shown.contains("why") || *kind == Kind::Cancelled, "{shown}");
            }
        }
        let read_only = of_store(&Error::new(Kind::ReadOnly, "why"));
        assert!(
            matches!(read_only, DcbError::Io(error) if error.kind() == io::ErrorKind::PermissionDenied)
        );
        let full = Error::new(Kind::NotWritten, "why")
            .with_source(io::Error::from(io::ErrorKind::StorageFull));
        assert!(
            matches!(of_store(&full), DcbError::Io(error) if error.kind() == io::ErrorKind::StorageFull)
        );
    }
}
