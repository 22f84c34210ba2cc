//! `Retries`: how often a command was tried, and what became of that.

use crate::{ExecuteError, Retry};
use strandline::Error;
use strandline_core::Random;
use strandline_core::sync::thread;

/// The tries of one command.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    retry: Retry,
    random: &'a Random,
    tries: u32,
}

impl<'a> Retries<'a> {
    pub(crate) const fn new(retry: Retry, random: &'a Random) -> Self {
        Self {
            retry,
            random,
            tries: 0,
        }
    }

    /// Counts a decision, and gives how many there were.
    pub(crate) const fn count(&mut self) -> u32 {
        self.tries = self.tries.saturating_add(1);
        self.tries
    }

    /// Returns when it is time for the next try, after one that met `conflict`.
    ///
    /// # Errors
    ///
    /// `Conflict` if there were as many as may be.
    pub(crate) fn wait<E>(&self, conflict: Error) -> Result<(), ExecuteError<E>> {
        let tries = self.tries;
        if tries >= self.retry.tries_max {
            let source = conflict;
            return Err(ExecuteError::Conflict { tries, source });
        }
        let delay = self.retry.delay(tries, self.random.number());
        if !delay.is_zero() {
            thread::sleep(delay);
        }
        Ok(())
    }
}
