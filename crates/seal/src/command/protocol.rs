//! What a program is asked, and what it answers: an object of JSON each way. Runs no program.

use crate::crypto::Key;
use crate::subject::{Per, Subject};
use serde::{Deserialize, Serialize};
use strandline::SealKeyId;
use zeroize::{Zeroize, Zeroizing};

/// What is asked.
#[derive(Debug, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Question<'a> {
    /// The key of a subject, if there is one.
    Current(Of<'a>),
    /// The key of a subject, made if there is none.
    Create(Of<'a>),
    /// The key with an id.
    Find { id: String },
    /// The key of a subject is to be forgotten.
    Forget(Of<'a>),
}

/// Whom a question is about.
#[derive(Debug, Serialize)]
pub(super) struct Of<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

impl<'a> From<Subject<'a>> for Of<'a> {
    fn from(subject: Subject<'a>) -> Self {
        let (per, name) = (subject.per(), Some(subject.name()));
        match per {
            Per::Entity => Self {
                entity: name,
                scope: None,
            },
            Per::Scope => Self {
                entity: None,
                scope: name,
            },
        }
    }
}

/// What is answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<String>,
    key: Option<String>,
    forgotten: Option<bool>,
    forgotten_ms: Option<u64>,
}

/// What an answer says.
#[derive(Debug)]
pub(super) enum Answer {
    /// The key.
    Key(Key),
    /// It was forgotten, at that time if it is known: now, or before.
    Forgotten(u64),
    /// There is none.
    Nothing,
}

impl Answer {
    /// What the text of an answer says; `None` if it is none.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let line: Line = serde_json::from_slice(text).ok()?;
        // Wiped, whatever becomes of it.
        let secret = line.key.map(Zeroizing::new);
        if line.forgotten == Some(true) || line.forgotten_ms.is_some() {
            let is_plain = secret.is_none() && line.forgotten != Some(false);
            return is_plain.then_some(Self::Forgotten(line.forgotten_ms.unwrap_or_default()));
        }
        match (line.id, secret) {
            (Some(id), Some(secret)) => {
                let id: SealKeyId = id.parse().ok()?;
                let mut bytes = bytes_of(&secret)?;
                let key = Key::new(id, bytes);
                bytes.zeroize();
                Some(Self::Key(key))
            }
            (None, None) => Some(Self::Nothing),
            _ => None,
        }
    }
}

/// The bytes of 64 hex digits.
fn bytes_of(text: &str) -> Option<[u8; 32]> {
    let key = crate::crypto::WrappingKey::from_hex(text).ok()?;
    Some(*key.secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_objects_of_one_line() {
        let text = |question: &Question<'_>| serde_json::to_string(question).unwrap();
        let entity = || Of::from(Subject::Entity("a\nb"));
        assert_eq!(
            text(&Question::Current(entity())),
            r#"{"ask":"current","entity":"a\nb"}"#
        );
        let scope = Of::from(Subject::Scope("s"));
        assert_eq!(
            text(&Question::Forget(scope)),
            r#"{"ask":"forget","scope":"s"}"#
        );
        let id = SealKeyId::from_bytes([1; 16]).to_string();
        let find = text(&Question::Find { id });
        assert_eq!(
            find,
            r#"{"ask":"find","id":"01010101010101010101010101010101"}"#
        );
    }

    #[test]
    fn only_an_answer_is_one() {
        let id = "01".repeat(16);
        let key = "02".repeat(32);
        let full = format!("{{\"id\":\"{id}\",\"key\":\"{key}\"}}\n");
        let Some(Answer::Key(read)) = Answer::parse(full.as_bytes()) else {
            panic!("no key");
        };
        assert_eq!(
            (read.id(), read.secret()),
            (SealKeyId::from_bytes([1; 16]), &[2; 32])
        );
        assert!(matches!(Answer::parse(b"{}"), Some(Answer::Nothing)));
        let forgotten = Answer::parse(br#"{"forgotten":true,"forgotten_ms":7}"#);
        assert!(matches!(forgotten, Some(Answer::Forgotten(7))));
        for bad in [
            "",
            "null",
            "{\"other\":1}",
            &format!("{{\"id\":\"{id}\"}}"),
            &format!("{{\"key\":\"{key}\"}}"),
            &format!("{{\"id\":\"{id}\",\"key\":\"02\"}}"),
            &format!("{{\"id\":\"1\",\"key\":\"{key}\"}}"),
            &format!("{{\"id\":\"{id}\",\"key\":\"{key}\",\"forgotten\":true}}"),
        ] {
            assert!(Answer::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
