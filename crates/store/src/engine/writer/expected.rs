//! Expected versions: whether the streams are as the events of a commit ask.
//!
//! A version is that of the newest event that is there, so what a reader computes is what is accepted. An
//! event that was removed is not there, though the clock goes on after it.

use super::ends::StreamEnd;
use super::prepared::Prepared;
use super::state::Writer;
use crate::{Error, ExpectedVersion, VersionConflict};
use std::collections::HashMap;
use strandline_segment::LogReader;

impl Writer {
    /// Checks what the events expect of their entities' streams, published or not. An event sees
    /// those before it in the commit.
    ///
    /// # Errors
    ///
    /// `WrongExpectedVersion` for the first event whose stream is another.
    pub(super) fn check_expected(
        &mut self,
        events: &[Prepared<'_>],
        log: &LogReader,
    ) -> Result<(), Error> {
        let expects = |prepared: &Prepared<'_>| prepared.event.expected != ExpectedVersion::Any;
        if !events.iter().any(expects) {
            return Ok(());
        }
        // By entity: how many events of the commit come before.
        let mut earlier: HashMap<&str, u32> = HashMap::new();
        for prepared in events {
            let entity = prepared.coordinate.entity();
            let end = self.end_of(prepared, log)?;
            let before = match events.len() {
                1 => 0,
                _ => earlier.get(entity).copied().unwrap_or(0),
            };
            // A clock past the last one is refused when it is to be given.
            let actual = match (before.checked_sub(1), end.last) {
                (None, _) => end.newest.map(|newest| newest.clock),
                (Some(_), Some(last)) => Some(last.clock.saturating_add(before)),
                (Some(first), None) => Some(first),
            };
            let expected = prepared.event.expected;
            if !expected.allows(actual) {
                let error = Error::wrong_version(VersionConflict {
                    entity: entity.to_owned(),
                    expected,
                    actual,
                    member: prepared.place,
                });
                return Err(match end.newest {
                    Some(newest) => error.because_of(newest.sequence),
                    None => error,
                });
            }
            if events.len() > 1 {
                earlier.insert(entity, before.saturating_add(1));
            }
        }
        Ok(())
    }

    /// Where the stream of an event's entity ends before the commit.
    fn end_of(&mut self, prepared: &Prepared<'_>, log: &LogReader) -> Result<StreamEnd, Error> {
        let name = prepared.coordinate.entity();
        let entity = match self.known(prepared) {
            Some(known) => self.index.entity_of(known),
            None => self.index.lookup_entity(name),
        };
        let end = self.stream_end(name, entity, log)?;
        let is_live = entity.is_some_and(|entity| self.index.head(entity).is_some());
        if end.last.is_some() && !is_live {
            // Asked for again when the event is made.
            self.confirmed.insert(name.into(), end);
        }
        Ok(end)
    }
}
