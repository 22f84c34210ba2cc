//! `Page` and `PageToken`: some events of a query, and the place where the next ones begin, as a value that can
//! be kept. Which page comes next is found where snapshots are.

use super::hex_text::{self, Digits};
use super::stored::StoredEvent;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use strandline_core::{Epoch, EventId, Sequence};

/// In which order pages follow each other, and the events on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Order {
    /// As they were appended.
    #[default]
    OldestFirst,
    /// The last one first.
    NewestFirst,
}

impl Order {
    const fn letter(self) -> char {
        match self {
            Self::OldestFirst => 'o',
            Self::NewestFirst => 'n',
        }
    }
}

/// Some events of a query: [`Snapshot::page`](crate::Snapshot::page).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The events, in the order that was asked for.
    pub events: Vec<StoredEvent>,
    /// Where the next page begins; none if this one was the last.
    pub next: Option<PageToken>,
}

/// Where a page ended: a value that can be printed, kept and given back, also after the store was closed,
/// compacted or redacted, and to another process.
///
/// It is a place in a store and not of a query: it may be given to another query, which then goes on from there.
/// Shown as 65 letters and digits. It can be forged, and gives nobody access to anything.
///
/// ```
/// use strandline::PageToken;
///
/// assert!("7".parse::<PageToken>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PageToken {
    epoch: Epoch,
    order: Order,
    /// The last event before.
    sequence: Sequence,
    /// Of its id; 0 if it was not known.
    event: u32,
}

/// Letters and digits of a token.
const LENGTH: usize = 1 + 32 + 16 + 8 + 8;

impl PageToken {
    pub(crate) fn new(epoch: Epoch, order: Order, sequence: Sequence, id: Option<EventId>) -> Self {
        Self {
            epoch,
            order,
            sequence,
            event: id.map_or(0, mark),
        }
    }

    /// In which order its pages come.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The sequence of the last event of the page that it was given with.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The [epoch](crate::Store::epoch) that the sequence is of.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether an event that has the sequence now is the one that had it.
    pub(crate) fn is_of(&self, id: EventId) -> bool {
        self.event == 0 || self.event == mark(id)
    }

    /// What tells a token from one with a letter that is wrong or missing.
    fn check(&self) -> u32 {
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(self.epoch.as_bytes());
        bytes.extend_from_slice(&self.sequence.get().to_le_bytes());
        bytes.extend_from_slice(&self.event.to_le_bytes());
        bytes.push(match self.order {
            Order::OldestFirst => 0,
            Order::NewestFirst => 1,
        });
        hex_text::check(&bytes)
    }
}

/// Some bits of an id, never 0.
fn mark(id: EventId) -> u32 {
    hex_text::check(&id.as_u128().to_le_bytes()).max(1)
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (order, epoch, sequence) = (self.order.letter(), self.epoch, self.sequence.get());
        let (event, check) = (self.event, self.check());
        write!(f, "{order}{epoch}{sequence:016x}{event:08x}{check:08x}")
    }
}

/// A text that is not a page token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a page token has 65 letters and digits, as it was printed; this is none, a part of one, or one with \
     something changed or added, such as a line end"
)]
pub struct PageTokenError;

impl FromStr for PageToken {
    type Err = PageTokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).ok_or(PageTokenError)
    }
}

fn read(text: &str) -> Option<PageToken> {
    if text.len() != LENGTH {
        return None;
    }
    let (order, digits) = text.split_at_checked(1)?;
    let mut digits = Digits(digits);
    let token = PageToken {
        order: match order {
            "o" => Order::OldestFirst,
            "n" => Order::NewestFirst,
            _ => return None,
        },
        epoch: digits.take(32)?.parse().ok()?,
        sequence: Sequence::new(digits.u64()?),
        event: digits.u32()?,
    };
    (digits.u32()? == token.check()).then_some(token)
}

impl TryFrom<String> for PageToken {
    type Error = PageTokenError;

    fn try_from(text: String) -> Result<Self, PageTokenError> {
        text.parse()
    }
}

impl From<PageToken> for String {
    fn from(token: PageToken) -> Self {
        token.to_string()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tokens_come_back_and_others_do_not(
            epoch in any::<[u8; 16]>(),
            newest in any::<bool>(),
            sequence in any::<u64>(),
            id in any::<Option<u128>>(),
            at in 0..LENGTH,
            other in "[ -~ä]",
        ) {
            let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
            let id = id.map(EventId::from_u128);
            let epoch = Epoch::from_bytes(epoch);
            let token = PageToken::new(epoch, order, Sequence::new(sequence), id);
            let text = token.to_string();
            prop_assert_eq!(text.len(), LENGTH);
            prop_assert_eq!(text.parse(), Ok(token));
            let json = serde_json::to_string(&token).unwrap();
            prop_assert_eq!(serde_json::from_str::<PageToken>(&json).unwrap(), token);
            if let Some(id) = id {
                prop_assert!(token.is_of(id));
            }
            let mut changed = text.clone();
            changed.replace_range(at..=at, &other);
            prop_assert!(changed == text || changed.parse::<PageToken>().is_err());
            prop_assert!(text[..at].parse::<PageToken>().is_err());
            prop_assert!((text.clone() + "0").parse::<PageToken>().is_err());
            let of_a_line = (text + "\n").parse::<PageToken>().unwrap_err();
            prop_assert!(of_a_line.to_string().contains("line end"));
        }
    }
}
