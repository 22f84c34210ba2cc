//! `Request`: what may be asked for; and `Said`, a line of the other side.

use super::failure::Failure;
use super::redaction::AskedRedaction;
use super::retention::AskedRetention;
use super::status::ProgressTold;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;
use strandline::{Error, ErrorKind, Hash};

/// The version of the protocol. One that speaks another version is refused.
pub const PROTOCOL: u64 = 1;

/// What may be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Who has the store open, what is being done, and counts and watermarks.
    Status {},
    /// Saves a checkpoint.
    Checkpoint {},
    /// Removes events that are not to be kept.
    Compact {
        /// Which are kept.
        rules: AskedRetention,
        /// Whether it is only said what would go.
        #[serde(default)]
        dry_run: bool,
    },
    /// Removes payloads for good.
    Redact {
        /// Whose.
        of: AskedRedaction,
        /// Whether it is only said what would go.
        #[serde(default)]
        dry_run: bool,
    },
    /// Copies the store into a directory, or brings an earlier copy up to date.
    Backup {
        /// The directory, as an absolute path: the process that has the store open is in another one than who asks.
        target: PathBuf,
        /// How sealed segments are brought.
        #[serde(default)]
        mode: BackupMode,
        /// Whether all of the copy is verified before it counts.
        #[serde(default)]
        verify: bool,
    },
    /// Checks every checksum, chain and row.
    Verify {
        /// A log hash that was kept elsewhere, and that the log is to have gone through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head: Option<Hash>,
    },
    /// Stops what is being done, at the next point at which it can be: nothing has changed then.
    Cancel {},
}

/// How a backup brings sealed segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BackupMode {
    /// As files of its own, so that what strikes the store does not strike the copy.
    #[default]
    Copy,
    /// As further names of the store's files, where the file system can.
    Link,
}

impl Request {
    /// The word that it is asked for with.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status {} => "status",
            Self::Checkpoint {} => "checkpoint",
            Self::Compact { .. } => "compact",
            Self::Redact { .. } => "redact",
            Self::Backup { .. } => "backup",
            Self::Verify { .. } => "verify",
            Self::Cancel {} => "cancel",
        }
    }

    /// Whether it is stopped when the client goes away. What only tells something ends with whom it would be told, and
    /// so does a backup, of which an earlier one stays as it is. A compaction, a redaction and a checkpoint were asked for
    /// because the store is to be another: they go on, as an operator's terminal that is closed takes no order back.
    /// [`Cancel`](Self::Cancel) stops those too.
    #[must_use]
    pub const fn ends_with_client(&self) -> bool {
        match self {
            Self::Compact { dry_run, .. } | Self::Redact { dry_run, .. } => *dry_run,
            Self::Checkpoint {} => false,
            Self::Status {} | Self::Backup { .. } | Self::Verify { .. } | Self::Cancel {} => true,
        }
    }

    /// The line that asks for it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a path that is no text.
    pub(crate) fn line(&self) -> Result<Vec<u8>, Error> {
        let wrong = |error: serde_json::Error| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("the request cannot be written as JSON: {error}"),
            )
        };
        let mut value = serde_json::to_value(self).map_err(wrong)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("protocol".to_owned(), PROTOCOL.into());
        }
        let mut line = serde_json::to_vec(&value).map_err(wrong)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// The request in a line.
pub(crate) fn parse_request(line: &[u8]) -> Result<Request, Error> {
    let fields = fields_of(line, "the request")?;
    serde_json::from_value(Value::Object(fields)).map_err(|error| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("the request is none of this protocol: {error}"),
        )
    })
}

/// What a server says.
#[derive(Debug)]
pub(crate) enum Said {
    /// How far it is.
    Progress(ProgressTold),
    /// That it is at work, though there is nothing new to be told.
    Working,
    /// What came of it.
    Result(Value),
    /// Why nothing did.
    Error(Failure),
}

impl Said {
    /// The line that says it.
    pub(crate) fn line(&self) -> Vec<u8> {
        let (name, value) = match self {
            Self::Progress(progress) => ("progress", serde_json::to_value(progress)),
            Self::Working => ("progress", Ok(Value::Null)),
            Self::Result(value) => ("result", Ok(value.clone())),
            Self::Error(failure) => ("error", serde_json::to_value(failure)),
        };
        // Values of texts and numbers alone, which JSON has.
        let value = value.unwrap_or(Value::Null);
        let line = serde_json::json!({ "protocol": PROTOCOL, name: value });
        let mut line = line.to_string().into_bytes();
        line.push(b'\n');
        line
    }
}

/// What a line of a server says.
pub(crate) fn parse_said(line: &[u8]) -> Result<Said, Error> {
    let mut fields = fields_of(line, "the answer")?;
    let wrong = |error: serde_json::Error| {
        Error::new(
            ErrorKind::Io,
            format!("the answer is none of this protocol: {error}"),
        )
    };
    if let Some(failure) = fields.remove("error") {
        return Ok(Said::Error(serde_json::from_value(failure).map_err(wrong)?));
    }
    if let Some(result) = fields.remove("result") {
        return Ok(Said::Result(result));
    }
    match fields.remove("progress") {
        None | Some(Value::Null) => Ok(Said::Working),
        Some(progress) => serde_json::from_value(progress)
            .map(Said::Progress)
            .map_err(wrong),
    }
}

/// The fields of a line of this version, without that of the version.
fn fields_of(line: &[u8], what: &str) -> Result<Map<String, Value>, Error> {
    let invalid = |message: String| Error::new(ErrorKind::InvalidInput, message);
    let value = serde_json::from_slice(line)
        .map_err(|error| invalid(format!("{what} is no line of JSON: {error}")))?;
    let Value::Object(mut fields) = value else {
        return Err(invalid(format!("{what} is no JSON object")));
    };
    match fields.remove("protocol") {
        Some(version) if version.as_u64() == Some(PROTOCOL) => Ok(fields),
        Some(version) => Err(Error::new(
            ErrorKind::UnsupportedVersion,
            format!(
                "{what} is of version {version} of the protocol, and this program speaks {PROTOCOL}"
            ),
        )),
        None => Err(invalid(format!(
            "{what} does not say of which version of the protocol it is: \"protocol\":{PROTOCOL} is missing"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Request, (ErrorKind, &str)>) {
        match (parse_request(line.as_bytes()), expected) {
            (Ok(request), Ok(expected)) => {
                assert_eq!(request, expected, "{line}");
                assert_eq!(parse_request(&request.line().unwrap()).unwrap(), request);
            }
            (Err(error), Err((kind, text))) => {
                assert_eq!(error.kind(), kind, "{line}");
                assert!(error.to_string().contains(text), "{line}: {error}");
            }
            (found, expected) => panic!("{line}: {found:?} and not {expected:?}"),
        }
    }

    #[test]
    fn a_request_is_a_line_that_is_understood_in_whole() {
        check(r#"{"protocol":1,"do":"status"}"#, Ok(Request::Status {}));
        check(
            r#"{"do":"compact","rules":{"keep_newest":3,"within":"meter:"},"protocol":1}"#,
            Ok(Request::Compact {
                rules: AskedRetention::new().keep_newest(3).within("meter:"),
                dry_run: false,
            }),
        );
        check(
            r#"{"protocol":1,"do":"backup","target":"/mnt/b"}"#,
            Ok(Request::Backup {
                target: "/mnt/b".into(),
                mode: BackupMode::Copy,
                verify: false,
            }),
        );
        use ErrorKind::{InvalidInput, UnsupportedVersion};
        for (line, kind, text) in [
            ("", InvalidInput, "no line of JSON"),
            ("[]", InvalidInput, "no JSON object"),
            (
                r#"{"do":"status"}"#,
                InvalidInput,
                "\"protocol\":1 is missing",
            ),
            (
                r#"{"protocol":2,"do":"status"}"#,
                UnsupportedVersion,
                "version 2",
            ),
            (r#"{"protocol":1}"#, InvalidInput, "missing field `do`"),
            (
                r#"{"protocol":1,"do":"drop"}"#,
                InvalidInput,
                "unknown variant `drop`",
            ),
            (
                r#"{"protocol":1,"do":"status","x":1}"#,
                InvalidInput,
                "unknown field `x`",
            ),
            (
                r#"{"protocol":1,"do":"compact","rules":{"keep_newset":3}}"#,
                InvalidInput,
                "unknown field `keep_newset`",
            ),
            (
                r#"{"protocol":1,"do":"redact","of":{},"dryrun":true}"#,
                InvalidInput,
                "unknown field `dryrun`",
            ),
        ] {
            check(line, Err((kind, text)));
        }
    }

    #[test]
    fn what_changes_the_store_outlives_who_asked() {
        let rules = AskedRetention::new().keep_newest(1);
        let compact = |dry_run| Request::Compact {
            rules: rules.clone(),
            dry_run,
        };
        assert!(compact(true).ends_with_client());
        assert!(!compact(false).ends_with_client());
        assert!(!Request::Checkpoint {}.ends_with_client());
        assert!(Request::Verify { head: None }.ends_with_client());
    }
}
