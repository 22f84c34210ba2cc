//! `SimFault`: which operations of a simulated disk fail, and how.

use crate::fs::Operation;
use std::io;

/// How an operation of a [`SimFs`](super::SimFs) fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimFaultKind {
    /// With an error, and without an effect.
    Error(io::ErrorKind),
    /// A read or write transfers half of its bytes, at least one. Others succeed.
    Short,
    /// A sync fails after some of the data arrived; the rest counts as clean from then on, so that
    /// the next sync succeeds without having written it. Other operations fail without an effect.
    SyncLoses,
    /// A sync says that it succeeded and has done nothing. Others succeed.
    SyncLies,
}

/// Operations that fail.
#[derive(Debug, Clone, Copy)]
pub struct SimFault {
    /// Only this operation is counted; all are if there is none.
    pub operation: Option<Operation>,
    /// How many counted operations go well first.
    pub after: u64,
    /// How many then fail.
    pub times: u64,
    /// How.
    pub kind: SimFaultKind,
}

impl SimFault {
    /// Counts an operation; says how it fails, if it does.
    pub(super) fn count(&mut self, operation: Operation) -> Option<SimFaultKind> {
        if self.operation.is_some_and(|only| only != operation) {
            return None;
        }
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        if self.times == 0 {
            return None;
        }
        self.times -= 1;
        Some(self.kind)
    }
}
