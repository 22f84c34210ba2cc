//! `CommandId`: the name of a command, from which the ids of its events are made.

use serde::Serialize;
use std::fmt;
use strandline::{Error, ErrorKind, EventId};
use strandline_core::Hash;

/// What each hash begins with, so that it is the hash of nothing else.
const KEY: &[u8] = b"strandline/command/key/1";
const EVENT: &[u8] = b"strandline/command/event/1";
const CONTENT: &[u8] = b"strandline/command/content/1";

/// The name of a command: of all that is executed under one name in a store, the first alone is decided.
///
/// The ids of the events are made of it, so it is in the log with them, in the same commit: executed again, whenever
/// and in whatever process, after a kill too, the command is found done and gives the first receipts. A command that
/// led to no event is not in the log, and is decided again; so is one whose events a compaction removed.
///
/// A name that was used for another command is refused with
/// [`ExecuteError::CommandIdTaken`](crate::ExecuteError::CommandIdTaken): on an aggregate one of another entity, and
/// anywhere one with another content if that was given ([`with_content`](Self::with_content)), both times.
///
/// ```
/// use strandline_aggregate::CommandId;
///
/// let id = CommandId::new("payment 8b4fe342-5135-463d-9fd7-6997832a9ffe");
/// assert_eq!(id, CommandId::new("payment 8b4fe342-5135-463d-9fd7-6997832a9ffe"));
/// let of_content = id.clone().with_content(&("withdraw", 500))?;
/// assert_ne!(of_content, id.with_content(&("withdraw", 501))?);
/// # Ok::<(), strandline::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandId {
    key: Hash,
    content: Option<Hash>,
}

impl CommandId {
    /// The command with a name: bytes that no other command has, of any length. Mostly a UUID that whoever asks has
    /// made, and sends again when he asks again.
    #[must_use]
    pub fn new(name: impl AsRef<[u8]>) -> Self {
        Self {
            key: hash(KEY, &[name.as_ref()]),
            content: None,
        }
    }

    /// The same with what the command asks for, so that another command under this name is refused.
    ///
    /// Its hash stands with the first event, in attributes of that. The name is hashed with it, so what a command
    /// asked for cannot be guessed by who does not know the name. A content whose parts have no order of their own,
    /// a `HashMap`, is another one each time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if it cannot be written as MessagePack.
    pub fn with_content<T: Serialize + ?Sized>(mut self, content: &T) -> Result<Self, Error> {
        let bytes = rmp_serde::to_vec_named(content).map_err(|error| {
            let message = "the content of the command cannot be written";
            Error::new(ErrorKind::Payload, message).with_source(error)
        })?;
        self.content = Some(hash(CONTENT, &[self.key.as_bytes(), &bytes]));
        Ok(self)
    }

    /// The id of the event at a place of what was decided: a UUID of version 8, of a hash.
    #[must_use]
    pub fn event_id(&self, place: u32) -> EventId {
        let made = hash(EVENT, &[self.key.as_bytes(), &place.to_le_bytes()]);
        let first = made.as_bytes().first_chunk().copied().unwrap_or_default();
        let bits = u128::from_be_bytes(first);
        let fixed = (0xF << 76) | (0b11 << 62);
        EventId::from_u128((bits & !fixed) | (0x8 << 76) | (0b10 << 62))
    }

    /// Half of the hash of what the command asks for, if that was given, in 32 digits.
    pub(crate) fn content(&self) -> Option<String> {
        let mut digits = self.content?.to_string();
        digits.truncate(32);
        Some(digits)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandId({})", self.event_id(0))
    }
}

/// The hash of parts, each with its length.
fn hash(begin: &[u8], parts: &[&[u8]]) -> Hash {
    let mut bytes = begin.to_vec();
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(part);
    }
    Hash::of(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_events_are_of_version_8_and_all_different() {
        let ids = [CommandId::new("a"), CommandId::new("b")];
        let mut made: Vec<_> = ids
            .iter()
            .flat_map(|id| (0..100).map(|place| id.event_id(place)))
            .collect();
        for id in &made {
            assert_eq!((id.as_u128() >> 76) & 0xF, 8, "version");
            assert_eq!((id.as_u128() >> 62) & 0b11, 0b10, "variant");
            assert_eq!(id.hlc(), None, "it says no time");
        }
        made.sort_unstable();
        made.dedup();
        assert_eq!(made.len(), 200);
    }

    /// What was made once is in stores.
    #[test]
    fn ids_stay_as_they_are() {
        let id = CommandId::new("payment 1");
        assert_eq!(
            id.event_id(0).to_string(),
            "fb4e508e-fdac-8508-b18a-5fbbbfcf44b8"
        );
        let of_content = id.with_content(&("withdraw", 500)).unwrap();
        assert_eq!(
            of_content.content().unwrap(),
            "a387ab60270b3a5d9ed745550a741980"
        );
    }

    #[test]
    fn content_is_hashed_with_the_name() {
        let content = |name: &str| CommandId::new(name).with_content(&5).unwrap().content();
        assert_ne!(content("a"), content("b"));
    }
}
