//! `TermRecord`: who reigns in a term, and since when, as JSON that people can read too.

use super::error::ObjectError;
use super::key::{Key, Term};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use strandline_core::{Hex, write_hex};
use strandline_segment::LogIdentity;

const FORMAT: &str = "strandline term";
const VERSION: u32 = 1;
/// Most bytes of a term's object.
pub const TERM_BYTES_MAX: usize = 4096;
/// Most bytes of the name of a host; what is longer is cut.
const HOST_BYTES_MAX: usize = 255;

/// Who ships: 16 random bytes of each start of a shipper, kept beside the store. Printed as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(pub [u8; 16]);

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// A text that is no owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an owner is 32 hexadecimal digits")]
pub struct OwnerError;

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        from_hex(text).map(Self).ok_or(OwnerError)
    }
}

/// How a term came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TermKind {
    /// It is the first of its bucket.
    Start,
    /// The owner of the term before began anew.
    Restart,
    /// Another owner took over.
    TakeOver,
}

/// Who reigns in a term.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TermRecord {
    /// Identity of the log.
    pub identity: LogIdentity,
    /// The term.
    pub term: Term,
    /// Who took it.
    pub owner: Owner,
    /// Name of the host; at most 255 bytes are written.
    pub host: String,
    /// Number of the process.
    pub process: u32,
    /// When it was taken, by the clock of that host: milliseconds since 1970.
    pub taken_ms: u64,
    /// How it came to be.
    pub how: TermKind,
}

#[derive(Serialize, Deserialize)]
struct Json {
    format: String,
    version: u32,
    log: String,
    term: u64,
    owner: String,
    host: String,
    process: u32,
    taken_ms: u64,
    how: TermKind,
}

/// What is looked at first: the rest may be otherwise in a later version.
#[derive(Deserialize)]
struct JsonVersion {
    format: String,
    version: u32,
}

impl TermRecord {
    /// Its key.
    #[must_use]
    pub const fn key(&self) -> Key {
        Key::Term(self.term)
    }

    /// Its bytes: one line of JSON, at most [`TERM_BYTES_MAX`]. The same for the same record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let json = Json {
            format: FORMAT.to_owned(),
            version: VERSION,
            log: Hex(self.identity).to_string(),
            term: self.term.get(),
            owner: self.owner.to_string(),
            host: cut(&self.host).to_owned(),
            process: self.process,
            taken_ms: self.taken_ms,
            how: self.how,
        };
        // Strings, numbers and a name: there is nothing in it that JSON has not.
        let mut bytes = serde_json::to_vec(&json).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote for `term`.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] if it is longer than [`TERM_BYTES_MAX`], no such JSON, of a later version, or of another
    /// term.
    pub fn decode(term: Term, bytes: &[u8]) -> Result<Self, ObjectError> {
        let damaged = |reason| ObjectError::Damaged {
            what: "term",
            reason,
        };
        if bytes.len() > TERM_BYTES_MAX {
            return Err(damaged("it is too long"));
        }
        let version: JsonVersion = serde_json::from_slice(bytes).map_err(ObjectError::Json)?;
        if version.format != FORMAT || version.version == 0 {
            return Err(ObjectError::NotOne { what: "term" });
        }
        if version.version > VERSION {
            return Err(ObjectError::VersionUnsupported {
                what: "term",
                found: version.version,
                supported: VERSION,
            });
        }
        let json: Json = serde_json::from_slice(bytes).map_err(ObjectError::Json)?;
        if json.term != term.get() {
            return Err(ObjectError::Misplaced { what: "term" });
        }
        Ok(Self {
            identity: from_hex(&json.log).ok_or_else(|| damaged("its log is no identity"))?,
            term,
            owner: json
                .owner
                .parse()
                .map_err(|_| damaged("its owner is not 32 hexadecimal digits"))?,
            host: json.host,
            process: json.process,
            taken_ms: json.taken_ms,
            how: json.how,
        })
    }
}

fn cut(host: &str) -> &str {
    let ends = (0..=HOST_BYTES_MAX.min(host.len())).rev();
    ends.filter_map(|end| host.get(..end))
        .next()
        .unwrap_or_default()
}

/// The bytes of 32 digits, in lower case: each value has one text.
fn from_hex(text: &str) -> Option<[u8; 16]> {
    let bytes = text.parse::<Hex<16>>().ok();
    bytes
        .filter(|bytes| bytes.to_string() == text)
        .map(|bytes| bytes.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> TermRecord {
        TermRecord {
            identity: [0xab; 16],
            term: Term::FIRST,
            owner: Owner([1; 16]),
            host: "db-1".to_owned(),
            process: 42,
            taken_ms: 1_700_000_000_000,
            how: TermKind::TakeOver,
        }
    }

    proptest! {
        #[test]
        fn a_term_is_read_as_it_was_written(
            identity: [u8; 16], number in 1..=u64::MAX, owner: [u8; 16], host in "\\PC{0,60}", process: u32,
            taken_ms: u64,
        ) {
            let term = Term::new(number).unwrap();
            let record = TermRecord { identity, term, owner: Owner(owner), host, process, taken_ms, ..record() };
            let bytes = record.encode();
            prop_assert!(bytes.len() <= TERM_BYTES_MAX);
            prop_assert_eq!(TermRecord::decode(term, &bytes).unwrap(), record);
        }

        #[test]
        fn whatever_bytes_there_are_no_term_panics(bytes: Vec<u8>) {
            prop_assert!(TermRecord::decode(Term::FIRST, &bytes).is_err());
        }
    }

    #[test]
    fn the_longest_host_fits_whatever_it_is_made_of() {
        let host = "\u{1}".repeat(1000);
        let bytes = TermRecord { host, ..record() }.encode();
        assert!(bytes.len() <= TERM_BYTES_MAX);
        let read = TermRecord::decode(Term::FIRST, &bytes).unwrap();
        assert_eq!(read.host.len(), HOST_BYTES_MAX);
    }

    #[test]
    fn terms_that_are_cut_or_misplaced_or_later_are_refused() {
        let bytes = record().encode();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(
            text,
            "{\"format\":\"strandline term\",\"version\":1,\"log\":\"abababababababababababababababab\",\"term\":1,\
             \"owner\":\"01010101010101010101010101010101\",\"host\":\"db-1\",\"process\":42,\
             \"taken_ms\":1700000000000,\"how\":\"take-over\"}\n"
        );
        // The newline alone may be missing.
        for cut in 0..bytes.len() - 1 {
            assert!(TermRecord::decode(Term::FIRST, &bytes[..cut]).is_err());
        }
        let second = Term::new(2).unwrap();
        let misplaced = TermRecord::decode(second, &bytes);
        assert!(matches!(misplaced, Err(ObjectError::Misplaced { .. })));
        let later = text.replace("\"version\":1", "\"version\":2");
        let later = TermRecord::decode(Term::FIRST, later.as_bytes());
        assert!(matches!(
            later,
            Err(ObjectError::VersionUnsupported { found: 2, .. })
        ));
        let long = [&bytes[..], &[b' '; TERM_BYTES_MAX]].concat();
        assert!(TermRecord::decode(Term::FIRST, &long).is_err());
    }
}
