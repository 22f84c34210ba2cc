//! `Ledger`: which events the notes of a log say are gone. Looks at no event.

use std::collections::HashMap;
use std::ops::Range;
use strandline_core::record::{RemovalNote, RemovalStage, Runs};
use strandline_segment::LogIdentity;

/// The removals in a log itself; those of other logs explain nothing here.
#[derive(Debug)]
pub(super) struct Ledger {
    log: LogIdentity,
    by_id: HashMap<[u8; 16], Removal>,
}

#[derive(Debug, Default)]
struct Removal {
    runs: Vec<Range<u64>>,
    is_done: bool,
}

impl Ledger {
    pub(super) fn new(log: LogIdentity) -> Self {
        let by_id = HashMap::new();
        Self { log, by_id }
    }

    /// Takes a note; says what is wrong with one that is of a removal and cannot be read.
    pub(super) fn note(&mut self, body: &[u8]) -> Result<(), String> {
        if !RemovalNote::is_one(body) {
            return Ok(());
        }
        let note = RemovalNote::decode(body)
            .map_err(|error| format!("the record of a removal cannot be read: {error}"))?;
        if note.is_foreign || note.log != self.log {
            return Ok(());
        }
        let removal = self.by_id.entry(note.id).or_default();
        match note.stage {
            RemovalStage::Begun(part) => removal.runs.extend(part.runs),
            RemovalStage::Done => removal.is_done = true,
        }
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        self.by_id.len()
    }

    /// The events of removals that are done, or of those that were begun and are not said to be done.
    pub(super) fn events(&self, is_done: bool) -> Runs {
        let removals = self.by_id.values();
        let removals = removals.filter(|removal| removal.is_done == is_done);
        Runs::of(removals.flat_map(|removal| removal.runs.clone()).collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use strandline_core::record::{RemovalChange, RemovalPart};
    use strandline_core::{Hash, Sequence};

    const LOG: LogIdentity = [7; 16];

    fn note(id: u8, stage: RemovalStage) -> RemovalNote {
        RemovalNote {
            is_foreign: false,
            log: LOG,
            id: [id; 16],
            change: RemovalChange::Redacted,
            wall_ms: 1,
            stage,
        }
    }

    fn begun(part: u32, run: Range<u64>) -> RemovalStage {
        let runs = vec![run];
        RemovalStage::Begun(RemovalPart {
            unrecorded_before: Sequence::ZERO,
            part,
            parts: 2,
            events: 9,
            digest: Hash::ZERO,
            rule: String::new(),
            runs,
        })
    }

    fn take(ledger: &mut Ledger, note: &RemovalNote) {
        let mut bytes = Vec::new();
        note.encode(&mut bytes);
        ledger.note(&bytes).unwrap();
    }

    #[test]
    fn what_is_done_is_told_from_what_was_begun() {
        let mut ledger = Ledger::new(LOG);
        take(&mut ledger, &note(1, begun(0, 3..5)));
        take(&mut ledger, &note(2, begun(0, 4..9)));
        take(&mut ledger, &note(1, begun(1, 20..21)));
        assert!(ledger.events(true).is_empty());
        take(&mut ledger, &note(1, RemovalStage::Done));
        assert_eq!(ledger.events(true).as_slice(), [3..5, 20..21]);
        assert_eq!(
            ledger.events(false).as_slice(),
            std::slice::from_ref(&(4..9))
        );
        assert_eq!(ledger.count(), 2);
    }

    #[test]
    fn what_happened_in_another_log_says_nothing_here() {
        let mut ledger = Ledger::new(LOG);
        let own = note(1, begun(0, 3..5));
        let foreign = RemovalNote {
            is_foreign: true,
            ..own.clone()
        };
        take(&mut ledger, &foreign);
        take(
            &mut ledger,
            &RemovalNote {
                log: [8; 16],
                ..own
            },
        );
        ledger.note(b"a note of a later version").unwrap();
        assert_eq!(ledger.count(), 0);
        let mut bytes = Vec::new();
        note(1, RemovalStage::Done).encode(&mut bytes);
        bytes.pop();
        assert!(ledger.note(&bytes).is_err());
    }
}
