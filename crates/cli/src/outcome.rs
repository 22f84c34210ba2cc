//! How commands end: their outcome; failures, what is said of them, and what to do next; and the exit code.
//!
//! Knows no command. Knows `output` alone.

use crate::output::{OutputFailed, note};
use std::fmt;
use std::io::ErrorKind as IoErrorKind;
use std::process::ExitCode;
use strandline::{Error, ErrorKind};
use strandline_live::ErrorKind as LiveErrorKind;
use strandline_transfer::{ImportError, LineFormat};

/// What a command came to, where it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    ProblemFound,
}

/// An argument that cannot be used, though it could be read.
#[derive(Debug)]
pub(crate) struct WrongUsage(pub(crate) String);

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// A failure of a store, and what to do about it where the command knows better than its kind does.
#[derive(Debug)]
pub(crate) struct Advised {
    pub(crate) error: Error,
    pub(crate) next: String,
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for Advised {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// A failure of something else than a store, and what to do about it.
#[cfg(any(feature = "replicate", feature = "proof"))]
#[derive(Debug)]
pub(crate) struct Hinted {
    pub(crate) error: anyhow::Error,
    pub(crate) next: String,
    /// Whether what was given was wrong, and nothing happened.
    pub(crate) is_usage: bool,
}

#[cfg(any(feature = "replicate", feature = "proof"))]
impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

#[cfg(any(feature = "replicate", feature = "proof"))]
impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// What is said next of a failure that is not of a store, and whether it is one of usage.
#[cfg(any(feature = "replicate", feature = "proof"))]
fn hinted(error: &anyhow::Error) -> Option<(&str, bool)> {
    let hinted: &Hinted = error.downcast_ref()?;
    Some((&hinted.next, hinted.is_usage))
}

#[cfg(not(any(feature = "replicate", feature = "proof")))]
fn hinted(_: &anyhow::Error) -> Option<(&str, bool)> {
    None
}

/// Several failures of one command: the first, and those that came after it, mostly because of it.
#[derive(Debug)]
struct Several {
    first: anyhow::Error,
    also: Vec<anyhow::Error>,
}

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.first, f)
    }
}

impl std::error::Error for Several {}

/// What several steps came to that were all done, whatever became of the others. The first failure is the one
/// that is told first.
pub(crate) fn first_of(
    failures: impl IntoIterator<Item = Option<anyhow::Error>>,
) -> anyhow::Result<()> {
    let mut failures = failures.into_iter();
    match failures.find_map(|failure| failure) {
        None => Ok(()),
        Some(first) => Err(with_also(first, failures)),
    }
}

/// A failure, and those of steps that were done after it.
pub(crate) fn with_also(
    first: anyhow::Error,
    also: impl IntoIterator<Item = Option<anyhow::Error>>,
) -> anyhow::Error {
    let also: Vec<_> = also.into_iter().flatten().collect();
    match also.is_empty() {
        true => first,
        false => Several { first, also }.into(),
    }
}

/// Prints why a command failed, and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let (error, also) = match error.downcast_ref::<Several>() {
        Some(several) => (&several.first, several.also.as_slice()),
        None => (error, &[][..]),
    };
    // Whoever reads the output has seen enough.
    let is_unread = OutputFailed::of(error).is_some_and(OutputFailed::is_unread);
    if is_unread && also.is_empty() {
        return ExitCode::SUCCESS;
    }
    note(format_args!("error: {}", once(error)));
    for other in also {
        note(format_args!("  also: {}", once(other)));
    }
    if let Some(hint) = next(error) {
        note(format_args!("  next: {hint}"));
    }
    let is_usage = error.is::<WrongUsage>()
        || hinted(error).is_some_and(|(_, is_usage)| is_usage)
        || matches!(
            of_store(error).map(Error::kind),
            Some(ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::ForeignToken)
        )
        || matches!(
            of_live(error).map(strandline_live::Error::kind),
            Some(LiveErrorKind::InvalidInput | LiveErrorKind::NotFound)
        );
    ExitCode::from(if is_usage { 2 } else { 1 })
}

/// The texts of an error and its causes; a cause that the text before ends in is not told again. Without the
/// options of the library that would change a limit, which nobody can give here.
fn once(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text += &format!(": {cause}");
        }
    }
    without_library_options(&text)
}

/// A text without parts such as ` (StoreOptions::payload_bytes_max)`.
fn without_library_options(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (StoreOptions::") {
        kept += before;
        let Some((_, after)) = after.split_once(')') else {
            return text.to_owned();
        };
        rest = after;
    }
    kept + rest
}

/// The error of a store that a failure is.
fn of_store(error: &anyhow::Error) -> Option<&Error> {
    let advised = error.downcast_ref::<Advised>();
    let advised = advised.map(|advised| &advised.error);
    let store = advised.or_else(|| error.downcast_ref::<Error>());
    store.or_else(|| of_live(error)?.store_error())
}

/// The error of consumers that a failure is.
fn of_live(error: &anyhow::Error) -> Option<&strandline_live::Error> {
    error.downcast_ref()
}

/// What to do about an error.
fn next(error: &anyhow::Error) -> Option<&str> {
    if let Some(Advised { next, .. }) = error.downcast_ref() {
        return Some(next);
    }
    if let Some((next, _)) = hinted(error) {
        return Some(next);
    }
    let import = error.downcast_ref::<ImportError>();
    let store = import.map(|error| &error.error);
    let store = store.or_else(|| of_store(error));
    let io = error.downcast_ref::<std::io::Error>();
    let io = store
        .and_then(Error::io_kind)
        .or_else(|| of_live(error)?.io_kind())
        .or(io.map(std::io::Error::kind));
    match (import, io) {
        // What else could be written is written; nothing is known of where this one went.
        _ if OutputFailed::of(error).is_some() => None,
        (Some(_), Some(IoErrorKind::StorageFull | IoErrorKind::QuotaExceeded)) => {
            Some("make room and import the file again: what is in the store is passed over")
        }
        (None, Some(IoErrorKind::StorageFull | IoErrorKind::QuotaExceeded)) => Some(
            "make room and try again, nothing is lost; what only reads works meanwhile: inspect, \
             stats, query, tail, verify and export",
        ),
        (_, Some(IoErrorKind::ReadOnlyFilesystem)) => Some(
            "the file system is mounted to read only: mount it to be written, and look into the log of the \
             kernel (`dmesg`) if nobody did that, as it does so by itself where a disk fails; what only reads \
             works meanwhile: inspect, stats, query, tail, verify, export, and backup to another disk",
        ),
        (_, Some(IoErrorKind::PermissionDenied)) => Some(
            "give the command as the user who owns the files, or have the owner let this user in; the files \
             of a store are its owner's alone",
        ),
        (Some(error), _) if error.error.kind() == ErrorKind::RefusedTime => Some(
            "mend the line, or take its time as it is with --allow-future, and import the file \
             again: what is in the store is passed over",
        ),
        (Some(error), _) if error.looks_like.is_some() => Some(match error.looks_like {
            Some(LineFormat::CloudEvents) => {
                "the line is a CloudEvents event: import the file with --format cloudevents"
            }
            _ => {
                "the line is as `export` writes it: import the file with --format lines, the default"
            }
        }),
        // What has other lines than it was said to have fails at the first.
        (Some(error), _)
            if error.line == Some(1) && error.error.kind() == ErrorKind::InvalidInput =>
        {
            Some(
                "mend the line, or say with --format what the lines are, or with --exact that they are an exact \
             export, and import the file again: what is in the store is passed over",
            )
        }
        (Some(error), _) if error.line.is_some() => {
            Some("mend the line and import the file again: what is in the store is passed over")
        }
        _ if of_live(error)
            .is_some_and(|error| error.kind() == LiveErrorKind::UnsupportedVersion) =>
        {
            hint(ErrorKind::UnsupportedVersion)
        }
        _ => match store? {
            // What it says is what to do.
            error if error.kind() == ErrorKind::ForeignPosition => None,
            // Where a restore was interrupted, the error says what to do.
            error if error.is_of_interrupted_restore() => None,
            error => hint(error.kind()),
        },
    }
}

/// What to do about an error of a store.
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
            "what was durable is missing, `verify` shows which events: restore the files or a backup, or save \
                 what is left into a new store with `salvage`; delete nothing",
        ),
        ErrorKind::UnsupportedVersion => Some("use the version of strandline that wrote it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_library_are_no_advice_here() {
        for (text, kept) in [
            ("a", "a"),
            ("9 of 8 (StoreOptions::segment_bytes_max); b", "9 of 8; b"),
            ("x (StoreOptions::a) y (StoreOptions::b)", "x y"),
            ("x (StoreOptions::a", "x (StoreOptions::a"),
        ] {
            assert_eq!(without_library_options(text), kept);
        }
    }
}
