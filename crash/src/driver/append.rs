//! Appends, and what one that is refused means.

use super::state::{Driver, Outcome};
use crate::expect::{EventSpec, Shape};
use crate::verdict::Violation;
use std::sync::Arc;
use strandline::{Durability, Error, ErrorKind};

impl Driver {
    /// Appends one event of that length.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn append(&mut self, bytes: u32, durability: Durability) -> Outcome {
        self.commit(&[(bytes, Shape::Noise)], durability)
    }

    /// Appends events of these lengths and shapes in one commit.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn commit(&mut self, events: &[(u32, Shape)], durability: Durability) -> Outcome {
        if self.store.is_none() && self.setup.lying {
            return Ok(());
        }
        let store = self.store()?;
        let commit = self.commits;
        self.commits += 1;
        let mut specs = Vec::new();
        for (bytes, shape) in events {
            specs.push(EventSpec {
                number: self.numbers,
                commit,
                bytes: *bytes,
                shape: *shape,
            });
            self.numbers += 1;
        }
        let before = self.expected().events.len();
        self.expect(|now| Arc::make_mut(&mut now.events).extend_from_slice(&specs));
        match self.write(&store, &specs, durability) {
            Ok(()) => {
                if durability == Durability::Synced {
                    self.expect(|now| now.required = now.events.len());
                }
                Ok(())
            }
            Err(error) => {
                drop(store);
                self.refused(&error, before)
            }
        }
    }

    /// What a refused append means for what is expected.
    fn refused(&mut self, error: &Error, before: usize) -> Outcome {
        let expected = matches!(
            error.kind(),
            ErrorKind::NotWritten | ErrorKind::Unknown | ErrorKind::Poisoned | ErrorKind::Io
        );
        if !self.setup.failing || !expected {
            return Err(Violation::new(format!("an append failed: {error:?}")));
        }
        if error.kind() != ErrorKind::Unknown {
            self.expect(|now| Arc::make_mut(&mut now.events).truncate(before));
        }
        match error.kind() {
            ErrorKind::Unknown | ErrorKind::Poisoned => self.reopen_stopped(),
            _ => Ok(()),
        }
    }
}
