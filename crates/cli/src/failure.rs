//! Failures: what is said of them, what to do next, and the exit code.

use std::io::ErrorKind as IoErrorKind;
use std::process::ExitCode;
use strandline::{Error, ErrorKind};

/// An argument that cannot be used, though it could be read.
#[derive(Debug)]
pub(crate) struct WrongUsage(pub(crate) String);

impl std::fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// Prints why a command failed, and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    // Whoever reads the output has seen enough.
    let closed = error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == IoErrorKind::BrokenPipe)
    });
    if closed {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {}", once(error));
    let store_error = error.downcast_ref::<Error>().map(Error::kind);
    let is_full = error.chain().any(|cause| {
        let error = cause.downcast_ref::<std::io::Error>();
        error.is_some_and(|error| error.kind() == IoErrorKind::StorageFull)
    });
    if is_full {
        eprintln!(
            "  next: make room and try again, nothing is lost; what only reads works meanwhile: \
             inspect, stats, query, tail, verify and export"
        );
    } else if let Some(hint) = store_error.and_then(hint) {
        eprintln!("  next: {hint}");
    }
    let is_usage = error.is::<WrongUsage>()
        || matches!(
            store_error,
            Some(ErrorKind::InvalidInput | ErrorKind::NotFound)
        );
    ExitCode::from(if is_usage { 2 } else { 1 })
}

/// The texts of an error and its causes; a cause that the text before ends in is not told again.
fn once(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text += &format!(": {cause}");
        }
    }
    text
}

/// What to do about an error.
pub(crate) const fn hint(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::NotFound => Some("check the path: a store is a directory with a MANIFEST in it"),
        ErrorKind::Locked => Some(
            "close the program that writes it; inspect, stats, query, tail, verify, export and \
             backup work beside it",
        ),
        ErrorKind::Corrupt => Some(
            "`verify` shows what is damaged, where, and how much is good; restore a backup, or save \
             what is left into a new store with `salvage`",
        ),
        ErrorKind::LogBehindCheckpoint => Some(
            "durable events are missing, `verify` shows which: restore the files or a backup, or save \
                 what is left into a new store with `salvage`; delete nothing",
        ),
        ErrorKind::UnsupportedVersion => Some("use the version of strandline that wrote it"),
        _ => None,
    }
}
