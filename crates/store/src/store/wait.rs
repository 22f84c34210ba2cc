//! Waiting for events that are not there yet.

use super::Store;
use crate::engine::news::Mark;
use crate::read::{passed, wait_past};
use crate::{Error, Passed};
#[cfg(doc)]
use crate::{ErrorKind, Receipt, Snapshot};
use std::time::Duration;
use strandline_core::Sequence;

impl Store {
    /// Returns `true` once the watermark of what is visible is past `sequence`, and `false` if it is not
    /// after `timeout`.
    ///
    /// Visibility is a watermark and no set: once this returns `true`, a [`Snapshot`] has every event up to
    /// `sequence` that there is, and none of them comes later. `sequence` need not be given yet. A store in
    /// which nobody waits pays nothing for this; one in which all wait for sequences far ahead does not
    /// either.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Poisoned`] if writing stops before; [`ErrorKind::LockLost`], also in a fork of the process
    /// that opened the store. In a store opened to read only, as [`refresh`](Self::refresh).
    pub fn wait_visible_past(&self, sequence: Sequence, timeout: Duration) -> Result<bool, Error> {
        wait_past(self.shared(), Mark::Visible, sequence, timeout)
    }

    /// As [`wait_visible_past`](Self::wait_visible_past), for the watermark of what is durable.
    ///
    /// Syncs nothing: [`wait_durable`](Self::wait_durable) does.
    ///
    /// # Errors
    ///
    /// As [`wait_visible_past`](Self::wait_visible_past).
    pub fn wait_durable_past(&self, sequence: Sequence, timeout: Duration) -> Result<bool, Error> {
        wait_past(self.shared(), Mark::Durable, sequence, timeout)
    }

    /// A future that gives the watermark of what is visible once it is past `sequence`.
    ///
    /// # Errors
    ///
    /// As [`wait_visible_past`](Self::wait_visible_past), from the future, and [`ErrorKind::Closed`] once the
    /// store is closed or dropped.
    pub fn visible_past(&self, sequence: Sequence) -> Passed {
        passed(self.shared(), Mark::Visible, sequence)
    }

    /// A future that gives the watermark of what is durable once it is past `sequence`.
    ///
    /// # Errors
    ///
    /// As [`visible_past`](Self::visible_past).
    pub fn durable_past(&self, sequence: Sequence) -> Passed {
        passed(self.shared(), Mark::Durable, sequence)
    }
}
