//! `BucketError`: what went wrong with a request, as far as somebody can act on it.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What went wrong with a request to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BucketErrorKind {
    /// The object store does not let us: the credentials are missing, wrong or expired, or do not allow this
    /// request, or this machine's clock is far off. Renew the credentials or grant the right.
    Denied,
    /// The object store asks for fewer requests. Wait; ask for a higher rate if it goes on.
    Throttled,
    /// The object store cannot be reached, does not answer in time, or says that it fails. Wait; look at the
    /// network and the endpoint if it goes on.
    Unreachable,
    /// There is no room: the disk of a directory is full, or a quota is used up. Make room.
    Full,
    /// It is the directory of the store, or in it, or around it. Give it a place of its own.
    NotApart,
    /// The program is built without what speaks to such a bucket. Build it with the feature.
    NotBuiltIn,
    /// There is no such bucket, or what is there cannot serve as one. Make the bucket or mend the URL.
    NotABucket,
    /// An object, or the range asked for, is longer than [`BucketOptions::object_bytes_max`](super::BucketOptions::object_bytes_max).
    TooLarge,
    /// The answer does not fit the request: bytes are missing or too many, or it cannot be parsed.
    Unexpected,
    /// What was to be sent could not be read from its source.
    Source,
    /// The bucket was dropped while the request was under way.
    Closed,
}

impl BucketErrorKind {
    /// Whether the same request may succeed later with nothing done by anybody.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable)
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Denied => {
                "the object store refuses: renew the credentials, or grant the right to this request"
            }
            Self::Throttled => {
                "the object store asks for fewer requests: wait, or ask for a higher rate"
            }
            Self::Unreachable => {
                "the object store does not answer: wait, then look at the network and the endpoint"
            }
            Self::Full => "there is no room left in it: make room, or raise the quota",
            Self::NotApart => {
                "the bucket and the store have to lie apart: give the bucket a directory of its own"
            }
            Self::NotBuiltIn => "this program is built without that",
            Self::NotABucket => "there is no such bucket: make it, or mend the URL",
            Self::TooLarge => "it is longer than what is read into memory",
            Self::Unexpected => "the answer does not fit the request",
            Self::Source => "what was to be sent could not be read",
            Self::Closed => "the bucket was closed meanwhile",
        }
    }
}

/// Why a request to a bucket failed: what was asked, where, and what to do. Cloned at the cost of a count.
#[derive(Debug, Clone)]
pub struct BucketError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: BucketErrorKind,
    bucket: Arc<str>,
    request: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl BucketError {
    /// `request` is a verb and a key, such as "read log/1/2".
    pub(crate) fn new(
        kind: BucketErrorKind,
        bucket: &Arc<str>,
        request: impl Into<String>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            bucket: Arc::clone(bucket),
            request: request.into(),
            source: None,
        }))
    }

    pub(super) fn with(
        kind: BucketErrorKind,
        bucket: &Arc<str>,
        request: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            bucket: Arc::clone(bucket),
            request: request.into(),
            source: Some(source.into()),
        }))
    }

    /// What went wrong, as far as a caller can act on it.
    #[must_use]
    pub fn kind(&self) -> BucketErrorKind {
        self.0.kind
    }
}

impl fmt::Display for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            bucket,
            request,
            ..
        } = &*self.0;
        write!(f, "cannot {request} in {bucket}: {}", kind.advice())
    }
}

impl Error for BucketError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

/// What an error of `object_store` is to a caller.
pub(super) fn classify(error: &object_store::Error) -> BucketErrorKind {
    use object_store::Error as Of;
    let text = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["NoSuchBucket", "ContainerNotFound"]) {
        return BucketErrorKind::NotABucket;
    }
    // An expired token is 400 on S3.
    if says(&["ExpiredToken", "InvalidToken", "TokenRefreshRequired"]) {
        return BucketErrorKind::Denied;
    }
    // Memory and directories have no status that says so.
    if says(&["Wanted range starting at", "Requested range was invalid"]) {
        return BucketErrorKind::Unexpected;
    }
    match io_kind(error) {
        Some(io::ErrorKind::NotADirectory) => return BucketErrorKind::NotABucket,
        Some(io::ErrorKind::PermissionDenied) => return BucketErrorKind::Denied,
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            return BucketErrorKind::Full;
        }
        _ => {}
    }
    match error {
        Of::PermissionDenied { .. } | Of::Unauthenticated { .. } => BucketErrorKind::Denied,
        Of::NotImplemented { .. }
        | Of::NotSupported { .. }
        | Of::UnknownConfigurationKey { .. } => BucketErrorKind::NotABucket,
        Of::InvalidPath { .. } | Of::NotModified { .. } => BucketErrorKind::Unexpected,
        _ => match status(&text) {
            // Some requests give every status as the same error.
            Some(401 | 403) => BucketErrorKind::Denied,
            Some(429 | 503) => BucketErrorKind::Throttled,
            Some(507) => BucketErrorKind::Full,
            Some(400..=407 | 410..=499) => BucketErrorKind::Unexpected,
            // S3 may say that it is busy in the body of a 200.
            _ if says(&["SlowDown"]) => BucketErrorKind::Throttled,
            _ => BucketErrorKind::Unreachable,
        },
    }
}

/// What the operating system said, of a directory that serves as a bucket.
fn io_kind(error: &object_store::Error) -> Option<io::ErrorKind> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

/// Whether `error` is a 409 for two requests that met: neither says who has the key.
pub(super) fn is_conflict_of_requests(error: &object_store::Error) -> bool {
    let text = error.to_string();
    ["ConditionalRequestConflict", "OperationAborted"]
        .iter()
        .any(|code| text.contains(code))
}

/// What an error says, for people: of a document that a server sends with it, only the code and the message.
pub(super) fn said(error: &object_store::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = error.source();
    }
    without_documents(&said)
}

fn without_documents(mut text: &str) -> String {
    let mut plain = String::new();
    while let Some((before, rest)) = text.split_once("<Error") {
        let before = match before.split_once("<?xml") {
            Some((before, _)) => before,
            None => before,
        };
        plain.push_str(before.trim_end_matches(|c: char| c.is_whitespace()));
        let (document, after) = rest.split_once("</Error>").unwrap_or((rest, ""));
        let field = |name: &str| {
            let (_, value) = document.split_once(&format!("<{name}>"))?;
            let (value, _) = value.split_once('<')?;
            Some(value.trim()).filter(|value| !value.is_empty())
        };
        let fields = [field("Code"), field("Message")];
        let said: Vec<_> = fields.into_iter().flatten().collect();
        plain.push(' ');
        plain.push_str(&said.join(": "));
        text = after;
    }
    plain.push_str(text);
    plain
}

/// The status in the text of an error: `object_store` keeps the type that has it to itself.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_asked_where_and_what_to_do() {
        let bucket: Arc<str> = "s3://b/p".into();
        let error = BucketError::with(BucketErrorKind::Denied, &bucket, "read log/1/2", "403");
        let shown = error.to_string();
        for part in ["read log/1/2", "s3://b/p", "renew the credentials"] {
            assert!(shown.contains(part), "{shown}");
        }
        assert_eq!(error.source().map(ToString::to_string), Some("403".into()));
    }

    #[test]
    fn a_document_that_a_server_sends_is_not_shown_as_it_is() {
        let error = object_store::Error::Generic {
            store: "S3",
            source: "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\" \
                     encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The secret does not \
                     fit.</Message><RequestId>17</RequestId></Error>"
                .into(),
        };
        let shown = said(&error);
        let end = "403 Forbidden: SignatureDoesNotMatch: The secret does not fit.";
        assert!(shown.ends_with(end), "{shown}");
        assert_eq!(without_documents("<Error/>"), " ");
        assert_eq!(
            without_documents("a <?xml?><Error><Code>B</Code> cut off"),
            "a B"
        );
        assert_eq!(without_documents("nothing of it"), "nothing of it");
    }

    #[test]
    fn a_bucket_that_is_gone_is_not_an_object_that_is_absent() {
        let error = object_store::Error::NotFound {
            path: "k".into(),
            source: "Server returned non-2xx status code: 404 Not Found: <Code>NoSuchBucket</Code>"
                .into(),
        };
        assert_eq!(classify(&error), BucketErrorKind::NotABucket);
    }

    #[test]
    fn what_a_server_says_decides_what_to_do() {
        let kind = |text: &str| {
            classify(&object_store::Error::Generic {
                store: "S3",
                source: text.into(),
            })
        };
        let status = |status: &str| kind(&format!("Server returned non-2xx status code: {status}"));
        assert_eq!(
            status("503 Service Unavailable: "),
            BucketErrorKind::Throttled
        );
        assert_eq!(
            status("429 Too Many Requests: "),
            BucketErrorKind::Throttled
        );
        assert_eq!(
            status("500 Internal Server Error: "),
            BucketErrorKind::Unreachable
        );
        assert_eq!(
            status("400 Bad Request: <Code>ExpiredToken</Code>"),
            BucketErrorKind::Denied
        );
        assert_eq!(status("400 Bad Request: "), BucketErrorKind::Unexpected);
        assert_eq!(
            status("408 Request Timeout: "),
            BucketErrorKind::Unreachable
        );
        assert_eq!(
            kind("Wanted range starting at 10, but object was only 10 bytes long"),
            BucketErrorKind::Unexpected
        );
        assert_eq!(status("507 Insufficient Storage: "), BucketErrorKind::Full);
        for (kind, is) in [
            (io::ErrorKind::PermissionDenied, BucketErrorKind::Denied),
            (io::ErrorKind::NotADirectory, BucketErrorKind::NotABucket),
            (io::ErrorKind::StorageFull, BucketErrorKind::Full),
            (io::ErrorKind::QuotaExceeded, BucketErrorKind::Full),
        ] {
            let error = object_store::Error::Generic {
                store: "LocalFileSystem",
                source: Box::new(io::Error::from(kind)),
            };
            assert_eq!(classify(&error), is);
        }
        assert_eq!(kind("connection refused"), BucketErrorKind::Unreachable);
    }
}
