//! `CommitLock`: who holds it is the single writer.

use super::state::Writer;
use crate::trace::{self, Held};
use std::ops::{Deref, DerefMut};
use strandline_core::sync::{Mutex, MutexGuard};

/// The commit lock.
#[derive(Debug)]
pub(crate) struct CommitLock(Mutex<Writer>);

/// The right to write. What is told meanwhile is told after it.
pub(crate) struct Committing<'a> {
    // Dropped in this order.
    writer: MutexGuard<'a, Writer>,
    _held: Held,
}

impl CommitLock {
    pub(crate) fn new(writer: Writer) -> Self {
        Self(Mutex::new(writer))
    }

    pub(crate) fn lock(&self) -> Committing<'_> {
        let held = trace::hold();
        Committing {
            writer: self.0.lock(),
            _held: held,
        }
    }
}

impl Deref for Committing<'_> {
    type Target = Writer;

    fn deref(&self) -> &Writer {
        &self.writer
    }
}

impl DerefMut for Committing<'_> {
    fn deref_mut(&mut self) -> &mut Writer {
        &mut self.writer
    }
}
