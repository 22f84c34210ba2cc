//! Saved positions: made of what the log is at one moment, and held against it.

use super::snapshot::Snapshot;
use crate::model::{LogMark, PROOFS, places};
use crate::{Error, PositionMismatch, RefusedPosition, SavedPosition};
use strandline_core::{Region, Sequence};
use strandline_segment::RecordPosition;

impl Snapshot {
    /// The position of a reader that has seen everything before `next`, to be saved. Past the watermark it is
    /// that of the watermark.
    ///
    /// Reads the headers of seven commits at most: O(log events) each.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) or [`ErrorKind::Io`](crate::ErrorKind::Io) from reading
    /// them.
    pub fn position(&self, next: Sequence) -> Result<SavedPosition, Error> {
        self.position_after(next, None)
    }

    /// As [`position`](Self::position), where one that this store gave earlier is known: what both prove is not
    /// read again.
    pub(crate) fn position_after(
        &self,
        next: Sequence,
        known: Option<&SavedPosition>,
    ) -> Result<SavedPosition, Error> {
        let next = next.min(self.visible());
        let mut proofs = [LogMark::default(); PROOFS];
        let mut before: Option<(Sequence, LogMark)> = None;
        for (place, proof) in places(next).into_iter().zip(&mut proofs) {
            let mut known = known.into_iter().flat_map(SavedPosition::proofs);
            let same = known.find(|(known, _)| *known == place);
            let same = same.or(before.filter(|(before, _)| *before == place));
            *proof = match same {
                Some((_, mark)) => mark,
                // Everything below the watermark is in a commit.
                None => self.mark_at(place)?.unwrap_or_default(),
            };
            before = Some((place, *proof));
        }
        Ok(SavedPosition::new(self.log, self.epoch, next, proofs))
    }

    /// Holds a saved position against the store as it is, and gives the sequence to go on with: every event
    /// before it is one that was there when the position was saved.
    ///
    /// Reads the header of one commit, and of six more if it is another one.
    ///
    /// ```
    /// use strandline::{Coordinate, ErrorKind, Event, EventKind, PositionMismatch, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let (here, there) = (Store::open(dir.path().join("a"))?, Store::open(dir.path().join("b"))?);
    /// let event = || Event::bytes(EventKind::new(1, 1), *b"x");
    /// for store in [&here, &there] {
    ///     store.append(&Coordinate::new("order:1042", "eu/payments")?, event())?;
    /// }
    /// let now = here.snapshot();
    /// let position = now.position(now.visible())?;
    /// assert_eq!(now.verify_position(&position)?, now.visible());
    ///
    /// let error = there.snapshot().verify_position(&position).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::ForeignPosition);
    /// let refused = error.refused_position().ok_or("it says why")?;
    /// assert_eq!(refused.mismatch, PositionMismatch::OtherStore);
    /// assert_eq!(refused.rewind, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ForeignPosition`](crate::ErrorKind::ForeignPosition) if it is one of another store, of another
    /// [epoch](crate::Store::epoch) of this one, or if the log has not what was before it;
    /// [`Error::refused_position`] says which, and from where the caller may go on. As
    /// [`position`](Self::position).
    pub fn verify_position(&self, saved: &SavedPosition) -> Result<Sequence, Error> {
        let refused = |mismatch, rewind| {
            Error::position_refused(RefusedPosition {
                saved: *saved,
                mismatch,
                rewind,
            })
        };
        if saved.log() != self.log {
            return Err(refused(PositionMismatch::OtherStore, None));
        }
        let common = self.common_with(saved)?;
        let is_same_course = saved.epoch() == self.epoch;
        if is_same_course && common == saved.sequence() {
            return Ok(common);
        }
        let mismatch = match is_same_course {
            true => PositionMismatch::LostEnd,
            false => PositionMismatch::OtherCourse,
        };
        Err(refused(mismatch, Some(self.position(common)?)))
    }

    /// The last place that a position proves up to which this log is the one that it is of.
    fn common_with(&self, saved: &SavedPosition) -> Result<Sequence, Error> {
        let mut unknown = None;
        for (place, mark) in saved.proofs() {
            if place > self.visible() {
                continue;
            }
            match self.found_at(place)? {
                Found::Mark(own) if own == mark => return Ok(unknown.unwrap_or(place)),
                Found::Mark(_) => unknown = None,
                // Nothing speaks for it or against it: the next one tells.
                Found::InRun => unknown = unknown.or(Some(place)),
                Found::Nothing => {}
            }
        }
        Ok(unknown.unwrap_or(Sequence::ZERO))
    }

    /// A part of the log hash after the commit that has the event before a place, if there is one and it is known.
    fn mark_at(&self, place: Sequence) -> Result<Option<LogMark>, Error> {
        match self.found_at(place)? {
            Found::Mark(mark) => Ok(Some(mark)),
            Found::InRun | Found::Nothing => Ok(None),
        }
    }

    /// What the log has where a place is.
    fn found_at(&self, place: Sequence) -> Result<Found, Error> {
        let Some(last) = place.get().checked_sub(1).map(Sequence::new) else {
            return Ok(Found::Mark(LogMark::default()));
        };
        // Where it was removed, an earlier event shows where in the log to look.
        let row = self.index.row_at(last).or_else(|| {
            let before = Region::all().sequence(..last.get());
            self.index.query(&before).next_back()
        });
        let near = row.map(|row| RecordPosition::from_bits(row.position()));
        let commit = self.reader.log.commit_at(last, near)?;
        Ok(match commit {
            Some(commit) if commit.is_run && commit.end != place => Found::InRun,
            Some(commit) => Found::Mark(commit.log_hash.into()),
            None => Found::Nothing,
        })
    }
}

/// What a log has at a place.
enum Found {
    Mark(LogMark),
    /// It is within a run of removed events, whose commits have no log hash any more.
    InRun,
    Nothing,
}
