//! `Recorder`: writes what a compaction or redaction takes into the log, before and after.

use crate::engine::group_sync::{Poison, PoisonOnPanic};
use crate::engine::writer::Writer;
use crate::rows::removals::Removal;
use crate::{Error, ErrorKind, Store};
use strandline_core::record::{
    REMOVAL_RULE_BYTES_MAX, RemovalChange, RemovalHasher, RemovalNote, RemovalPart, RemovalStage,
    Runs,
};
use strandline_core::{Hash, Nonce, Sequence};
use strandline_segment::LogPosition;

/// The events that are taken, noted in the order of the log.
#[derive(Debug, Default)]
pub(in crate::maintenance) struct Taken {
    runs: Runs,
    hasher: RemovalHasher,
}

impl Taken {
    /// Notes the next event.
    pub(in crate::maintenance) fn add(&mut self, sequence: Sequence, hash: &Hash) {
        self.runs.push(sequence);
        self.hasher.add(sequence, hash);
    }

    /// Notes the next event, which is in a run: its hash is not known any more, so the digest is of the others, and
    /// nobody makes it anew.
    pub(super) fn add_folded(&mut self, sequence: Sequence) {
        self.runs.push(sequence);
    }

    /// Whether an event was noted.
    #[cfg(all(test, not(strandline_loom)))]
    pub(super) fn has(&self, sequence: Sequence) -> bool {
        self.runs.has(sequence)
    }
}

/// What a record says beside its events.
#[derive(Debug)]
pub(in crate::maintenance) struct Told {
    change: RemovalChange,
    rule: String,
    /// When, in milliseconds since 1970.
    wall_ms: u64,
}

impl Told {
    /// As a record that is there says it.
    pub(in crate::maintenance) fn of(removal: &Removal) -> Self {
        Self {
            change: removal.change,
            rule: removal.rule.clone(),
            wall_ms: removal.wall_ms,
        }
    }

    /// Of what is done now.
    pub(in crate::maintenance) fn now(store: &Store, change: RemovalChange, rule: &str) -> Self {
        Self {
            change,
            rule: bounded_rule(rule),
            wall_ms: store.shared().options.clock.now_ms(),
        }
    }
}

/// A removal whose beginning is in the log.
#[derive(Debug)]
#[must_use = "the log does not say yet that it is done"]
pub(in crate::maintenance) struct Recorder {
    note: RemovalNote,
    /// What it says, as whoever reads the log puts it together.
    removal: Removal,
}

impl Recorder {
    /// Writes what is to be taken, and returns when that is durable, with where the log is so.
    pub(in crate::maintenance) fn begin(
        store: &Store,
        told: Told,
        taken: &Taken,
    ) -> Result<(Self, LogPosition), Error> {
        let shared = store.shared();
        let (unrecorded_before, id) = {
            let log = &shared.writer()?.lock().log;
            (
                log.unrecorded_before(),
                id(&log.position().log_hash, shared.random.nonce()),
            )
        };
        let note = RemovalNote {
            is_foreign: false,
            log: shared.identity,
            id,
            change: told.change,
            wall_ms: told.wall_ms,
            stage: RemovalStage::Done,
        };
        let part = RemovalPart {
            unrecorded_before,
            part: 0,
            parts: 1,
            events: taken.runs.count(),
            digest: taken.hasher.finish(),
            rule: told.rule,
            runs: taken.runs.as_slice().to_vec(),
        };
        let removal = Removal::of_own(&note, &part);
        let end = store.write_notes(&note.begin(&part))?;
        Ok((Self { note, removal }, end))
    }

    /// Writes that what was begun is done, and returns when that is durable, with what the log says of it.
    pub(in crate::maintenance) fn done(self, store: &Store) -> Result<Removal, Error> {
        let mut body = Vec::new();
        self.note.encode(&mut body);
        let done = Removal {
            is_done: true,
            ..self.removal
        };
        store.write_notes(&[body]).map(|_| done).map_err(|error| {
            let kind = match error.kind() {
                // Something was.
                ErrorKind::NotWritten => ErrorKind::Io,
                kind => kind,
            };
            Error::new(
                kind,
                "what was to go is gone, and the log says that this was begun, but that it is done \
                 cannot be written",
            )
            .with_source(error)
        })
    }
}

impl Store {
    /// Writes notes, in this order, and returns when they are durable. Appends go on meanwhile.
    pub(in crate::maintenance) fn write_notes(
        &self,
        bodies: &[Vec<u8>],
    ) -> Result<LogPosition, Error> {
        let shared = self.shared();
        for body in bodies {
            let (written, sealed) = {
                // The caller's code, so not under the lock.
                let now_ms = shared.options.clock.now_ms();
                let rotates = |writer: &mut Writer| !writer.log.fits(body.len(), 1);
                let mut writer = shared.lock_to_rotate(rotates)?;
                shared.check_poison()?;
                let guard = PoisonOnPanic(&shared.group);
                let written = writer.write_note(body, shared.context(now_ms));
                guard.finish();
                (written, writer.sealed.take())
            };
            if let (Some(sealed), Some(background)) = (sealed, &self.running.background) {
                background.write_footer(shared, sealed);
            }
            written?;
        }
        let (notes, end) = {
            let writer = shared.writer()?.lock();
            (writer.notes.written, writer.log.position())
        };
        shared.group.flush().map_err(|Poison { reason, .. }| {
            let message = "what was to be recorded may or may not be durable, reopen to see";
            Error::new(ErrorKind::Unknown, format!("{reason}; {message}"))
        })?;
        let mut writer = shared.writer()?.lock();
        writer.notes.synced = writer.notes.synced.max(notes);
        Ok(end)
    }
}

/// An id that no other removal has: the log has never ended in this hash before, and random bytes tell
/// two copies of it apart.
fn id(log_hash: &Hash, random: Nonce) -> [u8; 16] {
    let hash = Hash::of(&[log_hash.as_bytes().as_slice(), &random.0].concat());
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// A rule of a length that a record may have; one that was longer says so.
fn bounded_rule(rule: &str) -> String {
    const MORE: &str = " …";
    if rule.len() <= REMOVAL_RULE_BYTES_MAX {
        return rule.to_owned();
    }
    let mut end = REMOVAL_RULE_BYTES_MAX - MORE.len();
    while !rule.is_char_boundary(end) {
        end -= 1;
    }
    rule.get(..end).unwrap_or_default().to_owned() + MORE
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn a_long_rule_is_cut_and_says_so() {
        assert_eq!(bounded_rule("keep newest 3"), "keep newest 3");
        let long = bounded_rule(&"é".repeat(REMOVAL_RULE_BYTES_MAX));
        assert!(long.len() <= REMOVAL_RULE_BYTES_MAX && long.ends_with('…'));
    }
}
