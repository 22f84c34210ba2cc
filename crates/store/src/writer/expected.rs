//! Expected versions: whether the streams are as the events of a commit ask.

use super::{Prepared, Writer};
use crate::{Error, ExpectedVersion, VersionConflict};
use std::collections::HashMap;
use strandline_core::Sequence;
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
        for (member, prepared) in events.iter().enumerate() {
            let entity = prepared.coordinate.entity();
            let stored = self.newest_of(prepared, log)?;
            let before = match events.len() {
                1 => 0,
                _ => earlier.get(entity).copied().unwrap_or(0),
            };
            let clock = stored.map(|(clock, _)| clock);
            // A clock past the last one is refused when it is to be given.
            let actual = match (clock, before.checked_sub(1)) {
                (Some(clock), _) => Some(clock.saturating_add(before)),
                (None, last) => last,
            };
            let expected = prepared.event.expected;
            if !expected.allows(actual) {
                let error = Error::wrong_version(VersionConflict {
                    entity: entity.to_owned(),
                    expected,
                    actual,
                    member,
                });
                return Err(match stored {
                    Some((_, sequence)) => error.because_of(sequence),
                    None => error,
                });
            }
            if events.len() > 1 {
                earlier.insert(entity, before.saturating_add(1));
            }
        }
        Ok(())
    }

    /// Clock and sequence of the newest event of an entity.
    fn newest_of(
        &mut self,
        prepared: &Prepared<'_>,
        log: &LogReader,
    ) -> Result<Option<(u32, Sequence)>, Error> {
        let name = prepared.coordinate.entity();
        let entity = match self.known(prepared) {
            Some(known) => self.index.entity_of(known),
            None => self.index.lookup_entity(name),
        };
        let head = self.head(name, entity, log)?;
        let is_live = entity.is_some_and(|entity| self.index.head(entity).is_some());
        if let Some(head) = head
            && !is_live
        {
            // Asked for again when the event is made.
            self.confirmed.insert(name.into(), head);
        }
        Ok(head.map(|head| (head.clock, head.sequence)))
    }
}
