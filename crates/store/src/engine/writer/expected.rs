//! Expected versions: whether the streams are as the events of a commit ask.
//!
//! A version is that of the newest event that is there, so what a reader computes is what is accepted. An
//! event that was removed is not there, though the clock goes on after it.

use super::prepared::Prepared;
use super::state::Writer;
use crate::{Error, ExpectedVersion, VersionConflict};

impl Writer {
    /// Checks what the events expect of their entities' streams, published or not, as they were looked up.
    /// An event sees those before it in the commit.
    ///
    /// # Errors
    ///
    /// `WrongExpectedVersion` for the first event whose stream is another.
    pub(super) fn check_expected(&mut self, events: &[Prepared<'_>]) -> Result<(), Error> {
        let expects = |prepared: &Prepared<'_>| prepared.event.expected != ExpectedVersion::Any;
        if !events.iter().any(expects) {
            return Ok(());
        }
        for (at, prepared) in events.iter().enumerate() {
            let Some(entity) = self.entities.of_event(at) else {
                continue;
            };
            let (end, before) = (entity.end, entity.checked);
            entity.checked = before.saturating_add(1);
            // A clock past the last one is refused when it is to be given.
            let actual = match (before.checked_sub(1), end.last) {
                (None, _) => end.newest.map(|newest| newest.clock),
                (Some(_), Some(last)) => Some(last.clock.saturating_add(before)),
                (Some(first), None) => Some(first),
            };
            let expected = prepared.event.expected;
            if !expected.allows(actual) {
                let error = Error::wrong_version(VersionConflict {
                    entity: prepared.coordinate.entity().to_owned(),
                    expected,
                    actual,
                    member: prepared.place,
                });
                return Err(match end.newest {
                    Some(newest) => error.because_of(newest.sequence),
                    None => error,
                });
            }
        }
        Ok(())
    }
}
