//! `ConsumerInfo`: what a consumer is, fixed when it is made.

use super::error::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest name of a consumer, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// Most partitions of a consumer.
pub const PARTITIONS_MAX: u32 = 1024;

/// What reads the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ConsumerKind {
    /// A program that loops over a cursor itself: [`Live::position`](crate::Live::position).
    Position,
    /// A handler that does something for each event.
    Reactor,
    /// A fold with a state.
    Projection,
}

impl fmt::Display for ConsumerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Position => "position",
            Self::Reactor => "reactor",
            Self::Projection => "projection",
        })
    }
}

/// What a consumer is, fixed when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConsumerInfo {
    /// Its name: any text of 1 to [`NAME_BYTES_MAX`] bytes without control characters.
    pub name: String,
    /// What reads the events.
    pub kind: ConsumerKind,
    /// In how many parts the events are handled, 1 to [`PARTITIONS_MAX`].
    pub partitions: u32,
}

impl ConsumerInfo {
    /// What a consumer is to be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a name that is empty, too long or has control characters, and for no
    /// partitions or too many.
    pub fn new(
        name: impl Into<String>,
        kind: ConsumerKind,
        partitions: u32,
    ) -> Result<Self, Error> {
        let name = name.into();
        check_name(&name)?;
        if !(1..=PARTITIONS_MAX).contains(&partitions) {
            let message =
                format!("a consumer has 1 to {PARTITIONS_MAX} partitions, and not {partitions}");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(Self {
            name,
            kind,
            partitions,
        })
    }
}

/// Whether a text can be the name of a consumer.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let wrong = if name.is_empty() {
        "the name of a consumer is not empty".to_owned()
    } else if name.len() > NAME_BYTES_MAX {
        format!(
            "the name of a consumer has at most {NAME_BYTES_MAX} bytes, and not {}",
            name.len()
        )
    } else if name.chars().any(char::is_control) {
        "the name of a consumer has no control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidInput, wrong))
}

/// Which of `partitions` the events with a key are in: the same on every machine and in every version. The key is the
/// entity, or the text of the correlation.
///
/// ```
/// use strandline_live::partition_of;
///
/// assert_eq!(partition_of("order:1042", 1), 0);
/// assert!(partition_of("order:1042", 8) < 8);
/// ```
#[must_use]
pub fn partition_of(key: &str, partitions: u32) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64(key.as_bytes());
    let partition = hash.checked_rem(u64::from(partitions)).unwrap_or_default();
    u32::try_from(partition).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is parked of an entity is found in its partition, so this never changes.
    #[test]
    fn a_key_stays_in_its_partition() {
        let of = |key| partition_of(key, 16);
        assert_eq!(["", "order:1042", "bestellung:ä"].map(of), [2, 9, 14]);
        assert_eq!(partition_of("order:1042", 0), 0);
    }

    #[test]
    fn names_are_texts_of_one_line() {
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        for (name, is_fine) in [
            ("mailer", true),
            ("../../etc/passwd", true),
            ("Rechnungen (neu)", true),
            ("", false),
            ("a\nb", false),
            (long.as_str(), false),
        ] {
            let made = ConsumerInfo::new(name, ConsumerKind::Reactor, 1);
            assert_eq!(made.is_ok(), is_fine, "{name}");
        }
        assert!(ConsumerInfo::new("a", ConsumerKind::Reactor, 0).is_err());
        assert!(ConsumerInfo::new("a", ConsumerKind::Reactor, PARTITIONS_MAX + 1).is_err());
    }
}
