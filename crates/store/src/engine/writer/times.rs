//! Times from elsewhere: whether the clock can give them.

use super::context::Context;
use super::failure::exhausted;
use super::prepared::Prepared;
use super::state::Writer;
use crate::{Error, RefusedTime};
use strandline_core::{Hlc, HlcBehind, HlcClock};

impl Writer {
    /// Checks the times that the events of a commit bring along, as they will be given.
    ///
    /// # Errors
    ///
    /// `RefusedTime` for the first one that is too far ahead, or behind one that was given.
    pub(super) fn check_times(
        &self,
        events: &[Prepared<'_>],
        context: Context<'_>,
    ) -> Result<(), Error> {
        if events.iter().all(|prepared| prepared.event.at.is_none()) {
            return Ok(());
        }
        let mut clock = self.hlc.clone();
        for prepared in events {
            if let Some(supplied) = prepared.event.at {
                check_drift(supplied, context.now_ms, context.drift_ms_max)?;
            }
            tick(&mut clock, prepared.event.at, context.now_ms)?;
        }
        Ok(())
    }

    /// Moves the clock past a time from elsewhere.
    pub(crate) fn observe(
        &mut self,
        seen: Hlc,
        now_ms: u64,
        drift_ms_max: u64,
    ) -> Result<(), Error> {
        check_drift(seen, now_ms, drift_ms_max)?;
        self.hlc.observe(seen);
        Ok(())
    }
}

/// The clock reading of an event: the one it brings along, or the next.
pub(super) fn tick(clock: &mut HlcClock, at: Option<Hlc>, now_ms: u64) -> Result<Hlc, Error> {
    let Some(supplied) = at else {
        return clock
            .tick(now_ms)
            .map_err(|error| exhausted("clock readings").with_source(error));
    };
    clock
        .tick_at(supplied)
        .map_err(|HlcBehind { last }| Error::time_refused(RefusedTime::Behind { supplied, last }))
}

fn check_drift(supplied: Hlc, now_ms: u64, drift_ms_max: u64) -> Result<(), Error> {
    if supplied.wall_ms() <= now_ms.saturating_add(drift_ms_max) {
        return Ok(());
    }
    Err(Error::time_refused(RefusedTime::Ahead {
        supplied,
        now_ms,
        drift_ms_max,
    }))
}
