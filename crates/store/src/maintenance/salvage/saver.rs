//! `Saver`: gives what is proven to the target, and tells what it does not take. Proves nothing.

use super::commit::Commit;
use super::loss::Loss;
use super::positions::Positions;
use super::salvaged::Salvaged;
use crate::{AppendOptions, Durability, Error, ErrorKind, Store};
use std::ops::Range;
use strandline_core::EventKind;
use strandline_core::record::push_run;
use strandline_segment::COMMIT_BYTES_MAX;

/// What became of the events that were met.
pub(super) struct Saver<'a> {
    pub(super) target: &'a Store,
    /// Sequences of which it is known what became of them; they need not ascend.
    pub(super) known: Vec<Range<u64>>,
    /// Sequences of events that are lost.
    pub(super) lost: Vec<Range<u64>>,
    pub(super) report: Salvaged,
    /// How many names of kinds were told that the target does not take.
    kinds_told: usize,
    /// Positions in sources that the target is to have.
    pub(super) positions: Positions,
}

/// How many of them are told.
const KINDS_TOLD: usize = 16;

impl<'a> Saver<'a> {
    pub(super) fn new(target: &'a Store) -> Self {
        Self {
            target,
            known: Vec::new(),
            lost: Vec::new(),
            report: Salvaged::default(),
            kinds_told: 0,
            positions: Positions::default(),
        }
    }

    /// Has a kind keep its name, which is written with the next event of it that is saved; one that
    /// contradicts the names that the target has is told, and left out.
    pub(super) fn name_kind(&mut self, kind: EventKind, name: &str) {
        if let Err(error) = self.target.name_kind(kind, name)
            && self.kinds_told < KINDS_TOLD
        {
            self.kinds_told += 1;
            self.report.notices.push(error.to_string());
        }
    }

    /// Saves a commit: as one, or in halves where the target takes none as large. An event that it does
    /// not take alone is lost, and the rest goes on.
    pub(super) fn save(&mut self, file: &str, commit: &mut Commit) -> Result<(), Error> {
        if commit.batch.is_empty() {
            return Ok(());
        }
        let written = AppendOptions::new().durability(Durability::Written);
        // The old store held them, whatever this one was opened with.
        let payload_max = COMMIT_BYTES_MAX as usize;
        let append = |options: AppendOptions<'_>| {
            let events = &commit.batch.events;
            self.target.append_events(events, options, payload_max)
        };
        let saved = match self.positions.next(self.target) {
            Some((source, position)) => match append(written.tracking(&source, position)) {
                // There may be no room for it, or for one more source.
                Err(error) if is_about_events(error.kind()) => {
                    self.positions.note(&source, position);
                    append(written)
                }
                saved => saved,
            },
            None => append(written),
        };
        let Err(error) = saved else {
            self.report.events += commit.batch.len() as u64;
            for origin in &commit.origins {
                push_run(&mut self.known, origin.sequence);
            }
            return Ok(());
        };
        if !is_about_events(error.kind()) {
            return Err(error);
        }
        if commit.batch.len() > 1 {
            self.report.split += 1;
            return self.save_halves(file, commit);
        }
        for origin in &commit.origins {
            push_run(&mut self.lost, origin.sequence);
            self.report.losses.push(Loss {
                sequence: Some(origin.sequence),
                events: 1,
                id: origin.id,
                ..Loss::of(file, Some(origin.offset.into()), None, error.to_string())
            });
        }
        Ok(())
    }

    fn save_halves(&mut self, file: &str, commit: &mut Commit) -> Result<(), Error> {
        let mut second = commit.split_off();
        let split = self.report.split;
        self.save(file, commit)?;
        self.save(file, &mut second)?;
        // It is one commit that was split, into however many.
        self.report.split = split;
        Ok(())
    }
}

/// Whether a refusal is about what was to be appended, so that something else may be taken.
const fn is_about_events(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidInput
            | ErrorKind::TooLarge
            | ErrorKind::Conflict
            | ErrorKind::KindConflict
            | ErrorKind::RefusedTime
            | ErrorKind::Exhausted
            | ErrorKind::Payload
    )
}
