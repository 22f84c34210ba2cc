//! Compactions and redactions.

use super::state::{Driver, Outcome};
use crate::expect::Taken;
use crate::verdict::Violation;
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{Error, ErrorKind, Store};

impl Driver {
    /// Removes all but the newest events of each entity, so many of them, or none.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn compact(&mut self, keep: u32) -> Outcome {
        let now = self.expected();
        let next = now.taken.keeping(&now.events, keep as usize);
        self.take(next, |store| {
            let rules = match keep {
                0 => Retention::new()
                    .drop_entities("entity:")
                    .drop_entities("alone:"),
                _ => Retention::new().keep_newest(keep),
            };
            // Some leave what they take as runs.
            let rules = match keep % 2 {
                0 => rules.forget_digests(),
                _ => rules,
            };
            compact(store, &rules, &mut |_| ControlFlow::Continue(())).map(drop)
        })
    }

    /// Redacts the payloads of an entity.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn redact(&mut self, entity: u32) -> Outcome {
        let now = self.expected();
        let entity = format!("entity:{entity}");
        let next = now.taken.redacting(&now.events, &entity);
        self.take(next, |store| {
            let chosen = Redaction::new().entity(entity);
            redact(store, &chosen, &mut |_| ControlFlow::Continue(())).map(drop)
        })
    }

    fn take(&mut self, next: Taken, call: impl FnOnce(&Store) -> Result<(), Error>) -> Outcome {
        if self.store.is_none() && self.setup.lying {
            return Ok(());
        }
        let store = self.store()?;
        let next = Arc::new(next);
        self.expect(|now| now.being_taken = Some(next.clone()));
        match call(&store) {
            Ok(()) => self.expect(|now| {
                now.taken = next;
                now.being_taken = None;
            }),
            Err(error) if !self.setup.failing => {
                return Err(Violation::new(format!("a call failed: {error:?}")));
            }
            Err(error) => match error.kind() {
                ErrorKind::Unknown | ErrorKind::Poisoned => {
                    drop(store);
                    self.reopen_stopped()?;
                }
                // What the living store shows tells whether it was through.
                ErrorKind::Io | ErrorKind::NotWritten => {
                    if let Ok((_, taken)) = self.expected().resolve(&store) {
                        self.expect(|now| {
                            now.taken = taken;
                            now.being_taken = None;
                        });
                    }
                }
                _ => return Err(Violation::new(format!("a call failed: {error:?}"))),
            },
        }
        Ok(())
    }
}
