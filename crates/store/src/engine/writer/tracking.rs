//! Positions in sources: whether one rises, and that it was written. It is in the record of the first event that
//! a commit writes, so that both are there or neither.
//!
//! It is looked at before all else that may refuse an append but the ids of its events: a processor that goes
//! through an input again is told that it did so before, and not that streams have moved, which is its own doing.

use super::prepared::Prepared;
use super::state::Writer;
use crate::model::{Sources, Tracking};
use crate::rows::Summary;
use crate::{Error, ErrorKind, TRACKED_SOURCES_MAX, TrackingConflict};
use strandline_core::Sequence;

impl Prepared<'_> {
    /// Has the record of the event say how far a source was gone through.
    ///
    /// # Errors
    ///
    /// `TooLarge` if there is no room for it among the extensions, with the name of the event's kind beside it.
    pub(crate) fn track(&mut self, tracking: Tracking<'_>) -> Result<(), Error> {
        let Tracking { source, position } = tracking;
        let too_many = || {
            let message = "the event has too many extensions for a position in a source";
            Error::new(ErrorKind::TooLarge, message)
        };
        let tracked = self.extensions.with_tracking(source, position);
        let tracked = tracked.map_err(|error| too_many().with_source(error))?;
        if !tracked.leaves_room_for_name() {
            return Err(too_many());
        }
        self.extensions = tracked;
        Ok(())
    }
}

impl Writer {
    /// Checks that a position rises, published or not.
    ///
    /// # Errors
    ///
    /// `TrackingConflict` if it does not; `Exhausted` for one source too many.
    #[cold]
    pub(super) fn check_tracking(
        &self,
        tracking: Tracking<'_>,
        sources: &Sources,
    ) -> Result<(), Error> {
        let Tracking { source, position } = tracking;
        match sources.newest(source) {
            Some(last) if position <= last.position => {
                let conflict = TrackingConflict {
                    given: position,
                    last,
                };
                Err(Error::tracking_refused(conflict))
            }
            None if sources.len() >= TRACKED_SOURCES_MAX => {
                let message = format!(
                    "the store keeps the positions of {TRACKED_SOURCES_MAX} sources, which is the most, \
                     and {source:?} is none of them (TRACKED_SOURCES_MAX)"
                );
                Err(Error::new(ErrorKind::Exhausted, message))
            }
            _ => Ok(()),
        }
    }

    /// Notes that a position was written with the event at `first`, which is not published.
    #[cold]
    pub(super) fn tracked(&mut self, tracking: Tracking<'_>, first: Sequence, sources: &Sources) {
        let Tracking { source, position } = tracking;
        self.positions.note(source, position, first);
        let noted = [(source, position, first)].into_iter();
        sources.note(noted, || self.index.gate().visible());
    }

    /// What the records of the active segment say beside their rows.
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            kinds: self.kinds.in_segment().clone(),
            positions: self.positions.clone(),
        }
    }
}
