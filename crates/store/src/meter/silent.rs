//! The same without the feature: nothing is held, and nothing done.

use super::calls::{Read, Run};
use crate::{Error, Event, Receipt};
use std::path::Path;
use std::time::Duration;
use strandline_core::Coordinate;

/// Nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {}

/// What is read through one iterator: nothing that anybody counts.
#[derive(Debug, Default)]
pub(crate) struct Reading;

/// A work of maintenance that nobody counts.
#[derive(Debug)]
pub(crate) struct Running;

#[expect(clippy::unused_self, reason = "the one that counts needs it")]
impl Metrics {
    pub(crate) const fn of(_: &Path) -> Self {
        Self {}
    }

    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        false
    }

    #[inline]
    pub(crate) const fn appended(&self, _: &Result<Receipt, Error>, _: &Event) {}

    #[inline]
    pub(crate) const fn appended_all(
        &self,
        _: &Result<Vec<Receipt>, Error>,
        _: &[(Coordinate, Event)],
    ) {
    }

    #[inline]
    pub(crate) const fn wrote(&self, _: &[Receipt], _: &[(Coordinate, Event)]) {}

    #[inline]
    pub(crate) const fn wrote_one(&self, _: &Receipt, _: &Event) {}

    #[inline]
    pub(crate) const fn refused(&self, _: &Error) {}

    #[inline]
    pub(crate) const fn synced(&self, _: Duration, _: u64) {}

    #[inline]
    pub(crate) const fn sync_failed(&self) {}

    #[inline]
    pub(crate) const fn rotated(&self) {}

    #[inline]
    pub(crate) const fn read(&self, _: Read) {}

    #[inline]
    pub(crate) const fn reading(&self, _: Read) -> Reading {
        Reading
    }

    #[inline]
    pub(crate) const fn running(&self, _: Run) -> Running {
        Running
    }
}

#[expect(clippy::unused_self, reason = "the one that counts needs it")]
impl Reading {
    #[inline]
    pub(crate) const fn add(&mut self) {}
}

#[expect(clippy::unused_self, reason = "the one that counts needs it")]
impl Running {
    #[inline]
    pub(crate) const fn done(self) {}

    #[inline]
    pub(crate) const fn failed(self) {}
}
