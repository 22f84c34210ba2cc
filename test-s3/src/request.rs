//! `Seen`: a request as the log and the predicates of faults see it. Knows nothing of what becomes of it.

use hyper::Method;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Writes an object, whatever is there.
    Put,
    /// Writes an object if there is none: `If-None-Match: *`.
    Create,
    /// Reads an object or a range of one.
    Get,
    /// Asks for length and time.
    Head,
    /// One page of a listing. The key is the prefix.
    List,
    /// Deletes one object.
    Delete,
    /// Deletes many. The key is empty.
    DeleteMany,
    /// Begins an upload in parts.
    BeginUpload,
    /// Sends a part.
    Part,
    /// Makes an object of the parts.
    FinishUpload,
    /// Takes an upload back.
    AbortUpload,
    /// Something else.
    Other,
}

/// A request that the server was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// What it asked for.
    pub operation: Operation,
    /// The key in the bucket, or the prefix of a listing.
    pub key: String,
    /// The range asked for, as the header has it: `bytes=0-9`.
    pub range: Option<String>,
    /// Bytes of its body.
    pub bytes: usize,
    /// The status that it was answered with. `None` if it was not answered (yet).
    pub status: Option<u16>,
}

impl Seen {
    pub(crate) fn of(parts: &Parts, bytes: usize) -> Self {
        let path = decode(parts.uri.path());
        let path = path.trim_start_matches('/');
        let key = path.split_once('/').map_or("", |(_, key)| key);
        let query: Vec<(&str, String)> = parts
            .uri
            .query()
            .unwrap_or("")
            .split('&')
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name, decode(&value.replace('+', " ")))
            })
            .collect();
        let value = |name: &str| {
            query
                .iter()
                .find(|(is, _)| *is == name)
                .map(|(_, value)| value)
        };
        let has = |name| value(name).is_some();
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let operation = match parts.method {
            Method::PUT if has("partNumber") => Operation::Part,
            Method::PUT if header("if-none-match") == Some("*") => Operation::Create,
            Method::PUT => Operation::Put,
            Method::GET if has("list-type") || key.is_empty() => Operation::List,
            Method::GET => Operation::Get,
            Method::HEAD => Operation::Head,
            Method::POST if has("uploads") => Operation::BeginUpload,
            Method::POST if has("uploadId") => Operation::FinishUpload,
            Method::POST if has("delete") => Operation::DeleteMany,
            Method::DELETE if has("uploadId") => Operation::AbortUpload,
            Method::DELETE => Operation::Delete,
            _ => Operation::Other,
        };
        let key = match operation {
            Operation::List => value("prefix").map_or("", String::as_str),
            _ => key,
        };
        Self {
            operation,
            key: key.to_owned(),
            range: header("range").map(str::to_owned),
            bytes,
            status: None,
        }
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
