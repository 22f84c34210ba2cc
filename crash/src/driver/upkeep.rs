//! Syncs, checkpoints and verification.

use super::state::{Driver, Outcome};
use crate::verdict::Violation;
use strandline::{Durability, Error, ErrorKind, Problem, ProblemKind, Store};

impl Driver {
    /// Makes everything durable.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn sync(&mut self) -> Outcome {
        self.make_durable(|store| store.sync())
    }

    /// Saves a checkpoint.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn checkpoint(&mut self) -> Outcome {
        self.make_durable(|store| store.checkpoint().map(drop))
    }

    fn make_durable(&mut self, call: impl FnOnce(&Store) -> Result<(), Error>) -> Outcome {
        if self.store.is_none() && self.setup.lying {
            return Ok(());
        }
        let store = self.store()?;
        let answer = call(&store);
        // It may have to be opened again in this process.
        drop(store);
        match answer {
            Ok(()) => self.expect(|now| now.required = now.events.len()),
            Err(error) if !self.setup.failing => {
                return Err(Violation::new(format!("a call failed: {error:?}")));
            }
            Err(error) => match error.kind() {
                ErrorKind::Unknown | ErrorKind::Poisoned => self.reopen_stopped()?,
                ErrorKind::Io | ErrorKind::NotWritten => {}
                _ => return Err(Violation::new(format!("a call failed: {error:?}"))),
            },
        }
        Ok(())
    }

    /// Seals segments, where they have few events, until blocks of the index were merged.
    ///
    /// # Errors
    ///
    /// If that does not come, or fails.
    pub(crate) fn merge_next(&mut self) -> Outcome {
        // Whatever pieces earlier merges and rewritings left, so many more are one tier and another.
        const SEALED_MAX: u32 = 20;
        if self.setup.segment_events.is_none() || self.setup.lying {
            return Ok(());
        }
        let merges = |store: &Store| store.stats().map_or(0, |stats| stats.merges);
        let before = merges(&*self.store()?);
        for _ in 0..SEALED_MAX {
            self.append(30, Durability::Synced)?;
            let store = self.store()?;
            if merges(&store) > before {
                self.expected().check(&store)?;
                return Ok(());
            }
        }
        let stats = self.store()?.stats();
        Err(Violation::new(format!(
            "after {SEALED_MAX} segments nothing was merged: {stats:?}"
        )))
    }

    /// Checks every checksum and chain.
    ///
    /// # Errors
    ///
    /// If something is wrong.
    pub fn verify(&mut self) -> Outcome {
        let Some(store) = &self.store else {
            return Ok(());
        };
        match store.verify() {
            Ok(report) => {
                // A disk that lies may leave a checkpoint or a footer torn, and verification says so.
                let counts =
                    |problem: &&Problem| !self.setup.lying || problem.kind == ProblemKind::Log;
                match report.problems.iter().find(counts) {
                    None => Ok(()),
                    Some(found) => Err(Violation::new(format!("verification finds {found}"))),
                }
            }
            Err(error) if self.setup.failing && error.kind() == ErrorKind::Io => Ok(()),
            Err(error) => Err(Violation::new(format!("verification fails: {error:?}"))),
        }
    }
}
