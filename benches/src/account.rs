//! The aggregate of the work: an account, what happens to it, and what is decided on it.
//!
//! The same on every store, and as JSON in every store. It knows none of them, and nothing of this crate.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What happened to an account: some 180 bytes as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// How much came, or went if it is less than nothing.
    pub cents: i64,
    /// What it was for.
    pub note: String,
}

impl Moved {
    /// So much, with a note that is always the same.
    #[must_use]
    pub fn new(cents: i64) -> Self {
        let note = "what it was for, in as many words as people take ".repeat(3);
        Self { cents, note }
    }
}

/// The state of an account: what its events come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What is on it.
    pub cents: i64,
    /// How many events it has.
    pub events: u64,
}

impl Account {
    /// What happens when somebody pays in so much, or takes it out if it is less than nothing: one event.
    ///
    /// # Errors
    ///
    /// [`Overdrawn`] if less than nothing would be left.
    pub fn decide(&self, cents: i64) -> Result<Moved, Overdrawn> {
        match self.cents.checked_add(cents) {
            Some(0..) => Ok(Moved::new(cents)),
            _ => Err(Overdrawn),
        }
    }

    /// What the account is after an event.
    pub fn evolve(&mut self, event: &Moved) {
        self.cents = self.cents.saturating_add(event.cents);
        self.events += 1;
    }
}

/// There is too little on the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdrawn;

impl fmt::Display for Overdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is too little on the account")
    }
}

impl std::error::Error for Overdrawn {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_never_overdrawn() {
        let mut account = Account::default();
        account.evolve(&account.decide(5).unwrap());
        assert_eq!(account.decide(-6), Err(Overdrawn));
        account.evolve(&account.decide(-5).unwrap());
        let expected = Account {
            cents: 0,
            events: 2,
        };
        assert_eq!(account, expected);
    }

    #[test]
    fn an_event_has_as_many_bytes_as_is_said() {
        let json = serde_json::to_vec(&Moved::new(1)).unwrap();
        assert!((160..200).contains(&json.len()), "{}", json.len());
    }
}
