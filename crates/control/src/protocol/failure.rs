//! `Failure`: an error of a store as it is said, with its kind and text, and made an error again.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use strandline::{Error, ErrorKind};

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// The name of an [`ErrorKind`].
    pub(crate) kind: String,
    /// What an [`Error`] says.
    pub(crate) message: String,
    /// What the system refused by, where that says what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) io: Option<String>,
}

/// The kinds by their names.
const KINDS: &[(&str, ErrorKind)] = &[
    ("InvalidInput", ErrorKind::InvalidInput),
    ("TooLarge", ErrorKind::TooLarge),
    ("Conflict", ErrorKind::Conflict),
    ("KindConflict", ErrorKind::KindConflict),
    ("WrongExpectedVersion", ErrorKind::WrongExpectedVersion),
    ("ConditionFailed", ErrorKind::ConditionFailed),
    ("TrackingConflict", ErrorKind::TrackingConflict),
    ("RefusedTime", ErrorKind::RefusedTime),
    ("ReceiptMismatch", ErrorKind::ReceiptMismatch),
    ("ForeignToken", ErrorKind::ForeignToken),
    ("ForeignHead", ErrorKind::ForeignHead),
    ("ForeignPosition", ErrorKind::ForeignPosition),
    ("Exhausted", ErrorKind::Exhausted),
    ("Locked", ErrorKind::Locked),
    ("NotFound", ErrorKind::NotFound),
    ("ReadOnly", ErrorKind::ReadOnly),
    ("Closed", ErrorKind::Closed),
    ("Busy", ErrorKind::Busy),
    ("NotWritten", ErrorKind::NotWritten),
    ("Unknown", ErrorKind::Unknown),
    ("Poisoned", ErrorKind::Poisoned),
    ("LockLost", ErrorKind::LockLost),
    ("Fenced", ErrorKind::Fenced),
    ("NotReplicated", ErrorKind::NotReplicated),
    ("Corrupt", ErrorKind::Corrupt),
    ("LogBehindCheckpoint", ErrorKind::LogBehindCheckpoint),
    ("UnsupportedVersion", ErrorKind::UnsupportedVersion),
    ("Payload", ErrorKind::Payload),
    ("Redacted", ErrorKind::Redacted),
    ("Sealed", ErrorKind::Sealed),
    ("Forgotten", ErrorKind::Forgotten),
    ("NoDigest", ErrorKind::NoDigest),
    ("Io", ErrorKind::Io),
    ("Cancelled", ErrorKind::Cancelled),
];

/// What of the system's refusals says what to do, by name.
const REFUSALS: &[(&str, io::ErrorKind, rustix::io::Errno)] = &[
    (
        "StorageFull",
        io::ErrorKind::StorageFull,
        rustix::io::Errno::NOSPC,
    ),
    (
        "QuotaExceeded",
        io::ErrorKind::QuotaExceeded,
        rustix::io::Errno::DQUOT,
    ),
    (
        "ReadOnlyFilesystem",
        io::ErrorKind::ReadOnlyFilesystem,
        rustix::io::Errno::ROFS,
    ),
    (
        "PermissionDenied",
        io::ErrorKind::PermissionDenied,
        rustix::io::Errno::ACCESS,
    ),
];

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let refused = error.io_kind();
        let refused = REFUSALS.iter().find(|(_, kind, _)| Some(*kind) == refused);
        Self {
            kind: format!("{:?}", error.kind()),
            message: error.to_string(),
            io: refused.map(|(name, ..)| (*name).to_owned()),
        }
    }
}

impl Failure {
    /// The error that was said. Of a kind that this program does not know nothing is concluded: it is
    /// [`ErrorKind::Unknown`].
    pub(crate) fn error(self) -> Error {
        let kind = KINDS.iter().find(|(name, _)| *name == self.kind);
        let Some((_, kind)) = kind else {
            let (kind, message) = (self.kind, self.message);
            return Error::new(ErrorKind::Unknown, format!("{message} ({kind})"));
        };
        let refused = REFUSALS
            .iter()
            .find(|(name, ..)| self.io.as_deref() == Some(name));
        // What the system said stands last in the message.
        match (refused, self.message.rsplit_once(": ")) {
            (Some((.., errno)), Some((message, said))) => {
                Error::new(*kind, message).with_source(SaidBySystem {
                    text: said.to_owned(),
                    error: (*errno).into(),
                })
            }
            _ => Error::new(*kind, self.message),
        }
    }
}

/// What a system said, elsewhere: the text of then, and the error by which programs know it.
#[derive(Debug)]
struct SaidBySystem {
    text: String,
    error: io::Error,
}

impl fmt::Display for SaidBySystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SaidBySystem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &Error) -> Error {
        let json = serde_json::to_string(&Failure::from(error)).unwrap();
        let told = serde_json::from_str::<Failure>(&json).unwrap().error();
        assert_eq!(told.kind(), error.kind(), "{json}");
        assert_eq!(told.to_string(), error.to_string(), "{json}");
        assert_eq!(told.io_kind(), error.io_kind(), "{json}");
        told
    }

    #[test]
    fn every_kind_has_its_name() {
        for (name, kind) in KINDS {
            assert_eq!(format!("{kind:?}"), *name);
            check(&Error::new(*kind, "said: so"));
        }
    }

    /// A kind that is added to the store and not to the list would be `Unknown` over the socket.
    #[test]
    fn no_kind_of_the_store_is_left_out() {
        let source = include_str!("../../../store/src/model/error.rs");
        let (_, variants) = source.split_once("pub enum ErrorKind {").unwrap();
        let (variants, _) = variants.split_once("\n}").unwrap();
        let variants = variants.lines().map(str::trim);
        let mut count = 0;
        for variant in variants.filter(|line| !line.is_empty() && !line.starts_with("//")) {
            let name = variant.trim_end_matches(',');
            assert!(KINDS.iter().any(|(known, _)| *known == name), "{name}");
            count += 1;
        }
        assert_eq!(count, KINDS.len());
    }

    #[test]
    fn what_the_system_said_arrives_once() {
        for (_, _, errno) in REFUSALS {
            let error = Error::new(ErrorKind::NotWritten, "cannot write segment 7");
            let told = check(&error.with_source(io::Error::from(*errno)));
            let mut causes = vec![told.to_string()];
            let mut cause = std::error::Error::source(&told);
            while let Some(error) = cause {
                causes.push(error.to_string());
                cause = error.source();
            }
            // As `strandline` tells them: each that the text before does not end in.
            assert!(
                causes.windows(2).all(|two| two[0].ends_with(&two[1])),
                "{causes:?}"
            );
        }
        let full = Error::new(ErrorKind::NotWritten, "no")
            .with_source(io::Error::from(rustix::io::Errno::NOSPC));
        assert!(check(&full).is_of_full_disk());
    }

    #[test]
    fn a_kind_of_a_later_version_is_unknown() {
        let failure = Failure {
            kind: "Tired".to_owned(),
            message: "later".to_owned(),
            io: None,
        };
        let error = failure.error();
        assert_eq!(error.kind(), ErrorKind::Unknown);
        assert_eq!(error.to_string(), "later (Tired)");
    }
}
